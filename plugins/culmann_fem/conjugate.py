"""Conjugate gradients on the lattice, in double precision, on all threads side by side, with a multigrid cycle in between."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem import sweeps
from culmann_fem.barrier import meet
from culmann_fem.cycle import cycle
from culmann_fem.kernels import inlined, kernel, part

# Places in `ConjugateState.numbers`.
ALONG, NORM, STUCK, DONE = range(4)
#: What `run` does: a cycle, z from r of `Fine`; the next direction; a step along the direction, once q is what the matrix makes
#: of it; or whole iterations with the stiffness itself, which end at the tolerance.
CYCLE, TURN, ADVANCE, ITERATE = range(4)


class ConjugateState(NamedTuple):
    """What goes from one iteration to the next.

    Parameters
    ----------
    x, r, p, q
        Solution, residual, direction, and what the matrix makes of the direction.
    partial
        (3, planes): sums of products over each plane of nodes; each of the three is read by all before it is written again.
    numbers
        r . z of the last iteration, 0 before the first; the norm of r; whether the matrix was found not to be positive; and
        how many iterations `iterate` has done.
    """

    x: FloatArray
    r: FloatArray
    p: FloatArray
    q: FloatArray
    partial: FloatArray
    numbers: FloatArray


@part
def _sum(partial):
    """The same on every thread, and for any number of them."""
    total = 0.0
    for value in partial:
        total += value
    return total


@inlined
def _turn(fine, program, state, before, barrier, threads, t):
    """P = z + beta p, once the cycle has made z of r; r . z."""
    first, last, plane = program.planes[t], program.planes[t + 1], fine.bricks.lines.plane
    sweeps.dot(state.r, fine.x[0], plane, state.partial[0], first, last)
    meet(barrier, threads)
    along = _sum(state.partial[0])
    sweeps.direction(fine.x[0], state.p, along / before if before != 0 else 0.0, plane, first, last)
    meet(barrier, threads)
    return along


@inlined
def _advance(fine, program, state, along, barrier, threads, t):
    """The norm of the residual after a step, or -1 where the matrix is not positive along p."""
    first, last = program.planes[t], program.planes[t + 1]
    meet(barrier, threads)
    curvature = _sum(state.partial[1])
    if not curvature > 0:
        return -1.0
    partial, plane = state.partial[2], fine.bricks.lines.plane
    sweeps.advance(state.x, state.r, state.p, state.q, along / curvature, fine.r, plane, partial, first, last)
    meet(barrier, threads)
    return np.sqrt(_sum(partial))


@inlined
def _note(state, norm, along, done, barrier, threads, t):
    meet(barrier, threads)
    if t == 0:
        state.numbers[ALONG], state.numbers[DONE] = along, done
        if norm < 0:
            state.numbers[STUCK] = 1
        else:
            state.numbers[NORM] = norm


@kernel
def run(task, bricks, fine, levels, program, state, tolerance, most, barrier, threads, t):
    """One of the tasks above. They are one kernel, so that the cycle is compiled once.

    Parameters
    ----------
    bricks
        The lattice in double precision.
    tolerance, most
        Of `ITERATE`: the norm of the residual, and iterations.
    """
    first, last = program.planes[t], program.planes[t + 1]
    room, room_double = sweeps.rings(fine.r, bricks.lines), sweeps.rings(state.p, bricks.lines)
    along, norm, done = state.numbers[ALONG], state.numbers[NORM], 0
    # Each part is called in one place: where it is called it is compiled.
    while task in (CYCLE, ADVANCE) or ((task == TURN or norm > tolerance) and done < most and np.isfinite(norm)):
        if task != ADVANCE:
            cycle(fine, levels, program, room, barrier, threads, t)
            if task == CYCLE:
                return
            along = _turn(fine, program, state, along, barrier, threads, t)
            done += 1
            if task == TURN:
                break
            sweeps.product(state.p, state.q, bricks, fine.free, state.partial[1], room_double, first, last)
        else:
            sweeps.mask_and_dot(state.q, state.p, fine.free, bricks.lines.plane, state.partial[1], first, last)
        norm = _advance(fine, program, state, along, barrier, threads, t)
        if task == ADVANCE:
            break
    _note(state, norm, along, done, barrier, threads, t)
