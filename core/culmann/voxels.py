"""Hexahedral meshes on a lattice: made from a map of regions, and taken apart into their outer faces."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from culmann.data import Grid, Lattice, Mesh, Placement, Solid
from culmann.data.arrays import IntArray, expect_shape
from culmann.data.placement import UNMOVED

#: Corners of a hexahedron in VTK's order, as steps along i, j, k.
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])

_HEX_FACES = np.array([[0, 4, 7, 3], [1, 2, 6, 5], [0, 1, 5, 4], [3, 7, 6, 2], [0, 3, 2, 1], [4, 5, 6, 7]])
_TET_FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])


def hexahedra(
    grid: Grid,
    region: npt.NDArray[np.integer],
    region_names: Mapping[int, str],
    *,
    solids: Mapping[int, Solid] | None = None,
    history: tuple[str, ...] = (),
    placement: Placement = UNMOVED,
) -> Mesh:
    """One hexahedron for every voxel of `region` (z, y, x) that is not 0; neighbours share their points.

    Cells come in the order of the array, points in the order of the lattice of corners. In a mirrored frame the corners are
    taken the other way round, so that no cell is inside out.

    Raises
    ------
    ValueError
        When the array is not on the grid, as one in the order (x, y, z) is not.
    """
    expect_shape("region", region, grid.shape)
    cell = np.argwhere(region != 0)[:, ::-1]
    ni, nj, _ = (n + 1 for n in grid.size)
    corners = CORNERS if np.linalg.det(grid.axes) > 0 else CORNERS[[4, 5, 6, 7, 0, 1, 2, 3]]
    corner = cell[:, None, :] + corners[None, :, :]
    number = corner[..., 0] + ni * (corner[..., 1] + nj * corner[..., 2])
    used, cells = np.unique(number, return_inverse=True)
    at = np.stack([used % ni, used // ni % nj, used // (ni * nj)], axis=1)
    return Mesh(
        points_mm=grid.to_world(at - 0.5),
        cells=cells.reshape(-1, 8).astype(np.int64),
        cell_type="hex8",
        region=region[region != 0].astype(np.int64),
        region_names=dict(region_names),
        lattice=Lattice(grid, cell.astype(np.int64)),
        solids=dict(solids or {}),
        history=history,
        placement=placement,
    )


def region_map(mesh: Mesh) -> npt.NDArray[np.int64]:
    """The inverse of `hexahedra`: the map (z, y, x) of the regions of a voxel mesh on its lattice.

    Raises
    ------
    ValueError
        When the mesh has no lattice.
    """
    if mesh.lattice is None:
        raise ValueError("the mesh is not on a lattice")
    region = np.zeros(mesh.lattice.grid.shape, dtype=np.int64)
    i, j, k = mesh.lattice.cell_index.T
    region[k, j, i] = mesh.region
    return region


def exterior_faces(mesh: Mesh) -> tuple[IntArray, IntArray]:
    """Faces that belong to one cell only, with their normals pointing outwards.

    Returns
    -------
    faces
        (n, 4) for hexahedra, (n, 3) corner points for tetrahedra.
    cell
        (n,): the cell that each face belongs to.
    """
    local = _HEX_FACES if mesh.cell_type == "hex8" else _TET_FACES
    faces = mesh.cells[:, local].reshape(-1, local.shape[1])
    _, first, count = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    outer = np.sort(first[count == 1])
    return faces[outer], outer // len(local)
