"""Secant courses: `lagged`, as Sas et al. solve it, and `converged`, with equilibrium in every increment.

Lagged: each increment is one linear solve with moduli from the strains of the increment before, so that the force overshoots
where cells start to yield; the error shrinks with the increment. Converged: the moduli and the displacements of one increment
are brought to agree, by a fixed point that Anderson's method accelerates (Walker & Ni 2011, doi:10.1137/10078356X).
"""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.balance import norms, solve_elastic
from culmann_fem.course import Course, Limits, StopAskedError, Tell
from culmann_fem.increments import march
from culmann_fem.system import Softening, System

_MOST_ROUNDS = 200
_MEMORY = 6
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
            course.peak = state.fields(u)
        tell(f"{100 * done:.4g} % of the displacement, {course.force_n[-1]:.0f} N, {state.n_softened()} cells softened", done)
        if course.has_fallen(limits):
            break
    course.balance_energy()
    return course.finish(u, state.fields)


def _onward(past: list[tuple[float, FloatArray]], to: float) -> FloatArray:
    """Displacement at `to` on the polynomial through the last equilibria: the less is left for the solver to correct."""
    guess = np.zeros_like(past[0][1])
    for n, (at, u) in enumerate(past):
        guess += np.prod([(to - other) / (at - other) for m, (other, _) in enumerate(past) if m != n]) * u
    return guess


def follow_converged(
    system: System,
    state: Softening,
    load_steps: tuple[float, ...],
    limits: Limits,
    tell: Tell,
) -> Course:
    """Moduli and displacements agree in every increment; steps are cut where they do not come to."""
    course = Course()
    march(
        system,
        course,
        load_steps,
        limits,
        tell,
        first=system.target_mm,
        attempt=lambda ahead: _agree(system, state, ahead, limits, course),
        accept=lambda _: None,
        fields=state.fields,
        state=lambda: f"{state.n_softened()} cells softened",
    )
    course.balance_energy()
    return course


def _agree(
    system: System,
    state: Softening,
    u: FloatArray,
    limits: Limits,
    course: Course,
) -> FloatArray | None:
    """Correct u in place until the moduli that its strains call for hold it in equilibrium; the nodal forces, or None."""
    modulus = state.softened(state.strain(u)) if u.any() and course.factors[-1] > 0 else state.modulus
    state.use(modulus)
    system.refresh()
    mix = _Anderson()
    for round_number in range(_MOST_ROUNDS):
        f, balanced = solve_elastic(system, u, limits, course)
        if not balanced:
            return None
        course.nonlinear_iterations += 1
        e = state.strain(u)
        wanted = state.softened(e)
        # In equilibrium with the moduli that these very strains call for?
        state.use(wanted)
        system.multiply(u, f)
        load, residual = norms(system, f)
        if residual <= limits.residual * load:
            course.largest_residual = max(course.largest_residual, residual / load if load > 0 else 0.0)
            state.commit(wanted, e)
            return f
        modulus = np.minimum(state.modulus, np.exp(mix.next(np.log(modulus), np.log(wanted))))
        state.use(modulus)
        if round_number % 8 == 0:
            system.refresh()
    return None


class _Anderson:
    """Anderson mixing of a fixed point x = g(x), over the last few rounds."""

    def __init__(self) -> None:
        self._x: list[FloatArray] = []
        self._g: list[FloatArray] = []

    def next(self, x: FloatArray, g: FloatArray) -> FloatArray:
        """The next x to try."""
        self._x, self._g = [*self._x, x][-_MEMORY:], [*self._g, g][-_MEMORY:]
        if len(self._x) == 1:
            return g
        gap = np.stack([b - a for a, b in zip(self._x, self._g, strict=True)])
        change = np.diff(gap, axis=0)
        weight, *_ = np.linalg.lstsq(change.T, gap[-1], rcond=1e-10)
        return np.asarray(g - weight @ np.diff(np.stack(self._g), axis=0))
