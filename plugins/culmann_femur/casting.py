"""Casting: adding cells that are not bone to a voxel mesh, and turning bone into such cells, with all node sets kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid, Mesh, Solid
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.errors import InputError
from culmann.voxels import exterior_faces, hexahedra, region_map


@dataclass(frozen=True, slots=True)
class Mould:
    """A voxel mesh on a lattice that has room around it.

    Parameters
    ----------
    mesh
        The mesh.
    grid, region
        The larger lattice, and the region of each of its cells (z, y, x), 0 where there is none.
    is_bone
        (z, y, x).
    """

    mesh: Mesh
    grid: Grid
    region: npt.NDArray[np.int64]
    is_bone: BoolArray

    @property
    def cell_mm(self) -> float:
        """The longest side of a cell."""
        return max(self.grid.spacing_mm)

    @property
    def sampling_mm(self) -> FloatArray:
        """(3,): sides of a cell along z, y, x, as distance transforms want them."""
        return np.asarray(self.grid.spacing_mm)[::-1]

    def centres_mm(self, where: BoolArray) -> FloatArray:
        """(n, 3): centres of the cells of a map (z, y, x), in the order of the array, LPS."""
        return self.grid.to_world(np.argwhere(where)[:, ::-1])

    def empty_outside(self) -> BoolArray:
        """(z, y, x): cells without a region that are not in a hollow of the mesh."""
        return ~np.asarray(ndimage.binary_fill_holes(self.region != 0))


def mould_of(mesh: Mesh, what: str, reach_mm: FloatArray) -> Mould:
    """A mesh on its lattice, made large enough that the places `reach_mm` (n, 3) lie on it too.

    A cast may so leave the field of view: there is no bone where it is, and it needs no density.

    Raises
    ------
    InputError
        When the mesh is not a voxel mesh. `what` is the cast, for the message.
    """
    if mesh.lattice is None:
        raise InputError(f"{what} is cast on voxel meshes only", hint="build the mesh with `voxel-mesh`")
    old = mesh.lattice.grid
    index = np.rint(old.to_index(reach_mm)).astype(np.int64)
    below = np.maximum(1, 1 - index.min(axis=0))
    above = np.maximum(1, index.max(axis=0) + 2 - np.asarray(old.size))
    grid = old.part(tuple(slice(-int(b), n + int(a)) for b, n, a in zip(below[::-1], old.shape, above[::-1], strict=True)))
    region = np.pad(region_map(mesh), [(int(b), int(a)) for b, a in zip(below[::-1], above[::-1], strict=True)])
    return Mould(mesh, grid, region, np.isin(region, np.unique(mesh.region[mesh.is_bone])))


def cast(mould: Mould, parts: Mapping[str, tuple[BoolArray, Solid]], told: str) -> Mesh:
    """The mesh with the cells of each part (z, y, x) given a region of its own with a Solid.

    Parameters
    ----------
    mould
        The mesh on its lattice.
    parts
        {name of the region: (its cells, its material)}. Cells that are bone become part of it; a later part does not take cells
        from an earlier one.
    told
        What the history says.
    """
    mesh = mould.mesh
    region, free = mould.region.copy(), np.ones(mould.grid.shape, dtype=bool)
    names, solids = dict(mesh.region_names), dict(mesh.solids)
    number = max([0, *names, *solids, int(mesh.region.max())])
    for name, (cells, solid) in parts.items():
        number += 1
        region[cells & free] = number
        free &= ~cells
        names[number], solids[number] = name, solid
    made = hexahedra(mould.grid, region, names, solids=solids, history=(*mesh.history, told), placement=mesh.placement)
    new, old = _corner_keys(made.points_mm, mould.grid), _corner_keys(mesh.points_mm, mould.grid)
    sets = {name: np.flatnonzero(np.isin(new, old[nodes])) for name, nodes in mesh.node_sets.items()}
    return replace(made, node_sets=sets)


def region_number(mesh: Mesh, name: str) -> int:
    """The number of a region by its name; -1 when there is none."""
    return next((number for number, known in mesh.region_names.items() if known == name), -1)


def outer_nodes(mesh: Mesh, name: str, is_beyond: Callable[[FloatArray], BoolArray]) -> IntArray:
    """Nodes of the exterior faces of a region behind which the next cell of the lattice would lie beyond the cast.

    `is_beyond` says so (n,) for the centres (n, 3) of such cells.
    """
    faces, cell = exterior_faces(mesh)
    mine = mesh.region[cell] == region_number(mesh, name)
    faces, cell = faces[mine], cell[mine]
    next_mm = 2 * mesh.points_mm[faces].mean(axis=1) - mesh.points_mm[mesh.cells[cell]].mean(axis=1)
    return np.unique(faces[is_beyond(next_mm)])


def touching(cells: BoolArray, bone: BoolArray) -> BoolArray:
    """Of some cells (z, y, x), those that hang together by faces with cells next to the bone."""
    part, count = ndimage.label(cells)
    if count == 0:
        return cells
    beside = np.unique(part[ndimage.binary_dilation(bone) & cells])
    return np.isin(part, beside[beside > 0])


def _corner_keys(points_mm: FloatArray, grid: Grid) -> IntArray:
    at = np.rint(grid.to_index(points_mm) + 0.5).astype(np.int64)
    size = np.asarray(grid.size) + 1
    return np.asarray(at[:, 0] + size[0] * (at[:, 1] + size[1] * at[:, 2]))
