"""The converged secant course: in every increment the moduli and the displacements that they lead to agree."""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.balance import norms
from culmann_fem.course import Course, Limits, Tell
from culmann_fem.gmres import gmres
from culmann_fem.increments import march
from culmann_fem.system import Softening, System

_MOST_ROUNDS = 500
_MOST_CUTS = 4  # smaller steps seldom help: where bone breaks, they stay longer where it hesitates
_PATIENCE = 60  # rounds in which the forces out of balance must halve
_REFRESH = 8  # rounds until the preconditioner is made anew
_BEYOND = 1.5  # how much further than the linear solve says each round goes
_NEAR = 1e-4  # residual over load from which Newton's method is tried
_MOST_GMRES = 40
_SIDE = 1e-6  # of the strain, to either side, for the slope of a curve


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
        most_cuts=_MOST_CUTS,
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
    """Correct u in place until the moduli that its strains call for hold it in equilibrium; the nodal forces, or None.

    Rounds with fixed moduli go downhill as long as stresses rise slower than strains, and find the way to where bone breaks,
    at a steady pace. Newton's method is fast where they have brought it close, and is not trusted further away: where several
    cells could soften, it may find a balance of all of them that would not last.
    """
    best, best_round, newton_from = np.inf, 0, 0
    f = system.vector()
    for round_number in range(_MOST_ROUNDS):
        limits.check()
        e = state.strain(u)
        modulus = state.softened(e)
        state.use(modulus)
        system.multiply(u, f)
        load, residual = norms(system, f)
        if residual <= limits.residual * load:
            course.largest_residual = max(course.largest_residual, residual / load if load > 0 else 0.0)
            state.commit(modulus, e)
            return f
        if not np.isfinite(residual):
            break
        if residual < 0.5 * best:
            best, best_round = residual, round_number
        elif round_number - best_round > _PATIENCE:
            break
        near = residual <= _NEAR * load and round_number >= newton_from
        if near or round_number % _REFRESH == 0:
            system.refresh()
        course.nonlinear_iterations += 1
        goal = 0.3 * limits.residual * load
        if near:
            if _newton(system, state, u, e, f, residual, goal, course):
                continue
            newton_from = round_number + _REFRESH
            state.use(modulus)
        du = system.vector()
        solve = system.solve(system.multiply, du, -f * system.free, tolerance=max(0.1 * residual, goal), most=limits.most_cg)
        course.count(solve.iterations)
        if not solve.converged and solve.residual_norm > 0.5 * residual:
            break
        softens = bool((modulus < state.modulus).any())
        u += (_BEYOND if softens else 1.0) * du
    course.fail_at(system, f)
    return None


def _newton(
    system: System, state: Softening, u: FloatArray, e: FloatArray, f: FloatArray, residual: float, goal: float, course: Course
) -> bool:
    """One step of Newton's method from u with strains e and forces f out of balance; whether it helped, and u is the new one.

    A cell adds to K v the forces of u under the change of its modulus along v, which makes the tangent unsymmetric. The square
    of the effective strain is quadratic in u, so that its derivative along v is a difference, exact for von Mises.
    """
    fall = (state.softened(e * (1 - _SIDE)) - state.softened(e * (1 + _SIDE))) / (2 * _SIDE)
    softening = np.flatnonzero(fall > 1e-6 * state.modulus)
    fall, strain = fall[softening], e[softening]
    size = float(np.abs(u).max())
    moved = np.zeros_like(e)
    more = system.vector()

    def tangent(v: FloatArray, y: FloatArray) -> None:
        system.multiply(v, y)
        reach = 0.1 * size / max(float(np.abs(v).max()), 1e-300)
        ahead, behind = state.strain(u + reach * v, softening), state.strain(u - reach * v, softening)
        moved[softening] = -fall * (ahead**2 - behind**2) / (4 * reach * strain**2)
        state.multiply_by(moved, u, more)
        y += more

    du, trial = system.vector(), system.vector()
    solve = gmres(system, tangent, du, -f * system.free, tolerance=max(0.03 * residual, goal), most=_MOST_GMRES)
    course.count(solve.iterations)
    for share in (1.0, 0.5, 0.25):
        np.add(u, share * du, out=trial)
        state.use(state.softened(state.strain(trial)))
        system.multiply(trial, more)
        if norms(system, more)[1] < (1 - 0.3 * share) * residual:
            u[:] = trial
            return True
    return False
