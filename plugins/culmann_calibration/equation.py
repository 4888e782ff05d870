"""The line that the rods in a scan give, judged: order of the rods, homogeneity, quality of the fit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from culmann.data import Scan
from culmann.data.arrays import FloatArray
from culmann.journal import Journal
from culmann_calibration.certificates import Certificate
from culmann_calibration.fits import Line, fit_rods, judge_line
from culmann_calibration.rods import Measured, Rods, measure


@dataclass(frozen=True, slots=True)
class Equation:
    """A line, and what it was fitted to.

    Parameters
    ----------
    line
        Over all slices with the phantom.
    rods
        In the order of the certificate.
    measured
        HU of each rod in each slice.
    rods_hu
        (rods,) HU of each rod: the median over its slices.
    radius_mm
        Of the circles inside which it was measured.
    order
        Which end of the row comes first.
    """

    line: Line
    rods: Rods
    measured: Measured
    rods_hu: FloatArray
    radius_mm: float
    order: str


def fit_equation(scan: Scan, rods: Rods, certificate: Certificate, share: float, order: str, journal: Journal) -> Equation:
    """Measure the rods inside a share of their radius and fit the line, in the given order of the rods.

    Raises
    ------
    InputError
        When the rods do not fit the certificate in this order; the hint names an order in which they do.
    """
    radius = share * rods.radius_mm
    right_to_left = _fit_one_way(scan, rods, certificate, radius, "right to left" if rods.found else "as given")
    left_to_right = _fit_one_way(scan, rods.reversed(), certificate, radius, "left to right" if rods.found else "reversed")
    chosen, other = right_to_left, left_to_right
    if rods.found and (order == "left-to-right" or (order == "either" and other.line.r2 > chosen.line.r2)):
        chosen, other = other, chosen
    table = ", ".join(f"{d:g} mg/cm³: {hu:.0f} HU" for d, hu in zip(certificate.densities, chosen.rods_hu, strict=True))
    what = f"phantom {certificate.serial}"
    judge_line(chosen.line, what, table, _advice(chosen, other, certificate), journal)
    noise = np.nanmedian(chosen.measured.noise_hu, axis=1)
    for n in np.flatnonzero(noise > 2 * np.median(noise) + 2):
        journal.warn(
            f"{what}: rod {n + 1} varies by {noise[n]:.0f} HU inside its circle, and the others by {np.median(noise):.0f} HU: "
            "is the circle on the rod? look at phantom.png"
        )
    return chosen


def _fit_one_way(scan: Scan, rods: Rods, certificate: Certificate, radius_mm: float, order: str) -> Equation:
    measured = measure(scan, rods, radius_mm)
    rods_hu = np.asarray(np.nanmedian(measured.mean_hu, axis=1))
    return Equation(fit_rods(rods_hu, certificate), rods, measured, rods_hu, radius_mm, order)


def _advice(chosen: Equation, other: Equation, certificate: Certificate) -> str:
    """What may be wrong when the rods do not fit: the order first, then two of them, then the certificate."""
    if other.line.r2 > max(0.9, chosen.line.r2):
        way = f"`rod_order: {other.order.replace(' ', '-')}`" if chosen.rods.found else "the positions in the reverse order"
        return f"in reverse order the rods do fit (r² = {other.line.r2:.4f}): give {way}"
    best, swap = chosen.line.r2, (0, 0)
    for a, b in combinations(range(len(chosen.rods_hu)), 2):
        order = np.arange(len(chosen.rods_hu))
        order[[a, b]] = b, a
        r2 = fit_rods(chosen.rods_hu[order], certificate).r2
        if r2 > best:
            best, swap = r2, (a + 1, b + 1)
    if best >= 0.98:
        return (
            f"with rods {swap[0]} and {swap[1]} swapped they do fit (r² = {best:.4f}): compare the order of the certificate "
            "with the phantom, and give `rods_mm` if they were found in a wrong order"
        )
    return (
        "is it the certificate of this phantom, with its rods in the order in which they lie? `rods_mm` gives positions by hand"
    )
