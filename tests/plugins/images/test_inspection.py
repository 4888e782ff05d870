"""Metal and contrast agent that were put into a made-up thigh are found where they are, and a thigh without raises no alarm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from culmann import Grid, InputError, Scan
from culmann.journal import QuietJournal
from culmann_images.inspection import InspectConfig, inspect_scan
from culmann_images.intensity import NormaliseConfig, normalise_intensity
from culmann_images.readers import ReadScanConfig, read_scan

SHARED = Path(__file__).parents[4] / "shared" / "data"
GRID = Grid((60, 60, 40), (2.0, 2.0, 2.0), (-60.0, -60.0, 100.0))
X, Y, Z = GRID.to_world(np.indices(GRID.shape).reshape(3, -1)[::-1].T).T.reshape(3, *GRID.shape)


def thigh(noise_hu: float = 12.0, marrow_hu: float = 180.0) -> np.ndarray:
    """Muscle in air, with a bone of 4 mm cortex around marrow as even as a liquid."""
    hu = np.where(np.hypot(X, Y) < 55, 50.0, -1000.0)
    hu[np.hypot(X + 10, Y) < 18] = 1200
    hu[np.hypot(X + 10, Y) < 14] = marrow_hu
    return hu + np.random.default_rng(6).normal(0, noise_hu, hu.shape)


def warnings_of(hu: np.ndarray, **options: float) -> list[str]:
    scan, journal = Scan(GRID, hu.astype(np.float32)), QuietJournal()
    assert inspect_scan(scan, InspectConfig(**options), journal) is scan
    assert journal.attachments["inspection.png"].startswith(b"\x89PNG")
    return journal.warnings


@pytest.mark.parametrize("noise_hu", [5.0, 12.0, 60.0])
@pytest.mark.parametrize("marrow_hu", [-60.0, 140.0, 180.0, 400.0])
def test_bone_alone_raises_no_alarm(noise_hu: float, marrow_hu: float) -> None:
    assert warnings_of(thigh(noise_hu, marrow_hu)) == []


def test_metal_is_told_with_its_volume_and_place() -> None:
    hu = thigh()
    hu[np.linalg.norm([X + 10, Y, Z - 140], axis=0) < 9] = 3071
    (told,) = warnings_of(hu)
    volume = (hu == 3071).sum() * 8 / 1000
    assert f"metal in view: {volume:.2g} cm³" in told
    assert "L -10, P -0, S 140 mm" in told or "L -10, P 0, S 140 mm" in told
    assert warnings_of(hu, metal_hu=3200) == []


def test_a_single_bright_voxel_is_no_metal() -> None:
    hu = thigh()
    hu[20, 30, 30] = 2900
    assert warnings_of(hu) == []


@pytest.mark.parametrize("agent_hu", [160.0, 250.0, 500.0])
def test_a_vessel_with_contrast_agent_is_told(agent_hu: float) -> None:
    hu = thigh()
    hu[np.hypot(X - 25, Y + 20) < 5] = agent_hu
    (told,) = warnings_of(hu)
    assert "contrast agent" in told
    assert "L 25, P -20" in told


def test_a_bladder_that_touches_bone_is_told() -> None:
    hu = thigh()
    hu[(np.hypot(X - 27, Y) < 19) & (hu < 300)] = 300
    (told,) = warnings_of(hu)
    assert "contrast agent" in told


def test_a_table_is_no_contrast_agent() -> None:
    hu = thigh()
    hu[(np.abs(Y - 57) < 3) & (np.hypot(X, Y) > 56)] = 250
    assert warnings_of(hu) == []


def test_a_normalised_scan_is_not_inspected() -> None:
    scan = normalise_intensity(Scan(GRID, thigh().astype(np.float32)), NormaliseConfig(method="z-score"))
    with pytest.raises(InputError, match="were normalised"):
        inspect_scan(scan, InspectConfig(), QuietJournal())


@pytest.mark.skipif(
    not SHARED.exists(), reason="needs ../shared/data: real scans with metal, with contrast agent, with neither"
)
@pytest.mark.parametrize(
    ("name", "metal", "agent"), [("hips_ct", False, True), ("trunk_ct", True, False), ("vertebra_l3_ct", False, False)]
)
def test_real_scans(name: str, metal: bool, agent: bool) -> None:
    journal = QuietJournal()
    scan = read_scan(SHARED / name / "ct.nii.gz", ReadScanConfig(), journal)
    assert any("4 mm thick" in text for text in journal.warnings) == (name == "hips_ct")
    inspect_scan(scan, InspectConfig(), journal)
    assert any("metal in view" in text for text in journal.warnings) == metal
    assert any("contrast agent" in text for text in journal.warnings) == agent
