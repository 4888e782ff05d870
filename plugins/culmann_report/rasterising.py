"""Tetrahedra on a regular grid: which one each grid point lies in."""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray, IntArray

#: A point on a side lies in either tetrahedron.
_TOUCH = 1e-9


def tetrahedra_on(corners: FloatArray, shape: tuple[int, int, int]) -> IntArray:
    """For each grid point the number of the tetrahedron with straight sides that it lies in, -1 for none.

    Parameters
    ----------
    corners
        (n, 4, 3): tetrahedron, corner, and its place in units of the grid, in the order x, y, z.
    shape
        Of the grid: (z, y, x).

    Returns
    -------
    (z, y, x) int64. Where tetrahedra overlap, the last one counts.
    """
    number = np.full(shape, -1, dtype=np.int64)
    size = np.array(shape[::-1])
    low = np.maximum(np.ceil(corners.min(axis=1) - _TOUCH).astype(np.int64), 0)
    high = np.minimum(np.floor(corners.max(axis=1) + _TOUCH).astype(np.int64), size - 1)
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    some = np.flatnonzero((high >= low).all(axis=1) & (np.abs(np.linalg.det(edges)) > 0))
    if not len(some):
        return number
    low, high, first = low[some], high[some], corners[some, 0]
    inverse = np.linalg.inv(edges[some])
    reach = (high - low).max(axis=0) + 1
    for step in np.ndindex(*(int(n) for n in reach)):  # every tetrahedron looks at the points of its own box, one at a time
        point = low + np.array(step)
        near = np.flatnonzero((point <= high).all(axis=1))
        share = np.einsum("nij,nj->ni", inverse[near], point[near] - first[near])
        inside = near[(share >= -_TOUCH).all(axis=1) & (share.sum(axis=1) <= 1 + _TOUCH)]
        x, y, z = point[inside].T
        number[z, y, x] = some[inside]
    return number
