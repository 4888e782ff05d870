"""Shares of a cell's volume that its integration points stand for: means over a cell need them where edges are not parallel."""

from __future__ import annotations

import numpy as np

from culmann.data import Mesh
from culmann.data.arrays import FloatArray

#: Integration points of an element; ccx numbers those of a brick with x fastest, those of a tet10 by the nearest corner.
POINTS = {"C3D8": 8, "C3D8I": 8, "C3D8R": 1, "C3D10": 4, "C3D4": 1}
_CORNERS = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
_EDGES = ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3))


def volume_shares(mesh: Mesh, element: str) -> FloatArray:
    """(n_cells, points) with sum 1: the Jacobian at each integration point, relative to its sum."""
    points = POINTS[element]
    if points == 1:
        return np.ones((mesh.n_cells, 1))
    slopes = _brick_slopes() if points == 8 else _tet10_slopes()
    volume = np.empty((mesh.n_cells, points))
    corner = mesh.points_mm[mesh.cells]
    for p, slope in enumerate(slopes):
        volume[:, p] = np.abs(np.linalg.det(np.einsum("nax,ai->nxi", corner, slope)))
    return np.asarray(volume / volume.sum(axis=1, keepdims=True))


def _brick_slopes() -> FloatArray:
    """(8 points, 8 nodes, 3): derivatives of the trilinear shape functions at the 2 x 2 x 2 Gauss points."""
    ends = np.array([-1, 1]) / np.sqrt(3)
    slopes = np.empty((8, 8, 3))
    for p, at in enumerate([(x, y, z) for z in ends for y in ends for x in ends]):
        factor = 1 + np.array(at) * _CORNERS
        for axis in range(3):
            others = [n for n in range(3) if n != axis]
            slopes[p, :, axis] = _CORNERS[:, axis] * factor[:, others].prod(axis=1) / 8
    return slopes


def _tet10_slopes() -> FloatArray:
    """(4 points, 10 nodes, 3): derivatives of the quadratic shape functions along barycentric coordinates 1 to 3."""
    near, far = (5 + 3 * np.sqrt(5)) / 20, (5 - np.sqrt(5)) / 20
    slopes = np.zeros((4, 10, 4))
    for p in range(4):
        at = np.full(4, far)
        at[p] = near
        slopes[p, range(4), range(4)] = 4 * at - 1
        for e, (i, j) in enumerate(_EDGES):
            slopes[p, 4 + e, i], slopes[p, 4 + e, j] = 4 * at[j], 4 * at[i]
    return slopes[:, :, 1:] - slopes[:, :, :1]
