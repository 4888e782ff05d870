"""The shipped vertebra through the command line: what it gives, what it refuses, and what survives a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

CULMANN = [sys.executable, "-m", "culmann"]
PIPELINE = Path(__file__).parents[1] / "pipelines" / "vertebra_voxel.yaml"
COARSE = ["--set", "mesh.size_mm=3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One store for all runs: what a refused run computed before its mistake is not computed again."""
    return tmp_path_factory.mktemp("vertebra")


def run(folder: Path, *arguments: str, pipeline: Path | str = PIPELINE, out: str = "out") -> subprocess.CompletedProcess:
    command = [*CULMANN, "run", str(pipeline), *arguments, "--out", out]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def image(path: Path, array, *, origin=(0.0, 0.0, 0.0)) -> str:
    made = sitk.GetImageFromArray(np.asarray(array), isVector=False)
    made.SetOrigin((*origin, 0.0)[: made.GetDimension()])
    sitk.WriteImage(made, str(path))
    return str(path)


def test_the_failure_load_and_everything_beside_it(folder):
    done = run(folder, *COARSE, out="coarse")
    assert done.returncode == 0, done.stderr
    made = folder / "coarse"
    strength = json.loads((made / "strength.json").read_text(encoding="utf-8"))
    curve = np.loadtxt(made / "curve.csv", delimiter=",", skiprows=1)
    assert f"{strength['failure_load_n']:.0f} N" in done.stdout
    assert strength["failure_load_n"] == pytest.approx(curve[-1, 1])
    assert strength["strain"] == pytest.approx(0.019)
    assert any("calibration is assumed" in text for text in strength["caveats"])
    for picture in ("curve.png", "failure.png", "qc/plates-endplates.png"):
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(made / picture)))
        assert pixels.std() > 10, f"{picture} is blank"
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["steps"]) == {*("bone", "density", "mesh", "plates", "law", "load", "response", "strength", "pictures")}
    assert manifest["steps"]["response"]["peak_memory_mb"] > 0


def test_a_cut_bone_is_computed_with_a_caveat_when_the_user_insists(folder):
    insist = ["--set", "plates.largest_cut_share=1", "--set", "load.plausible_height_mm=null"]
    done = run(folder, *COARSE, "--set", "bone.labels=[21]", *insist, out="cut")
    assert done.returncode == 0, done.stderr
    strength = json.loads((folder / "cut" / "strength.json").read_text(encoding="utf-8"))
    assert any("cut by the field of view" in text for text in strength["caveats"])


MISTAKES = {
    "missing file": (["--input", "scan=nowhere.nii.gz"], "nowhere.nii.gz"),
    "four axes": (["--input", "scan=four.nii.gz"], "5 x 4 x 3 x 2"),
    "empty image": (["--input", "scan=empty.nii.gz"], "empty.nii.gz"),
    "mask elsewhere": (["--input", "labels=elsewhere.nii.gz"], "reaching over"),
    "absent label": (["--set", "bone.labels=[99]"], "no label 99"),
    "a bone whose endplate is not in the image": (["--set", "bone.labels=[21]"], "lie at the border of the field of view"),
    "two vertebrae in one": (["--set", "bone.labels=[22, 23]", "--set", "plates.largest_cut_share=1"], "may be merged"),
    "a calibration far too low": (["--set", "density.slope=0.00012"], "% of the cells lie below"),
    "density of another kind": (["--set", "density.kind=ash"], "takes a density of kind 'qct-k2hpo4' and was given 'ash'"),
    "slope in another unit": (["--set", "density.slope=0.69"], "a slope of 0.69 g/cm3"),
    "density in another unit": (["--set", "density.intercept=17"], "probably in another unit"),
    "unknown option": (["--set", "mesh.sise_mm=2"], "size_mm"),
    "unknown step": (["--set", "messh.size_mm=2"], "mesh"),
    "unknown input": (["--input", "skan=ct.nii.gz"], "scan"),
    "plugin that raises": (["--plugin", "broken.py"], "told you so"),
}


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_a_mistake_is_told_in_a_sentence_and_nothing_is_written(folder, mistake):
    image(folder / "four.nii.gz", np.random.default_rng(0).random((2, 3, 4, 5), dtype=np.float32))
    image(folder / "empty.nii.gz", np.zeros((4, 5, 6), dtype=np.int16))
    image(folder / "elsewhere.nii.gz", np.full((4, 5, 6), 22, dtype=np.int16), origin=(900.0, 900.0))
    (folder / "broken.py").write_text("raise RuntimeError('told you so')\n")
    arguments, says = MISTAKES[mistake]
    done = run(folder, *COARSE, *arguments, out="never")
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (folder / "never").exists()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("use: voxel-mesh", "use: voxl-mesh", "voxel-mesh"),
        ("steps:", "steps: [", "vertebra.yaml:"),
        ("use: native-solver", "use: native-solver, from: bone", "vertebra.yaml:"),
    ],
    ids=["unknown step", "syntax error", "wrong connection"],
)
def test_a_mistake_in_the_file_is_told_with_its_place(folder, old, new, says):
    text = PIPELINE.read_text(encoding="utf-8").replace("data/", f"{PIPELINE.parent}/data/")
    assert old in text
    (folder / "vertebra.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    done = run(folder, pipeline="vertebra.yaml", out="never")
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr
    assert "^" in done.stderr, "the place is marked"
    assert "Traceback" not in done.stderr
    assert not (folder / "never").exists()


def test_a_run_killed_in_mid_solve_goes_on_where_it_was(tmp_path):
    command = [*CULMANN, "run", str(PIPELINE), "--set", "mesh.size_mm=1", "--out", "out"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("response:"):
                time.sleep(0.5)
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    done = run(tmp_path, "--set", "mesh.size_mm=1")
    assert done.returncode == 0, done.stderr
    steps = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["steps"]
    assert {name for name, step in steps.items() if step["from_store"]} == {"bone", "density", "mesh", "plates", "law", "load"}
