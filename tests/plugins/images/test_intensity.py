"""Rescaled grey values are what the formula says, and nothing takes them for Hounsfield units."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from culmann import Grid, InputError, Scan
from culmann.journal import QuietJournal
from culmann_calibration.linear import LinearCalibrationConfig, linear_calibration
from culmann_images.intensity import ClipHuConfig, NormaliseConfig, clip_hu, normalise_intensity

GRID = Grid((5, 2, 1), (1.0, 1.0, 1.0))
HU = np.array([[[-1000, -500, 0, 100, 200], [300, 400, 500, 1000, 4000]]], dtype=np.float32)
SCAN = Scan(GRID, HU)


def normalised(**options: object) -> np.ndarray:
    scan = normalise_intensity(SCAN, NormaliseConfig(**options))
    assert scan.intensity == "normalised"
    assert scan.hu.dtype == np.float32
    return scan.hu.ravel()


def test_z_score() -> None:
    assert normalised(method="z-score") == pytest.approx((HU - HU.mean()).ravel() / HU.std(), rel=1e-6)
    body = np.array([0, 100, 200, 300, 400, 500, 1000, 4000.0])
    assert normalised(method="z-score", above_hu=-100) == pytest.approx((HU.ravel() - body.mean()) / body.std(), rel=1e-5)
    given = normalised(method="z-score", mean=100, sd=50, low=0, high=200)
    assert given.tolist() == [-2, -2, -2, 0, 2, 2, 2, 2, 2, 2]


def test_window() -> None:
    assert normalised(method="window", low=0, high=1000) == pytest.approx([0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 1, 1])


def test_percentile() -> None:
    low, high = -500, 1000  # the second and the ninth of ten sorted values
    expected = np.clip((HU.ravel() - low) / (high - low), 0, 1)
    assert normalised(method="percentile", low=100 / 9, high=800 / 9) == pytest.approx(expected, abs=1e-6)


def test_normalised_values_are_no_hounsfield_units() -> None:
    scan = normalise_intensity(SCAN, NormaliseConfig(method="window", low=0, high=1000))
    calibration = LinearCalibrationConfig(slope=0.001, intercept=0, kind="ash", assumed=True)
    with pytest.raises(InputError, match="were normalised"):
        linear_calibration(scan, calibration, QuietJournal())
    with pytest.raises(InputError, match="were normalised"):
        normalise_intensity(scan, NormaliseConfig(method="z-score"))
    with pytest.raises(InputError, match="were normalised"):
        clip_hu(scan, ClipHuConfig(), QuietJournal())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "window"}, "needs `low` and `high`"),
        ({"method": "window", "low": 0}, "both"),
        ({"method": "window", "low": 5, "high": 5}, "less than"),
        ({"method": "percentile", "low": -1, "high": 99}, "between 0 and 100"),
        ({"method": "percentile", "low": 1, "high": 101}, "between 0 and 100"),
        ({"method": "window", "low": 0, "high": 1, "mean": 3}, "z-score"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        NormaliseConfig(**options)


def test_nothing_to_normalise_by() -> None:
    with pytest.raises(InputError, match="no voxel lies above 5000"):
        normalised(method="z-score", above_hu=5000)
    with pytest.raises(InputError, match="all counted voxels"):
        normalised(method="z-score", above_hu=3000)


def test_clipped_values_are_counted() -> None:
    journal = QuietJournal()
    scan = clip_hu(SCAN, ClipHuConfig(lowest_hu=-600, highest_hu=900), journal)
    assert scan.hu.ravel().tolist() == [-600, -500, 0, 100, 200, 300, 400, 500, 900, 900]
    assert scan.intensity == "hu"
    assert "2 voxels" in journal.warnings[0]
    quiet = QuietJournal()
    clip_hu(SCAN, ClipHuConfig(highest_hu=4000), quiet)
    assert not quiet.warnings
    with pytest.raises(ValidationError, match="less than"):
        ClipHuConfig(lowest_hu=3, highest_hu=2)
