"""Equilibrium: how large the reactions are, how much is out of balance, and linear solves that bring it back."""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.course import Course, Limits
from culmann_fem.system import System


def norms(system: System, f: FloatArray) -> tuple[float, float]:
    """Norm of the reactions, and norm of what is out of balance on the free freedoms."""
    free = f * system.free
    residual = float(np.sqrt(system.dot(free, free)))
    total = system.dot(f, f)
    return float(np.sqrt(max(0.0, total - residual**2))), residual


def solve_elastic(system: System, u: FloatArray, limits: Limits, course: Course) -> tuple[FloatArray, bool]:
    """Correct u in place until K u is in balance; the nodal forces, and whether that succeeded.

    What counts is the residual over the reactions of the very solution, which are only known once there is one: hence the
    repeated solves, of which the second seldom has anything to do.
    """
    f = system.vector()
    system.multiply(u, f)
    for _ in range(4):
        reaction, residual = norms(system, f)
        if residual <= limits.residual * reaction:
            course.largest_residual = max(course.largest_residual, residual / reaction if reaction > 0 else 0.0)
            return f, True
        r = -f * system.free
        goal = 0.5 * limits.residual * reaction
        solve = system.solve(system.multiply, u, r, tolerance=goal, most=limits.most_cg)
        course.count(solve.iterations)
        system.multiply(u, f)
    return f, False
