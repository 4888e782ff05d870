"""From quadratic tetrahedra to the linear ones on their vertices: transfer, diagonal, and the Galerkin operator P' K P.

P gives a middle node the mean of its two vertices, from free freedoms to free freedoms. The operator is built cell by cell with
the very quadrature of the fine one, so that it is right for curved cells and for edges of which one end is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann_fem import tet_anisotropic
from culmann_fem.kernels import fast_kernel
from culmann_fem.tet_kernels import shape_gradients_at
from culmann_fem.tet_operator import TetOperator
from culmann_fem.tet_problem import EDGES, TABLE, TetProblem

#: (10, 4): the middle of an edge moves with the mean of its ends.
_INTERPOLATION = np.concatenate([np.eye(4), (np.eye(4)[EDGES[:, 0]] + np.eye(4)[EDGES[:, 1]]) / 2])


@dataclass(frozen=True, slots=True)
class Vertices:
    """The vertices of a mesh and their place between its nodes.

    Parameters
    ----------
    node
        (v,): the node that each vertex is.
    parent
        (n, 2): the two vertices whose mean each node is; a vertex is its own mean.
    begin, children
        The same backwards: nodes of which v is a parent, once or twice, from begin[v] to begin[v + 1].
    free
        (v, 3).
    indptr, indices
        Rows of the operator as blocks of 3 x 3.
    slot
        (m, 4, 4): where the blocks of a cell go among the `indices`.
    """

    node: IntArray
    parent: IntArray
    begin: IntArray
    children: IntArray
    free: BoolArray
    indptr: IntArray
    indices: IntArray
    slot: IntArray


def vertices(problem: TetProblem) -> Vertices:
    """Find the vertices of a mesh."""
    corner = problem.cell[:, :4]
    node = np.unique(corner).astype(np.int64)
    number = np.full(len(problem.place_mm), -1, dtype=np.int64)
    number[node] = np.arange(len(node))
    parent = np.repeat(number[:, None], 2, axis=1)
    parent[problem.cell[:, 4:]] = number[corner[:, EDGES]]
    tie = parent.ravel()
    order = np.argsort(tie, kind="stable")
    begin = np.searchsorted(tie[order], np.arange(len(node) + 1))

    n = len(node)
    mine = number[corner]
    pair = (mine[:, :, None] * n + mine[:, None, :]).reshape(-1)
    there, slot = np.unique(pair, return_inverse=True)
    indptr = np.searchsorted(there, np.arange(n + 1) * n)
    return Vertices(node, parent, begin, order // 2, problem.free[node], indptr, there % n, slot.reshape(-1, 4, 4))


def diagonal(operator: TetOperator) -> FloatArray:
    """(n, 3): the diagonal of K."""
    out = np.zeros(operator.free.shape)
    o = operator
    _diagonal(o.problem.cell, o.geometry, o.lame, TABLE, out)
    if o.orthotropic is not None:
        tet_anisotropic.add_diagonal(o.problem.cell, o.geometry, o.along, o.orthotropic, TABLE, out)
    return out


def vertex_operator(operator: TetOperator, vertex: Vertices) -> Any:
    """P' K P as a sparse matrix of 3 x 3 blocks; freedoms that are held or move nothing have 1 on the diagonal."""
    data = np.zeros((len(vertex.indices), 3, 3))
    o = operator
    _vertex_blocks(o.problem.cell, o.geometry, o.lame, TABLE, _INTERPOLATION, o.free, vertex.slot, data)
    if o.orthotropic is not None:
        what = (o.problem.cell, o.geometry, o.along, o.orthotropic, TABLE, _INTERPOLATION, o.free, vertex.slot)
        tet_anisotropic.add_vertex_blocks(*what, data)
    own = np.flatnonzero(np.repeat(np.arange(len(vertex.node)), np.diff(vertex.indptr)) == vertex.indices)
    on_diagonal = data[own[:, None], np.arange(3), np.arange(3)]
    data[own[:, None], np.arange(3), np.arange(3)] = np.where(on_diagonal > 0, on_diagonal, 1.0)
    n = 3 * len(vertex.node)
    return sp.bsr_array((data, vertex.indices, vertex.indptr), shape=(n, n))


@fast_kernel
def _diagonal(cell, geometry, lame, table, out):
    g = np.empty((10, 3))
    for m in range(cell.shape[0]):
        n, w = divmod(m, geometry.weight.shape[1])
        for p in range(4):
            at = shape_gradients_at(m, p, geometry, table, g)
            mu, both = geometry.weight[at, w] * lame[n, 1, w], geometry.weight[at, w] * (lame[n, 0, w] + lame[n, 1, w])
            for a in range(10):
                square = g[a, 0] * g[a, 0] + g[a, 1] * g[a, 1] + g[a, 2] * g[a, 2]
                for c in range(3):
                    out[cell[m, a], c] += mu * square + both * g[a, c] * g[a, c]


@fast_kernel
def _vertex_blocks(cell, geometry, lame, table, interpolation, free, slot, data):
    g, v = np.empty((10, 3)), np.empty((4, 3, 3))
    for m in range(cell.shape[0]):
        n, w = divmod(m, geometry.weight.shape[1])
        for p in range(4):
            at = shape_gradients_at(m, p, geometry, table, g)
            # v[k, c]: gradient of what vertex k moves along axis c
            v[:] = 0
            for a in range(10):
                for k in range(4):
                    share = interpolation[a, k]
                    if share > 0:
                        for c in range(3):
                            moves = share * free[cell[m, k], c] * free[cell[m, a], c]
                            for d in range(3):
                                v[k, c, d] += moves * g[a, d]
            lam, mu = geometry.weight[at, w] * lame[n, 0, w], geometry.weight[at, w] * lame[n, 1, w]
            for k in range(4):
                for q in range(4):
                    block = data[slot[m, k, q]]
                    for c in range(3):
                        for d in range(3):
                            value = lam * v[k, c, c] * v[q, d, d] + mu * v[k, c, d] * v[q, d, c]
                            if c == d:
                                value += mu * (v[k, c, 0] * v[q, c, 0] + v[k, c, 1] * v[q, c, 1] + v[k, c, 2] * v[q, c, 2])
                            block[c, d] += value
