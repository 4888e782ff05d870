"""Sweeps over the lattice that apply K and go on at once with each plane of nodes as it is complete, while it is in the cache.

All run on the node planes first <= i < last of one thread, which keeps the forces of two planes at a time in a ring of its own.
"""

from __future__ import annotations

import numba

from culmann_fem.operator import add_plane, scratch
from culmann_fem.simd import lanes, load, load_double, spread, store, store_single, total, zeros

_njit = numba.njit(nogil=True, cache=True)
_part = numba.njit(nogil=True)  # of kernels, which the cache has


@_part
def rings(u, lines):
    """Room for the forces of two planes, flat, and the scratch of the operator."""
    return zeros(6 * lines.widest, u), scratch(lines, u)


@_part
def _forces(u, bricks, ring, s, i, first, last):
    """Complete the forces of node plane i in the ring; i goes up one by one. Where they begin there."""
    plane, widest, step, ni = bricks.lines.plane, bricks.lines.widest, lanes(u), bricks.span.shape[1]
    low, high = (i & 1) * widest, (i + 1 & 1) * widest
    nothing = spread(ring[0] - ring[0])
    for n in range(i if i == first else i + 1, min(i + 2, ni + 1)):
        for c in range(3):
            at = (2 * c + (n & 1)) * widest
            for k in range(at, at + plane[n + 1] - plane[n], step):
                store(ring, k, nothing)
    if i == first and i > 0:
        add_plane(u, ring, bricks, s, i - 1, high - plane[i - 1], low - plane[i], 2 * widest, False, True)
    if i < ni:
        add_plane(u, ring, bricks, s, i, low - plane[i], high - plane[i + 1], 2 * widest, True, i + 1 < last)
    return low


@_part
def smooth(x, to, bricks, r, inverse_diagonal, d, keep, factor, room, first, last):
    """Chebyshev step: d = keep d + factor D^-1 (r - K x), to = x + d."""
    ring, s = room
    plane, widest, step = bricks.lines.plane, bricks.lines.widest, lanes(x)
    x1, to1, r1, D, d1 = x.reshape(-1), to.reshape(-1), r.reshape(-1), inverse_diagonal.reshape(-1), d.reshape(-1)
    kept, new = spread(keep), spread(factor)
    for i in range(first, last):
        low = _forces(x, bricks, ring, s, i, first, last)
        for c in range(3):
            at, here = c * x.shape[1] + plane[i], 2 * c * widest + low
            for k in range(0, plane[i + 1] - plane[i], step):
                move = kept * load(d1, at + k) + new * load(D, at + k) * (load(r1, at + k) - load(ring, here + k))
                store(d1, at + k, move)
                store(to1, at + k, load(x1, at + k) + move)


@_part
def residual(x, bricks, r, free, t, room, first, last):
    """T = r - K x where free, 0 where held."""
    ring, s = room
    plane, widest, step = bricks.lines.plane, bricks.lines.widest, lanes(x)
    r1, t1, free1 = r.reshape(-1), t.reshape(-1), free.reshape(-1)
    for i in range(first, last):
        low = _forces(x, bricks, ring, s, i, first, last)
        for c in range(3):
            at, here = c * x.shape[1] + plane[i], 2 * c * widest + low
            for k in range(0, plane[i + 1] - plane[i], step):
                store(t1, at + k, load(free1, at + k) * (load(r1, at + k) - load(ring, here + k)))


@_part
def product(p, q, bricks, free, partial, room, first, last):
    """Q = K p where free, 0 where held; partial[i] = q . p over plane i."""
    ring, s = room
    plane, widest, step = bricks.lines.plane, bricks.lines.widest, lanes(p)
    p1, q1, free1 = p.reshape(-1), q.reshape(-1), free.reshape(-1)
    for i in range(first, last):
        low = _forces(p, bricks, ring, s, i, first, last)
        along = spread(ring[0] - ring[0])
        for c in range(3):
            at, here = c * p.shape[1] + plane[i], 2 * c * widest + low
            for k in range(0, plane[i + 1] - plane[i], step):
                force = load_double(free1, at + k) * load(ring, here + k)
                store(q1, at + k, force)
                along = along + force * load(p1, at + k)
        partial[i] = total(along)


