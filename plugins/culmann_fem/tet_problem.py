"""From a mesh of quadratic tetrahedra and a load case to what the solver works on: ordered cells, freedoms, geometry.

Everything is in the axes of the load case, so that a single prescribed component is a freedom whatever way the load points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from culmann.data import LoadCase, Mesh
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.errors import SolverError
from culmann_fem.problem import nodes_of_no_cell

#: The two corners of each edge, in the order of the middle nodes 4 to 9.
EDGES = np.array([(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)])
#: Where U_ij of the symmetric 4 x 4 table of a quadratic form is among the ten nodes.
TABLE = np.array([[0, 4, 6, 7], [4, 1, 5, 8], [6, 5, 2, 9], [7, 8, 9, 3]])
#: The four points of the rule: this barycentric coordinate at the near corner, the other at the three far ones.
NEAR, FAR = (5 + 3 * np.sqrt(5)) / 20, (5 - np.sqrt(5)) / 20
#: A middle node closer than this to the middle, over the length of its edge, makes no curved cell.
_STRAIGHT = 1e-5


@dataclass(frozen=True, slots=True)
class TetProblem:
    """A model of quadratic tetrahedra, cells and nodes in an order that keeps neighbours close in memory.

    Parameters
    ----------
    place_mm
        (n, 3): nodes that belong to a cell, in the axes of the load case.
    point
        (n,): the point of the mesh that each node is.
    n_points
        Points of the mesh.
    cell
        (m, 10) nodes of each cell.
    order
        (m,): the cell of the mesh that each cell is.
    curved
        (m,): whether a cell has an edge that is not straight.
    axes
        (3, 3): rows are the axes of the load case in LPS.
    free
        (n, 3): freedoms that are not prescribed.
    target_mm
        (n, 3): displacement at full load where prescribed, 0 elsewhere.
    sets
        The nodes of each prescribed set.
    loaded
        Nodes whose reaction is the load.
    direction
        (3,): the direction of the load, in the axes of the load case.
    is_bone
        (n_cells,): which cells of the mesh are no solids.
    """

    place_mm: FloatArray
    point: IntArray
    n_points: int
    cell: npt.NDArray[np.int32]
    order: IntArray
    curved: BoolArray
    axes: FloatArray
    free: BoolArray
    target_mm: FloatArray
    sets: tuple[IntArray, ...]
    loaded: IntArray
    direction: FloatArray
    is_bone: BoolArray

    def at_points(self, vector: FloatArray) -> FloatArray:
        """(n_points, 3) in LPS from a vector (n, 3)."""
        values = np.zeros((self.n_points, 3))
        values[self.point] = vector @ self.axes
        return values

    def at_cells(self, values: FloatArray) -> FloatArray:
        """Values per cell in the order of the mesh."""
        back = np.empty_like(values)
        back[self.order] = values
        return back

    def whereabouts(self, vector: FloatArray) -> str:
        """In words, the cell of the mesh and the place of the largest entry of a vector (n, 3) on a node."""
        at = int(np.argmax(np.einsum("nc,nc->n", vector, vector)))
        cell = int(self.order[(self.cell == at).any(axis=1)].min())
        return f"cell {cell} of the mesh, {(self.place_mm[at] @ self.axes).round(1).tolist()} mm (LPS)"

    def load_n(self, force: FloatArray) -> float:
        """Reaction of the loaded set along the direction of the load, N, from nodal forces."""
        return float(self.direction @ force[self.loaded].sum(axis=0))

    def reactions_n(self, force: FloatArray) -> FloatArray:
        """(sets, 3): reactions of all prescribed sets, LPS, N, from nodal forces."""
        return np.array([force[nodes].sum(axis=0) @ self.axes for nodes in self.sets])


def tet_problem(mesh: Mesh, load: LoadCase) -> TetProblem:
    """Number the nodes and cells of a mesh for the solver.

    Raises
    ------
    SolverError
        When a set holds nodes that no cell touches.
    """
    order = np.argsort(_along_curve(mesh.cell_centres_mm()), kind="stable")
    points, first = np.unique(mesh.cells[order], return_index=True)
    point = points[np.argsort(first)]
    node = np.full(mesh.n_points, -1)
    node[point] = np.arange(len(point))
    place = mesh.points_mm[point] @ load.axes.T
    cell = node[mesh.cells[order]]

    free = np.ones((len(point), 3), dtype=bool)
    target = np.zeros((len(point), 3))
    for name, held in reversed(list(load.prescribed.items())):
        at = node[held.nodes]
        if (at < 0).any():
            raise nodes_of_no_cell(name, mesh, held.nodes[at < 0])
        for c, value in enumerate(held.displacement_mm):
            if value is not None:
                free[at, c] = False
                target[at, c] = value
    ends = place[cell[:, EDGES]]
    middle_off = np.linalg.norm(place[cell[:, 4:]] - ends.mean(axis=2), axis=2)
    length = np.linalg.norm(ends[:, :, 1] - ends[:, :, 0], axis=2)
    return TetProblem(
        place_mm=place,
        point=point,
        n_points=mesh.n_points,
        cell=cell.astype(np.int32),
        order=order,
        curved=np.asarray((middle_off > _STRAIGHT * length).any(axis=1)),
        axes=load.axes,
        free=free,
        target_mm=target,
        sets=tuple(node[held.nodes] for held in load.prescribed.values()),
        loaded=node[load.prescribed[load.loaded].nodes],
        direction=load.axes @ np.asarray(load.direction),
        is_bone=mesh.is_bone,
    )


def shape_gradients(problem: TetProblem, cells: IntArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gradients of barycentric coordinates 1 to 3, and Jacobian determinants, at barycentric points (q, 4) of some cells.

    Returns
    -------
    (n, q, 3 coordinates, 3 axes) and (n, q).

    Raises
    ------
    SolverError
        When a cell is flat, or turned inside out in a part of itself.
    """
    slope = np.zeros((len(points), 10, 4))
    for q, at in enumerate(points):
        slope[q, range(4), range(4)] = 4 * at - 1
        for e, (i, j) in enumerate(EDGES):
            slope[q, 4 + e, i], slope[q, 4 + e, j] = 4 * at[j], 4 * at[i]
    jacobian = np.einsum("nac,qai->nqic", problem.place_mm[problem.cell[cells]], slope[:, :, 1:] - slope[:, :, :1])
    volume = np.asarray(np.linalg.det(jacobian))
    size = np.linalg.norm(jacobian, axis=(2, 3)) ** 3
    bad = (np.abs(volume) < 1e-9 * size).any(axis=1) | (np.abs(np.sign(volume).sum(axis=1)) < volume.shape[1])
    if bad.any():
        at = problem.place_mm[problem.cell[cells[bad][0], :4]].mean(axis=0) @ problem.axes
        raise SolverError(
            f"{int(bad.sum())} cells are flat or turned inside out, the first around {at.round(2).tolist()} mm (LPS)",
            hint="improve the mesh, or straighten its curved edges",
        )
    return np.asarray(np.swapaxes(np.linalg.inv(jacobian), 2, 3)), np.abs(volume)


def _along_curve(x: FloatArray) -> npt.NDArray[np.uint64]:
    """Places along Morton's curve, which passes through neighbours one soon after the other."""
    low, size = x.min(axis=0), max(float(np.ptp(x, axis=0).max()), 1e-300)
    at = ((x - low) / size * (2**20 - 1)).astype(np.uint64)
    code = np.zeros(len(x), dtype=np.uint64)
    for bit in range(20):
        for c in range(3):
            code |= (at[:, c] >> np.uint64(bit) & np.uint64(1)) << np.uint64(3 * bit + c)
    return code
