"""Curved sides: the middle nodes of the outer surface moved onto the body, wherever their cells stay good."""

from __future__ import annotations

import numpy as np

from culmann.data import Mesh
from culmann.data.arrays import FloatArray, IntArray
from culmann.tetrahedra import TET_EDGES
from culmann.voxels import exterior_faces
from culmann_mesh.smooth_surface import SmoothBody

#: A middle node moves by at most this share of its edge.
_REACH = 0.15


def curve_sides(points_mm: FloatArray, cells: IntArray, body: SmoothBody, smallest_share: float) -> tuple[FloatArray, int, int]:
    """Points (n, 3) of tet10 cells (m, 10) with curved sides, how many sides are curved, and how many had to stay straight.

    A cell stays good when its Jacobian determinant, at the corners and middle nodes, is nowhere below 0.3 of that of the
    straight cell, or below `smallest_share` of it if that is more.
    """
    faces, owner = exterior_faces(Mesh(points_mm, cells[:, :4], "tet4", np.ones(len(cells), dtype=np.int64)))
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    mine = np.sort(cells[owner][:, TET_EDGES].reshape(-1, 2), axis=1)
    n = np.array([len(points_mm), 1])
    outer = np.unique(cells[owner][:, 4:].ravel()[np.isin(mine @ n, sides @ n)])
    ends = np.full((len(points_mm), 2), -1)
    ends[cells[:, 4:].ravel()] = cells[:, TET_EDGES].reshape(-1, 2)
    length = np.linalg.norm(points_mm[ends[outer, 0]] - points_mm[ends[outer, 1]], axis=1)
    wanted = body.onto_surface(points_mm[outer], np.inf)
    moved = np.linalg.norm(wanted - points_mm[outer], axis=1) <= _REACH * length
    straight = _smallest_determinant(points_mm, cells)
    while True:
        result = points_mm.copy()
        result[outer[moved]] = wanted[moved]
        bad = _smallest_determinant(result, cells) < max(0.3, smallest_share) * straight
        back = moved & np.isin(outer, cells[bad])
        if not back.any():
            return result, int(moved.sum()), int((~moved).sum())
        moved &= ~back


def volume_mm3(points_mm: FloatArray, cells: IntArray) -> float:
    """Volume of quadratic tetrahedra (m, 10); the rule of degree 3 is exact for them."""
    centre, others = np.full(4, 1 / 4), np.full((4, 4), 1 / 6) + np.eye(4) / 3
    at = _determinants(points_mm, cells, np.vstack([centre, others]))
    return float((at @ np.array([-4 / 5, 9 / 20, 9 / 20, 9 / 20, 9 / 20])).sum() / 6)


def _smallest_determinant(points_mm: FloatArray, cells: IntArray) -> FloatArray:
    """(m,): the smallest Jacobian determinant at the ten nodes of each cell."""
    at = np.concatenate([np.eye(4), (np.eye(4)[TET_EDGES[:, 0]] + np.eye(4)[TET_EDGES[:, 1]]) / 2])
    return np.asarray(_determinants(points_mm, cells, at).min(axis=1))


def _determinants(points_mm: FloatArray, cells: IntArray, barycentric: FloatArray) -> FloatArray:
    """(m, q): Jacobian determinants of tet10 cells (m, 10) at barycentric places (q, 4)."""
    columns = []
    for place in barycentric:
        slope = np.zeros((10, 4))
        slope[range(4), range(4)] = 4 * place - 1
        for e, (i, j) in enumerate(TET_EDGES):
            slope[4 + e, i], slope[4 + e, j] = 4 * place[j], 4 * place[i]
        jacobian = np.einsum("nax,ac->ncx", points_mm[cells], slope[:, 1:] - slope[:, :1])
        columns.append(np.linalg.det(jacobian))
    return np.stack(columns, axis=1)
