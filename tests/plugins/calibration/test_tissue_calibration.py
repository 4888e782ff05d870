"""Calibration by tissues: peaks of known place, the line through them, and the scans that it refuses."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError
from synthetic_hips import AIR, BETA_REF, FAT, MUSCLE, SIGMA_REF, Hips, synthetic_hips

from culmann import DensityMap, Grid, InputError, Labels, Scan
from culmann.journal import QuietJournal
from culmann_calibration.tissue import TissueCalibrationConfig, tissue_calibration
from culmann_calibration.tissue_peaks import contrast_agent_ml

SIGMA_CT, BETA_CT = SIGMA_REF - 0.2174, BETA_REF + 999.6
#: What the tissues of the synthetic hips are by their own line.
REFERENCES: Any = {name: (hu - BETA_CT) / SIGMA_CT for name, hu in (("air", AIR), ("fat", FAT), ("muscle", MUSCLE))}
SHARED = Path(__file__).parents[4] / "shared" / "data"


@cache
def hips() -> Hips:
    return synthetic_hips(seed=4)


def calibrate(scan: Scan, labels: Labels | None = None, **options: Any) -> tuple[DensityMap, QuietJournal]:
    journal = QuietJournal()
    options = {"references_mg_cc": REFERENCES, "kind": "qct-k2hpo4", **options}
    return tissue_calibration(scan, TissueCalibrationConfig(**options), journal, labels), journal


def test_the_line_comes_back() -> None:
    density, journal = calibrate(hips().scan)
    record = density.calibration
    assert record["air_hu"] == pytest.approx(AIR, abs=2)
    assert record["fat_hu"] == pytest.approx(FAT, abs=2)
    assert record["muscle_hu"] == pytest.approx(MUSCLE, abs=2)
    bone = hips().side > 0
    assert density.g_cm3[bone].mean() * 1000 == pytest.approx(hips().k2hpo4_mg_cc[bone].mean(), rel=0.03)
    assert journal.attachments["tissues.png"].startswith(b"\x89PNG")
    (said,) = journal.warnings
    assert said.startswith("no phantom: the density is calibrated by tissues (air -")
    assert said.endswith("is extrapolated")


def test_a_reference_off_the_line_is_told_though_r2_is_high() -> None:
    density, journal = calibrate(hips().scan, references_mg_cc={**REFERENCES, "muscle": REFERENCES["muscle"] + 40})
    assert float(density.calibration["r2"]) > 0.99
    assert any("muscle lies -" in text and "off the line" in text for text in journal.warnings)


def test_wrong_references_are_refused() -> None:
    with pytest.raises(InputError, match=r"tissue-calibration: the fit has r² = 0\.\d+, below 0\.9 \(air -"):
        calibrate(hips().scan, references_mg_cc={"air": 50, "fat": -800, "muscle": 300})


def test_three_tissues_are_needed() -> None:
    with pytest.raises(ValidationError, match="three tissues at least, and has 2"):
        TissueCalibrationConfig(references_mg_cc={"air": -840, "fat": -80}, kind="qct-ha")


def test_there_are_no_default_references() -> None:
    with pytest.raises(ValidationError, match="references_mg_cc"):
        TissueCalibrationConfig(kind="qct-ha")  # type: ignore[call-arg]


def test_padding_is_no_air() -> None:
    """Most of the image is -1024, which a scanner writes outside of its field of view; the air between is at -1000."""
    hu = hips().scan.hu.copy()
    hu[:, :40] = -1024
    density, _ = calibrate(Scan(hips().scan.grid, hu))
    assert density.calibration["air_hu"] == pytest.approx(AIR, abs=2)


def test_a_scan_without_air_is_refused() -> None:
    scan = Scan(hips().scan.grid, np.maximum(hips().scan.hu, -300))
    with pytest.raises(InputError, match="no air in the scan: only 0 voxels lie between -1030 and -980 HU"):
        calibrate(scan)


def test_another_peak_is_not_taken_for_muscle() -> None:
    """Muscle at 82 HU with contrast agent: its peak lies outside of the window, that of the bladder, at 5 HU, inside."""
    hu = hips().scan.hu.copy()
    hu[(hu > 10) & (hu < 100)] += 30
    with pytest.raises(
        InputError, match=r"no muscle in the scan: the highest peak of the histogram there is at 8\d HU"
    ) as caught:
        calibrate(Scan(hips().scan.grid, hu))
    assert "windows_hu: {muscle: [...]}" in caught.value.hint


def labelled(**boxes: tuple[float, tuple[slice, slice, slice]]) -> tuple[Scan, Labels]:
    """The hips with boxes of given HU in them, each labelled with its tissue."""
    hu, label = hips().scan.hu.copy(), np.zeros(hips().scan.grid.shape, dtype=np.int32)
    noise = np.random.default_rng(0)
    for value, (level, box) in enumerate(boxes.values(), start=1):
        hu[box] = noise.normal(level, 10, hu[box].shape)
        label[box] = value
    grid = hips().scan.grid
    return Scan(grid, hu), Labels(grid, label, dict(enumerate(boxes, start=1)))


def test_labels_say_where_blood_and_cortical_bone_are() -> None:
    box = (slice(1, 14), slice(60, 75), slice(130, 140))
    dense = (slice(1, 14), slice(80, 95), slice(130, 140))
    scan, labels = labelled(blood=(42.0, box), cortical=(1200.0, dense))
    references = {**REFERENCES, "blood": (42 - BETA_CT) / SIGMA_CT, "cortical": (1215 - BETA_CT) / SIGMA_CT}
    density, _ = calibrate(scan, labels, references_mg_cc=references)
    assert density.calibration["blood_hu"] == pytest.approx(42, abs=2)
    # The mean of the densest 899 of 1950 voxels of a normal distribution lies 1.02 of its deviations above its mean.
    assert density.calibration["cortical_hu"] == pytest.approx(1210, abs=2)
    assert density.calibration["slope_g_cm3_per_hu"] == pytest.approx(0.001 / SIGMA_CT, rel=0.02)


def test_blood_is_not_looked_for_without_a_label() -> None:
    with pytest.raises(InputError, match="blood cannot be told from the histogram alone") as caught:
        calibrate(hips().scan, references_mg_cc={**REFERENCES, "blood": 40})
    assert "labels of which one is named 'blood'" in caught.value.hint


def test_other_labels_are_ignored() -> None:
    grid = hips().scan.grid
    femurs = Labels(
        Grid(grid.size, (9.0, 9.0, 9.0)), np.asarray(hips().side, dtype=np.int32), {1: "femur-right", 2: "femur-left"}
    )
    plain, _ = calibrate(hips().scan)
    with_femurs, _ = calibrate(hips().scan, femurs)
    assert np.array_equal(plain.g_cm3, with_femurs.g_cm3)


def test_labels_of_tissues_on_another_grid_are_refused() -> None:
    grid = hips().scan.grid
    labels = Labels(Grid(grid.size, (9.0, 9.0, 9.0)), np.ones(grid.shape, dtype=np.int32), {1: "muscle"})
    with pytest.raises(InputError, match="labels of the tissues lie on another grid"):
        calibrate(hips().scan, labels)


def test_a_vessel_with_contrast_agent_is_told() -> None:
    assert contrast_agent_ml(hips().scan) == 0
    scan, _ = labelled(blood=(220.0, (slice(0, 15), slice(60, 70), slice(130, 140))))
    assert contrast_agent_ml(scan) == pytest.approx(
        16 * 16 * 60 / 1000, rel=0.35
    )  # ml of the box; its blurred rim comes on top
    _, journal = calibrate(scan)
    assert any("contrast agent" in text for text in journal.warnings)


def test_the_hips_of_a_real_scan() -> None:
    file = SHARED / "hips_ct" / "ct.nii.gz"
    if not file.exists():
        pytest.skip("needs ../shared/data: hips_ct")
    image = sitk.ReadImage(str(file))
    grid = Grid(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    references = {"air": -800.0, "fat": -85.0, "muscle": 42.0}
    density, journal = calibrate(Scan(grid, sitk.GetArrayFromImage(image).astype(np.float32)), references_mg_cc=references)
    # The peaks by eye in a histogram of 2 HU bins: -996, -103, 56; the mat under the patient peaks at -952.
    for tissue, hu in (("air", -996), ("fat", -103), ("muscle", 56)):
        assert density.calibration[f"{tissue}_hu"] == pytest.approx(hu, abs=4)
    assert any("contrast agent" in text for text in journal.warnings)
