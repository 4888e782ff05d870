"""From mesh and load case to the lattice: places of cells and nodes, free freedoms, prescribed displacements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culmann.data import LoadCase, Mesh
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.errors import SolverError

_PARALLEL = 1e-6


@dataclass(frozen=True, slots=True)
class LatticeProblem:
    """A voxel model on its own bounding box, with the longest side along the last axis.

    Parameters
    ----------
    shape
        Cells along the three axes of the box.
    spacing_mm
        (3,).
    axes
        (3, 3): columns are the axes of the box in LPS.
    cell, node
        (n_cells, 3) and (n_points, 3): places in the box. Points that belong to no cell have place -1.
    free
        (3, ni + 1, nj + 1, nk + 1): freedoms that exist and are not prescribed.
    target_mm
        The same shape: displacement at full load where prescribed, 0 elsewhere.
    sets
        The mesh points of each prescribed set.
    loaded
        (n,): mesh points whose reaction is the load.
    direction
        (3,): the direction of the load along the axes of the box.
    is_bone
        (n_cells,): which cells are no solids.
    """

    shape: tuple[int, int, int]
    spacing_mm: FloatArray
    axes: FloatArray
    cell: IntArray
    node: IntArray
    free: BoolArray
    target_mm: FloatArray
    sets: tuple[IntArray, ...]
    loaded: IntArray
    direction: FloatArray
    is_bone: BoolArray

    def on_cells(self, values: FloatArray) -> FloatArray:
        """(ni, nj, nk) from values (n_cells,), 0 elsewhere."""
        box = np.zeros(self.shape)
        box[tuple(self.cell.T)] = values
        return box

    def at_points(self, vector: FloatArray) -> FloatArray:
        """(n_points, 3) in LPS from a vector on the box."""
        i, j, k = self.node.T
        values = vector[:, i, j, k].T @ self.axes.T
        values[i < 0] = 0
        return np.asarray(values)

    def load_n(self, force: FloatArray) -> float:
        """Reaction of the loaded set along the direction of the load, N, from nodal forces on the box."""
        i, j, k = self.node[self.loaded].T
        return float(self.direction @ force[:, i, j, k].sum(axis=1))

    def reactions_n(self, force: FloatArray) -> FloatArray:
        """(sets, 3): reactions of all prescribed sets, LPS, N, from nodal forces on the box."""
        places = (self.node[nodes].T for nodes in self.sets)
        return np.array([self.axes @ force[:, i, j, k].sum(axis=1) for i, j, k in places])


def lattice_problem(mesh: Mesh, load: LoadCase) -> LatticeProblem:
    """Lay a voxel model out on its bounding box.

    Raises
    ------
    SolverError
        When the mesh is not on a lattice, the load prescribes single components along axes that are not the lattice's, or a
        set holds nodes that no cell touches.
    """
    if mesh.lattice is None or mesh.cell_type != "hex8":
        raise SolverError(
            f"the native solver takes voxels (hex8 on a lattice) and quadratic tetrahedra (tet10), not {mesh.cell_type}",
            hint="build the mesh with voxel-mesh, or give tetrahedra their middle nodes",
        )
    grid = mesh.lattice.grid
    corner = mesh.lattice.cell_index.min(axis=0)
    size = mesh.lattice.cell_index.max(axis=0) + 1 - corner
    order = np.argsort(size, kind="stable")
    cell = (mesh.lattice.cell_index - corner)[:, order]
    node = np.rint(grid.to_index(mesh.points_mm) + 0.5).astype(np.int64)[:, order] - corner[order]
    used = np.zeros(mesh.n_points, dtype=bool)
    used[mesh.cells] = True
    node[~used] = -1
    shape = tuple(int(n) for n in size[order])
    nodes = tuple(n + 1 for n in shape)

    axes = grid.axes[:, order]
    free = np.zeros((3, *nodes), dtype=bool)
    free[:, *node[used].T] = True
    target = np.zeros((3, *nodes))
    for name, held in reversed(list(load.prescribed.items())):
        if not used[held.nodes].all():
            raise SolverError(f"{int((~used[held.nodes]).sum())} nodes of {name!r} belong to no cell")
        i, j, k = node[held.nodes].T
        for c, value in _along_lattice(held.displacement_mm, load.axes, axes, name):
            free[c, i, j, k] = False
            target[c, i, j, k] = value
    return LatticeProblem(
        shape=(shape[0], shape[1], shape[2]),
        spacing_mm=np.asarray(grid.spacing_mm)[order],
        axes=axes,
        cell=cell,
        node=node,
        free=free,
        target_mm=target,
        sets=tuple(held.nodes for held in load.prescribed.values()),
        loaded=load.prescribed[load.loaded].nodes,
        direction=np.asarray(load.direction) @ axes,
        is_bone=mesh.is_bone,
    )


def _along_lattice(
    displacement_mm: tuple[float | None, float | None, float | None],
    load_axes: FloatArray,
    axes: FloatArray,
    name: str,
) -> list[tuple[int, float]]:
    """(component, value) along the axes of the box of what is prescribed along the axes of the load."""
    given = [(load_axes[m], value) for m, value in enumerate(displacement_mm) if value is not None]
    if len(given) == 3:
        vector = np.sum([axis * value for axis, value in given], axis=0) @ axes
        return [(c, float(vector[c])) for c in range(3)]
    result = []
    for axis, value in given:
        along = axis @ axes
        c = int(np.argmax(np.abs(along)))
        if abs(abs(along[c]) - 1) > _PARALLEL:
            angle = float(np.degrees(np.arccos(min(1, abs(along[c])))))
            raise SolverError(
                f"{name!r} prescribes one component along an axis that is {angle:.2f} degrees off the nearest lattice axis",
                hint="prescribe all three components (bonded), or resample the image to the axis of the load",
            )
        result.append((c, float(np.sign(along[c]) * value)))
    return result
