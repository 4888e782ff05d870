"""From a scan of any spacing to the voxels of a network, and from its classes back onto the grid of the scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from culmann.data import Grid
from culmann.data.arrays import FloatArray
from culmann.regridding import antialias_sigma_voxels, index_map

#: Slices of the scan that are brought back at a time.
_SLAB = 32

Array = npt.NDArray[Any]


def obliqueness_degrees(grid: Grid) -> float:
    """The largest angle between an axis of the image and the axis of the patient that it stands for."""
    nearest = np.abs(grid.axes)[linear_sum_assignment(-np.abs(grid.axes))]
    return float(np.degrees(np.arccos(np.clip(nearest.min(), -1, 1))))


def working_grid(turned: Grid, spacing_mm: tuple[float, float, float]) -> Grid:
    """The grid of the network over a turned image: of the same centre, with as many voxels as come nearest to the extent."""
    size, old, new = np.array(turned.size), np.array(turned.spacing_mm), np.array(spacing_mm)
    wanted = np.maximum(1, np.round(size * old / new)).astype(int)
    first = ((size - 1) - (wanted - 1) * new / old) / 2
    x, y, z = (float(v) for v in turned.to_world(first[None])[0])
    (i, j, k), (sx, sy, sz) = (int(n) for n in wanted), (float(s) for s in new)
    return Grid((i, j, k), (sx, sy, sz), (x, y, z), turned.direction)


def weights_between(source: Grid, target: Grid) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(target, source) matrices of linear interpolation along z, y, x between grids of one direction.

    Where the target is coarser, the source is blurred first, as in `culmann.regridding`; edges are continued.
    """
    matrix, offset = index_map(source, target)
    sigma = antialias_sigma_voxels(source, target)
    along = [_weights(source.shape[a], target.shape[a], matrix[a, a], offset[a], sigma[a]) for a in range(3)]
    return along[0], along[1], along[2]


def _weights(n: int, m: int, step: float, start: float, sigma: float) -> FloatArray:
    at = np.clip(start + step * np.arange(m), 0, n - 1)
    low = np.minimum(np.floor(at).astype(int), max(n - 2, 0))
    share = at - low
    weights = np.zeros((m, n))
    np.add.at(weights, (np.arange(m), low), 1 - share)
    np.add.at(weights, (np.arange(m), np.minimum(low + 1, n - 1)), share)
    if sigma > 0:
        weights = weights @ ndimage.gaussian_filter1d(np.eye(n), sigma, axis=0, mode="nearest")
    return weights.astype(np.float32)


def resampled(array: Array, weights: tuple[FloatArray, FloatArray, FloatArray]) -> npt.NDArray[np.float32]:
    """An array (z, y, x) under such matrices: matrix products, the axis that shrinks most first."""
    out = np.asarray(array, dtype=np.float32)
    for axis in np.argsort([w.shape[0] / w.shape[1] for w in weights]):
        w = weights[axis]
        if w.shape[0] == w.shape[1] and np.array_equal(w, np.eye(len(w), dtype=np.float32)):
            continue
        out = np.moveaxis(np.tensordot(w, out, axes=(1, axis)), 0, axis).astype(np.float32, copy=False)
    return np.ascontiguousarray(out)


def classes_onto(share: Array, source: Grid, target: Grid) -> npt.NDArray[np.int32]:
    """The class of the largest share at every voxel of a turned scan; the background wins a tie.

    Parameters
    ----------
    share
        (classes, z, y, x) on the grid of the network.
    source, target
        The grid of the network and that of the turned scan.
    """
    z, y, x = weights_between(source, target)
    winner = np.zeros(target.shape, dtype=np.int32)
    somewhere = [c for c in range(1, len(share)) if share[c].any()]
    for first in range(0, target.shape[0], _SLAB):
        rows = slice(first, min(first + _SLAB, target.shape[0]))
        used = np.flatnonzero(z[rows].any(axis=0))
        near = slice(int(used.min()), int(used.max()) + 1)
        if not any(share[c, near].any() for c in somewhere):
            continue
        part = (z[rows, near], y, x)
        best = resampled(share[0, near], part)
        for c in somewhere:
            if share[c, near].any():
                here = resampled(share[c, near], part)
                wins = here > best
                winner[rows][wins] = c
                np.maximum(best, here, out=best)
    return winner
