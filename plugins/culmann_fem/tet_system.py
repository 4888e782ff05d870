"""TetSystem: a model of quadratic tetrahedra as the courses see it: operator, p-multigrid, conjugate gradients."""

from __future__ import annotations

import numpy as np

from culmann.data import Materials
from culmann.data.arrays import FloatArray
from culmann_fem import tet_vectors
from culmann_fem.elastic_groups import elastic_groups
from culmann_fem.system import Again, Product, Solve
from culmann_fem.tet_multigrid import TetMultigrid
from culmann_fem.tet_operator import CHUNK, TetOperator
from culmann_fem.tet_problem import TetProblem


class TetSystem:
    """See `culmann_fem.system.System`. Vectors are (n, 3): the nodes of the problem, along the axes of the load case."""

    def __init__(self, problem: TetProblem, materials: Materials, *, threads: int | None) -> None:
        order = problem.order
        self.problem = problem
        self.groups = elastic_groups(materials, problem.is_bone, problem.axes)
        along = next((group for group in self.groups if not group.isotropic), None)
        self.operator = TetOperator(
            problem,
            materials.youngs_modulus_mpa[order],
            materials.poisson_ratio[order],
            threads,
            orthotropic=None if along is None else along.elasticity,
            along=None if along is None else along.member[order],
        )
        self.multigrid = TetMultigrid(self.operator, threads)
        self.free = self.operator.free
        self.target_mm = problem.target_mm
        self.vector = self.operator.vector
        self.dot = self.operator.dot
        self.multiply = self.operator.multiply
        self.load_n = problem.load_n
        self.reactions_n = problem.reactions_n
        self.whereabouts = problem.whereabouts

    def squares(self, f: FloatArray) -> tuple[float, float]:
        """See `culmann_fem.system.System`."""
        free, held = f * self.free, f * (1 - self.free)
        return self.dot(free, free), self.dot(held, held)

    def refresh(self) -> None:
        """Build the preconditioner anew from the moduli of the operator."""
        self.multigrid.update()

    def solve(
        self, product: Product, x: FloatArray, r: FloatArray, *, tolerance: float, most: int, again: Again | None = None
    ) -> Solve:
        """Conjugate gradients in double precision, preconditioned by the multigrid in single precision."""
        slabs, multigrid = self.operator.node_slabs, self.multigrid
        p, q = self.vector(), self.vector()
        norm = float(np.sqrt(self.dot(r, r)))
        before = 0.0
        multigrid.r32[:] = r
        for iteration in range(most):
            if norm <= tolerance and again is not None:
                tolerance = again(x)
            if norm <= tolerance or not np.isfinite(norm):
                return Solve(iteration, norm, bool(norm <= tolerance))
            multigrid.apply()
            rz = self.dot(r, multigrid.z32)
            slabs.run(tet_vectors.direction, multigrid.z32, p, rz / before if before else 0.0, CHUNK)
            before = rz
            product(p, q)
            curvature = slabs.total(tet_vectors.mask_and_dot, q, p, self.free, CHUNK)
            if not curvature > 0:
                return Solve(iteration, norm, False)
            norm = float(np.sqrt(slabs.total(tet_vectors.advance, x, r, p, q, rz / curvature, multigrid.r32, CHUNK)))
        return Solve(most, norm, bool(norm <= tolerance))

    def precondition(self, r: FloatArray, z: FloatArray) -> None:
        """One cycle of the multigrid."""
        self.multigrid.r32[:] = r
        self.multigrid.apply()
        np.multiply(self.multigrid.z32, self.free, out=z)

    def close(self) -> None:
        """End the threads."""
        self.multigrid.close()
        self.operator.close()
