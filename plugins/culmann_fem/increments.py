"""The march along the load: a guess for every increment, smaller steps where it fails, and the reason where it ends."""

from __future__ import annotations

from collections.abc import Callable

from culmann.data import Fields
from culmann.data.arrays import FloatArray
from culmann_fem.course import Course, Limits, StopAskedError, Tell
from culmann_fem.system import System

#: An increment is halved so many times at most.
MOST_CUTS = 8


def march(
    system: System,
    course: Course,
    load_steps: tuple[float, ...],
    limits: Limits,
    tell: Tell,
    *,
    first: FloatArray,
    attempt: Callable[[FloatArray], FloatArray | None],
    accept: Callable[[FloatArray], None],
    fields: Callable[[FloatArray], Fields],
    state: Callable[[], str],
    most_cuts: int = MOST_CUTS,
) -> Course:
    """Load the body step by step.

    Parameters
    ----------
    first
        Displacement at full load that the first increment is guessed from; later ones continue the way so far. Both meet the
        prescribed displacements exactly.
    attempt
        Corrects a guess in place until it is in equilibrium and gives the nodal forces, or None.
    accept
        Makes an equilibrium the state.
    fields, state
        The fields at an accepted displacement, and the state in a few words.
    """
    u, before = system.vector(), system.vector()
    done = done_before = 0.0
    for goal in load_steps:
        step = goal - done
        smallest = step / 2**most_cuts
        while goal - done > 1e-12:
            to = min(goal, done + step)
            ahead = u + (to - done) * (first if done == 0 else (u - before) / (done - done_before))
            try:
                limits.check()
                force = attempt(ahead)
            except StopAskedError:
                course.interrupt()
                return course.finish(u, fields)
            if force is None:
                step /= 2
                course.cuts += 1
                if step < smallest:
                    course.stop_reason = (
                        f"no equilibrium was found beyond {100 * done:.3g} % of the displacement, with steps down to "
                        f"{100 * smallest:.2g} %{course.trouble}"
                    )
                    return course.finish(u, fields)
                continue
            accept(ahead)
            before, done_before = u, done
            u, done = ahead, to
            if course.add(done, system, force):
                course.peak = fields(u)
            tell(f"{100 * done:.4g} % of the displacement, {course.force_n[-1]:.0f} N, {state()}", done)
            if course.has_fallen(limits):
                return course.finish(u, fields)
    return course.finish(u, fields)
