"""From mesh and load case to the lattice: places of cells and nodes, free freedoms, prescribed displacements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culmann.data import LoadCase, Mesh
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.errors import SolverError
from culmann_fem.lines import Lines, lines_of

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
    origin_mm
        (3,): the node at place (0, 0, 0), LPS.
    cell, node
        (n_cells, 3) and (n_points, 3): places in the box. Points that belong to no cell have place -1.
    lines
        How vectors lie in memory.
    at
        (n_points,): the place of every mesh point in a vector; 0 for one that belongs to no cell.
    free
        (3, size): freedoms that exist and are not prescribed.
    target_mm
        (3, size): displacement at full load where prescribed, 0 elsewhere.
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
    origin_mm: FloatArray
    cell: IntArray
    node: IntArray
    lines: Lines
    at: IntArray
    free: BoolArray
    target_mm: FloatArray
    sets: tuple[IntArray, ...]
    loaded: IntArray
    direction: FloatArray
    is_bone: BoolArray

    def on_cells(self, values: FloatArray) -> FloatArray:
        """(size,) from values (n_cells,), 0 elsewhere."""
        placed = np.zeros(self.lines.size)
        placed[self.lines.at(self.cell)] = values
        return placed

    def at_points(self, vector: FloatArray) -> FloatArray:
        """(n_points, 3) in LPS from a vector."""
        values = vector[:, self.at].T @ self.axes.T
        values[self.node[:, 0] < 0] = 0
        return np.asarray(values)

    def whereabouts(self, vector: FloatArray) -> str:
        """In words, the cell of the mesh and the place of the largest entry of a vector on a node."""
        largest = int(np.argmax(np.einsum("cn,cn->n", vector, vector)))
        at = self.node[np.flatnonzero((self.at == largest) & (self.node[:, 0] >= 0))[0]]
        around = self.cell - at
        cell = int(np.flatnonzero(((around >= -1) & (around <= 0)).all(axis=1))[0])
        place = self.axes @ (at * self.spacing_mm) + self.origin_mm
        return f"cell {cell} of the mesh, {place.round(1).tolist()} mm (LPS)"

    def centres_mm(self, cells: IntArray) -> FloatArray:
        """(n, 3): the centres of some cells, LPS."""
        return np.asarray(((self.cell[cells] + 0.5) * self.spacing_mm) @ self.axes.T + self.origin_mm)

    def loaded_place_mm(self) -> FloatArray:
        """(3,): the middle of the loaded nodes, LPS."""
        return np.asarray(self.axes @ (self.node[self.loaded].mean(axis=0) * self.spacing_mm) + self.origin_mm)

    def load_n(self, force: FloatArray) -> float:
        """Reaction of the loaded set along the direction of the load, N, from nodal forces."""
        return float(self.direction @ force[:, self.at[self.loaded]].sum(axis=1))

    def reactions_n(self, force: FloatArray) -> FloatArray:
        """(sets, 3): reactions of all prescribed sets, LPS, N, from nodal forces."""
        return np.array([self.axes @ force[:, self.at[nodes]].sum(axis=1) for nodes in self.sets])


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
    filled = np.zeros(shape, dtype=bool)
    filled[tuple(cell.T)] = True
    lines = lines_of(filled)
    at = np.zeros(mesh.n_points, dtype=np.int64)
    at[used] = lines.at(node[used])

    axes = grid.axes[:, order]
    free = np.zeros((3, lines.size), dtype=bool)
    free[:, at[used]] = True
    target = np.zeros((3, lines.size))
    # What a node keeps of all its sets, along the axes of the load: a node with three components can lie anyhow.
    given = np.full((mesh.n_points, 3), np.nan)
    for name, held in reversed(list(load.prescribed.items())):
        if not used[held.nodes].all():
            raise nodes_of_no_cell(name, mesh, held.nodes[~used[held.nodes]])
        for c, value in enumerate(held.displacement_mm):
            if value is not None:
                given[held.nodes, c] = value
    whole = ~np.isnan(given).any(axis=1)
    free[:, at[whole]] = False
    target[:, at[whole]] = axes.T @ load.axes.T @ given[whole].T
    for m in range(3):
        some = np.flatnonzero(~whole & ~np.isnan(given[:, m]))
        if len(some):
            c, sign = _along_lattice(load.axes[m], axes, load, some)
            free[c, at[some]] = False
            target[c, at[some]] = sign * given[some, m]
    return LatticeProblem(
        shape=(shape[0], shape[1], shape[2]),
        spacing_mm=np.asarray(grid.spacing_mm)[order],
        axes=axes,
        origin_mm=mesh.points_mm[np.flatnonzero(used)[0]] - axes @ (node[used][0] * np.asarray(grid.spacing_mm)[order]),
        cell=cell,
        node=node,
        lines=lines,
        at=at,
        free=free,
        target_mm=target,
        sets=tuple(held.nodes for held in load.prescribed.values()),
        loaded=load.prescribed[load.loaded].nodes,
        direction=np.asarray(load.direction) @ axes,
        is_bone=mesh.is_bone,
    )


def nodes_of_no_cell(name: str, mesh: Mesh, nodes: IntArray) -> SolverError:
    """The error for a set with nodes that have no stiffness."""
    at = mesh.points_mm[nodes[0]].round(1).tolist()
    return SolverError(
        f"{len(nodes)} nodes of {name!r} belong to no cell, the first at {at} mm (LPS)",
        hint="the load case and the solver must take the same mesh",
    )


def _along_lattice(axis: FloatArray, axes: FloatArray, load: LoadCase, nodes: IntArray) -> tuple[int, float]:
    """The axis of the box that an axis of the load lies along, and whether they point the same way; for these nodes."""
    along = axis @ axes
    c = int(np.argmax(np.abs(along)))
    if abs(abs(along[c]) - 1) > _PARALLEL:
        angle = float(np.degrees(np.arccos(min(1, abs(along[c])))))
        name = next(name for name, held in load.prescribed.items() if np.isin(held.nodes, nodes).any())
        raise SolverError(
            f"{name!r} prescribes single components along an axis that is {angle:.2f} degrees off the nearest lattice axis",
            hint="prescribe all three components (bonded), or resample the image to the axis of the load",
        )
    return c, float(np.sign(along[c]))
