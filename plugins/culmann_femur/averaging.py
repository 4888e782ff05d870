"""Non-local density: the Gaussian mean over the bone cells around each cell of a voxel mesh."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from culmann.data import Grid
from culmann.data.arrays import FloatArray, IntArray


def standard_deviation_mm(fwhm_mm: float) -> float:
    """Sigma of a Gaussian of a given full width at half maximum: 1.27398 mm for 3 mm."""
    return float(fwhm_mm / np.sqrt(8 * np.log(2)))


def window(grid: Grid, *, isotropic: bool) -> tuple[int, int, int]:
    """How many cells the mean reaches to either side along i, j, k: ceil((6 - size) / 4), with cells of `size` mm.

    Sas et al. reach one cell along the third axis of the image whatever its size. That is taken as the lattice axis nearest to
    the patient's long axis, so that the order of the axes in a file plays no part. Cells of 2 mm or more have a reach of
    one cell either way.
    """
    reach = [max(0, int(np.ceil((6 - size) / 4))) for size in grid.spacing_mm]
    if not isotropic:
        reach[int(np.argmax(np.abs(grid.axes[2])))] = 1
    return reach[0], reach[1], reach[2]


def neighbour_mean(grid: Grid, cell_index: IntArray, values: FloatArray, fwhm_mm: float, *, isotropic: bool) -> FloatArray:
    """sum(w v M) / sum(w M) of the cells around each cell, itself included, with a Gaussian w and M = 1 in the given cells.

    Parameters
    ----------
    grid
        The lattice.
    cell_index
        (n, 3): i, j, k of the cells that take part.
    values
        (n,).
    fwhm_mm
        Full width of the Gaussian at half of its maximum.
    isotropic
        As in `window`.

    Returns
    -------
    (n,). A cell without neighbours keeps its own value.

    References
    ----------
    Sas et al. 2020, doi:10.1016/j.bonr.2020.100263, as coded by its authors (github.com/ameliesas/NonlinearRoutine).
    """
    i, j, k = (cell_index - cell_index.min(axis=0)).T
    shape = (k.max() + 1, j.max() + 1, i.max() + 1)
    weight, weighted = np.zeros(shape), np.zeros(shape)
    weight[k, j, i] = 1.0
    weighted[k, j, i] = values
    sigma = standard_deviation_mm(fwhm_mm)
    for axis, reach, size in zip((2, 1, 0), window(grid, isotropic=isotropic), grid.spacing_mm, strict=True):
        w = np.exp(-0.5 * (np.arange(-reach, reach + 1) * size / sigma) ** 2)
        weight = ndimage.correlate1d(weight, w, axis=axis, mode="constant")
        weighted = ndimage.correlate1d(weighted, w, axis=axis, mode="constant")
    return np.asarray(weighted[k, j, i] / weight[k, j, i])
