"""Averages of a voxel image over the cells of a mesh: exact on a lattice parallel to the image, by quadrature elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import ndimage, sparse

from culmann.data import DensityMap, Grid, Mesh
from culmann.data.arrays import FloatArray, IntArray
from culmann.data.placement import expect_one_space
from culmann.errors import InputError

#: Maps densities (n,) to one or several quantities (n, m) that are averaged together, from the same points.
PointValues = Callable[[FloatArray], FloatArray]

#: How a density between voxel centres is had from theirs.
Interpolation = Literal["linear", "nearest"]

#: A tetrahedron is cut until the edges of its parts are shorter than so many voxels, but no more often than this.
_PART_VOXELS, _MOST_CUTS = 1.7, 3


def average_over_cells(
    mesh: Mesh, density: DensityMap, values: PointValues, interpolation: Interpolation = "linear"
) -> FloatArray:
    """Integral of `values(density)` over each cell divided by its volume: what is averaged is the value, not the density.

    A cell of a lattice that is parallel to the image is cut exactly into voxels. Any other cell is sampled at quadrature
    points: a hexahedron at 2 x 2 x 2, a tetrahedron at the four points of the rule of degree 2 in each of 8, 64 or more equal
    parts, until a part is hardly larger than a voxel (and once more for the jumps between nearest voxels). The sides of a
    tetrahedron are taken as straight.

    Parameters
    ----------
    mesh, density
        In the same patient coordinates.
    values
        Density in g/cm³ (n,) to quantities (n, m).
    interpolation
        Between voxel centres at quadrature points: `linear`, or that of the `nearest` voxel, as if each were of one density.

    Returns
    -------
    (n_cells, m)

    Raises
    ------
    InputError
        When cells lie outside the density map, or one of the two was mirrored or registered and the other was not.
    """
    expect_one_space({"the mesh": mesh.placement, "the density map": density.placement})
    if mesh.lattice is not None and _parallel(mesh.lattice.grid, density.grid):
        return _average_on_lattice(mesh.lattice.grid, mesh.lattice.cell_index, density, values)
    return _average_by_quadrature(mesh, density, values, interpolation)


def _parallel(a: Grid, b: Grid) -> bool:
    return bool(np.allclose(a.axes, b.axes, atol=1e-6))


def _overlap(n_cells: int, first: float, size: float, n_voxels: int) -> sparse.csr_array:
    """(n_cells, n_voxels): share of each cell that each voxel covers along one axis; lengths in voxels, voxel i is [i, i+1]."""
    edges = first + size * np.arange(n_cells + 1)
    low, high = edges[:-1, None], edges[1:, None]
    voxel = np.arange(n_voxels)[None, :]
    share = np.clip(np.minimum(high, voxel + 1) - np.maximum(low, voxel), 0, None)
    # A sliver of 1e-9 voxel comes from rounding, not from geometry.
    share[share < 1e-9] = 0
    covered = share.sum(axis=1, keepdims=True)
    return sparse.csr_array(np.divide(share, covered, out=np.zeros_like(share), where=covered > 0))


def coarsen(grid: Grid, array: FloatArray, onto: Grid) -> FloatArray:
    """Box averages of an image (z, y, x) over the voxels of a parallel grid.

    A voxel that the image covers in part is averaged over that part; one that it does not cover is 0.
    """
    corner = grid.to_index(onto.to_world(np.full((1, 3), -0.5)))[0] + 0.5
    result = array
    for axis, along in ((2, 0), (1, 1), (0, 2)):
        size = onto.spacing_mm[along] / grid.spacing_mm[along]
        share = _overlap(onto.size[along], float(corner[along]), size, grid.size[along])
        moved = np.moveaxis(result, axis, 0)
        flat = share @ moved.reshape(moved.shape[0], -1)
        result = np.moveaxis(flat.reshape(onto.size[along], *moved.shape[1:]), 0, axis)
    return np.ascontiguousarray(result)


def _average_on_lattice(lattice: Grid, cell: IntArray, density: DensityMap, values: PointValues) -> FloatArray:
    i, j, k = cell.T
    _refuse_outside(density.grid.to_index(lattice.to_world(cell)), density)
    # Of a large scan only the voxels under the lattice are worth a law's work.
    window = _window_under(lattice, density.grid)
    under = density.grid.part(window)
    point_values = values(density.g_cm3[window].astype(np.float64).ravel())
    columns = []
    for column in point_values.T:
        averaged = coarsen(under, column.reshape(under.shape), lattice)
        columns.append(averaged[k, j, i])
    return np.stack(columns, axis=1)


def _window_under(lattice: Grid, image: Grid) -> tuple[slice, ...]:
    """The voxels (z, y, x) of an image that a parallel lattice overlaps, one at least along each axis."""
    ends = np.array([[-0.5, -0.5, -0.5], [n - 0.5 for n in lattice.size]])
    low, high = image.to_index(lattice.to_world(ends)) + 0.5
    first = np.clip(np.floor(low), 0, np.array(image.size) - 1).astype(int)
    stop = np.clip(np.ceil(high), first + 1, image.size).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in zip(first[::-1], stop[::-1], strict=True))


def _hexahedron_rule() -> FloatArray:
    """(8 points, 8 corners): trilinear shape functions at the 2 x 2 x 2 Gauss points, all of one weight."""
    ends = np.array([-1, 1]) / np.sqrt(3)
    points = np.array([[x, y, z] for z in ends for y in ends for x in ends])
    corner = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
    return np.asarray(np.prod(1 + points[:, None, :] * corner[None, :, :], axis=2) / 8)


def _tetrahedron_rule(cuts: int) -> FloatArray:
    """(4 · 8^cuts points, 4 corners): the four-point rule in all parts of a tetrahedron that is cut in eight."""
    a, b = 0.58541019662496845446, 0.13819660112501051518
    vertex = np.eye(4)
    middle = {(p, q): (vertex[p] + vertex[q]) / 2 for p in range(4) for q in range(p + 1, 4)}
    m01, m02, m03, m12, m13, m23 = (middle[e] for e in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)))
    v0, v1, v2, v3 = vertex
    eight = np.array(
        [
            (v0, m01, m02, m03),
            (m01, v1, m12, m13),
            (m02, m12, v2, m23),
            (m03, m13, m23, v3),
            (m01, m02, m03, m13),
            (m01, m02, m12, m13),
            (m02, m03, m13, m23),
            (m02, m12, m13, m23),
        ]
    )
    parts = vertex[None]
    for _ in range(cuts):
        parts = np.einsum("epc,ncx->nepx", eight, parts).reshape(-1, 4, 4)
    four = np.full((4, 4), b) + (a - b) * np.eye(4)
    return np.asarray(np.einsum("qp,npx->nqx", four, parts).reshape(-1, 4))


def _cuts(corners: FloatArray, grid: Grid) -> int:
    """How often tetrahedra with these corners (n, 4, 3) are cut in eight for an image on this grid."""
    edge = float(np.median(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2))) if len(corners) else 0.0
    needed = np.ceil(np.log2(max(edge, 1e-9) / (_PART_VOXELS * min(grid.spacing_mm))))
    return int(np.clip(needed, 1, _MOST_CUTS))


def _average_by_quadrature(mesh: Mesh, density: DensityMap, values: PointValues, interpolation: Interpolation) -> FloatArray:
    if mesh.cell_type == "hex8":
        corners, shape = mesh.points_mm[mesh.cells], _hexahedron_rule()
    else:
        corners = mesh.points_mm[mesh.cells[:, :4]]
        # The parts depend on the order of the corners; sorted by place, the numbering of the nodes plays no part.
        order = np.lexsort(np.moveaxis(corners, 2, 0), axis=1)
        corners = np.take_along_axis(corners, order[:, :, None], axis=1)
        shape = _tetrahedron_rule(_cuts(corners, density.grid) + (interpolation == "nearest"))
    g_cm3 = density.g_cm3.astype(np.float64)
    total: FloatArray | None = None
    for weights in shape:
        point = np.einsum("c,ncx->nx", weights, corners)
        index = density.grid.to_index(point)
        _refuse_outside(index, density)
        if interpolation == "linear":
            rho = ndimage.map_coordinates(g_cm3, index[:, ::-1].T, order=1, mode="nearest")
        else:
            i, j, k = np.clip(np.floor(index + 0.5).astype(np.int64), 0, np.array(density.grid.size) - 1).T
            rho = g_cm3[k, j, i]
        part = values(rho)
        total = part if total is None else total + part
    assert total is not None
    return np.asarray(total / len(shape))


def _refuse_outside(index: FloatArray, density: DensityMap) -> None:
    """A cell whose centre or sampling point is more than a voxel outside the image has no density."""
    size = np.asarray(density.grid.size)
    outside = ((index < -1) | (index > size)).any(axis=1)
    if outside.any():
        at = density.grid.to_world(index[outside][:1])[0]
        raise InputError(
            f"{int(outside.sum())} cells lie outside the density map, the first at {at.round(1).tolist()} mm (LPS); "
            f"the density map has {density.grid.describe()}",
            hint="mesh and density must come from the same scan",
        )
