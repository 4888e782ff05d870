"""Linear and plastic courses: one elastic solve, or Newton's method in each increment, inexact and with a line search."""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.balance import norms, solve_elastic
from culmann_fem.course import Course, Energies, Limits, Tell
from culmann_fem.increments import march
from culmann_fem.system import Plasticity, System

_MOST_NEWTON = 25


def follow_plastic(
    system: System,
    model: Plasticity,
    load_steps: tuple[float, ...],
    limits: Limits,
    tell: Tell,
    energies: Energies,
) -> Course:
    """Load the model step by step; the course ends early, with its reason, where no step however small converges."""
    course = Course()
    unit = _elastic(system, limits, course)
    if unit is None:
        return course.finish(system.vector(), model.fields)
    course = march(
        system,
        course,
        load_steps,
        limits,
        tell,
        first=unit,
        attempt=lambda ahead: _equilibrate(system, model, ahead, limits, course),
        accept=model.commit,
        fields=model.fields,
        state=lambda: f"{model.n_yielding} cells yielding",
    )
    assert course.u is not None
    found = energies(course.u)
    if found is not None:
        course.stored_nmm, course.dissipated_nmm = found
    return course


def follow_linear(system: System, model: Plasticity, limits: Limits, tell: Tell) -> Course:
    """The whole displacement in one elastic solve."""
    course = Course()
    u = _elastic(system, limits, course)
    if u is None:
        return course.finish(system.vector(), model.fields)
    f = system.vector()
    system.multiply(u, f)
    course.add(1.0, system, f)
    course.peak = model.fields(u)
    course.balance_energy()
    tell(f"{course.force_n[-1]:.0f} N", 1.0)
    return course.finish(u, model.fields)


def _elastic(system: System, limits: Limits, course: Course) -> FloatArray | None:
    """Elastic displacement at full load, or None, with the reason noted."""
    u = system.target_mm.copy()
    _, balanced = solve_elastic(system, u, limits, course)
    if balanced:
        return u
    course.stop_reason = f"the elastic solve did not converge in {limits.most_cg} iterations{course.trouble}"
    return None


def _equilibrate(
    system: System,
    model: Plasticity,
    u: FloatArray,
    limits: Limits,
    course: Course,
) -> FloatArray | None:
    """Correct u in place until it is in equilibrium; the nodal forces, or None when that does not succeed."""
    f = system.vector()
    model.force(u, f)
    load, residual = norms(system, f)
    forcing = 1e-2
    for _ in range(_MOST_NEWTON):
        limits.check()
        if residual <= limits.residual * load:
            course.largest_residual = max(course.largest_residual, residual / load if load > 0 else 0.0)
            return f
        du, r = system.vector(), -f * system.free
        goal = max(forcing * residual, 0.3 * limits.residual * load)
        solve = system.solve(model.tangent, du, r, tolerance=goal, most=limits.most_cg)
        course.nonlinear_iterations += 1
        course.count(solve.iterations)
        if not solve.converged and solve.residual_norm > 0.5 * residual:
            course.fail_at(system, f)
            return None
        share = 1.0
        for _ in range(5):
            trial = u + share * du
            model.force(trial, f)
            new_load, new_residual = norms(system, f)
            if np.isfinite(new_residual) and new_residual < (1 - 0.1 * share) * residual:
                break
            share /= 2
        else:
            course.fail_at(system, f)
            return None
        # Eisenstat & Walker 1996 (doi:10.1137/0917003), choice 2: ask for more as Newton's method converges faster.
        forcing = float(np.clip(0.9 * (new_residual / residual) ** 2, 1e-3, 1e-1))
        u[:] = trial
        load, residual = new_load, new_residual
    course.fail_at(system, f)
    return None
