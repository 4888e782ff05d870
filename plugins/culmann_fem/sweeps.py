"""Sweeps over the lattice that apply K and go on at once with each plane of nodes as it is complete, while it is in the cache.

All run on the node planes first <= i < last of one thread, which keeps the forces of two planes at a time in a ring of its own.
"""

from __future__ import annotations

from culmann_fem.kernels import kernel, part
from culmann_fem.operator import add_plane, scratch
from culmann_fem.simd import lanes, load, load_double, spread, store, store_single, total, zeros


@part
def rings(u, lines):
    """Room for the forces of two planes, flat, and the scratch of the operator."""
    return zeros(6 * lines.widest, u), scratch(lines, u)


@part
def _forces(u, bricks, ring, s, i, first, last):
    """Complete the forces of node plane i in the ring; i goes up one by one. Where they begin there."""
    plane, widest, step, ni = bricks.lines.plane, bricks.lines.widest, lanes(u), bricks.span.shape[1]
    low = (i & 1) * widest
    nothing = spread(ring[0] - ring[0])
    for n in range(i if i == first else i + 1, min(i + 2, ni + 1)):
        for c in range(3):
            at = (2 * c + (n & 1)) * widest
            for k in range(at, at + plane[n + 1] - plane[n], step):
                store(ring, k, nothing)
    for e in range(i - 1 if i == first and i > 0 else i, min(i + 1, ni)):  # planes of elements
        here, there = (e & 1) * widest - plane[e], (e + 1 & 1) * widest - plane[e + 1]
        add_plane(u, ring, bricks, s, e, here, there, 2 * widest, e == i, e < i or i + 1 < last)
    return low


@part
def smooth(x, to, bricks, r, inverse_diagonal, d, keep, factor, room, first, last):
    """Chebyshev step: d = keep d + factor D^-1 (r - K x), to = x + d."""
    ring, s = room
    plane, widest, step = bricks.lines.plane, bricks.lines.widest, lanes(x)
    kept, new = spread(keep), spread(factor)
    for i in range(first, last):
        low = _forces(x, bricks, ring, s, i, first, last)
        for c in range(3):
            at, here = c * x.shape[1] + plane[i], 2 * c * widest + low
            for k in range(0, plane[i + 1] - plane[i], step):
                left = load(r, at + k) - load(ring, here + k)
                move = kept * load(d, at + k) + new * load(inverse_diagonal, at + k) * left
                store(d, at + k, move)
                store(to, at + k, load(x, at + k) + move)


@part
def residual(x, bricks, r, free, t, room, first, last):
    """T = r - K x where free, 0 where held."""
    ring, s = room
    plane, widest, step = bricks.lines.plane, bricks.lines.widest, lanes(x)
    for i in range(first, last):
        low = _forces(x, bricks, ring, s, i, first, last)
        for c in range(3):
            at, here = c * x.shape[1] + plane[i], 2 * c * widest + low
            for k in range(0, plane[i + 1] - plane[i], step):
                store(t, at + k, load(free, at + k) * (load(r, at + k) - load(ring, here + k)))


@part
def product(p, q, bricks, free, partial, room, first, last):
    """Q = K p where free, 0 where held; partial[i] = q . p over plane i."""
    ring, s = room
    plane, widest, step = bricks.lines.plane, bricks.lines.widest, lanes(p)
    for i in range(first, last):
        low = _forces(p, bricks, ring, s, i, first, last)
        along = spread(ring[0] - ring[0])
        for c in range(3):
            at, here = c * p.shape[1] + plane[i], 2 * c * widest + low
            for k in range(0, plane[i + 1] - plane[i], step):
                force = load_double(free, at + k) * load(ring, here + k)
                store(q, at + k, force)
                along = along + force * load(p, at + k)
        partial[i] = total(along)


@part
def smooth_first(r, inverse_diagonal, x, d, factor, plane, first, last):
    """First Chebyshev step from x = 0: d = factor D^-1 r, x = d."""
    step, new = lanes(x), spread(factor)
    for c in range(3):
        for k in range(c * x.shape[1] + plane[first], c * x.shape[1] + plane[last], step):
            move = new * load(inverse_diagonal, k) * load(r, k)
            store(d, k, move)
            store(x, k, move)


@part
def dot(r, z, plane, partial, first, last):
    """partial[i] = r . z over plane i, for r in double and z in single precision."""
    step = lanes(r)
    for i in range(first, last):
        along = spread(0.0)
        for c in range(3):
            for k in range(c * r.shape[1] + plane[i], c * r.shape[1] + plane[i + 1], step):
                along = along + load(r, k) * load_double(z, k)
        partial[i] = total(along)


@kernel
def squares(f, free, plane, partial, first, last):
    """partial[0, i] and partial[1, i] = the squares over the free and over the held freedoms of plane i."""
    step, one = lanes(f), spread(1.0)
    for i in range(first, last):
        loose = held = spread(0.0)
        for c in range(3):
            for k in range(c * f.shape[1] + plane[i], c * f.shape[1] + plane[i + 1], step):
                is_free, force = load_double(free, k), load(f, k)
                loose = loose + is_free * force * force
                held = held + (one - is_free) * force * force
        partial[0, i], partial[1, i] = total(loose), total(held)


@part
def direction(z, p, beta, plane, first, last):
    """P = z + beta p, for z in single precision."""
    step, share = lanes(p), spread(beta)
    for c in range(3):
        for k in range(c * p.shape[1] + plane[first], c * p.shape[1] + plane[last], step):
            store(p, k, load_double(z, k) + share * load(p, k))


@part
def mask_and_dot(q, p, free, plane, partial, first, last):
    """Zero q where it is not free; partial[i] = q . p over plane i."""
    step = lanes(q)
    for i in range(first, last):
        along = spread(0.0)
        for c in range(3):
            for k in range(c * q.shape[1] + plane[i], c * q.shape[1] + plane[i + 1], step):
                force = load_double(free, k) * load(q, k)
                store(q, k, force)
                along = along + force * load(p, k)
        partial[i] = total(along)


@part
def advance(x, r, p, q, alpha, r32, plane, partial, first, last):
    """X += alpha p, r -= alpha q, r32 = r; partial[i] = r . r over plane i."""
    step, share = lanes(x), spread(alpha)
    for i in range(first, last):
        square = spread(0.0)
        for c in range(3):
            for k in range(c * x.shape[1] + plane[i], c * x.shape[1] + plane[i + 1], step):
                store(x, k, load(x, k) + share * load(p, k))
                left = load(r, k) - share * load(q, k)
                store(r, k, left)
                store_single(r32, k, left)
                square = square + left * left
        partial[i] = total(square)
