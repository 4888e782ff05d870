"""Circles in slabs of a scan: places to which the gradients on a rim around them point, or from which they point away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import fft, ndimage

from culmann.data import Scan
from culmann.data.arrays import FloatArray, IntArray

Span = tuple[float, float]

#: Share of the rim of a circle whose gradient must point to its centre, or away from it.
_ROUND = 0.5
#: Slices are averaged over this length: noise goes down, and a rod that leans is not yet smeared.
_SLAB_MM = 10.0
#: In fewer slabs than these, three circles in a row may be chance.
FEWEST_SLABS = 3
_MOST_CIRCLES = 120


def slabs(scan: Scan) -> Iterator[tuple[float, FloatArray]]:
    """(middle slice, mean image) of slabs through the whole scan."""
    thick = max(1, round(_SLAB_MM / scan.grid.spacing_mm[2]))
    count = max(FEWEST_SLABS, scan.grid.shape[0] // thick)
    for part in np.array_split(np.arange(scan.grid.shape[0]), count):
        yield float(part.mean()), scan.hu[part[0] : part[-1] + 1].mean(axis=0, dtype=np.float64)


def circles_in(image: FloatArray, scan: Scan, radius_mm: Span) -> FloatArray:
    """(n, 4): i and j in mm, radius in mm, roundness 0 to 1, the roundest first."""
    spacing = np.array(scan.grid.spacing_mm[:2])
    blur = np.maximum(0.8, 1.2 / spacing)
    smooth = np.clip(image, -300, 1000)
    gx = ndimage.gaussian_filter(smooth, blur[::-1], order=(0, 1)) / spacing[0]
    gy = ndimage.gaussian_filter(smooth, blur[::-1], order=(1, 0)) / spacing[1]
    size = np.hypot(gx, gy)
    tissue = image > -200
    if not tissue.any():
        return np.empty((0, 4))
    # Gradients well above those of flat tissue, which are noise, count in full.
    weight = 1 / (size + max(0.5, float(np.median(size[tissue]))))
    shape = [fft.next_fast_len(n + 2 * int(radius_mm[1] / min(spacing)) + 4) for n in image.shape]
    field = fft.fft2((gx + 1j * gy) * weight, shape, workers=1)
    radii = np.geomspace(*radius_mm, max(2, 1 + int(np.ceil(np.log(radius_mm[1] / radius_mm[0]) / np.log(1.12)))))
    scores = np.stack([_roundness(field, r, spacing)[: image.shape[0], : image.shape[1]] for r in radii])
    best = scores.argmax(axis=0)
    score = scores.max(axis=0)
    reach = np.maximum(1, np.round(radius_mm[0] / spacing)).astype(int)
    peak = (score == ndimage.maximum_filter(score, size=tuple(2 * reach[::-1] + 1))) & (score >= _ROUND)
    j, i = np.nonzero(peak)
    order = np.lexsort((i, j, -score[j, i]))[:_MOST_CIRCLES]
    j, i = j[order], i[order]
    at = np.stack([_between(score, j, i, 1), _between(score, j, i, 0)], axis=1) * spacing
    return np.column_stack([at, radii[best[j, i]], score[j, i]])


def _roundness(field: FloatArray, radius_mm: float, spacing: FloatArray) -> FloatArray:
    """|mean of the radial part of the gradients on a rim| around every pixel, from the transform of the gradients."""
    rows, columns = field.shape
    y = fft.fftfreq(rows, 1 / rows)[:, None] * spacing[1]
    x = fft.fftfreq(columns, 1 / columns)[None, :] * spacing[0]
    distance = np.hypot(x, y)
    rim = np.exp(-0.5 * ((distance - radius_mm) / max(0.08 * radius_mm, 0.5 * float(spacing.max()))) ** 2)
    outward = np.where(distance > 0, (x + 1j * y) / np.maximum(distance, 1e-9), 0)
    kernel = fft.fft2(rim * outward / rim.sum())
    return np.asarray(np.abs(fft.ifft2(field * np.conj(kernel)).real))


def _between(score: FloatArray, j: IntArray, i: IntArray, axis: int) -> FloatArray:
    """Position of the maximum between pixels along an axis, by a parabola through three of them."""
    n = np.stack([j, i])[axis]
    step = np.eye(2, dtype=int)[axis]
    low = score[np.maximum(j - step[0], 0), np.maximum(i - step[1], 0)]
    high = score[np.minimum(j + step[0], score.shape[0] - 1), np.minimum(i + step[1], score.shape[1] - 1)]
    curve = low + high - 2 * score[j, i]
    return np.asarray(n + np.where(curve < -1e-9, np.clip((low - high) / np.minimum(2 * curve, -1e-9), -0.5, 0.5), 0))
