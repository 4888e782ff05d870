"""The multigrid cycle as a program: steps that every thread takes, with a meeting after each that another one builds on.

The steps and their order are written down once, in Python. A thread then runs through them without the interpreter, and takes
its share of the nodes of a level in each. A level with few nodes is left to the first thread alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import IntArray
from culmann_fem import coarse, sweeps, vectors
from culmann_fem.barrier import meet
from culmann_fem.kernels import inlined
from culmann_fem.operator import Bricks

Single = npt.NDArray[np.float32]

# On the lattice.
FINE_FIRST, FINE_SMOOTH, FINE_RESIDUAL, FINE_RESTRICT, FINE_PROLONG = range(5)
# On a coarse level.
FIRST, SMOOTH, RESIDUAL, RESTRICT, PROLONG, INVERT = range(5, 11)


class Fine(NamedTuple):
    """The lattice in single precision, with vectors (3, size).

    `x` holds two, (2, 3, size): a smoother reads one and writes the other. On the way to a coarse level that one holds the
    residual.
    """

    bricks: Bricks
    free: Single
    inverse_diagonal: Single
    r: Single
    x: Single
    d: Single


class Coarse(NamedTuple):
    """All coarse levels, one behind the other; level n has the nodes begin[n] to begin[n + 1].

    Parameters
    ----------
    stencil, run
        (nodes, 3, 81) and (nodes, 9), of `coarse.Topology`.
    inverse_diagonal, r, t, d
        (nodes, 3).
    x, x_begin
        (2, size), and where each level begins there: what `coarse.smooth` looks into.
    place
        (nodes, 3).
    number, number_begin, number_shape
        Numbers of nodes by place, flat.
    inverse
        Of the operator of the last level.
    """

    begin: IntArray
    stencil: Single
    run: npt.NDArray[np.uint32]
    inverse_diagonal: Single
    r: Single
    t: Single
    d: Single
    x: Single
    x_begin: IntArray
    place: npt.NDArray[np.int32]
    number: npt.NDArray[np.int32]
    number_begin: IntArray
    number_shape: IntArray
    inverse: Single


class Program(NamedTuple):
    """What to do.

    Parameters
    ----------
    steps
        (n, 5): which, on which coarse level, from and to which of the two x, and whether to meet afterwards.
    factors
        (n, 2): `keep` and `factor` of a smoother.
    bounds
        (levels, threads + 1): the nodes of each coarse level that belong to each thread.
    planes
        (threads + 1,): the node planes of the lattice.
    """

    steps: IntArray
    factors: Single
    bounds: IntArray
    planes: IntArray


@inlined
def numbers(levels, n):
    """Numbers of the nodes of level n by place."""
    ni, nj, nk = levels.number_shape[n, 0], levels.number_shape[n, 1], levels.number_shape[n, 2]
    return levels.number[levels.number_begin[n] : levels.number_begin[n + 1]].reshape((ni, nj, nk))


@inlined
def nodes_x(levels, n, which):
    """(nodes, 3): one of the two x of level n."""
    begin, count = levels.x_begin[n] + 3 * coarse.FRONT, levels.begin[n + 1] - levels.begin[n]
    return levels.x[which, begin : begin + 3 * count].reshape((count, 3))


@inlined
def _on_lattice(op, at_from, to, keep, factor, fine, levels, program, room, t):
    first, last = program.planes[t], program.planes[t + 1]
    if op == FINE_FIRST:
        sweeps.smooth_first(fine.r, fine.inverse_diagonal, fine.x[to], fine.d, factor, fine.bricks.lines.plane, first, last)
    elif op == FINE_SMOOTH:
        x, y = fine.x[at_from], fine.x[to]
        sweeps.smooth(x, y, fine.bricks, fine.r, fine.inverse_diagonal, fine.d, keep, factor, room, first, last)
    elif op == FINE_RESIDUAL:
        sweeps.residual(fine.x[at_from], fine.bricks, fine.r, fine.free, fine.x[to], room, first, last)
    elif op == FINE_RESTRICT:
        begin, end = levels.begin[0], levels.begin[1]
        mine = program.bounds[0, t], program.bounds[0, t + 1]
        vectors.restrict(fine.x[at_from], fine.bricks.lines, levels.place[begin:end], levels.r[begin:end], mine[0], mine[1])
    else:
        x = nodes_x(levels, 0, at_from)
        vectors.prolong(x, numbers(levels, 0), fine.free, fine.x[to], fine.bricks.lines, first, last)


@inlined
def _on_level(op, n, at_from, to, keep, factor, levels, program, t):
    begin, end = levels.begin[n], levels.begin[n + 1]
    first, last = program.bounds[n, t], program.bounds[n, t + 1]
    if first == last:
        return
    r, D, d = levels.r[begin:end], levels.inverse_diagonal[begin:end], levels.d[begin:end]
    around = levels.x[at_from, levels.x_begin[n] : levels.x_begin[n + 1]]
    if op == FIRST:
        coarse.smooth_first(r, D, d, nodes_x(levels, n, to), factor, first, last)
    elif op == SMOOTH:
        stencil, run = levels.stencil[begin:end], levels.run[begin:end]
        coarse.smooth(stencil, run, around, r, D, d, nodes_x(levels, n, to), keep, factor, first, last)
    elif op == RESIDUAL:
        coarse.residual(levels.stencil[begin:end], levels.run[begin:end], around, r, levels.t[begin:end], first, last)
    elif op == RESTRICT:
        below = levels.t[levels.begin[n - 1] : begin]
        coarse.restrict(below, numbers(levels, n - 1), levels.place[begin:end], r, first, last)
    elif op == PROLONG:
        above, number = nodes_x(levels, n + 1, at_from), numbers(levels, n + 1)
        coarse.prolong(above, number, levels.place[begin:end], nodes_x(levels, n, to), first, last)
    else:
        coarse.invert(levels.inverse, r, nodes_x(levels, n, to), first, last)


@inlined
def cycle(fine, levels, program, room, barrier, threads, t):
    """One cycle from `fine.r` to `fine.x[0]`; all threads are through with it when it ends."""
    for n in range(program.steps.shape[0]):
        op, level, at_from, to = program.steps[n, 0], program.steps[n, 1], program.steps[n, 2], program.steps[n, 3]
        keep, factor = program.factors[n, 0], program.factors[n, 1]
        if op < FIRST:
            _on_lattice(op, at_from, to, keep, factor, fine, levels, program, room, t)
        else:
            _on_level(op, level, at_from, to, keep, factor, levels, program, t)
        if program.steps[n, 4]:
            meet(barrier, threads)
