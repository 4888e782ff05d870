"""How the line of a phantom changes from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from culmann.data.arrays import BoolArray, FloatArray
from culmann.journal import Journal
from culmann_calibration.certificates import Certificate
from culmann_calibration.equation import Equation
from culmann_calibration.fits import fit_rods

#: The density at which a drift is told, in the middle of trabecular bone, and the drift that warns.
_AT_G_CM3 = 0.2
_DRIFT_WARNS = 0.03


@dataclass(frozen=True, slots=True)
class Profile:
    """Lines of the slices.

    Parameters
    ----------
    seen
        (slices,) whether the phantom is in a slice.
    raw_g_cm3
        (slices,) what each slice's own line gives where the line of all of them gives 0.2 g/cm³; not a number without phantom.
    slope, intercept
        (slices,) smoothed along the slices; beyond the phantom as in the nearest slice.
    smooth_g_cm3
        As `raw_g_cm3`, of the smoothed lines.
    drift
        Range of `smooth_g_cm3` over 0.2 g/cm³, None with too few slices to tell.
    """

    seen: BoolArray
    raw_g_cm3: FloatArray
    slope: FloatArray
    intercept: FloatArray
    smooth_g_cm3: FloatArray
    drift: float | None

    def warn_of_drift(self, journal: Journal) -> None:
        """Warn when the lines change along the slices by more than 3 %."""
        if self.drift is not None and self.drift > _DRIFT_WARNS:
            journal.warn(
                f"the calibration drifts by {100 * self.drift:.1f} % along the slices: 200 mg/cm³ are "
                f"{self.smooth_g_cm3[self.seen].min() * 1000:.0f} to {self.smooth_g_cm3[self.seen].max() * 1000:.0f}; "
                "`per_slice: true` calibrates each slice by its own line"
            )


def slice_profile(equation: Equation, certificate: Certificate, thickness_mm: float, smoothing_mm: float) -> Profile:
    """Fit each slice, and smooth the lines with a Gaussian of the given full width at half maximum."""
    seen = equation.rods.seen
    slices, present = np.arange(len(seen)), np.flatnonzero(seen)
    lines = [fit_rods(equation.measured.mean_hu[:, k], certificate) for k in present]
    sigma = smoothing_mm / 2.3548 / thickness_mm

    def smooth(values: list[float]) -> FloatArray:
        blurred = ndimage.gaussian_filter1d(np.array(values), sigma, mode="nearest")
        return np.interp(slices, present, blurred)

    slope, intercept = smooth([line.slope for line in lines]), smooth([line.intercept for line in lines])
    hu = (_AT_G_CM3 - equation.line.intercept) / equation.line.slope
    raw = np.full(len(seen), np.nan)
    raw[present] = [line.slope * hu + line.intercept for line in lines]
    smoothed = slope * hu + intercept
    drift = float(np.ptp(smoothed[seen]) / _AT_G_CM3) if len(present) >= 5 else None
    return Profile(seen, raw, slope, intercept, smoothed, drift)
