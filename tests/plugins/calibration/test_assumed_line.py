"""A calibration that nobody measured follows its density into every result."""

from __future__ import annotations

import numpy as np
import pytest

from culmann.data import Grid, Scan
from culmann.journal import QuietJournal
from culmann_calibration.linear import LinearCalibrationConfig, linear_calibration


@pytest.mark.parametrize("assumed", [True, False])
def test_an_assumed_line_is_told_and_a_measured_one_is_not(assumed):
    scan = Scan(Grid((2, 1, 1), (1.0, 1.0, 1.0)), np.array([[[0.0, 100.0]]], dtype=np.float32))
    journal = QuietJournal()
    line = LinearCalibrationConfig(slope=0.7, intercept=17, unit="mg/cm3", kind="qct-k2hpo4", assumed=assumed)
    density = linear_calibration(scan, line, journal)
    assert density.g_cm3.ravel() == pytest.approx([0.017, 0.087])
    assert [
        w.startswith("the calibration is assumed, not measured (density = 0.7 HU + 17 mg/cm3)") for w in journal.warnings
    ] == [True] * assumed
    assert density.calibration["method"] == ("assumed line" if assumed else "linear")
