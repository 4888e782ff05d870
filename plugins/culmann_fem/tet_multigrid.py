"""The preconditioner of quadratic tetrahedra: Chebyshev smoothing on them, and the linear ones on the vertices below.

A p-multigrid V-cycle in single precision. The operator on the vertices is assembled, and passed on to smoothed aggregation.
"""

from __future__ import annotations

import numpy as np

from culmann_fem import tet_vectors
from culmann_fem.aggregation import Aggregation, chebyshev
from culmann_fem.slabs import Slabs
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
        self._largest = 0.0
        self.update()

    def update(self) -> None:
        """Build the preconditioner anew from the moduli of the operator."""
        there = self.operator.free > 0
        self.inverse_diagonal[:] = np.divide(1, diagonal(self.operator), out=np.zeros(there.shape), where=there)
        vertex = self._vertices
        place = self.operator.problem.place_mm[vertex.node]
        self._aggregation = Aggregation(vertex_operator(self.operator, vertex), place, vertex.free)
        # Softening cells change the scaled spectrum little: the first estimate serves for all later moduli.
        self._largest = self._largest or self._largest_eigenvalue()

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

    def _largest_eigenvalue(self) -> float:
        """Of D^-1 K, by the power method from a fixed start; a tenth more for safety."""
        x, t, D = self.z32, self._t, self.inverse_diagonal
        weight = np.divide(1, D, out=np.zeros_like(D), where=D > 0)
        x[:] = np.random.default_rng(7).standard_normal(x.shape, dtype=np.float32) * (D > 0)
        value = 1.0
        for _ in range(12):
            # Norms are taken with D as the weight: there D^-1 K is symmetric, and the estimate comes from below.
            x /= np.float32(np.sqrt(np.sum(weight * x * x, dtype=np.float64)))
            self.operator.multiply32(x, t)
            np.multiply(t, D, out=x)
            value = float(np.sqrt(np.sum(weight * x * x, dtype=np.float64)))
        x[:] = 0
        return 1.1 * value

    def close(self) -> None:
        """End the threads."""
        self._slabs.close()
