"""What `culmann check` knows without running: missing packages, and what the solver would refuse."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib import metadata

import pytest

from culmann.errors import PipelineError
from culmann.pipeline import foresight, read_pipeline, run
from culmann.pipeline.foresight import expect_no_stop, foreseen, missing_packages
from culmann.plugins import load_catalogue
from culmann.shipped import find_pipeline

MODEL = """\
name: m
inputs: {{scan: {{type: Scan}}, labels: {{type: Labels}}}}
steps:
  density: {{use: linear-calibration, with: {{slope: 0.00069, intercept: 0.0175, kind: qct-k2hpo4, assumed: true}}}}
  mesh: {{use: {mesh}}}
  plates: {{use: endplates}}
  law: {{use: kopperdahl, with: {law}}}
  load: {{use: compression}}
  response: {{use: {solver}, with: {options}}}
  strength: {{use: peak-force}}
outputs: [strength]
"""


@pytest.fixture
def told(tmp_path):
    def read(mesh="voxel-mesh", law="{}", solver="native-solver", options="{}") -> list[str]:
        path = tmp_path / "m.yaml"
        path.write_text(MODEL.format(mesh=mesh, law=law, solver=solver, options=options))
        return list(foreseen(read_pipeline(path, load_catalogue())))

    return read


def test_what_goes_together_is_told_nothing(told):
    assert told() == told(law="{criterion: tresca}") == told(solver="mapdl") == []


@pytest.mark.parametrize(
    ("solver", "law", "options", "says"),
    [
        ("native-solver", "{criterion: tresca, orthotropic: {}}", "{}", "no Tresca plasticity with orthotropic"),
        ("calculix", "{criterion: tresca}", "{}", "CalculiX yields after von Mises, and `kopperdahl` asks for tresca"),
        ("mapdl", "{criterion: tresca}", "{}", "Ansys yields after von Mises, and `kopperdahl` asks for tresca"),
    ],
)
def test_what_a_solver_would_refuse_is_told_with_the_law(told, monkeypatch, solver, law, options, says):
    monkeypatch.setenv("CULMANN_CCX", sys.executable)  # any program: it is not run
    (text,) = told(law=law, solver=solver, options=options)
    assert says in text
    assert text.startswith(f"step 'response' ({solver}): ")
    if solver != "native-solver":
        assert told(law=law, solver=solver, options="{scheme: linear}") == []


def test_a_program_that_is_not_here(told, monkeypatch):
    monkeypatch.setenv("CULMANN_CCX", "no-such-ccx")
    (text,) = told(solver="calculix")
    assert "no-such-ccx" in text


def test_a_law_that_softens(monkeypatch):
    monkeypatch.setenv("CULMANN_CCX", sys.executable)
    with pytest.raises(PipelineError) as stopped:
        expect_no_stop(_femur("calculix", "{}"))
    assert str(stopped.value).count("no secant modulus that falls, as `sas-femur` asks for") == 1  # of two variants
    expect_no_stop(_femur("mapdl", "{}"))
    with pytest.raises(PipelineError, match="secant-lagged"):
        expect_no_stop(_femur("mapdl", "{scheme: plastic}"))


def _femur(solver, options):
    path = find_pipeline("femur_sas")
    lines = path.read_text().splitlines()
    n = next(n for n, line in enumerate(lines) if line.startswith("  response:"))
    lines[n] = f"  response: {{use: {solver}, with: {options}}}"
    return read_pipeline(path, load_catalogue(), text="\n".join(lines))


@pytest.fixture
def without_gmsh(monkeypatch):
    """Call it, and gmsh is not installed."""

    def version(name):
        if name == "gmsh":
            raise metadata.PackageNotFoundError(name)
        return metadata.version(name)

    def hide():
        monkeypatch.setattr(foresight, "version", version)
        monkeypatch.setattr(foresight, "find_spec", lambda _: None)

    return hide


def test_packages_of_an_extra_that_are_not_installed(told, without_gmsh, monkeypatch):
    assert missing_packages("culmann[gmsh]") == missing_packages('"culmann[mapdl]"') == []
    assert missing_packages("no-such-distribution[x]") == missing_packages("culmann") == []
    without_gmsh()
    assert missing_packages("culmann[gmsh]") == ["gmsh"]
    (text,) = told(mesh="gmsh-tet10")
    assert text == "step 'mesh' (gmsh-tet10) needs gmsh: pip install 'culmann[gmsh]'"
    monkeypatch.setattr(foresight, "find_spec", importlib.util.find_spec)  # conda has the module and no distribution
    assert missing_packages("culmann[gmsh]") == []


def test_a_run_stops_before_its_first_step_unless_the_store_has_the_result(tmp_path, block_of_bone, without_gmsh):
    path = tmp_path / "mesh.yaml"
    path.write_text(
        "name: mesh\ninputs: {scan: {type: Scan}, labels: {type: Labels}}\n"
        "steps: {bone: {use: pick-labels}, mesh: {use: gmsh-tet10, with: {element_volume_mm3: 200}}}\noutputs: [mesh]\n"
    )
    graph = read_pipeline(path, load_catalogue())
    files = {"scan": block_of_bone / "ct.nii.gz", "labels": block_of_bone / "labels.nii.gz"}
    run(graph, files, out=tmp_path / "run", store=tmp_path / "store", reports=False)
    without_gmsh()
    run(graph, files, out=tmp_path / "run", store=tmp_path / "store", reports=False)
    with pytest.raises(PipelineError, match=r"needs gmsh: pip install 'culmann\[gmsh\]'"):
        run(graph, files, out=tmp_path / "other", store=tmp_path / "empty", reports=False)
    assert not (tmp_path / "other").exists()
    assert not list((tmp_path / "empty").glob("??"))


def test_check_tells_it_and_ends_with_an_error(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(MODEL.format(mesh="voxel-mesh", law="{criterion: tresca}", solver="mapdl", options="{}"))
    command = [sys.executable, "-m", "culmann", "check", str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=os.environ)
    assert done.returncode == 2
    assert "mapdl" in done.stdout  # the wiring is shown all the same
    assert "a run would stop" in done.stderr
    assert "asks for tresca" in done.stderr
    assert "no problems" not in done.stdout
