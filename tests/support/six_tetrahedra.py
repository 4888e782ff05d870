"""Bricks cut into quadratic tetrahedra, so that one test can look at both kinds of cells."""

from __future__ import annotations

import numpy as np

from culmann import Mesh

#: Six tetrahedra of a brick about its diagonal, as corners in the order of `culmann.voxels.hexahedra`.
SIX = [(0, 1, 2, 6), (0, 2, 3, 6), (0, 3, 7, 6), (0, 7, 4, 6), (0, 4, 5, 6), (0, 5, 1, 6)]
EDGES = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]


def as_tets(mesh: Mesh) -> Mesh:
    """The same body; its points come first, the middle nodes after them. Cell n of the bricks becomes 6 n to 6 n + 5."""
    corners = mesh.cells[:, SIX].reshape(-1, 4)
    unique, at = np.unique(np.sort(corners[:, EDGES].reshape(-1, 2), axis=1), axis=0, return_inverse=True)
    points = np.concatenate([mesh.points_mm, mesh.points_mm[unique].mean(axis=1)])
    cells = np.concatenate([corners, mesh.n_points + at.reshape(-1, 6)], axis=1)
    return Mesh(points, cells, "tet10", np.ones(len(cells), dtype=int), {1: "bone"})
