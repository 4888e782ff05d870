"""The conformance kit finds what is wrong: each plugin here breaks one rule, and the finding names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from culmann.testing import check_plugin, find_faults

_START = """
import numpy as np
from pydantic import Field
from pathlib import Path
from culmann import *
from culmann import hookimpl, Step, density_law, Elastoplastic, DensityLawConfig
api = 1
"""


def _plugin(folder: Path, hook: str, function: str, step: str = "") -> Path:
    """A one-file plugin with one step, `made-up`, whose function is `step`."""
    descriptor = step or "Step('made-up', 'plugin:step', summary='A step that is made up')"
    file = folder / "plugin.py"
    file.write_text(f"{_START}\n@hookimpl\ndef culmann_{hook}():\n    yield {descriptor}\n\n{function}\n", encoding="utf-8")
    return file


_LAW = '''
@density_law(density_kind="ash", valid_g_cm3=({low}, {high}), softens={softens})
def step(rho_g_cm3, config: DensityLawConfig):
    """A law."""
    rho = np.asarray(rho_g_cm3)
    return {curve}
'''


def _law(curve: str, low: float = 0.1, high: float = 1.0, softens: bool = False) -> str:
    return _LAW.format(curve=curve, low=low, high=high, softens=softens)


_SOFTENING = """Elastoplastic(
        1000 * rho.clip(0) + 1,
        np.stack([9 * rho.clip(0) + 0.1, 4 * rho.clip(0) + 0.05], axis=1),
        np.tile([0, 0.1], (len(rho), 1)),
    )"""


def test_accepts_a_good_law(tmp_path: Path) -> None:
    curve = "Elastoplastic(1000 * rho.clip(0) + 1, 0.01 * (1000 * rho.clip(0) + 1))"
    check_plugin(_plugin(tmp_path, "material_laws", _law(curve)))


def test_accepts_a_softening_law_that_says_so(tmp_path: Path) -> None:
    check_plugin(_plugin(tmp_path, "material_laws", _law(_SOFTENING, softens=True)))


@pytest.mark.parametrize(
    ("law", "finding"),
    [
        (_law(_SOFTENING), "its curve falls although"),
        (_law("Elastoplastic(5000 * rho**1.5, 40 * rho**1.5)"), "no positive finite modulus at -0.3, -0.05, 0 g/cm³"),
        (_law("Elastoplastic(1000 - 500 * rho, 10 - 5 * rho)"), "modulus falls with rising density from"),
        (_law("Elastoplastic(5e6 * rho, 4e4 * rho)"), "modulus is 1.05102e+06 MPa at 0.21"),
        (_law("Elastoplastic(1000 * rho, 500 * rho)"), "a strain of 50 %"),
        (_law("Elastoplastic(1000 * rho, 0.1 * rho)"), "a strain of 0.01 %"),
        (_law("Elastoplastic(1000 * rho, 10 * rho)", low=100, high=900), "states to be valid from 100 to 900 g/cm³"),
        (_law("Elastoplastic(rho * np.nan, rho)"), "fails on densities from 0.1 to 1 g/cm³"),
        (_law("undefined"), "NameError"),
    ],
)
def test_finds_what_is_wrong_with_a_law(law: str, finding: str, tmp_path: Path) -> None:
    assert finding in "\n".join(find_faults(_plugin(tmp_path, "material_laws", law)))


_MATERIALS = '''
def step(mesh: Mesh, density: DensityMap) -> Materials:
    """A law that is not made with density_law."""
    {refuse}
    n = mesh.n_cells
    rho = density.g_cm3.ravel()[:n].astype(float)
    return Materials({modulus}, np.full(n, .3), np.zeros((n, 0)), np.zeros((n, 0)), rho)
'''


def test_finds_a_law_that_takes_any_density(tmp_path: Path) -> None:
    law = _MATERIALS.format(refuse="", modulus="1000 * rho.clip(.01)")
    assert "takes a density of any kind" in "\n".join(find_faults(_plugin(tmp_path, "material_laws", law)))


def test_tries_a_law_that_is_not_made_with_density_law(tmp_path: Path) -> None:
    refuse = "if density.kind != 'qct-ha': raise InputError('not HA')"
    good = _MATERIALS.format(refuse=refuse, modulus="1000 * rho.clip(.01)")
    falling = _MATERIALS.format(refuse=refuse, modulus="1000 / rho.clip(.01)")
    check_plugin(_plugin(tmp_path, "material_laws", good))
    assert "falls with rising density" in "\n".join(find_faults(_plugin(tmp_path, "material_laws", falling)))


_SCANNER = '''
class Options(Config):
    {field}
def step(scan: Scan, config: Options) -> Scan:
    """{docstring}"""
    {body}
'''


def _scanner(field: str = "pass", docstring: str = "Do nothing.", body: str = "return scan") -> str:
    return _SCANNER.format(field=field, docstring=docstring, body=body)


@pytest.mark.parametrize(
    ("function", "finding"),
    [
        (_scanner(field="radius_mm: float = 1.0"), "the option 'radius_mm' has no description"),
        (_scanner(field="radius: float = Field(1, description='How far')"), "put the unit into its name, as in 'radius_mm'"),
        (_scanner(field="size: tuple[float, ...] | None = Field(None, description='Of it')"), "put the unit into its name"),
        (_scanner(field="n: int = Field(0, gt=1, description='Count')"), "the default of the option 'n' is refused"),
        (_scanner(field="model_config = {'extra': 'ignore'}"), "accepts unknown options"),
        (_scanner(docstring=""), "has no docstring"),
        (_scanner(docstring="do this"), "does not begin with a sentence"),
        (_scanner(body="scan.hu[:] = 0; return scan"), "it changes the Scan that it is given"),
        (
            _scanner(body="return Scan(scan.grid, np.random.random(scan.hu.shape))"),
            "another result when it is run a second time",
        ),
        (_scanner(body="return scan.hu"), "gives a Scan and gives a ndarray"),
        (_scanner(body="return scan.nothing"), "raise AttributeError, which is no CulmannError"),
        (_scanner().replace("-> Scan", "-> Labels"), "a preprocessor gives the types that it takes; this one makes Labels"),
        (_scanner().replace("-> Scan", "-> float"), "no data type"),
        (_scanner().replace("scan: Scan", "scan"), "has no annotation"),
    ],
)
def test_finds_what_is_wrong_with_a_function(function: str, finding: str, tmp_path: Path) -> None:
    assert finding in "\n".join(find_faults(_plugin(tmp_path, "preprocessors", function)))


@pytest.mark.parametrize(
    "field",
    [
        "spacing_mm: tuple[float, float, float] = Field((1, 1, 1), description='Distance')",
        "size_voxels: int = Field(1, description='Size')",
        "density_exponent: float = Field(1, description='Power')",
        "size: str = Field('large', description='A word')",
    ],
)
def test_leaves_alone_what_has_a_unit_or_needs_none(field: str, tmp_path: Path) -> None:
    check_plugin(_plugin(tmp_path, "preprocessors", _scanner(field=field)))


@pytest.mark.parametrize(
    ("hook", "function", "finding"),
    [
        ("calibrations", "scan: Scan) -> Scan", "gives a DensityMap; this one gives Scan"),
        ("segmenters", "scan: Scan) -> DensityMap", "gives a Labels; this one gives DensityMap"),
        ("mesh_builders", "scan: Scan) -> Mesh", "takes a Labels or a Mesh; this one takes Scan"),
        ("material_laws", "mesh: Mesh) -> Materials", "takes a DensityMap; this one takes Mesh"),
        ("load_cases", "mesh: Mesh) -> Mesh", "gives a LoadCase; this one gives Mesh"),
        ("solvers", "mesh: Mesh) -> Strength", "gives a Response; this one gives Strength"),
        ("failure_criteria", "scan: Scan) -> Strength", "takes a Response; this one takes Scan"),
        ("analyses", "scan: Scan) -> Scan", "gives a Report; this one gives Scan"),
        ("reporters", "response: Response) -> Strength", "gives a Report; this one gives Strength"),
        ("readers", "scan: Scan) -> Scan", "a reader needs a parameter annotated `pathlib.Path`"),
    ],
)
def test_finds_ports_that_do_not_fit_the_hook(hook: str, function: str, finding: str, tmp_path: Path) -> None:
    file = _plugin(tmp_path, hook, f'def step({function}:\n    """Made up."""\n    return None')
    assert finding in "\n".join(find_faults(file))


@pytest.mark.parametrize(
    ("step", "finding"),
    [
        ("Step('made-up', 'plugin:step', summary='a step')", "is not a sentence on one line"),
        (f"Step('made-up', 'plugin:step', summary='A {'very ' * 40}long summary')", "120 fit"),
        ("Step('made-up', 'plugin:step', summary='A made up step', cite=('Smith',))", "the citation 'Smith' is no"),
        ("Step('made-up', 'plugin:step', summary='A made up step', cite=('doi:10/abc',))", "the citation 'doi:10/abc' is no"),
        ("Step('made-up', 'plugin:step', summary='A made up step', suffixes=('.mha',))", "only readers have"),
        ("Step('made-up', 'plugin:nothing', summary='A made up step')", "'plugin:nothing' does not exist"),
        ("Step('made-up', 'no_such_module:step', summary='A made up step')", "'no_such_module', which does not exist"),
    ],
)
def test_finds_what_is_wrong_with_a_descriptor(step: str, finding: str, tmp_path: Path) -> None:
    assert finding in "\n".join(find_faults(_plugin(tmp_path, "preprocessors", _scanner(), step)))


_READER = '''
def step(path: Path) -> Scan:
    """Read a file."""
    {body}
'''


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("open(path); raise InputError('garbage')", "a missing '.mha' raises FileNotFoundError, not InputError"),
        (
            "return Scan(Grid((1, 1, 1), (1, 1, 1)), np.zeros((1, 1, 1), np.float32))",
            "a garbage '.mha' is read without an error",
        ),
    ],
)
def test_finds_a_reader_that_lets_bad_files_pass(body: str, finding: str, tmp_path: Path) -> None:
    step = "Step('made-up', 'plugin:step', summary='A made up step', suffixes=('.mha',))"
    assert finding in "\n".join(find_faults(_plugin(tmp_path, "readers", _READER.format(body=body), step)))


def test_finds_a_reader_without_suffixes(tmp_path: Path) -> None:
    found = find_faults(_plugin(tmp_path, "readers", _READER.format(body="raise InputError('no')")))
    assert found == [
        "step 'made-up': a reader says in `suffixes` which files it takes, for example ('.nii.gz',) or '/' for a folder"
    ]


_SOLVER = '''
from culmann.data import Fields
def step(mesh: Mesh, materials: Materials, load: LoadCase) -> Response:
    """Solve a bar along z by rule of thumb, wrong by a factor."""
    x, y, z = mesh.points_mm.T
    area, height = np.ptp(x) * np.ptp(y), np.ptp(z)
    middle = mesh.cell_centres_mm()[:, 2]
    layers = [materials.youngs_modulus_mpa[middle == at].mean() for at in np.unique(middle)]
    u = -load.prescribed[load.loaded].displacement_mm[2]
    force = {elastic} * area * u / height / np.mean([1 / e for e in layers])
    if not materials.is_linear:
        force = min(force, {plastic} * area * materials.stress_mpa.mean())
    zero = np.zeros(mesh.n_cells)
    fields = Fields(np.zeros((mesh.n_points, 3)), zero, zero, zero, zero)
    return Response(mesh, np.array([0, u]), np.array([0, force]), height, fields, fields, dict(engine="thumb"))
'''


def test_holds_a_solver_to_closed_forms(tmp_path: Path) -> None:
    def faults(elastic: float, plastic: float) -> str:
        return "\n".join(find_faults(_plugin(tmp_path, "solvers", _SOLVER.format(elastic=elastic, plastic=plastic))))

    assert faults(1, 1) == ""
    # 24 mm² under 0.1 % with 300 and 900 MPa in series: 24 * 0.001 / mean(1/300, 1/900) = 10.8 N
    assert "gives 11.88 N; E A / L gives 10.8 N" in faults(1.1, 1)
    assert "gives 132 N; its yield stress times its area is 120 N" in faults(1, 1.1)


def test_finds_a_criterion_that_gives_no_number(tmp_path: Path) -> None:
    function = '''
def step(response: Response) -> Strength:
    """Read nothing."""
    return Strength(float("nan"), "no rule", 0.0, 0.0, 1.0)
'''
    assert "gives a failure load of nan N" in "\n".join(find_faults(_plugin(tmp_path, "failure_criteria", function)))


def test_runs_a_step_with_required_options_only_when_they_are_given(tmp_path: Path) -> None:
    needy = _scanner(field="n: int = Field(description='Count')", body="return 1 / (config.n - 1)")
    file = _plugin(tmp_path, "preprocessors", needy)
    assert find_faults(file) == []
    assert "ZeroDivisionError" in "\n".join(find_faults(file, options={"made-up": {"n": 1}}))
    assert "the given options are refused" in "\n".join(find_faults(file, options={"made-up": {"n": "many"}}))


def test_says_everything_at_once(tmp_path: Path) -> None:
    file = _plugin(tmp_path, "preprocessors", _scanner(docstring="", field="size: float = 1"))
    with pytest.raises(AssertionError, match=r"(?s)3 faults in .*no docstring.*no description.*unit into its name"):
        check_plugin(file)


def test_a_plugin_that_cannot_be_loaded_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text("api = 1\nraise RuntimeError('out of order')\n")
    assert find_faults(tmp_path / "plugin.py") == ["it cannot be loaded: RuntimeError: out of order"]


def test_a_module_without_an_entry_point_is_a_finding() -> None:
    (fault,) = find_faults(np)
    assert "no installed distribution has an entry point to numpy in the group 'culmann'" in fault


def test_a_package_that_imports_numpy_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy_made_up.py").write_text("import numpy\nfrom culmann import hookimpl, Step\napi = 1\n")
    info = tmp_path / "heavy_made_up-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: heavy-made-up\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[culmann]\nheavy = heavy_made_up\n")
    with (tmp_path / "heavy_made_up.py").open("a") as file:
        file.write("@hookimpl\ndef culmann_preprocessors():\n    yield Step('a', 'math:sqrt', summary='A made up step')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert any("importing it imports numpy" in fault for fault in find_faults("heavy_made_up"))


def test_a_foreign_distribution_passes(with_lab_law: dict[str, str]) -> None:
    command = [sys.executable, "-c", "from culmann.testing import check_plugin; check_plugin('lab_law')"]
    done = subprocess.run(command, env=with_lab_law, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
