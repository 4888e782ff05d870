"""Quadratic tetrahedra: made from straight ones, in the node order of `Mesh`, and the nodes of their sides."""

from __future__ import annotations

import numpy as np

from culmann.data import Mesh
from culmann.data.arrays import FloatArray, IntArray

#: The corners of each edge in the order of the middle nodes 4 to 9: VTK's. gmsh has the last two the other way round.
TET_EDGES = np.array([(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)])


def straight_tet10(points_mm: FloatArray, corners: IntArray) -> tuple[FloatArray, IntArray]:
    """Points and cells (n, 10) of quadratic tetrahedra: the points (m, 3) of the corners (n, 4), then the middle of every edge.

    Each edge has one middle, which all cells around it share.
    """
    ends = np.sort(corners[:, TET_EDGES].reshape(-1, 2), axis=1)
    _, first, number = np.unique(ends @ np.array([len(points_mm), 1]), return_index=True, return_inverse=True)
    middle = points_mm[ends[first]].mean(axis=1)
    cells = np.concatenate([corners, len(points_mm) + number.reshape(-1, 6)], axis=1)
    return np.concatenate([points_mm, middle]), cells.astype(np.int64)


def nodes_of_faces(mesh: Mesh, faces: IntArray) -> IntArray:
    """Points of faces that are given by their corners (n, 3 or 4), ascending; of quadratic cells with the middles of the edges.

    A set that is held or moved needs those: between corners that are held, a middle that is not would be free.
    """
    corners = np.unique(faces)
    if mesh.cell_type != "tet10":
        return corners
    key = np.array([mesh.n_points, 1])
    edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1) @ key
    ends = np.sort(mesh.cells[:, TET_EDGES].reshape(-1, 2), axis=1) @ key
    middles = mesh.cells[:, 4:].reshape(-1)[np.isin(ends, edges)]
    return np.union1d(corners, middles)
