"""The fit of the rods against numbers that Ogo's calibration gives, and the certificates and fits that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from culmann import InputError
from culmann.journal import QuietJournal
from culmann_calibration.certificates import Certificate
from culmann_calibration.fits import fit_mindways, fit_rods, fit_straight, judge_line

K2HPO4 = np.array([375.83, 157.05, 58.88, -53.40, -51.83])
WATER = np.array([923.20, 1119.52, 1103.57, 1056.95, 1012.25])
HU = np.array([462.93637565619906, 345.73809215407005, 176.71197512467555, -35.378190313384316, -69.54917011727602])


def test_the_coefficients_of_a_mindways_phantom() -> None:
    line = fit_mindways(HU, K2HPO4, WATER)
    assert line.facts["sigma_ref"] == pytest.approx(1.46695849554, abs=1e-9)
    assert line.facts["beta_ref"] == pytest.approx(-1009.75004687, abs=1e-8)  # printed with eight decimals
    assert line.facts["sigma_ct"] == pytest.approx(1.24955849554, abs=1e-9)
    assert line.facts["beta_ct"] == pytest.approx(-10.1500468666, abs=1e-9)
    assert line.slope * 1000 == pytest.approx(0.8002826626918712, abs=1e-9)
    assert line.intercept * 1000 == pytest.approx(8.122906532849933, abs=1e-9)
    assert np.sqrt(line.r2) == pytest.approx(0.99985334, abs=1e-8)


def test_the_sign_of_the_intercept() -> None:
    """A helper elsewhere gives + beta_ct / sigma_ct: by it, what has the HU of no mineral has -16 mg/cm³."""
    line = fit_mindways(HU, K2HPO4, WATER)
    beta_ct, sigma_ct = line.facts["beta_ct"], line.facts["sigma_ct"]
    assert line.slope * beta_ct + line.intercept == pytest.approx(0, abs=1e-12)
    wrong = beta_ct / sigma_ct / 1000
    assert line.slope * beta_ct + wrong == pytest.approx(-0.0162458, abs=1e-6)
    assert line.intercept != pytest.approx(wrong, abs=1e-3)


def test_the_residuals_are_densities() -> None:
    """A rod that reads 10 HU more than the line says is 10 / sigma_ct mg/cm³ too dense."""
    hu = 1.45 * K2HPO4 - 1008 + WATER
    assert fit_mindways(hu, K2HPO4, WATER).residual_g_cm3 == pytest.approx(0, abs=1e-12)
    line = fit_mindways(hu + np.array([0, 0, 10, 0, 0]), K2HPO4, WATER)
    sigma, beta = np.polyfit(K2HPO4, hu + np.array([0, 0, 10, 0, 0]) - WATER, 1)
    off = hu + np.array([0, 0, 10, 0, 0]) - WATER - sigma * K2HPO4 - beta
    assert line.residual_g_cm3 * 1000 == pytest.approx(off / (sigma - 0.2174), abs=1e-9)


def test_a_straight_line_through_hydroxyapatite() -> None:
    rho = np.array([0.0, 100, 200, 400, 600, 800])
    hu = (rho + 3.6) / 0.79 + np.array([4, -3, 2, -1, 3, -5])
    line = fit_straight(hu, rho)
    slope, intercept = np.polyfit(hu, rho, 1)
    assert (line.slope * 1000, line.intercept * 1000) == pytest.approx((slope, intercept), abs=1e-9)
    assert line.r2 == pytest.approx(np.corrcoef(hu, rho)[0, 1] ** 2, abs=1e-12)


@pytest.mark.parametrize(
    ("model", "densities"),
    [
        ("qrm-bdc-3", (100, 400, 800)),
        ("qrm-bdc-6", (0, 100, 200, 400, 600, 800)),
        ("image-analysis", (8.0, 97.3, 189.8)),
        ("b-mas200", (0, 50, 100, 150, 200)),
        ("siemens-osteo", (0, 200)),
    ],
)
def test_nominal_densities(model: Any, densities: tuple[float, ...]) -> None:
    certificate = Certificate(serial="1", model=model)
    assert certificate.densities == densities
    assert certificate.kind == "qct-ha"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "gives none"),
        ({"k2hpo4_mg_cc": [0, 100], "water_mg_cc": [1000, 1000], "ha_mg_cc": [0, 100]}, "gives k2hpo4_mg_cc .* and ha_mg_cc"),
        ({"k2hpo4_mg_cc": [0, 100]}, "both k2hpo4_mg_cc and water_mg_cc"),
        ({"k2hpo4_mg_cc": [0, 100], "water_mg_cc": [1000, 1000, 1000]}, "2 rods and water_mg_cc has 3"),
        ({"ha_mg_cc": [100, 100]}, "same density"),
    ],
)
def test_a_certificate_that_cannot_be(options: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Certificate(serial="1", **options)


def test_a_certificate_has_a_serial_number() -> None:
    with pytest.raises(ValidationError, match="serial"):
        Certificate(ha_mg_cc=(0, 100))  # type: ignore[call-arg]


def scattered(r2: float) -> tuple[np.ndarray, np.ndarray]:
    """HU over densities with exactly this r²: the scatter is orthogonal to the line."""
    rho = np.array([0.0, 100, 200, 300])
    off = np.array([1.0, -3, 3, -1])  # orthogonal to 1 and to rho
    share = np.sqrt((1 / r2 - 1) * ((rho - 150) @ (rho - 150)) / (off @ off))
    return rho + share * off, rho


@pytest.mark.parametrize(("r2", "outcome"), [(0.985, "fine"), (0.975, "warns"), (0.905, "warns"), (0.895, "refused")])
def test_the_gates(r2: float, outcome: str) -> None:
    hu, rho = scattered(r2)
    line, journal = fit_straight(hu, rho), QuietJournal()
    assert line.r2 == pytest.approx(r2, abs=1e-9)
    if outcome == "refused":
        with pytest.raises(InputError, match=r"r² = 0\.8950, below 0\.9 \(the table\)"):
            judge_line(line, "phantom 7", "the table", "look", journal)
    else:
        judge_line(line, "phantom 7", "the table", "look", journal)
        assert bool(journal.warnings) == (outcome == "warns")


def test_rods_against_their_densities_have_no_r2() -> None:
    """The squared correlation of a reversed row of equal steps is 1: the sign must count."""
    line = fit_straight(np.array([400.0, 300, 200, 100]), np.array([0.0, 100, 200, 300]))
    assert line.r2 == 0
    with pytest.raises(InputError, match="r² = 0"):
        judge_line(line, "phantom", "", "", QuietJournal())


def test_equal_readings_are_no_fit() -> None:
    with pytest.raises(InputError, match="r² = 0"):
        judge_line(fit_straight(np.full(4, 20.0), np.array([0.0, 100, 200, 300])), "phantom", "", "", QuietJournal())


@pytest.mark.parametrize(
    ("hu", "said"),
    [(np.array([0.0, 1000, 2000]), "out of reach"), (np.array([1024.0, 1124, 1224]), "without mineral would have 1024 HU")],
)
def test_a_line_that_no_ct_has(hu: np.ndarray, said: str) -> None:
    """r² alone takes values that are no HU for good ones."""
    line = fit_rods(hu, Certificate(serial="1", ha_mg_cc=(0, 100, 200)))
    assert line.r2 == pytest.approx(1)
    with pytest.raises(InputError, match=said):
        judge_line(line, "phantom", "", "", QuietJournal())
