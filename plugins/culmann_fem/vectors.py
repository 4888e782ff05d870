"""Vector arithmetic on the lattice, a slab of node planes at a time, several operations in one sweep over memory.

Vectors are (3, ni, nj, nk); `span` (ni, nj, 2) says which part of each line holds nodes. Outside of it vectors stay zero.
"""

from __future__ import annotations

import numba
import numpy as np

_FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
_njit = numba.njit(nogil=True, fastmath=_FAST, cache=True)
_part = numba.njit(nogil=True, fastmath=_FAST)  # of kernels, which the cache has


@_njit
def invert_diagonal(E, corner, free, inverse, span, first, last):
    """Inverse = 1 over the diagonal of K, 0 where nothing is free.

    Parameters
    ----------
    E
        (groups, ni, nj, nk).
    corner
        (groups, 3): the diagonal of an element with E = 1, of which by symmetry all corners have the same three entries.
    """
    groups, ni, nj, _ = E.shape
    for i in range(first, last):
        for j in range(inverse.shape[2]):
            for k in range(np.int64(span[i, j, 0]), np.int64(span[i, j, 1])):
                x = y = z = 0.0
                for g in range(groups):
                    around = 0.0
                    for a in range(max(0, i - 1), min(ni, i + 1)):
                        for b in range(max(0, j - 1), min(nj, j + 1)):
                            around += E[g, a, b, k]
                            if k > 0:
                                around += E[g, a, b, k - 1]
                    x += corner[g, 0] * around
                    y += corner[g, 1] * around
                    z += corner[g, 2] * around
                inverse[0, i, j, k] = free[0, i, j, k] / x if x > 0 else 0.0
                inverse[1, i, j, k] = free[1, i, j, k] / y if y > 0 else 0.0
                inverse[2, i, j, k] = free[2, i, j, k] / z if z > 0 else 0.0


@_njit
def dot(a, b, span, partial, first, last):
    """partial[i] = a . b over plane i."""
    for i in range(first, last):
        total = 0.0
        for c in range(3):
            for j in range(a.shape[2]):
                for k in range(span[i, j, 0], span[i, j, 1]):
                    total += a[c, i, j, k] * b[c, i, j, k]
        partial[i] = total


@_part
def restrict(t, span, place, coarse, first, last):
    """coarse[m] = P^T t for the coarse nodes first <= m < last; t is zero where a freedom is held, and on padding.

    Coarse nodes of a line are numbered one after the other: what the nine fine lines around it give is summed up once for it.
    """
    ni, nj, width = t.shape[1], t.shape[2], t.shape[3]
    line = np.zeros((3, width + 2), dtype=t.dtype)  # one place in front, and one behind
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
                        for n in range(span[a, b, 0], span[a, b, 1]):
                            line[c, n + 1] += w * t[c, a, b, n]
        for c in range(3):
            coarse[m, c] = 0.5 * (line[c, k] + line[c, k + 2]) + line[c, k + 1]


@_part
def prolong(coarse, number, free, x, span, first, last):
    """X += P coarse where free on the node planes first <= i < last; `number` finds a coarse node by its place."""
    half = number.shape[2]
    line = np.zeros((3, half + 1), dtype=x.dtype)
    for i in range(first, last):
        for j in range(x.shape[2]):
            begin, end = span[i, j, 0], span[i, j, 1]
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
            for c in range(3):
                for k in range(begin, min(end, 2 * half - 1)):
                    value = 0.5 * (line[c, k >> 1] + line[c, k + 1 >> 1])
                    x[c, i, j, k] += free[c, i, j, k] * value
