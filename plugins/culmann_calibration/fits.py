"""The line from Hounsfield units to density that the rods of a phantom give, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_calibration.certificates import Certificate

#: A poor fit: below the first it warns, below the second it is refused.
R2_WARNS, R2_REFUSES = 0.98, 0.90

#: Scanners and phantoms lie near 0.001 g/cm³ per HU, and a voxel without mineral near 0 HU, by the definition of the scale.
_SLOPES_G_CM3_PER_HU = (3e-4, 3e-3)
_NO_MINERAL_HU = 100.0


@dataclass(frozen=True, slots=True)
class Line:
    """Density = slope * HU + intercept.

    Parameters
    ----------
    slope, intercept
        g/cm³ per HU, and g/cm³ at 0 HU.
    r2
        Of the fit; 0 where the rods rise against their densities.
    residual_g_cm3
        (rods,) measured less certified density of each rod.
    facts
        The coefficients of the fit by their names in the literature.
    """

    slope: float
    intercept: float
    r2: float
    residual_g_cm3: FloatArray
    facts: Mapping[str, float]


def fit_mindways(hu: FloatArray, k2hpo4_mg_cc: FloatArray, water_mg_cc: FloatArray) -> Line:
    """The line of a solid K2HPO4 phantom, whose rods differ from a solution of K2HPO4 in water by their own base material.

    `HU - rho_water = sigma_ref rho_K + beta_ref` is fitted by least squares; `sigma_ct = sigma_ref - 0.2174` and
    `beta_ct = beta_ref + 999.6` carry it over to water; `rho_K = (HU - beta_ct) / sigma_ct`. As coded in Ogo (Bonelab).

    Parameters
    ----------
    hu, k2hpo4_mg_cc, water_mg_cc
        (rods,) means of the rods, and what the certificate says of them.
    """
    sigma_ref, beta_ref, r2 = _regress(k2hpo4_mg_cc, hu - water_mg_cc)
    sigma_ct, beta_ct = sigma_ref - 0.2174, beta_ref + 999.6
    residual = (hu - water_mg_cc - beta_ref - sigma_ref * k2hpo4_mg_cc) / sigma_ct / 1000
    facts = {"sigma_ref": sigma_ref, "beta_ref": beta_ref, "sigma_ct": sigma_ct, "beta_ct": beta_ct}
    return Line(1 / sigma_ct / 1000, -beta_ct / sigma_ct / 1000, r2, residual, facts)


def fit_straight(hu: FloatArray, density_mg_cc: FloatArray) -> Line:
    """The least squares line from HU to density, for phantoms whose rods are water-equivalent but for their mineral."""
    slope, intercept, r2 = _regress(hu, density_mg_cc)
    return Line(slope / 1000, intercept / 1000, r2, (slope * hu + intercept - density_mg_cc) / 1000, {})


def fit_rods(hu: FloatArray, certificate: Certificate) -> Line:
    """The line that (rods,) mean HU give with a certificate."""
    densities = np.array(certificate.densities)
    if certificate.water_mg_cc is None:
        return fit_straight(hu, densities)
    return fit_mindways(hu, densities, np.array(certificate.water_mg_cc))


def _regress(x: FloatArray, y: FloatArray) -> tuple[float, float, float]:
    """Slope, intercept and r² of y over x; r² is 0 where y falls with x."""
    dx, dy = x - x.mean(), y - y.mean()
    xx, xy, yy = float(dx @ dx), float(dx @ dy), float(dy @ dy)
    if xx == 0:
        return float("nan"), float("nan"), 0.0
    slope = xy / xx
    return slope, float(y.mean() - slope * x.mean()), xy * abs(xy) / (xx * yy) if xy > 0 else 0.0


def judge_line(line: Line, what: str, table: str, hint: str, journal: Journal) -> None:
    """Warn of a poor fit and refuse a bad one.

    Parameters
    ----------
    what
        What was fitted, for messages.
    table
        The measured values, for messages.
    hint
        What to look for when the fit is refused.

    Raises
    ------
    InputError
        When r² is below 0.90, or no CT has such a line.
    """
    if not line.r2 >= R2_REFUSES:
        raise InputError(f"{what}: the fit has r² = {line.r2:.4f}, below {R2_REFUSES} ({table})", hint=hint)
    low, high = _SLOPES_G_CM3_PER_HU
    if not low <= line.slope <= high:
        raise InputError(
            f"{what}: {line.slope * 1000:.4g} mg/cm³ per HU is out of reach of any CT, where it is near 1 ({table})", hint=hint
        )
    empty_hu = -line.intercept / line.slope
    if abs(empty_hu) > _NO_MINERAL_HU:
        raise InputError(
            f"{what}: a voxel without mineral would have {empty_hu:.0f} HU, and water has 0 HU ({table})",
            hint=f"{hint}; are the values of the image Hounsfield units?",
        )
    if line.r2 < R2_WARNS:
        journal.warn(f"{what}: the fit is poor, r² = {line.r2:.4f}, below {R2_WARNS} ({table})")
