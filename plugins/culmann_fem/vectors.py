"""Vectors on the lines of the lattice: the diagonal of K, products, and interpolation to and from the first coarse level."""

from __future__ import annotations

import numba
import numpy as np

_FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
_njit = numba.njit(nogil=True, fastmath=_FAST, cache=True)
_part = numba.njit(nogil=True, fastmath=_FAST)  # of kernels, which the cache has


@_njit
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


@_njit
def dot(a, b, plane, partial, first, last):
    """partial[i] = a . b over plane i."""
    for i in range(first, last):
        total = 0.0
        for c in range(3):
            for k in range(plane[i], plane[i + 1]):
                total += a[c, k] * b[c, k]
        partial[i] = total


@_part
def restrict(t, lines, place, coarse, first, last):
    """coarse[m] = P^T t for the coarse nodes first <= m < last; t is zero where a freedom is held, and on padding.

    Coarse nodes of a line are numbered one after the other: what the nine fine lines around it give is summed up once for it.
    """
    ni, nj = lines.place.shape
    line = np.zeros((3, lines.cells + 20), dtype=t.dtype)  # one place in front, and behind room for whole vectors
    at_i = at_j = -1
    for m in range(first, last):
        i, j, k = 2 * place[m, 0], 2 * place[m, 1], 2 * place[m, 2]
        if i != at_i or j != at_j:
            at_i, at_j = i, j
            line[:] = 0
            for a in range(max(i - 1, 0), min(i + 2, ni)):
                for b in range(max(j - 1, 0), min(j + 2, nj)):
                    w = t.dtype.type((1.0 if a == i else 0.5) * (1.0 if b == j else 0.5))
                    for c in range(3):
                        for n in range(lines.span[a, b, 0], lines.span[a, b, 1]):
                            line[c, n + 1] += w * t[c, lines.place[a, b] + n]
        for c in range(3):
            coarse[m, c] = 0.5 * (line[c, k] + line[c, k + 2]) + line[c, k + 1]


@_part
def prolong(coarse, number, free, x, lines, first, last):
    """X += P coarse where free on the node planes first <= i < last; `number` finds a coarse node by its place."""
    half = number.shape[2]
    line = np.zeros((3, half + 1), dtype=x.dtype)
    for i in range(first, last):
        for j in range(lines.place.shape[1]):
            begin, end = lines.span[i, j, 0], lines.span[i, j, 1]
            if end <= begin:
                continue
            line[:] = 0
            w = x.dtype.type(1.0 / ((1 + (i & 1)) * (1 + (j & 1))))
            for a in range(i >> 1, (i >> 1) + 1 + (i & 1)):
                for b in range(j >> 1, (j >> 1) + 1 + (j & 1)):
                    for n in range(begin >> 1, min(half, (end >> 1) + 1)):
                        m = number[a, b, n]
                        if m >= 0:
                            for c in range(3):
                                line[c, n] += w * coarse[m, c]
            at = lines.place[i, j]
            for c in range(3):
                for k in range(begin, min(end, 2 * half - 1)):
                    value = 0.5 * (line[c, k >> 1] + line[c, k + 1 >> 1])
                    x[c, at + k] += free[c, at + k] * value
