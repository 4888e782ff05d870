"""LatticeSystem: a voxel model as the courses see it: operator, multigrid, conjugate gradients."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from culmann.data import Materials
from culmann.data.arrays import FloatArray
from culmann_fem.conjugate import ADVANCE, DONE, ITERATE, NORM, STUCK, TURN, ConjugateState
from culmann_fem.elastic_groups import elastic_groups, on_lattice
from culmann_fem.hexahedron import brick
from culmann_fem.lattice import LatticeOperator
from culmann_fem.multigrid import Multigrid
from culmann_fem.plastic import PlasticModel
from culmann_fem.point_model import PointModel
from culmann_fem.problem import LatticeProblem
from culmann_fem.system import Again, Product, Solve

#: Iterations between two looks at whether a person wants to stop.
_AT_ONCE = 4


class LinearSolver(Protocol):
    """Does the linear solves of a lattice system somewhere else than on the processor."""

    def add_tangent(self, model: PlasticModel | PointModel) -> None:
        """Do the products with the tangent of a model there, too."""

    def refresh(self) -> None:
        """The preconditioner of the system is a new one."""

    def solve(
        self, product: Product, x: FloatArray, r: FloatArray, *, tolerance: float, most: int, again: Again | None = None
    ) -> Solve:
        """See `culmann_fem.system.System`."""


class LatticeSystem:
    """See `culmann_fem.system.System`. Vectors are (3, size) on `Lines`."""

    def __init__(self, problem: LatticeProblem, materials: Materials, *, b_bar: bool, threads: int | None) -> None:
        materials = on_lattice(materials, problem.axes.T)
        self.groups = elastic_groups(materials, problem.is_bone, problem.axes.T)
        bricks = [brick(problem.spacing_mm, group.elasticity, b_bar=b_bar) for group in self.groups]
        modulus = materials.youngs_modulus_mpa
        E = np.stack([problem.on_cells(np.where(group.member, modulus, 0)) for group in self.groups])
        self.problem = problem
        self.b_bar = b_bar
        self.lattice = LatticeOperator(problem.lines, E, bricks, problem.free, threads)
        self.multigrid = Multigrid(self.lattice, threads)
        self.free = self.lattice.free
        self.target_mm = problem.target_mm
        self.vector = self.lattice.vector
        self.dot = self.lattice.dot
        self.squares = self.lattice.squares
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

    def solve(
        self, product: Product, x: FloatArray, r: FloatArray, *, tolerance: float, most: int, again: Again | None = None
    ) -> Solve:
        """Conjugate gradients in double precision, preconditioned by the multigrid in single precision."""
        if self.elsewhere is not None:
            return self.elsewhere.solve(product, x, r, tolerance=tolerance, most=most, again=again)
        lattice, slabs = self.lattice, self.lattice.slabs
        p, q = lattice.vector(), lattice.vector()
        norm = float(np.sqrt(lattice.dot(r, r)))
        lattice.r32[:] = r
        state = ConjugateState(x, r, p, q, np.zeros((3, slabs.planes)), np.array([0.0, norm, 0.0, 0.0]))
        iterations = 0
        while True:
            norm = float(state.numbers[NORM])
            if norm <= tolerance and again is not None:
                tolerance = again(x)
            if norm <= tolerance or not np.isfinite(norm) or iterations >= most or state.numbers[STUCK]:
                return Solve(iterations, norm, bool(norm <= tolerance))
            if product == self.multiply:
                self.multigrid.run(ITERATE, state, tolerance, min(_AT_ONCE, most - iterations))
                iterations += int(state.numbers[DONE])
            else:
                self.multigrid.run(TURN, state, 0.0, 1)
                product(p, q)
                self.multigrid.run(ADVANCE, state, 0.0, 0)
                iterations += 1

    def precondition(self, r: FloatArray, z: FloatArray) -> None:
        """One cycle of the multigrid."""
        self.lattice.r32[:] = r
        self.multigrid.apply()
        np.multiply(self.lattice.z32, self.free, out=z)

    def close(self) -> None:
        """End the threads."""
        self.multigrid.close()
        self.lattice.close()
