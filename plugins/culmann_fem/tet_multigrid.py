"""The preconditioner of quadratic tetrahedra: Chebyshev smoothing on them, and the linear ones on the vertices below.

A p-multigrid V-cycle in single precision. The operator on the vertices is assembled, and passed on to smoothed aggregation.
"""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem import tet_vectors
from culmann_fem.aggregation import Aggregation
from culmann_fem.chebyshev import chebyshev
from culmann_fem.slabs import Slabs
from culmann_fem.spectrum import largest_eigenvalue
from culmann_fem.tet_operator import CHUNK, TetOperator
from culmann_fem.tet_vertices import diagonal, vertex_operator, vertices

DEGREE = 2
RATIO = 8.0


class TetMultigrid:
    """`apply` turns the residual `r32` into the correction `z32`."""

    def __init__(self, operator: TetOperator, threads: int | None = None) -> None:
        self.operator = operator
        self._vertices = vertices(operator.problem)
        self._slabs = Slabs(np.ones(-(-len(self._vertices.node) // CHUNK), dtype=np.int64), threads)
        shape = operator.free.shape
        self.r32, self.z32, self._t, self._d, self.inverse_diagonal = (np.zeros(shape, dtype=np.float32) for _ in range(5))
        self._coarse = np.zeros((len(self._vertices.node), 3), dtype=np.float32)
        self.update()

    def update(self) -> None:
        """Build the preconditioner anew from the moduli of the operator."""
        there = self.operator.free > 0
        self.inverse_diagonal[:] = np.divide(1, diagonal(self.operator), out=np.zeros(there.shape), where=there)
        vertex = self._vertices
        place = self.operator.problem.place_mm[vertex.node]
        self._aggregation = Aggregation(vertex_operator(self.operator, vertex), place, vertex.free)
        self._largest = largest_eigenvalue(self._product, self.inverse_diagonal.astype(float))

    def apply(self) -> None:
        """z32 = M r32."""
        operator, vertex = self.operator, self._vertices
        run, r, z, t, d, D = operator.node_slabs.run, self.r32, self.z32, self._t, self._d, self.inverse_diagonal
        steps = chebyshev(self._largest, DEGREE, RATIO)
        run(tet_vectors.smooth_first, r, D, z, d, steps[0][1], CHUNK)
        for keep, factor in steps[1:]:
            operator.multiply32(z, t)
            run(tet_vectors.smooth_next, r, t, D, z, d, keep, factor, CHUNK)
        operator.multiply32(z, t)
        self._slabs.run(tet_vectors.restrict, r, t, D, vertex.begin, vertex.children, vertex.free, self._coarse, CHUNK)
        coarse = self._aggregation.apply(self._coarse.ravel()).reshape(-1, 3)
        run(tet_vectors.prolong, coarse, vertex.parent, D, z, CHUNK)
        for keep, factor in steps:
            operator.multiply32(z, t)
            run(tet_vectors.smooth_next, r, t, D, z, d, keep, factor, CHUNK)

    def _product(self, x: FloatArray) -> FloatArray:
        self._d[:] = x
        self.operator.multiply32(self._d, self._t)
        return self._t.astype(float)

    def close(self) -> None:
        """End the threads."""
        self._slabs.close()
