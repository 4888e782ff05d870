"""Vectors on the lines of the lattice: the diagonal of K, products, and interpolation to and from the first coarse level."""

from __future__ import annotations

import numpy as np

from culmann_fem.kernels import fast_kernel, fast_part
from culmann_fem.simd import in_turns, lanes, load, spread, store, zeros


@fast_kernel
def invert_diagonal(bricks, corner, free, inverse, first, last):
    """Inverse = 1 over the diagonal of K, 0 where nothing is free.

    Parameters
    ----------
    corner
        (groups, 3): the diagonal of an element with E = 1, of which by symmetry all corners have the same three entries.
    """
    E, lines = bricks.E, bricks.lines
    groups, ni, nj, _ = bricks.span.shape
    total, around = np.zeros((3, lines.longest + 1)), np.zeros(lines.longest + 1)
    for i in range(first, last):
        for j in range(nj + 1):
            begin, end = lines.span[i, j, 0], lines.span[i, j, 1]
            total[:] = 0
            for g in range(groups):
                around[:] = 0
                for a in range(max(0, i - 1), min(ni, i + 1)):
                    for b in range(max(0, j - 1), min(nj, j + 1)):
                        at = lines.place[a, b]
                        for k in range(bricks.span[g, a, b, 0], bricks.span[g, a, b, 1]):
                            around[k - begin] += E[g, at + k]
                            around[k - begin + 1] += E[g, at + k]
                for c in range(3):
                    for k in range(end - begin):
                        total[c, k] += corner[g, c] * around[k]
            at = lines.place[i, j] + begin
            for c in range(3):
                for k in range(end - begin):
                    inverse[c, at + k] = free[c, at + k] / total[c, k] if total[c, k] > 0 else 0.0


@fast_kernel
def dot(a, b, plane, partial, first, last):
    """partial[i] = a . b over plane i."""
    for i in range(first, last):
        total = 0.0
        for c in range(3):
            for k in range(plane[i], plane[i + 1]):
                total += a[c, k] * b[c, k]
        partial[i] = total


@fast_part
def restrict(t, lines, place, coarse, first, last):
    """coarse[m] = P^T t for the coarse nodes first <= m < last; t is zero where a freedom is held, and on padding.

    Coarse nodes of a line are numbered one after the other: what the nine fine lines around it give is summed up once for it.
    """
    ni, nj = lines.place.shape
    step = lanes(t)
    width = (lines.cells + 1 + step) // step * step + 2 * step  # room for a whole vector in front, and behind
    line = zeros(3 * width, t)
    at_i = at_j = -1
    for m in range(first, last):
        i, j, k = 2 * place[m, 0], 2 * place[m, 1], 2 * place[m, 2]
        if i != at_i or j != at_j:
            at_i, at_j = i, j
            line[:] = 0
            for a in range(max(i - 1, 0), min(i + 2, ni)):
                for b in range(max(j - 1, 0), min(j + 2, nj)):
                    share = spread(t.dtype.type((1.0 if a == i else 0.5) * (1.0 if b == j else 0.5)))
                    for c in range(3):
                        here, there = c * width + step, c * t.shape[1] + lines.place[a, b]
                        for n in range(lines.span[a, b, 0], lines.span[a, b, 1], step):
                            store(line, here + n, load(line, here + n) + share * load(t, there + n))
        for c in range(3):
            at = c * width + step + k
            coarse[m, c] = t.dtype.type(0.5) * (line[at - 1] + line[at + 1]) + line[at]


@fast_part
def prolong(coarse, number, free, x, lines, first, last):
    """X += P coarse where free on the node planes first <= i < last; `number` finds a coarse node by its place."""
    step, half = lanes(x), spread(x.dtype.type(0.5))
    _, nj, nk = number.shape
    width = nk + 2 * step
    ring, filled = zeros(6 * nj * width, x), -1  # two planes of coarse nodes, with zeros where there is none
    for i in range(first, last):
        low, high = i >> 1, (i >> 1) + (i & 1)
        for plane in range(max(low, filled + 1), high + 1):
            _lay_out(coarse, number, plane, ring, width)
        filled = high
        for j in range(lines.place.shape[1]):
            share = spread(x.dtype.type(1.0 / ((1 + (i & 1)) * (1 + (j & 1)))))
            for c in range(3):
                at = c * x.shape[1] + lines.place[i, j]
                for k in range(lines.span[i, j, 0], lines.span[i, j, 1], step):
                    near = ahead = half - half
                    for a in range(low, high + 1):
                        for b in range(j >> 1, (j >> 1) + 1 + (j & 1)):
                            here = ((a & 1) * 3 + c) * nj * width + b * width + (k >> 1)
                            near, ahead = near + load(ring, here), ahead + load(ring, here + 1)
                    between = in_turns(near, half * (near + ahead))
                    store(x, at + k, load(x, at + k) + load(free, at + k) * (share * between))


@fast_part
def _lay_out(coarse, number, plane, ring, width):
    """A plane of coarse nodes in its half of the ring."""
    nj = number.shape[1]
    for j in range(nj):
        for k in range(number.shape[2]):
            m = number[plane, j, k]
            at = (plane & 1) * 3 * nj * width + j * width + k
            for c in range(3):
                ring[at + c * nj * width] = coarse[m, c] if m >= 0 else 0
