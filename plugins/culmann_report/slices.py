"""A plane through scan and mesh, sampled on square pixels: grey values, and the cell that each pixel lies in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from culmann.data import Mesh, Scan
from culmann.data.arrays import FloatArray, IntArray
from culmann.drawing import View

#: A point is sought in so many tetrahedra, those with the nearest centres; on a side it lies in either cell.
_CANDIDATES, _TOUCH = 32, 1e-9


@dataclass(frozen=True, slots=True)
class Plane:
    """A rectangle of pixels in space.

    Parameters
    ----------
    view
        Its right and up, and where it faces.
    origin_mm
        A point of the plane, LPS.
    extent_mm
        Left, right, bottom, top on the page of the view.
    pixel_mm
        Size of a pixel.
    """

    view: View
    origin_mm: FloatArray
    extent_mm: tuple[float, float, float, float]
    pixel_mm: float

    def points_mm(self) -> FloatArray:
        """(rows, columns, 3), LPS, the lowest row first."""
        left, right, bottom, top = self.extent_mm
        x = np.arange(left + self.pixel_mm / 2, right, self.pixel_mm)
        y = np.arange(bottom + self.pixel_mm / 2, top, self.pixel_mm)
        depth = self.origin_mm @ self.view.towards
        across = x[None, :, None] * self.view.right + y[:, None, None] * self.view.up
        return np.asarray(across + depth * self.view.towards)


def grey_values(scan: Scan, points_mm: FloatArray) -> FloatArray:
    """HU (rows, columns), interpolated; NaN outside of the scan."""
    index = scan.grid.to_index(points_mm.reshape(-1, 3))
    size = np.asarray(scan.grid.size)
    hu = ndimage.map_coordinates(scan.hu.astype(np.float32), index[:, ::-1].T, order=1, mode="nearest").astype(np.float64)
    hu[((index < -0.5) | (index > size - 0.5)).any(axis=1)] = np.nan
    return np.asarray(hu.reshape(points_mm.shape[:2]))


def cells_at(mesh: Mesh, points_mm: FloatArray) -> IntArray:
    """Which cell each pixel (rows, columns) lies in, -1 for none: exact on a lattice and in tetrahedra with straight sides."""
    flat = points_mm.reshape(-1, 3)
    if mesh.lattice is not None:
        grid = mesh.lattice.grid
        number = np.full(grid.shape, -1, dtype=np.int64)
        i, j, k = mesh.lattice.cell_index.T
        number[k, j, i] = np.arange(mesh.n_cells)
        at = np.floor(grid.to_index(flat) + 0.5).astype(np.int64)
        inside = ((at >= 0) & (at < np.asarray(grid.size))).all(axis=1)
        found = np.full(len(flat), -1, dtype=np.int64)
        found[inside] = number[tuple(at[inside, ::-1].T)]
        return found.reshape(points_mm.shape[:2])
    if mesh.cell_type != "hex8":
        return _tetrahedra_at(mesh, flat).reshape(points_mm.shape[:2])
    centres = mesh.cell_centres_mm()
    reach = np.linalg.norm(mesh.points_mm[mesh.cells] - centres[:, None, :], axis=2).max(axis=1)
    distance, nearest = cKDTree(centres).query(flat)
    return np.asarray(np.where(distance <= 0.75 * reach[nearest], nearest, -1).reshape(points_mm.shape[:2]))


def _tetrahedra_at(mesh: Mesh, points_mm: FloatArray) -> IntArray:
    """(n,): the straight-sided tetrahedron that each point lies in, among those with the nearest centres; -1 for none."""
    centres = mesh.cell_centres_mm()
    corners = mesh.points_mm[mesh.cells[:, :4]]
    reach = np.linalg.norm(corners - centres[:, None, :], axis=2).max()
    ranks = np.arange(1, min(_CANDIDATES, mesh.n_cells) + 1)
    distance, near = map(np.asarray, cKDTree(centres).query(points_mm, k=ranks, distance_upper_bound=float(reach)))
    found = np.full(len(points_mm), -1, dtype=np.int64)
    for rank in range(len(ranks)):
        open_ = np.flatnonzero((found < 0) & np.isfinite(distance[:, rank]))
        cell = near[open_, rank]
        first, edges = corners[cell, 0], corners[cell, 1:] - corners[cell, :1]
        share = np.linalg.solve(np.swapaxes(edges, 1, 2), (points_mm[open_] - first)[:, :, None])[:, :, 0]
        inside = (share >= -_TOUCH).all(axis=1) & (share.sum(axis=1) <= 1 + _TOUCH)
        found[open_[inside]] = cell[inside]
    return found
