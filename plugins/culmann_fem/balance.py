"""Equilibrium: how large the reactions are, how much is out of balance, and linear solves that bring it back."""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.course import Course, Limits
from culmann_fem.lattice import LatticeOperator
from culmann_fem.multigrid import Multigrid
from culmann_fem.pcg import conjugate_gradients


def norms(lattice: LatticeOperator, f: FloatArray) -> tuple[float, float]:
    """Norm of the reactions, and norm of what is out of balance on the free freedoms."""
    free = f * lattice.free
    residual = float(np.sqrt(lattice.dot(free, free)))
    total = lattice.dot(f, f)
    return float(np.sqrt(max(0.0, total - residual**2))), residual


def solve_elastic(
    lattice: LatticeOperator, multigrid: Multigrid, u: FloatArray, limits: Limits, course: Course
) -> tuple[FloatArray, bool]:
    """Correct u in place until K u is in balance; the nodal forces, and whether that succeeded.

    What counts is the residual over the reactions of the very solution, which are only known once there is one: hence the
    repeated solves, of which the second seldom has anything to do.
    """
    f = lattice.vector()
    lattice.multiply(u, f)
    for _ in range(4):
        reaction, residual = norms(lattice, f)
        if residual <= limits.residual * reaction:
            course.largest_residual = max(course.largest_residual, residual / reaction if reaction > 0 else 0.0)
            return f, True
        r = -f * lattice.free
        goal = 0.5 * limits.residual * reaction
        solve = conjugate_gradients(lattice, multigrid, lattice.multiply, u, r, tolerance=goal, most=limits.most_cg)
        course.count(solve.iterations)
        lattice.multiply(u, f)
    return f, False
