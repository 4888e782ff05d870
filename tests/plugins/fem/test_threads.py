"""Threads that meet inside of a kernel, and vectors: what the solver's speed rests on, beside what numpy says."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from trilinear import interpolation

from culmann_fem import vectors
from culmann_fem.barrier import meet
from culmann_fem.coarse import coarse_topology
from culmann_fem.lines import lines_of
from culmann_fem.simd import from_last, from_second, lanes, load, load_double, store, store_single, total
from culmann_fem.slabs import Slabs


@numba.njit(nogil=True)
def _in_turns(values, rounds, barrier, threads, t):
    """Each thread adds what its neighbour had in the round before."""
    for n in range(rounds):
        before = values[n, (t + 1) % threads]
        values[n + 1, t] = values[n, t] + before
        meet(barrier, threads)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_thread_sees_what_the_others_wrote_before_they_met(threads):
    slabs, rounds = Slabs(np.ones(12, dtype=np.int64), threads), 40
    values = np.zeros((rounds + 1, threads), dtype=np.int64)
    values[0] = 1
    slabs.together(_in_turns, values, rounds)
    slabs.close()
    assert (values[-1] == 2**rounds).all()


def test_an_error_in_one_thread_is_told_and_nobody_waits_for_ever():
    slabs = Slabs(np.ones(12, dtype=np.int64), 3)

    def kernel(barrier, threads, t):
        if t == 2:
            raise ZeroDivisionError("in a thread")
        meet(barrier, threads)

    with pytest.raises(ZeroDivisionError, match="in a thread"):
        slabs.together(kernel)
    values = np.ones((2, 3), dtype=np.int64)
    slabs.together(_in_turns, values, 1)  # the threads are there again
    slabs.close()
    assert (values[1] == 2).all()


@numba.njit
def _windows(a, out, single):
    step = lanes(a)
    first, second = load(a, 0), load(a, step)
    store(out, 0, from_last(first, second))
    store(out, step, from_second(first, second))
    store_single(single, 0, load_double(single, 1))
    return total(first)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_vectors(kind):
    step = 64 // np.dtype(kind).itemsize
    a, single = np.arange(2 * step, dtype=kind) + 1, np.arange(9, dtype=np.float32)
    out = np.zeros_like(a)
    assert _windows(a, out, single) == a[:step].sum()
    assert (out[:step] == a[step - 1 : 2 * step - 1]).all()
    assert (out[step:] == a[1 : step + 1]).all()
    assert (single[:8] == np.arange(1, 9)).all()


def test_restriction_and_prolongation_are_trilinear():
    rng, shape = np.random.default_rng(4), (4, 3, 19)
    E = rng.random(shape) * (rng.random(shape) > 0.6)
    nodes = [n + 1 for n in shape]
    level, lines = coarse_topology(E > 0), lines_of(E > 0)
    there = np.zeros(nodes, dtype=bool)
    for i, j, k in np.argwhere(E > 0):
        there[i : i + 2, j : j + 2, k : k + 2] = True
    free = (there & (rng.random((3, *there.shape)) > 0.2)).astype(np.float32)
    P = interpolation(shape, level.place) * np.moveaxis(free, 0, -1).ravel()[:, None]
    t, x = (rng.standard_normal(free.shape).astype(np.float32) * free for _ in range(2))
    down = np.zeros((level.n_nodes, 3), dtype=np.float32)
    numba.njit(vectors.restrict.py_func)(lines.from_box(t), lines, level.place, down, 0, level.n_nodes)
    assert np.allclose(down.ravel(), P.T @ np.moveaxis(t, 0, -1).ravel(), atol=1e-5)
    up, given = lines.from_box(x), rng.standard_normal(down.shape).astype(np.float32)
    numba.njit(vectors.prolong.py_func)(given, level.number, lines.from_box(free), up, lines, 0, nodes[0])
    added = np.moveaxis(lines.on_box(up) - x, 0, -1).ravel()
    assert np.allclose(added, P @ given.ravel(), atol=1e-5)
