"""Plastic course: Newton's method in each increment, with predictor, inexact solves, line search and cut steps."""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.balance import norms, solve_elastic
from culmann_fem.course import Course, Limits, Tell
from culmann_fem.system import Plasticity, System

_MOST_NEWTON = 25
_MOST_CUTS = 8


def follow_plastic(
    system: System,
    model: Plasticity,
    load_steps: tuple[float, ...],
    limits: Limits,
    tell: Tell,
) -> Course:
    """Load the model step by step; the course ends early, with its reason, where no step however small converges."""
    course = Course()
    u, before = system.vector(), system.vector()
    unit = system.target_mm.copy()
    _, balanced = solve_elastic(system, unit, limits, course)
    if not balanced:
        course.stop_reason = f"the elastic solve did not converge in {limits.most_cg} iterations"
        return course.finish(model.fields(u))
    done, done_before = 0.0, 0.0
    for goal in load_steps:
        step = goal - done
        smallest = step / 2**_MOST_CUTS
        while goal - done > 1e-12:
            to = min(goal, done + step)
            # The way so far, continued; elastic at first. Either meets the prescribed displacements exactly.
            ahead = u + (to - done) * (unit if done == 0 else (u - before) / (done - done_before))
            force = _equilibrate(system, model, ahead, limits, course)
            if force is None:
                step /= 2
                course.cuts += 1
                if step < smallest:
                    course.stop_reason = (
                        f"no equilibrium was found beyond {100 * done:.3g} % of the displacement, with steps down to "
                        f"{100 * smallest:.2g} %"
                    )
                    return course.finish(model.fields(u))
                continue
            model.commit(ahead)
            before, done_before = u, done
            u, done = ahead, to
            if course.add(done, force):
                course.peak = model.fields(u)
            tell(f"{100 * done:.4g} % of the displacement, {force:.0f} N, {model.n_yielding} cells yielding", done)
            if course.has_fallen(limits):
                return course.finish(model.fields(u))
    return course.finish(model.fields(u))


def _equilibrate(
    system: System,
    model: Plasticity,
    u: FloatArray,
    limits: Limits,
    course: Course,
) -> float | None:
    """Correct u in place until it is in equilibrium; the load in N, or None when that does not succeed."""
    f = system.vector()
    model.force(u, f)
    load, residual = norms(system, f)
    forcing = 1e-2
    for _ in range(_MOST_NEWTON):
        if residual <= limits.residual * load:
            course.largest_residual = max(course.largest_residual, residual / load)
            return system.load_n(f)
        du, r = system.vector(), -f * system.free
        goal = max(forcing * residual, 0.3 * limits.residual * load)
        solve = system.solve(model.tangent, du, r, tolerance=goal, most=limits.most_cg)
        course.nonlinear_iterations += 1
        course.count(solve.iterations)
        if not solve.converged and solve.residual_norm > 0.5 * residual:
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
            return None
        # Eisenstat & Walker 1996 (doi:10.1137/0917003), choice 2: ask for more as Newton's method converges faster.
        forcing = float(np.clip(0.9 * (new_residual / residual) ** 2, 1e-3, 1e-1))
        u[:] = trial
        load, residual = new_load, new_residual
    return None
