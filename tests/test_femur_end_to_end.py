"""Both shipped femurs through the command line: what they give, and what scans that do not serve are told."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from culmann.pipeline import read_pipeline
from culmann.plugins import load_catalogue

CULMANN = [sys.executable, "-m", "culmann"]
PIPELINES = Path(__file__).parents[1] / "pipelines"
HIPS = PIPELINES / "data" / "hips_ct" / "ct.nii.gz"
COARSE = ["--set", "mesh.size_mm=3", "--set", "femurs.working_spacing_mm=2", "--set", "load.increment_mm=0.05"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One store for all runs."""
    return tmp_path_factory.mktemp("femur")


def run(folder: Path, *arguments: str, pipeline: Path | str = "femur_sas", out: str = "out") -> subprocess.CompletedProcess:
    command = [*CULMANN, "run", str(pipeline), *arguments, "--out", out]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def both(folder):
    done = run(folder, *COARSE, out="both")
    assert done.returncode == 0, done.stderr
    return folder / "both"


def strength(run_folder: Path) -> dict:
    return json.loads((run_folder / "strength.json").read_text(encoding="utf-8"))


def test_both_sides_fail_under_plausible_loads_that_are_alike(both):
    left, right = (strength(both / side)["failure_load_n"] for side in ("left", "right"))
    assert 1000 < min(left, right) <= max(left, right) < 20000
    assert abs(left - right) < 0.25 * max(left, right)


@pytest.mark.parametrize("side", ["left", "right"])
def test_each_side_has_its_curve_its_pictures_and_an_audit(both, side):
    made = both / side
    curve = np.loadtxt(made / "curve.csv", delimiter=",", skiprows=1)
    peak = int(np.argmax(curve[:, 1]))
    assert curve[peak, 1] == pytest.approx(strength(made)["failure_load_n"])
    assert 0 < peak < len(curve) - 1, "the load falls after its peak"
    for picture in ("failure.png", "qc/femurs-femurs.png", "qc/load-stance.png", "qc/landmarks-landmarks.png"):
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(made / picture)))
        assert pixels.std() > 10, f"{picture} is blank"
    # What pushes the head is held at the distal end: the reactions of the last point are in balance.
    reactions = [np.loadtxt(path, delimiter=",", skiprows=1)[-1, -3:] for path in sorted(made.glob("reactions_*.csv"))]
    assert np.linalg.norm(sum(reactions)) < 1e-3 * np.linalg.norm(reactions[0])


def test_what_weakens_the_number_stands_beside_it(both):
    caveats = {side: " ".join(strength(both / side)["caveats"]) for side in ("left", "right")}
    for told in ("slices are 4 mm thick", "contrast agent", "calibration is assumed", "mm of shaft lie below"):
        assert told in caveats["left"]
        assert told in caveats["right"]
    assert "left femur: the image ends" in caveats["left"]
    assert "right femur" not in caveats["left"]
    assert "left femur" not in caveats["right"], "what is wrong with one femur is no caution of the other"
    assert "misnamed" not in caveats["right"], "a right femur that culmann mirrored is none that is misnamed"


def test_a_right_femur_that_was_mirrored_knows_the_way_back(both):
    """The head of the right femur lies on the right of the patient, though its mesh has it on the left."""
    facts = json.loads((both / "right" / "landmarks.json").read_text(encoding="utf-8"))
    way = np.array(facts["placement"]["to_patient"]).reshape(4, 4)
    x, y, z = facts["points_mm"]["head-centre"]
    other = json.loads((both / "left" / "landmarks.json").read_text(encoding="utf-8"))["points_mm"]["head-centre"]
    back = way @ (x, y, z, 1.0)
    assert back[0] < other[0] - 120
    assert abs(back[2] - other[2]) < 20


def hips() -> sitk.Image:
    return sitk.ReadImage(str(HIPS))


def written(folder: Path, name: str, image: sitk.Image) -> list[str]:
    sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
    return ["--input", f"scan={name}.nii.gz"]


def soft_tissue() -> sitk.Image:
    return sitk.Clamp(hips(), lowerBound=-1000, upperBound=90)


