"""LatticeSystem: a voxel model as the courses see it: operator, multigrid, conjugate gradients."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from culmann.data import Materials
from culmann.data.arrays import FloatArray
from culmann_fem import vectors
from culmann_fem.elastic_groups import elastic_groups, on_lattice
from culmann_fem.hexahedron import brick
from culmann_fem.lattice import LatticeOperator
from culmann_fem.multigrid import Multigrid
from culmann_fem.plastic import PlasticModel
from culmann_fem.point_model import PointModel
from culmann_fem.problem import LatticeProblem
from culmann_fem.system import Product, Solve


class LinearSolver(Protocol):
    """Does the linear solves of a lattice system somewhere else than on the processor."""

    def add_tangent(self, model: PlasticModel | PointModel) -> None:
        """Do the products with the tangent of a model there, too."""

    def refresh(self) -> None:
        """The preconditioner of the system is a new one."""

    def solve(self, product: Product, x: FloatArray, r: FloatArray, *, tolerance: float, most: int) -> Solve:
        """See `culmann_fem.system.System`."""


class LatticeSystem:
    """See `culmann_fem.system.System`. Vectors are (3, ni + 1, nj + 1, nk + 1) on the bounding box."""

    def __init__(self, problem: LatticeProblem, materials: Materials, *, b_bar: bool, threads: int | None) -> None:
        materials = on_lattice(materials, problem.axes.T)
        self.groups = elastic_groups(materials, problem.is_bone, problem.axes.T)
        bricks = [brick(problem.spacing_mm, group.elasticity, b_bar=b_bar) for group in self.groups]
        modulus = materials.youngs_modulus_mpa
        E = np.stack([problem.on_cells(np.where(group.member, modulus, 0)) for group in self.groups])
        self.problem = problem
        self.b_bar = b_bar
        self.lattice = LatticeOperator(E, bricks, problem.free, threads)
        self.multigrid = Multigrid(self.lattice, threads)
        self.free = self.lattice.free
        self.target_mm = problem.target_mm
        self.vector = self.lattice.vector
        self.dot = self.lattice.dot
        self.multiply = self.lattice.multiply
        self.load_n = problem.load_n
        #: What does the linear solves in place of the threads.
        self.elsewhere: LinearSolver | None = None
        self.reactions_n = problem.reactions_n
        self.whereabouts = problem.whereabouts

    def refresh(self) -> None:
        """Build the coarse operators anew from the moduli of the lattice."""
        self.multigrid.update()
        if self.elsewhere is not None:
            self.elsewhere.refresh()

    def solve(self, product: Product, x: FloatArray, r: FloatArray, *, tolerance: float, most: int) -> Solve:
        """Conjugate gradients in double precision, preconditioned by the multigrid in single precision."""
        if self.elsewhere is not None:
            return self.elsewhere.solve(product, x, r, tolerance=tolerance, most=most)
        lattice = self.lattice
        slabs, span = lattice.slabs, lattice.node_span
        p, q = lattice.vector(), lattice.vector()
        norm = float(np.sqrt(lattice.dot(r, r)))
        before = 0.0
        lattice.r32[:] = r
        for iteration in range(most):
            if norm <= tolerance or not np.isfinite(norm):
                return Solve(iteration, norm, bool(norm <= tolerance))
            self.multigrid.apply()
            rz = lattice.dot(r, lattice.z32)
            slabs.run(vectors.direction, lattice.z32, p, rz / before if before else 0.0, span)
            before = rz
            product(p, q)
            curvature = slabs.total(vectors.mask_and_dot, q, p, lattice.free, span)
            if not curvature > 0:
                return Solve(iteration, norm, False)
            norm = float(np.sqrt(slabs.total(vectors.advance, x, r, p, q, rz / curvature, lattice.r32, span)))
        return Solve(most, norm, bool(norm <= tolerance))

    def precondition(self, r: FloatArray, z: FloatArray) -> None:
        """One cycle of the multigrid."""
        self.lattice.r32[:] = r
        self.multigrid.apply()
        np.multiply(self.lattice.z32, self.free, out=z)

    def close(self) -> None:
        """End the threads."""
        self.multigrid.close()
        self.lattice.close()
