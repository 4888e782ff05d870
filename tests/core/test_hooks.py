"""Every hook is documented with its exact arguments, and a plugin that implements it is found and held to the contract."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from culmann import hookspecs
from culmann.plugins import load_catalogue
from culmann.ports import ports_of
from culmann.testing import check_plugin

HOOKS = {name: function for name, function in vars(hookspecs).items() if name.startswith("culmann_")}
STEP_HOOKS = [name for name in HOOKS if name != "culmann_commands"]  # tests/core/test_commands.py has that one
MANUAL = (Path(__file__).parents[2] / "docs" / "writing_a_plugin.md").read_text(encoding="utf-8")

#: A step of each kind, with the signature that the hook's documentation shows: (parameters, result, body, suffixes).
STEPS = {
    "culmann_readers": ("path: Path, config: Options", "Scan", "raise InputError('no scan')"),
    "culmann_preprocessors": ("scan: Scan, config: Options", "Scan", "return scan"),
    "culmann_calibrations": (
        "scan: Scan, config: Options",
        "DensityMap",
        "return DensityMap(scan.grid, scan.hu / 1000, 'ash', {'method': 'made up'})",
    ),
    "culmann_segmenters": (
        "scan: Scan, config: Options",
        "Labels",
        "return Labels(scan.grid, (scan.hu > 100).astype('int32'))",
    ),
    "culmann_landmarks": (
        "labels: Labels, config: Options",
        "Landmarks",
        "return Landmarks({'first': tuple(labels.grid.to_world(np.argwhere(labels.label)[:1, ::-1])[0].tolist())})",
    ),
    "culmann_mesh_builders": (
        "labels: Labels, config: Options",
        "Mesh",
        "return hexahedra(labels.grid, labels.label, {1: 'bone'})",
    ),
    "culmann_material_laws": (
        "mesh: Mesh, density: DensityMap, config: Options",
        "Materials",
        "raise_unless_ash(density); rho = np.clip(average_over_cells(mesh, density, lambda r: r[:, None])[:, 0], .01, None); "
        "none = np.zeros((len(rho), 0)); return Materials(1000 * rho, np.full(len(rho), .3), none, none, rho)",
    ),
    "culmann_load_cases": (
        "mesh: Mesh, config: Options",
        "LoadCase",
        "z = mesh.points_mm[:, 2]; low, high = (Prescribed(np.flatnonzero(z == end), (0., 0., u)) for end, u in "
        "((z.min(), 0.), (z.max(), -1.))); return LoadCase({'a': low, 'b': high}, 'b', (0., 0., -1.), float(np.ptp(z)))",
    ),
    "culmann_solvers": (
        "mesh: Mesh, materials: Materials, load: LoadCase, config: Options",
        "Response",
        "return rule_of_thumb(mesh, materials, load)",
    ),
    "culmann_failure_criteria": (
        "response: Response, config: Options",
        "Strength",
        "return Strength(float(response.force_n.max()), 'the highest force', 0.1, 0.01, 1000.0)",
    ),
    "culmann_analyses": (
        "labels: Labels, config: Options",
        "Report",
        "return Report({'n.txt': str(labels.label.sum()).encode()})",
    ),
    "culmann_reporters": (
        "response: Response, strength: Strength, config: Options",
        "Report",
        "return Report({'load.txt': f'{strength.failure_load_n} N'.encode()})",
    ),
    "culmann_run_reports": (
        "run: Run",
        "Report",
        "return Report({'load.txt': run.manifest['pipeline'].encode()})",
    ),
    "culmann_executors": (
        "jobs: Iterable[Job], config: Options",
        "Iterator[Ended]",
        "return (Ended(job.do().case) for job in jobs)",
    ),
}

PREAMBLE = '''
from collections.abc import Iterable, Iterator
from pathlib import Path
import numpy as np
from culmann import *
from culmann.cohort import Ended, Job
from culmann.pipeline import Run
from culmann.voxels import hexahedra

api = 1


class Options(Config):
    """No options."""


def raise_unless_ash(density):
    if density.kind != "ash":
        raise InputError("not ash")


def rule_of_thumb(mesh, materials, load):
    x, y, z = mesh.points_mm.T
    middle = mesh.cell_centres_mm()[:, 2]
    compliance = np.mean([1 / materials.youngs_modulus_mpa[middle == at].mean() for at in np.unique(middle)])
    u = -load.prescribed[load.loaded].displacement_mm[2]
    force = np.ptp(x) * np.ptp(y) * u / np.ptp(z) / compliance
    if not materials.is_linear:
        force = min(force, np.ptp(x) * np.ptp(y) * materials.stress_mpa.mean())
    zero = np.zeros(mesh.n_cells)
    fields = Fields(np.zeros((mesh.n_points, 3)), zero, zero, zero, zero)
    return Response(mesh, np.array([0, u]), np.array([0, force]), load.reference_height_mm, fields, fields, {})
'''


def _manual_section(hook: str) -> str:
    found = re.search(rf"^### `{hook}`\n(.*?)(?=^##)", MANUAL, flags=re.MULTILINE | re.DOTALL)
    assert found, f"docs/writing_a_plugin.md has no section about {hook}"
    return found[1]


def test_there_is_a_step_for_every_hook() -> None:
    assert set(STEPS) == set(STEP_HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_documented_with_its_exact_arguments(hook: str) -> None:
    section = _manual_section(hook)
    signature = str(inspect.signature(HOOKS[hook])).replace("'", "")
    assert f"def {hook}{signature}: ..." in section
    said = inspect.getdoc(HOOKS[hook])
    assert said
    assert said in section


@pytest.mark.parametrize("hook", [hook for hook in STEP_HOOKS if hook != "culmann_analyses"])
def test_documented_signature_is_the_one_that_is_tried(hook: str) -> None:
    shown = re.search(r"`\((.*?)\) -> (.*?)`", _manual_section(hook))
    assert shown
    parameters, result, _ = STEPS[hook]
    assert parameters.replace("config: Options", "config") == shown[1]
    assert result in shown[2].split(" | ")


@pytest.mark.parametrize("hook", STEP_HOOKS)
def test_hook_is_called_and_its_step_keeps_the_contract(hook: str, tmp_path: Path) -> None:
    parameters, result, body = STEPS[hook]
    suffixes = ", suffixes=('.made',)" if hook == "culmann_readers" else ""
    file = tmp_path / "made_up.py"
    file.write_text(
        f"{PREAMBLE}\n\ndef step({parameters}) -> {result}:\n"
        f'    """Do what is documented."""\n    {body}\n\n\n'
        f"@hookimpl\ndef {hook}():\n    yield Step('made-up', 'made_up:step', summary='A made up step'{suffixes})\n",
        encoding="utf-8",
    )
    catalogue = load_catalogue([file])
    assert catalogue.broken == ()
    offer = catalogue.offers["made-up"]
    assert f"culmann_{offer.kind}" == hook
    if offer.has_ports:
        assert [kind.__name__ for kind in ports_of(offer).outputs.values()] == [result]
    check_plugin(file)


@pytest.mark.parametrize(
    ("parameters", "body", "told"),
    [
        ("cases: Iterable[Job]", "return iter(())", "takes (cases); an executor takes (jobs) or (jobs, config)"),
        ("jobs: Iterable[Job], config: int", "return iter(())", "must be annotated with a model of culmann.Config"),
        ("jobs: Iterable[Job]", "return iter(())", "of the jobs one, two and three it tells nothing"),
        ("jobs: Iterable[Job]", "return (Ended(job.case) for job in jobs)", "it did not run the job 'one'"),
        ("jobs: Iterable[Job]", "return (job.do() for job in jobs)", "yields something else than culmann.cohort.Ended"),
        ("jobs: Iterable[Job]", "raise ValueError('no')", "three jobs make it raise ValueError: no"),
    ],
)
def test_an_executor_that_breaks_the_contract_is_told(parameters: str, body: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "made_up.py"
    file.write_text(
        f"{PREAMBLE}\n\ndef step({parameters}) -> Iterator[Ended]:\n"
        f'    """Do what is documented."""\n    {body}\n\n\n'
        "@hookimpl\ndef culmann_executors():\n    yield Step('made-up', 'made_up:step', summary='A made up step')\n",
        encoding="utf-8",
    )
    with pytest.raises(AssertionError, match=re.escape(told)):
        check_plugin(file)


def test_the_manual_knows_no_other_hooks() -> None:
    assert set(re.findall(r"^### `(culmann_\w+)`", MANUAL, flags=re.MULTILINE)) == set(HOOKS)
