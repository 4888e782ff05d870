"""Equilibrium: how large the load is, how much is out of balance, and linear solves that bring it back."""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.course import Course, Limits
from culmann_fem.system import System


def norms(system: System, f: FloatArray) -> tuple[float, float]:
    """The load, and the norm of what is out of balance on the free freedoms, N.

    The load is the reaction of the loaded set, or the norm of all reactions where that is larger: a load may vanish while the
    nodes that share it pull against each other.
    """
    free, held = system.squares(f)
    return max(abs(system.load_n(f)), float(np.sqrt(held))), float(np.sqrt(free))


def solve_elastic(system: System, u: FloatArray, limits: Limits, course: Course) -> tuple[FloatArray, bool]:
    """Correct u in place until K u is in balance; the nodal forces, and whether that succeeded.

    What counts is the residual over the load of the very solution. So the solve asks for the load whenever it is through, and
    goes on; what rounding has left over after that, a second solve takes away.
    """
    f = system.vector()

    def goal(u: FloatArray) -> float:
        system.multiply(u, f)
        return 0.5 * limits.residual * norms(system, f)[0]

    for _ in range(4):
        limits.check()
        system.multiply(u, f)
        load, residual = norms(system, f)
        if residual <= limits.residual * load:
            course.largest_residual = max(course.largest_residual, residual / load if load > 0 else 0.0)
            return f, True
        r = np.negative(f)
        r *= system.free
        first = 0.5 * limits.residual * load
        course.count(system.solve(system.multiply, u, r, tolerance=first, most=limits.most_cg, again=goal).iterations)
    system.multiply(u, f)
    course.fail_at(system, f)
    return f, False
