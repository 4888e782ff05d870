"""Vector arithmetic on the lattice, a slab of node planes at a time, several operations in one sweep over memory.

Vectors are (3, ni, nj, nk); `span` (ni, nj, 2) says which part of each line holds nodes. Outside of it vectors stay zero.
"""

from __future__ import annotations

import numba
import numpy as np

_njit = numba.njit(nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp", "afn"}, cache=True)


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


@_njit
def direction(z, p, beta, span, first, last):
    """P = z + beta p."""
    for c in range(3):
        for i in range(first, last):
            for j in range(p.shape[2]):
                for k in range(span[i, j, 0], span[i, j, 1]):
                    p[c, i, j, k] = z[c, i, j, k] + beta * p[c, i, j, k]


@_njit
def mask_and_dot(q, p, free, span, partial, first, last):
    """Zero q where it is not free; partial[i] = q . p over plane i."""
    for i in range(first, last):
        total = 0.0
        for c in range(3):
            for j in range(q.shape[2]):
                for k in range(span[i, j, 0], span[i, j, 1]):
                    q[c, i, j, k] *= free[c, i, j, k]
                    total += q[c, i, j, k] * p[c, i, j, k]
        partial[i] = total


@_njit
def advance(x, r, p, q, alpha, r32, span, partial, first, last):
    """X += alpha p, r -= alpha q, r32 = r; partial[i] = r . r over plane i."""
    for i in range(first, last):
        total = 0.0
        for c in range(3):
            for j in range(x.shape[2]):
                for k in range(span[i, j, 0], span[i, j, 1]):
                    x[c, i, j, k] += alpha * p[c, i, j, k]
                    value = r[c, i, j, k] - alpha * q[c, i, j, k]
                    r[c, i, j, k] = value
                    r32[c, i, j, k] = value
                    total += value * value
        partial[i] = total


@_njit
def smooth_first(r, inverse_diagonal, x, d, factor, span, first, last):
    """First Chebyshev step from x = 0: d = factor D^-1 r, x = d."""
    for c in range(3):
        for i in range(first, last):
            for j in range(x.shape[2]):
                for k in range(span[i, j, 0], span[i, j, 1]):
                    value = factor * inverse_diagonal[c, i, j, k] * r[c, i, j, k]
                    d[c, i, j, k] = value
                    x[c, i, j, k] = value


@_njit
def smooth_next(r, t, inverse_diagonal, x, d, keep, factor, span, first, last):
    """Chebyshev step: d = keep d + factor D^-1 (r - t) with t = K x, then x += d."""
    for c in range(3):
        for i in range(first, last):
            for j in range(x.shape[2]):
                for k in range(span[i, j, 0], span[i, j, 1]):
                    value = keep * d[c, i, j, k] + factor * inverse_diagonal[c, i, j, k] * (r[c, i, j, k] - t[c, i, j, k])
                    d[c, i, j, k] = value
                    x[c, i, j, k] += value


@_njit
def restrict(r, t, inverse_diagonal, place, coarse, first, last):
    """Coarse residual: coarse[m] = P^T (r - t) for the coarse nodes first <= m < last; held freedoms do not count."""
    ni, nj, nk = r.shape[1], r.shape[2], r.shape[3]
    for m in range(first, last):
        sx = sy = sz = 0.0
        for a in range(-1, 2):
            i = 2 * place[m, 0] + a
            if i < 0 or i >= ni:
                continue
            for b in range(-1, 2):
                j = 2 * place[m, 1] + b
                if j < 0 or j >= nj:
                    continue
                for c in range(-1, 2):
                    k = 2 * place[m, 2] + c
                    if k < 0 or k >= nk:
                        continue
                    w = 0.5 ** (abs(a) + abs(b) + abs(c))
                    if inverse_diagonal[0, i, j, k] > 0:
                        sx += w * (r[0, i, j, k] - t[0, i, j, k])
                    if inverse_diagonal[1, i, j, k] > 0:
                        sy += w * (r[1, i, j, k] - t[1, i, j, k])
                    if inverse_diagonal[2, i, j, k] > 0:
                        sz += w * (r[2, i, j, k] - t[2, i, j, k])
        coarse[m, 0] = sx
        coarse[m, 1] = sy
        coarse[m, 2] = sz


@_njit
def prolong(coarse, number, inverse_diagonal, x, span, first, last):
    """X += P coarse on the free freedoms of the node planes first <= i < last; `number` finds a coarse node by its place."""
    for i in range(first, last):
        for j in range(x.shape[2]):
            for k in range(np.int64(span[i, j, 0]), np.int64(span[i, j, 1])):
                sx = sy = sz = 0.0
                w = 1.0 / ((1 + (i & 1)) * (1 + (j & 1)) * (1 + (k & 1)))
                for a in range(i >> 1, (i >> 1) + 1 + (i & 1)):
                    for b in range(j >> 1, (j >> 1) + 1 + (j & 1)):
                        for c in range(k >> 1, (k >> 1) + 1 + (k & 1)):
                            m = number[a, b, c]
                            if m >= 0:
                                sx += coarse[m, 0]
                                sy += coarse[m, 1]
                                sz += coarse[m, 2]
                if inverse_diagonal[0, i, j, k] > 0:
                    x[0, i, j, k] += w * sx
                if inverse_diagonal[1, i, j, k] > 0:
                    x[1, i, j, k] += w * sy
                if inverse_diagonal[2, i, j, k] > 0:
                    x[2, i, j, k] += w * sz
