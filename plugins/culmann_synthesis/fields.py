"""Smooth random fields: of displacements, of brightness, of the texture of trabecular bone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

FloatField = npt.NDArray[np.float32]


def smooth_field(
    shape: tuple[int, int, int], spacing_mm: npt.NDArray[np.float64], length_mm: float, chance: np.random.Generator
) -> FloatField:
    """A field (z, y, x) of mean 0 and standard deviation 1 over many draws that varies over `length_mm`.

    Knots a length apart carry independent normal numbers, and quadratic splines run between them. Splines smooth: the
    standard deviation is brought back to 1 by the known gain of the spline, (23 / 40) ** 1.5 on average over a cell.
    """
    knots = [max(4, int(np.ceil(n * step / length_mm)) + 4) for n, step in zip(shape, spacing_mm, strict=True)]
    coarse = chance.standard_normal(knots).astype(np.float32)
    field = coarse
    for axis, (n, step) in enumerate(zip(shape, spacing_mm, strict=True)):
        weights = _spline_matrix(n, float(step / length_mm), knots[axis], float(chance.uniform(0, 1)))
        field = np.moveaxis(np.tensordot(weights, field, axes=(1, axis)), 0, axis)
    return np.asarray(field / _GAIN**1.5, dtype=np.float32)


#: Mean over a cell of the sum of squared weights of the quadratic B-spline: 11 / 20.
_GAIN = 11 / 20


def _spline_matrix(n: int, step: float, knots: int, start: float) -> FloatField:
    """(n, knots): weights of the quadratic B-spline at n points that lie `step` knots apart."""
    at = 1.0 + start + step * np.arange(n)
    distance = np.abs(at[:, None] - np.arange(knots)[None, :])
    inner, outer = 0.75 - distance**2, 0.5 * (1.5 - distance) ** 2
    return np.where(distance <= 0.5, inner, np.where(distance <= 1.5, outer, 0.0)).astype(np.float32)


def grained(
    shape: tuple[int, int, int], spacing_mm: npt.NDArray[np.float64], length_mm: float, chance: np.random.Generator
) -> FloatField:
    """Normal noise blurred to grains of about `length_mm`, of standard deviation 1: finer than `smooth_field` is made for."""
    noise = chance.standard_normal(shape, dtype=np.float32)
    sigma = length_mm / 2.355 / spacing_mm
    if (sigma < 0.2).all():
        return noise
    ndimage.gaussian_filter(noise, sigma, output=noise, mode="wrap", truncate=3)
    return np.asarray(noise / max(float(noise.std()), 1e-6), dtype=np.float32)
