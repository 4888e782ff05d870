"""The shipped pipelines for vertebrae, by name through the command line: every level, tetrahedra with two engines, Bonelab."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from culmann.shipped import shipped_pipelines

CULMANN = [sys.executable, "-m", "culmann"]
DEMO = Path(__file__).parents[1] / "pipelines" / "data" / "vertebra_l3_ct"

needs_gmsh = pytest.mark.skipif(find_spec("gmsh") is None, reason="needs gmsh: pip install 'culmann[gmsh]'")
needs_ccx = pytest.mark.skipif(shutil.which("ccx") is None, reason="needs CalculiX: apt-get install calculix-ccx")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One store for all runs."""
    return tmp_path_factory.mktemp("pipelines")


def run(folder: Path, pipeline: str, *arguments: str, out: str) -> subprocess.CompletedProcess:
    command = [*CULMANN, "run", pipeline, *arguments, "--out", out]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def summary(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return {row["variant"]: row for row in csv.DictReader(file)}


def strength(folder: Path) -> dict[str, object]:
    return json.loads((folder / "strength.json").read_text(encoding="utf-8"))


def curve(folder: Path) -> np.ndarray:
    return np.loadtxt(folder / "curve.csv", delimiter=",", skiprows=1)


def write(path: Path, array: np.ndarray, like: sitk.Image | None = None) -> str:
    image = sitk.GetImageFromArray(array)
    if like is not None:
        image.CopyInformation(like)
    sitk.WriteImage(image, str(path))
    return str(path)


def check_levels(rows: dict[str, dict[str, str]]) -> None:
    """L3 is complete in the demo, L2 and L4 are cut, the others are not there."""
    assert [name for name, row in rows.items() if row["outcome"] == "done"] == ["L3"]
    assert 3000 < float(rows["L3"]["failure_load_n"]) < 8000
    for cut, side in {"L2": "superior", "L4": "inferior"}.items():
        assert rows[cut]["outcome"] == "skipped"
        assert f"of the {side} endplate lie at the border of the field of view: the bone is cut there" in rows[cut]["problem"]
    for absent in ("T11", "T12", "L1", "L5"):
        assert rows[absent]["outcome"] == "skipped"
        assert "the label map has no label" in rows[absent]["problem"]


def test_every_level_computes_the_complete_ones_and_tells_which_are_cut_or_absent(folder):
    done = run(folder, "vertebra_every_level", "--set", "mesh.size_mm=3", out="levels")
    assert done.returncode == 0, done.stderr
    check_levels(summary(folder / "levels"))
    assert (folder / "levels" / "L3" / "qc" / "plates-endplates.png").is_file()
    assert not (folder / "levels" / "L2").exists()
    assert "only 9 lie between the endplates" in summary(folder / "levels")["L3"]["cautions"]


def test_the_same_in_the_numbers_of_totalsegmentator(folder):
    verse = sitk.ReadImage(str(DEMO / "vertebrae.nii.gz"))
    number = sitk.GetArrayFromImage(verse)
    labels = write(folder / "totalsegmentator.nii.gz", np.where(number > 0, 51 - number, 0).astype(np.uint8), verse)
    inputs = ["--input", f"scan={DEMO / 'ct.nii.gz'}", "--input", f"labels={labels}"]
    done = run(folder, "vertebra_every_level_totalsegmentator", *inputs, "--set", "mesh.size_mm=3", out="levels_ts")
    assert done.returncode == 0, done.stderr
    check_levels(summary(folder / "levels_ts"))


def test_both_files_for_every_level_differ_in_nothing_but_inputs_and_numbers():
    files = [shipped_pipelines()[f"vertebra_every_level{which}"] for which in ("", "_totalsegmentator")]
    one, other = (path.read_text(encoding="utf-8").partition("steps:")[2] for path in files)
    for verse in range(18, 25):
        one = one.replace(f"labels: [{verse}]", f"labels: [{51 - verse}]")
    assert one == other


@needs_gmsh
@needs_ccx
@pytest.mark.parametrize("volume_mm3", [25])
def test_one_word_in_the_file_takes_another_engine_with_the_same_answer(folder, volume_mm3):
    """The published model on coarse tetrahedra, plastic, with the native solver and with CalculiX: curves within 1 %."""
    own = run(folder, "vertebra_kopperdahl", "--set", f"mesh.element_volume_mm3={volume_mm3}", out="native")
    assert own.returncode == 0, own.stderr
    shipped = shipped_pipelines()["vertebra_kopperdahl"]
    text = shipped.read_text(encoding="utf-8").replace("data/", f"{shipped.parent}/data/")
    assert text.count("use: native-solver") == 1
    (folder / "other_engine.yaml").write_text(text.replace("use: native-solver", "use: calculix"), encoding="utf-8")
    other = run(folder, "other_engine.yaml", "--set", f"mesh.element_volume_mm3={volume_mm3}", out="calculix")
    assert other.returncode == 0, other.stderr
    ours, theirs = curve(folder / "native"), curve(folder / "calculix")
    assert np.interp(ours[:, 0], theirs[:, 0], theirs[:, 1]) == pytest.approx(ours[:, 1], rel=0.01)
    assert strength(folder / "native")["failure_load_n"] == pytest.approx(
        strength(folder / "calculix")["failure_load_n"], rel=0.01
    )
    # Yielding has begun long before the end: the last slope is well below the first.
    assert ours[-1, 1] - ours[-2, 1] < 0.7 * ours[1, 1]


def column(rho_mg: float, disc: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Bone of 10 x 10 x 24 mm between discs of 4 mm, labels as in the Bonelab benchmark; and its density in mg/cm3."""
    label = np.zeros((36, 14, 14), dtype=np.uint8)
    label[2:6, 2:12, 2:12] = 5 if disc else 1
    label[6:30, 2:12, 2:12] = 1
    label[6:30, 2:12, 2:4] = 2
    label[30:34, 2:12, 2:12] = 6 if disc else 1
    return label, np.where(np.isin(label, [1, 2]), rho_mg, 0.0).astype(np.float32)


def test_the_bonelab_protocol_on_a_column_with_a_closed_form(folder):
    """Bone of 250 mg/cm3 between rollers yields at 37.4 rho^1.39; before that, discs and bone are springs in series."""
    label, density = column(250.0)
    inputs = ["--input", f"density={write(folder / 'rho.nii.gz', density)}"]
    inputs += ["--input", f"labels={write(folder / 'label.nii.gz', label)}"]
    plain = ["--set", "strength.plausible_n=null", "--set", "crawford.plausible_n=null"]
    # Nothing widens before it yields, so that bone and cement do not hold each other where they meet.
    plain += ["--set", "discs.poisson_ratio=0", "--set", "law.poisson_ratio=0"]
    done = run(folder, "vertebra_bonelab", *inputs, *plain, out="bonelab")
    assert done.returncode == 0, done.stderr
    plastic, linear = (strength(folder / "bonelab" / which) for which in ("plastic", "linear"))
    yield_n = 37.4 * 0.25**1.39 * 100
    assert plastic["displacement_mm"] == pytest.approx(2.0)
    assert plastic["failure_load_n"] == pytest.approx(yield_n, rel=2e-3)  # yielding bone widens, and the discs hold it
    modulus = 2980 * 0.25**1.05
    series = 100 / (24 / modulus + 8 / 2500)
    assert linear["stiffness_n_mm"] == pytest.approx(series, rel=1e-4)
    assert linear["failure_load_n"] == pytest.approx(0.0068 * linear["stiffness_n_mm"] * 32, rel=1e-6)
    load = json.loads((folder / "bonelab" / "load" / "load_case.json").read_text(encoding="utf-8"))
    assert load["audit"]["disc-superior_area_of_faces_mm2"] == 100


def test_bonelab_without_discs_says_what_is_missing(folder):
    label, density = column(250.0, disc=False)
    inputs = ["--input", f"density={write(folder / 'rho.nii.gz', density)}"]
    inputs += ["--input", f"labels={write(folder / 'no_discs.nii.gz', label)}"]
    done = run(folder, "vertebra_bonelab", *inputs, out="never")
    assert done.returncode == 2
    assert "the mesh has no region 6 for the superior disc; its regions are: label-1, label-2" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "never").exists()
