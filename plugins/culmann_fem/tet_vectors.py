"""Vector arithmetic on nodes (n, 3), in chunks of a fixed number of nodes, several operations in one sweep over memory."""

from __future__ import annotations

from culmann_fem.kernels import fast_kernel


@fast_kernel
def dot(a, b, size, partial, first, last):
    """partial[k] = a . b over chunk k."""
    for k in range(first, last):
        total = 0.0
        for i in range(k * size, min(a.shape[0], (k + 1) * size)):
            for c in range(3):
                total += a[i, c] * b[i, c]
        partial[k] = total


@fast_kernel
def direction(z, p, beta, size, first, last):
    """P = z + beta p."""
    for i in range(first * size, min(p.shape[0], last * size)):
        for c in range(3):
            p[i, c] = z[i, c] + beta * p[i, c]


@fast_kernel
def mask_and_dot(q, p, free, size, partial, first, last):
    """Zero q where it is not free; partial[k] = q . p over chunk k."""
    for k in range(first, last):
        total = 0.0
        for i in range(k * size, min(q.shape[0], (k + 1) * size)):
            for c in range(3):
                q[i, c] *= free[i, c]
                total += q[i, c] * p[i, c]
        partial[k] = total


@fast_kernel
def advance(x, r, p, q, alpha, r32, size, partial, first, last):
    """X += alpha p, r -= alpha q, r32 = r; partial[k] = r . r over chunk k."""
    for k in range(first, last):
        total = 0.0
        for i in range(k * size, min(x.shape[0], (k + 1) * size)):
            for c in range(3):
                x[i, c] += alpha * p[i, c]
                value = r[i, c] - alpha * q[i, c]
                r[i, c] = value
                r32[i, c] = value
                total += value * value
        partial[k] = total


@fast_kernel
def smooth_first(r, inverse_diagonal, x, d, factor, size, first, last):
    """First Chebyshev step from x = 0: d = factor D^-1 r, x = d."""
    for i in range(first * size, min(x.shape[0], last * size)):
        for c in range(3):
            value = factor * inverse_diagonal[i, c] * r[i, c]
            d[i, c] = value
            x[i, c] = value


@fast_kernel
def smooth_next(r, t, inverse_diagonal, x, d, keep, factor, size, first, last):
    """Chebyshev step: d = keep d + factor D^-1 (r - t) with t = K x, then x += d."""
    for i in range(first * size, min(x.shape[0], last * size)):
        for c in range(3):
            value = keep * d[i, c] + factor * inverse_diagonal[i, c] * (r[i, c] - t[i, c])
            d[i, c] = value
            x[i, c] += value


@fast_kernel
def restrict(r, t, inverse_diagonal, begin, children, free, coarse, size, first, last):
    """coarse[v] = P^T (r - t) for chunks of vertices: half of each free freedom, for each time that v is its parent."""
    half = r.dtype.type(0.5)
    for v in range(first * size, min(coarse.shape[0], last * size)):
        x = y = z = half * 0
        for k in range(begin[v], begin[v + 1]):
            i = children[k]
            if inverse_diagonal[i, 0] > 0:
                x += r[i, 0] - t[i, 0]
            if inverse_diagonal[i, 1] > 0:
                y += r[i, 1] - t[i, 1]
            if inverse_diagonal[i, 2] > 0:
                z += r[i, 2] - t[i, 2]
        coarse[v, 0], coarse[v, 1], coarse[v, 2] = half * x, half * y, half * z
        for c in range(3):
            if not free[v, c]:
                coarse[v, c] = 0


@fast_kernel
def prolong(coarse, parent, inverse_diagonal, x, size, first, last):
    """X += P coarse on free freedoms: the mean of the two parents; a vertex is both of its parents."""
    half = x.dtype.type(0.5)
    for i in range(first * size, min(x.shape[0], last * size)):
        for c in range(3):
            if inverse_diagonal[i, c] > 0:
                x[i, c] += half * (coarse[parent[i, 0], c] + coarse[parent[i, 1], c])
