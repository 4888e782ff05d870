"""The lagged secant course, as Sas et al. solve it: each increment is one linear solve with moduli from the one before.

The force overshoots where cells start to yield; the error shrinks with the increment.
"""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.balance import solve_elastic
from culmann_fem.course import Course, Limits, StopAskedError, Tell
from culmann_fem.system import Softening, System

_SLACK = 2  # more iterations than this, and a new preconditioner is worth its price


def follow_lagged(
    system: System,
    state: Softening,
    load_steps: tuple[float, ...],
    limits: Limits,
    tell: Tell,
) -> Course:
    """One linear solve an increment, with the moduli that the strains of the increment before call for."""
    course = Course()
    u = system.vector()
    past = [(0.0, u)]
    e = np.zeros_like(state.modulus)
    done = 0.0
    fresh = last = -1  # iterations of the shortest solve since the preconditioner was made, and of the last one
    for to in load_steps:
        if done > 0:
            modulus = state.softened(e)
            if not np.array_equal(modulus, state.modulus):
                state.commit(modulus, e)
                state.use(modulus)
                if last > fresh + _SLACK:
                    system.refresh()
                    fresh = -1
        ahead = to * system.target_mm if done == 0 else _onward(past, to)
        spent = course.cg_iterations
        try:
            f, balanced = solve_elastic(system, ahead, limits, course)
        except StopAskedError:
            course.interrupt()
            break
        last = course.cg_iterations - spent
        fresh = last if fresh < 0 else min(fresh, last)
        if not balanced:
            course.stop_reason = (
                f"the linear solve at {100 * to:.3g} % of the displacement did not converge in {limits.most_cg} iterations"
                f"{course.trouble}"
            )
            break
        course.nonlinear_iterations += 1
        u, done = ahead, to
        past = [*past, (done, u)][-3:]
        e = state.strain(u)
        if course.add(done, system, f):
            course.peak_later = state.fields_later(u)
        else:
            course.settle_peak()
        tell(f"{100 * done:.4g} % of the displacement, {course.force_n[-1]:.0f} N, {state.n_softened()} cells softened", done)
        if course.has_fallen(limits):
            break
    course.balance_energy()
    return course.finish(u, state.fields)


def _onward(past: list[tuple[float, FloatArray]], to: float) -> FloatArray:
    """Displacement at `to` on the polynomial through the last equilibria: the less is left for the solver to correct."""
    guess = np.zeros_like(past[0][1])
    for n, (at, u) in enumerate(past):
        share = np.prod([(to - other) / (at - other) for m, (other, _) in enumerate(past) if m != n])
        # Piece by piece, which needs no memory for a product as large as the vectors.
        for whole, part in zip(np.array_split(guess.ravel(), 64), np.array_split(u.ravel(), 64), strict=True):
            whole += share * part
    return guess