def part(low: tuple[float, ...], high: tuple[float, ...]) -> sitk.Image:
    """A part of the shipped hips, as shares of the axes of the patient: right to left, front to back, down to up."""
    image = sitk.DICOMOrient(hips(), "LPS")
    size = image.GetSize()
    first = [int(share * n) for share, n in zip(low, size, strict=True)]
    last = [int(share * n) for share, n in zip(high, size, strict=True)]
    return image[first[0] : last[0], first[1] : last[1], first[2] : last[2]]


BAD = {
    "no bone": (soft_tissue, "there is no bone"),
    "cut through the heads": (lambda: part((0, 0, 0), (1, 1, 0.5)), "cut through its head"),
    "cut through the necks": (lambda: part((0, 0, 0.2), (1, 1, 1)), "cut through the neck or the trochanters"),
    "not in Hounsfield units": (
        lambda: sitk.RescaleIntensity(sitk.Cast(hips(), sitk.sitkFloat32), 0, 255),
        "does not look like Hounsfield units",
    ),
}


@pytest.mark.parametrize("kind", sorted(BAD))
def test_a_scan_that_does_not_serve_is_told_in_a_sentence_and_nothing_is_written(folder, kind):
    made, says = BAD[kind]
    done = run(folder, *COARSE, *written(folder, kind.replace(" ", "-"), made()), out="never")
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (folder / "never").exists()


def test_one_femur_is_computed_and_the_one_that_is_not_in_view_is_named(folder):
    done = run(folder, *COARSE, *written(folder, "left-half", part((0.5, 0, 0), (1, 1, 1))), out="one")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "right femur is not in view" in done.stderr
    rows = list(csv.DictReader((folder / "one" / "summary.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["variant"]: row["outcome"] for row in rows} == {"left": "done", "right": "skipped"}


def with_metal() -> sitk.Image:
    """A screw in the pelvis, above the left head."""
    image = sitk.DICOMOrient(hips(), "LPS")
    array = sitk.GetArrayFromImage(image)
    array[-3:, 50:56, 150:156] = 3071
    made = sitk.GetImageFromArray(array)
    made.CopyInformation(image)
    return made


def test_metal_in_view_is_warned_of_and_clipped_where_asked(folder):
    text = (PIPELINES / "femur_sas.yaml").read_text(encoding="utf-8").replace("data/", f"{PIPELINES}/data/")
    clipped = text.replace("  fine:", "  clipped: {use: clip-hu, from: looked-at}\n  fine:").replace(
        "outputs: [", "outputs: [clipped, "
    )
    (folder / "clipped.yaml").write_text(clipped, encoding="utf-8")
    done = run(
        folder, *COARSE, *written(folder, "metal", with_metal()), "--variant", "left", pipeline="clipped.yaml", out="metal"
    )
    assert done.returncode == 0, done.stderr
    (made,) = {path.parent for path in (folder / "metal").rglob("strength.json")}
    assert any("metal" in text for text in strength(made)["caveats"])
    (scan,) = made.rglob("*.nii.gz")
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(scan))).max() == 2500


def test_a_phantom_that_is_not_in_view_is_not_made_up(folder):
    text = (PIPELINES / "femur_sas.yaml").read_text(encoding="utf-8").replace("data/", f"{PIPELINES}/data/")
    begin, end = text.index("  calibrated:"), text.index("  density:")
    certificate = "{serial: '1', k2hpo4_mg_cc: [-50, 0, 50, 150, 375], water_mg_cc: [1010, 1050, 1100, 1120, 920]}"
    step = f"  calibrated: {{use: phantom-calibration, from: turned, with: {{certificate: {certificate}}}}}\n"
    (folder / "phantom.yaml").write_text(text[:begin] + step + text[end:], encoding="utf-8")
    done = run(folder, *COARSE, pipeline="phantom.yaml", out="never")
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert "phantom not found" in done.stderr
    assert not (folder / "never").exists()


@pytest.mark.parametrize("path", sorted(PIPELINES.glob("femur_*.yaml")), ids=lambda path: path.stem)
def test_every_femur_pipeline_has_no_problems(path):
    read_pipeline(path, load_catalogue())


def test_a_pipeline_whose_data_do_not_ship_says_what_it_needs(folder):
    done = run(folder, pipeline="femur_sas_presegmented", out="never")
    assert done.returncode == 2
    assert "calibrated density map" in done.stderr
    assert "mask of one femur" in done.stderr
