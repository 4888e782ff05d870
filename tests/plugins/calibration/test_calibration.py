"""Calibrations and conversions against numbers that stand in the literature, and the units and kinds that they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from culmann import DensityMap, Grid, InputError, Scan
from culmann.data import DENSITY_KINDS
from culmann.journal import QuietJournal
from culmann_calibration.conversions import CONVERSIONS, ConvertDensityConfig, convert_density
from culmann_calibration.linear import (
    IdentityDensityConfig,
    LinearCalibrationConfig,
    identity_density,
    linear_calibration,
)

GRID = Grid((2, 2, 1), (1.0, 1.0, 1.0))


def scan(*hu: float) -> Scan:
    return Scan(GRID, np.float32(hu).reshape(GRID.shape))


def density(kind: Any, *g_cm3: float, **calibration: Any) -> DensityMap:
    return DensityMap(GRID, np.float32(g_cm3).reshape(GRID.shape), kind, calibration)


def test_the_same_line_in_both_units() -> None:
    hu, journal = scan(-1000, 0, 200, 1500), QuietJournal()
    g = linear_calibration(hu, LinearCalibrationConfig(slope=0.00079, intercept=-0.0036, kind="qct-ha", assumed=False), journal)
    mg = linear_calibration(
        hu, LinearCalibrationConfig(slope=0.79, intercept=-3.6, kind="qct-ha", unit="mg/cm3", assumed=False), journal
    )
    assert np.allclose(g.g_cm3.ravel(), [-0.7936, -0.0036, 0.1544, 1.1814], atol=1e-6)
    assert np.allclose(g.g_cm3, mg.g_cm3, atol=1e-7)
    assert g.grid == hu.grid
    assert g.g_cm3.dtype == np.float32
    assert g.calibration == {"method": "linear", "slope_g_cm3_per_hu": 0.00079, "intercept_g_cm3": -0.0036}
    assert journal.warnings == []


def test_an_assumed_line_warns_and_is_recorded() -> None:
    journal = QuietJournal()
    line = LinearCalibrationConfig(slope=0.79, intercept=-3.6, kind="qct-k2hpo4", unit="mg/cm3", assumed=True)
    found = linear_calibration(scan(0, 1, 2, 3), line, journal)
    assert len(journal.warnings) == 1
    assert "assumed, not measured (density = 0.79 HU + -3.6 mg/cm3)" in journal.warnings[0]
    assert found.calibration["method"] == "assumed line"


@pytest.mark.parametrize(
    ("slope", "unit"), [(0.79, "g/cm3"), (0.00079, "mg/cm3"), (0.0, "g/cm3"), (0.008, "g/cm3"), (-0.0008, "g/cm3")]
)
def test_a_slope_in_another_unit_is_refused(slope: float, unit: Any) -> None:
    with pytest.raises(ValidationError, match=r"per HU|greater than 0"):
        LinearCalibrationConfig(slope=slope, intercept=0.0, unit=unit, kind="qct-k2hpo4", assumed=True)


def test_it_must_be_said_whether_the_line_was_measured() -> None:
    with pytest.raises(ValidationError, match="assumed"):
        LinearCalibrationConfig(slope=0.0008, intercept=0.0, kind="qct-k2hpo4")  # type: ignore[call-arg]


def test_the_kind_must_be_said_and_be_known() -> None:
    with pytest.raises(ValidationError, match="kind"):
        LinearCalibrationConfig(slope=0.0008, intercept=0.0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="qct-k2hpo4"):
        LinearCalibrationConfig(slope=0.0008, intercept=0.0, kind="bmd")  # type: ignore[arg-type]


@pytest.mark.parametrize(("unit", "factor"), [("g/cm3", 1.0), ("mg/cm3", 1e-3)])
def test_identity_changes_the_unit_only(unit: Any, factor: float) -> None:
    found = identity_density(scan(*(np.array([-0.02, 0, 0.2, 1.4]) / factor)), IdentityDensityConfig(unit=unit, kind="ash"))
    assert np.allclose(found.g_cm3.ravel(), [-0.02, 0, 0.2, 1.4], atol=1e-6)
    assert found.kind == "ash"


def test_identity_refuses_the_other_unit() -> None:
    with pytest.raises(InputError, match=r"highest density is 1400, which can hardly be g/cm3") as caught:
        identity_density(scan(-20, 0, 200, 1400), IdentityDensityConfig(unit="g/cm3", kind="ash"))
    assert "unit: mg/cm3" in caught.value.hint


# mg/cm³ in, mg/cm³ out, as published lines give them (1.06 x + 38.9; 0.839 x + 69.8; 0.887 x + 63.3; 0.877 x + 79; x / 0.6).
@pytest.mark.parametrize(
    ("conversion", "pairs"),
    [
        ("k2hpo4-to-ash", {0: 38.9, 100: 144.9, 200: 250.9, 300: 356.9}),
        ("ha-to-ash", {0: 69.8, 100: 153.7, 400: 405.4, 800: 741.0}),
        ("ha-to-ash-keyak-unverified", {0: 63.3, 100: 152.0, 400: 418.1, 800: 772.9}),
        ("ha-to-ash-schileo-unverified", {0: 79.0, 100: 166.7, 400: 429.8, 800: 780.6}),
        ("ash-to-apparent", {0: 0.0, 60: 100.0, 300: 500.0, 600: 1000.0}),
    ],
)
def test_published_values_of_the_conversions(conversion: Any, pairs: dict[float, float]) -> None:
    journal = QuietJournal()
    given = density(CONVERSIONS[conversion].takes, *(v / 1000 for v in pairs), method="linear")
    found = convert_density(given, ConvertDensityConfig(conversion=conversion), journal)
    assert np.allclose(found.g_cm3.ravel() * 1000, list(pairs.values()), atol=0.05)
    assert found.kind == CONVERSIONS[conversion].gives
    assert found.calibration["method"] == "linear"
    assert conversion in str(found.calibration["conversion"])
    assert bool(journal.warnings) == conversion.endswith("unverified")


@pytest.mark.parametrize("conversion", sorted(CONVERSIONS))
@pytest.mark.parametrize("kind", DENSITY_KINDS)
def test_another_kind_is_refused(conversion: Any, kind: Any) -> None:
    if CONVERSIONS[conversion].takes == kind:
        return
    with pytest.raises(InputError, match=rf"{conversion} takes a density of kind '{CONVERSIONS[conversion].takes}'.*'{kind}'"):
        convert_density(density(kind, 0, 0.1, 0.2, 0.3), ConvertDensityConfig(conversion=conversion), QuietJournal())


def test_no_conversion_between_phantoms_is_offered() -> None:
    pairs = {(c.takes, c.gives) for c in CONVERSIONS.values()}
    assert not pairs & {("qct-k2hpo4", "qct-ha"), ("qct-ha", "qct-k2hpo4")}


def test_conversions_chain_and_leave_their_trace() -> None:
    journal = QuietJournal()
    ash = convert_density(density("qct-k2hpo4", 0, 0.1, 0.2, 0.3), ConvertDensityConfig(conversion="k2hpo4-to-ash"), journal)
    apparent = convert_density(ash, ConvertDensityConfig(conversion="ash-to-apparent"), journal)
    assert np.allclose(apparent.g_cm3.ravel(), np.array([38.9, 144.9, 250.9, 356.9]) / 600, atol=1e-6)
    told = str(apparent.calibration["conversion"])
    assert told.index("k2hpo4-to-ash") < told.index("ash-to-apparent")
    assert journal.warnings == []


def test_densities_are_raised_only_when_asked() -> None:
    fat = density("qct-k2hpo4", -0.2, -0.031, 0.0, 0.1)
    plain = convert_density(fat, ConvertDensityConfig(conversion="k2hpo4-to-ash"), QuietJournal())
    raised = convert_density(fat, ConvertDensityConfig(conversion="k2hpo4-to-ash", lowest_g_cm3=-0.031), QuietJournal())
    assert plain.g_cm3.min() == pytest.approx(1.06 * -0.2 + 0.0389, abs=1e-6)
    assert raised.g_cm3.min() == pytest.approx(0.00604, abs=1e-5)
    assert np.array_equal(plain.g_cm3.ravel()[1:], raised.g_cm3.ravel()[1:])
    assert "raised to at least -0.031" in str(raised.calibration["conversion"])
