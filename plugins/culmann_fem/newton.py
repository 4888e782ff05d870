"""Increments of load, and Newton's method within each: predictor, inexact solves, line search, smaller steps where needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from culmann.data import Fields
from culmann.data.arrays import FloatArray
from culmann_fem.lattice import LatticeOperator
from culmann_fem.multigrid import Multigrid
from culmann_fem.pcg import conjugate_gradients
from culmann_fem.plastic import PlasticModel
from culmann_fem.problem import LatticeProblem

_MOST_NEWTON = 25
_MOST_CUTS = 8


@dataclass(slots=True)
class Course:
    """What happened along the load: the curve, the fields that are kept, and what it took."""

    factors: list[float] = field(default_factory=lambda: [0.0])
    force_n: list[float] = field(default_factory=lambda: [0.0])
    peak: Fields | None = None
    end: Fields | None = None
    newton_iterations: int = 0
    cg_iterations: int = 0
    most_cg_in_a_solve: int = 0
    largest_residual: float = 0.0
    cuts: int = 0
    stop_reason: str = ""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """When an increment counts as solved."""

    residual: float
    most_cg: int


def follow(
    problem: LatticeProblem,
    lattice: LatticeOperator,
    multigrid: Multigrid,
    model: PlasticModel,
    load_steps: tuple[float, ...],
    tolerances: Tolerances,
    tell: Callable[[str, float], None],
) -> Course:
    """Load the model step by step; the course ends early, with its reason, where no step however small converges."""
    course = Course()
    u, before = lattice.vector(), lattice.vector()
    unit = _elastic_unit(problem, lattice, multigrid, tolerances, course)
    done, done_before = 0.0, 0.0
    for goal in load_steps:
        step = goal - done
        smallest = step / 2**_MOST_CUTS
        while goal - done > 1e-12:
            to = min(goal, done + step)
            # The way so far, continued; elastic at first. Either meets the prescribed displacements exactly.
            ahead = u + (to - done) * (unit if done == 0 else (u - before) / (done - done_before))
            force = _equilibrate(problem, lattice, multigrid, model, ahead, tolerances, course)
            if force is None:
                step /= 2
                course.cuts += 1
                if step < smallest:
                    course.stop_reason = (
                        f"no equilibrium was found beyond {100 * done:.3g} % of the displacement, with steps down to "
                        f"{100 * smallest:.2g} %"
                    )
                    return _finish(course, model, u)
                continue
            model.commit(ahead)
            before, done_before = u, done
            u, done = ahead, to
            course.factors.append(done)
            course.force_n.append(force)
            if force >= max(course.force_n):
                course.peak = model.fields(u)
            tell(f"{100 * done:.4g} % of the displacement, {force:.0f} N, {model.n_yielding} cells yielding", done)
    return _finish(course, model, u)


def _finish(course: Course, model: PlasticModel, u: FloatArray) -> Course:
    course.end = model.fields(u)
    if course.peak is None:
        course.peak = course.end
    return course


def _elastic_unit(
    problem: LatticeProblem, lattice: LatticeOperator, multigrid: Multigrid, tolerances: Tolerances, course: Course
) -> FloatArray:
    """Elastic displacement at full load."""
    u, f = problem.target_mm.copy(), lattice.vector()
    lattice.multiply(u, f)
    reaction = float(np.sqrt(lattice.dot(f, f)))
    for _ in range(3):
        r = -f * lattice.free
        solve = conjugate_gradients(
            lattice,
            multigrid,
            lattice.multiply,
            u,
            r,
            tolerance=0.3 * tolerances.residual * reaction,
            most=tolerances.most_cg,
        )
        course.cg_iterations += solve.iterations
        course.most_cg_in_a_solve = max(course.most_cg_in_a_solve, solve.iterations)
        lattice.multiply(u, f)
        reaction, residual = _norms(lattice, f)
        if residual <= tolerances.residual * reaction:
            break
    return u


def _norms(lattice: LatticeOperator, f: FloatArray) -> tuple[float, float]:
    """Norm of the reactions, and norm of what is out of balance on the free freedoms."""
    free = f * lattice.free
    residual = float(np.sqrt(lattice.dot(free, free)))
    total = lattice.dot(f, f)
    return float(np.sqrt(max(0.0, total - residual**2))), residual


def _equilibrate(
    problem: LatticeProblem,
    lattice: LatticeOperator,
    multigrid: Multigrid,
    model: PlasticModel,
    u: FloatArray,
    tolerances: Tolerances,
    course: Course,
) -> float | None:
    """Correct u in place until it is in equilibrium; the load in N, or None when that does not succeed."""
    f = lattice.vector()
    model.force(u, f)
    reaction, residual = _norms(lattice, f)
    forcing = 1e-2
    for _ in range(_MOST_NEWTON):
        if residual <= tolerances.residual * reaction:
            course.largest_residual = max(course.largest_residual, residual / reaction)
            return problem.load_n(f)
        du, r = lattice.vector(), -f * lattice.free
        goal = max(forcing * residual, 0.3 * tolerances.residual * reaction)
        solve = conjugate_gradients(lattice, multigrid, model.tangent, du, r, tolerance=goal, most=tolerances.most_cg)
        course.newton_iterations += 1
        course.cg_iterations += solve.iterations
        course.most_cg_in_a_solve = max(course.most_cg_in_a_solve, solve.iterations)
        if not solve.converged and solve.residual_norm > 0.5 * residual:
            return None
        share = 1.0
        for _ in range(5):
            trial = u + share * du
            model.force(trial, f)
            new_reaction, new_residual = _norms(lattice, f)
            if np.isfinite(new_residual) and new_residual < (1 - 0.1 * share) * residual:
                break
            share /= 2
        else:
            return None
        # Eisenstat & Walker, choice 2: ask for more as Newton's method converges faster.
        forcing = float(np.clip(0.9 * (new_residual / residual) ** 2, 1e-3, 1e-1))
        u[:] = trial
        reaction, residual = new_reaction, new_residual
    return None