@_part
def smooth_first(r, inverse_diagonal, x, d, factor, plane, first, last):
    """First Chebyshev step from x = 0: d = factor D^-1 r, x = d."""
    r1, D, x1, d1 = r.reshape(-1), inverse_diagonal.reshape(-1), x.reshape(-1), d.reshape(-1)
    step, new = lanes(x), spread(factor)
    for c in range(3):
        for k in range(c * x.shape[1] + plane[first], c * x.shape[1] + plane[last], step):
            move = new * load(D, k) * load(r1, k)
            store(d1, k, move)
            store(x1, k, move)


@_part
def dot(r, z, plane, partial, first, last):
    """partial[i] = r . z over plane i, for r in double and z in single precision."""
    r1, z1, step = r.reshape(-1), z.reshape(-1), lanes(r)
    for i in range(first, last):
        along = spread(r1[0] - r1[0])
        for c in range(3):
            for k in range(c * r.shape[1] + plane[i], c * r.shape[1] + plane[i + 1], step):
                along = along + load(r1, k) * load_double(z1, k)
        partial[i] = total(along)


@_njit
def squares(f, free, plane, partial, first, last):
    """partial[0, i] and partial[1, i] = the squares over the free and over the held freedoms of plane i."""
    f1, free1, step, one = f.reshape(-1), free.reshape(-1), lanes(f), spread(1.0)
    for i in range(first, last):
        loose = held = spread(0.0)
        for c in range(3):
            for k in range(c * f.shape[1] + plane[i], c * f.shape[1] + plane[i + 1], step):
                is_free, force = load_double(free1, k), load(f1, k)
                loose = loose + is_free * force * force
                held = held + (one - is_free) * force * force
        partial[0, i], partial[1, i] = total(loose), total(held)


@_part
def direction(z, p, beta, plane, first, last):
    """P = z + beta p, for z in single precision."""
    z1, p1, step, share = z.reshape(-1), p.reshape(-1), lanes(p), spread(beta)
    for c in range(3):
        for k in range(c * p.shape[1] + plane[first], c * p.shape[1] + plane[last], step):
            store(p1, k, load_double(z1, k) + share * load(p1, k))


@_part
def mask_and_dot(q, p, free, plane, partial, first, last):
    """Zero q where it is not free; partial[i] = q . p over plane i."""
    q1, p1, free1, step = q.reshape(-1), p.reshape(-1), free.reshape(-1), lanes(q)
    for i in range(first, last):
        along = spread(q1[0] - q1[0])
        for c in range(3):
            for k in range(c * q.shape[1] + plane[i], c * q.shape[1] + plane[i + 1], step):
                force = load_double(free1, k) * load(q1, k)
                store(q1, k, force)
                along = along + force * load(p1, k)
        partial[i] = total(along)


@_part
def advance(x, r, p, q, alpha, r32, plane, partial, first, last):
    """X += alpha p, r -= alpha q, r32 = r; partial[i] = r . r over plane i."""
    x1, r1, p1, q1, short = x.reshape(-1), r.reshape(-1), p.reshape(-1), q.reshape(-1), r32.reshape(-1)
    step, share = lanes(x), spread(alpha)
    for i in range(first, last):
        square = spread(alpha - alpha)
        for c in range(3):
            for k in range(c * x.shape[1] + plane[i], c * x.shape[1] + plane[i + 1], step):
                store(x1, k, load(x1, k) + share * load(p1, k))
                left = load(r1, k) - share * load(q1, k)
                store(r1, k, left)
                store_single(short, k, left)
                square = square + left * left
        partial[i] = total(square)
