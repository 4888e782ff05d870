"""The outer surface of a mesh as triangles: of tetrahedra as it is, of voxels smoothed, as their faces know six ways only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree
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

    def volume_mm3(self) -> float:
        """Volume that a closed surface holds; negative when its normals point inwards."""
        return float(np.einsum("nx,nx->", self.centres_mm() - self.points_mm[0], self.area_vectors_mm2()) / 3)

    def euler_number(self) -> int:
        """Corners less edges plus triangles: 2 for each closed part, less 2 for each hole through it."""
        pairs = np.sort(self.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        return len(np.unique(self.triangles)) - len(np.unique(pairs, axis=0)) + len(self.triangles)


def self_intersections(surface: Surface) -> IntArray:
    """(n, 2): pairs of triangles that cut each other and share no corner.

    An edge of one passes through the inside of the other; triangles that only touch, or lie in one plane, are not told.
    """
    corners = surface.corners_mm()
    centre = corners.mean(axis=1)
    radius = np.linalg.norm(corners - centre[:, None], axis=2).max(axis=1)
    pairs = cKDTree(centre).query_pairs(2 * float(radius.max()), output_type="ndarray").astype(np.int64)
    one, two = pairs.T
    near = np.linalg.norm(centre[one] - centre[two], axis=1) <= radius[one] + radius[two]
    apart = ~(surface.triangles[one][:, :, None] == surface.triangles[two][:, None, :]).any(axis=(1, 2))
    pairs = pairs[near & apart]
    cut = np.zeros(len(pairs), dtype=bool)
    for mine, other in (pairs.T, pairs.T[::-1]):
        for start, stop in ((0, 1), (1, 2), (2, 0)):
            cut |= _pierced(corners[mine, start], corners[mine, stop], corners[other])
    return np.asarray(pairs[cut])


def _pierced(start: FloatArray, stop: FloatArray, triangle: FloatArray) -> BoolArray:
    """(n,): whether segments pass through the inside of triangles (n, 3, 3), by the signs of five volumes."""

    def side(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a))

    a, b, c = np.moveaxis(triangle, 1, 0)
    crosses = side(a, b, c, start) * side(a, b, c, stop) < 0
    turns = np.stack([side(start, stop, p, q) for p, q in ((a, b), (b, c), (c, a))])
    return np.asarray(crosses & ((turns > 0).all(axis=0) | (turns < 0).all(axis=0)))


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
    return surface if surface.volume_mm3() > 0 else Surface(surface.points_mm, surface.triangles[:, ::-1])
