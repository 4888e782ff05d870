"""Labels that are no single whole vertebra, on tetrahedra: what the published pipeline says of them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytestmark = pytest.mark.skipif(find_spec("gmsh") is None, reason="needs gmsh: pip install 'culmann[gmsh]'")

DEMO = Path(__file__).parents[1] / "pipelines" / "data" / "vertebra_l3_ct"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bad")


def run(folder: Path, *arguments: str, out: str) -> subprocess.CompletedProcess:
    coarse = ["--set", "mesh.element_volume_mm3=25"]
    command = [sys.executable, "-m", "culmann", "run", "vertebra_kopperdahl", *coarse, *arguments, "--out", out]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def changed(folder: Path, name: str, change) -> str:
    """The label map of the demo after a change, which is given its array and where the middle of the body of L3 is in it."""
    image = sitk.ReadImage(str(DEMO / "vertebrae.nii.gz"))
    regions = sitk.GetArrayFromImage(sitk.ReadImage(str(DEMO / "subregions.nii.gz")))
    labels = sitk.GetArrayFromImage(image)
    middle = np.argwhere((labels == 22) & np.isin(regions, [49, 50])).mean(axis=0)
    made = sitk.GetImageFromArray(change(labels, middle))
    made.CopyInformation(image)
    sitk.WriteImage(made, str(folder / name))
    return f"labels={folder / name}"


def drilled(labels: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """A hole of 9 mm from front to back; in this file the patient's posterior axis is the last of the array."""
    z, y, _ = np.indices(labels.shape)
    return np.where((z - middle[0]) ** 2 + (y - middle[1]) ** 2 <= 9, 0, labels).astype(np.uint8)


def apart(labels: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """L3 in two halves with a gap of four voxels between them, as two bones under one label would be."""
    x = np.indices(labels.shape)[0]
    return np.where(np.abs(x - middle[0]) <= 2, 0, labels).astype(np.uint8)


MISTAKES = {
    "an absent label": (["--set", "bone.labels=[99]"], "the label map has no label 99; present are 21 to 23"),
    "a cut vertebra": (["--set", "bone.labels=[23]"], "inferior endplate lie at the border of the field of view"),
}


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_labels_that_are_no_whole_vertebra_are_refused(folder, mistake):
    arguments, says = MISTAKES[mistake]
    done = run(folder, *arguments, out="never")
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "never").exists()


def test_two_bones_under_one_label_are_refused(folder):
    done = run(folder, "--input", changed(folder, "apart.nii.gz", apart), out="never")
    assert done.returncode == 2, done.stderr
    assert "in 2 separate parts" in done.stderr
    assert not (folder / "never").exists()


def test_vertebrae_that_touch_give_no_failure_load(folder):
    """Whether the mesh, gmsh or the height refuses them depends on how they touch."""
    done = run(folder, "--set", "bone.labels=[21, 22, 23]", out="never")
    assert done.returncode in (2, 3), done.stdout
    assert "error: step " in done.stderr
    assert "hint: " in done.stderr
    assert not (folder / "never").exists()


def test_a_hole_through_the_body_is_a_caveat_of_the_failure_load(folder):
    done = run(folder, "--input", changed(folder, "hole.nii.gz", drilled), out="hole")
    assert done.returncode == 0, done.stderr
    caveats = json.loads((folder / "hole" / "strength.json").read_text(encoding="utf-8"))["caveats"]
    assert any("holes lead through the bone, 1 expected" in text for text in caveats)
    refused = ["--set", "mesh.more_holes=refuse"]
    done = run(folder, "--input", f"labels={folder / 'hole.nii.gz'}", *refused, out="never")
    assert done.returncode == 2
    assert "holes lead through" in done.stderr
