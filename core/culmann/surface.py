"""The outer surface of a mesh as triangles: of tetrahedra as it is, of voxels smoothed, as their faces know six ways only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import marching_cubes

from culmann.data import Grid, Mesh
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.errors import InputError
from culmann.voxels import exterior_faces


@dataclass(frozen=True, slots=True)
class Surface:
    """Triangles with their normals pointing outwards.

    Parameters
    ----------
    points_mm
        (n_points, 3), LPS.
    triangles
        (n, 3), indices of points.
    """

    points_mm: FloatArray
    triangles: IntArray

    def corners_mm(self) -> FloatArray:
        """(n, 3, 3): triangle, corner, LPS."""
        return self.points_mm[self.triangles]

    def centres_mm(self) -> FloatArray:
        """(n, 3)."""
        return np.asarray(self.corners_mm().mean(axis=1))

    def area_vectors_mm2(self) -> FloatArray:
        """(n, 3): outward normals as long as the triangles are large."""
        a, b, c = np.moveaxis(self.corners_mm(), 1, 0)
        return np.asarray(np.cross(b - a, c - a) / 2)


def outer_surface(mesh: Mesh, keep: BoolArray, smoothing_mm: float) -> Surface:
    """The surface of the cells `keep`: of a voxel mesh smoothed, holes inside closed; of any other mesh as it is.

    Of a voxel mesh it is the level 1/2 of the map of its cells after a Gaussian of `smoothing_mm`, or of one cell where cells
    are larger. The map is first turned to the nearest patient axes, so that the order of the voxels in the file plays no part.

    Parameters
    ----------
    mesh
        Any mesh.
    keep
        (n_cells,): which of its cells.
    smoothing_mm
        Standard deviation of the Gaussian.

    Raises
    ------
    InputError
        When nothing is left of the cells.
    """
    if not keep.any():
        raise InputError("there is no cell to take the surface of")
    if mesh.lattice is None:
        part = mesh.part(keep)
        faces, _ = exterior_faces(part)
        if faces.shape[1] == 4:
            faces = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
        return Surface(mesh.points_mm, faces)
    return _smooth(mesh.lattice.grid, mesh.lattice.cell_index[keep], smoothing_mm)


def nearest_axes(grid: Grid) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Which axis of the grid (0, 1, 2 for i, j, k) lies nearest to L, P and S, and whether it points the other way."""
    axes = grid.axes
    order = max(permutations(range(3)), key=lambda p: sum(abs(axes[row, column]) for row, column in enumerate(p)))
    i, j, k = order
    return (i, j, k), (bool(axes[0, i] < 0), bool(axes[1, j] < 0), bool(axes[2, k] < 0))


def _smooth(grid: Grid, cell: IntArray, smoothing_mm: float) -> Surface:
    order, backwards = nearest_axes(grid)
    spacing = np.asarray(grid.spacing_mm)[list(order)]
    sigma = np.maximum(smoothing_mm / spacing, 1.0)
    margin = np.ceil(4 * sigma).astype(int) + 1
    placed = cell[:, order] * np.where(backwards, -1, 1)
    low = placed.min(axis=0) - margin
    filled = np.zeros(placed.max(axis=0) + margin - low + 1, dtype=bool)
    filled[tuple((placed - low).T)] = True
    field: npt.NDArray[np.float32] = ndimage.gaussian_filter(
        ndimage.binary_fill_holes(filled).astype(np.float32), sigma, truncate=4.0
    )
    if field.max() <= 0.5:
        raise InputError(
            "the bone is thinner than the smoothing of its surface everywhere",
            hint="use smaller voxels, or check that the labels are those of a whole bone",
        )
    points, triangles, _, _ = marching_cubes(field, 0.5)  # type: ignore[no-untyped-call]
    index = np.empty_like(points, dtype=np.float64)
    index[:, order] = (points.astype(np.float64) + low) * np.where(backwards, -1, 1)
    surface = Surface(grid.to_world(index), triangles.astype(np.int64))
    volume = np.einsum("nx,nx->", surface.centres_mm() - surface.points_mm[0], surface.area_vectors_mm2())
    return surface if volume > 0 else Surface(surface.points_mm, surface.triangles[:, ::-1])
