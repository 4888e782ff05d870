"""Sweeps over the lattice that apply K and go on at once with each plane of nodes as it is complete, while it is in the cache.

All run on the node planes first <= i < last of one thread, which keeps the forces of two planes at a time in a ring of its own.
"""

from __future__ import annotations

import numba
import numpy as np

from culmann_fem.operator import add_plane, scratch
from culmann_fem.simd import lanes, load, load_double, spread, store, store_single, total

_njit = numba.njit(nogil=True, cache=True)
_part = numba.njit(nogil=True)  # of kernels, which the cache has


@_part
def rings(u):
    """Room for the forces of two planes, flat, and the scratch of the operator."""
    return np.zeros(6 * u.shape[2] * u.shape[3], dtype=u.dtype), scratch(u.shape[3], u)


@_part
def _forces(u, lattice, ring, s, i, first, last):
    """Complete the forces of node plane i in the ring; i goes up one by one. Where they begin there."""
    E, blocks, span, node_span = lattice
    plane, step, ni = u.shape[2] * u.shape[3], lanes(u), E.shape[1]
    low, high = (i & 1) * plane, (i + 1 & 1) * plane
    nothing = spread(ring[0] - ring[0])
    for n in range(i if i == first else i + 1, min(i + 2, node_span.shape[0])):
        for c in range(3):
            for j in range(node_span.shape[1]):
                at = 2 * c * plane + (n & 1) * plane + j * u.shape[3]
                for k in range(node_span[n, j, 0], node_span[n, j, 1], step):
                    store(ring, at + k, nothing)
    for g in range(E.shape[0]):
        if i == first and i > 0:
            add_plane(u, ring, E[g], blocks[g], span[g], s, i - 1, high, low, 2 * plane, False, True)
        if i < ni:
            add_plane(u, ring, E[g], blocks[g], span[g], s, i, low, high, 2 * plane, True, i + 1 < last)
    return low


@_part
def smooth(x, to, lattice, r, inverse_diagonal, d, keep, factor, room, first, last):
    """Chebyshev step: d = keep d + factor D^-1 (r - K x), to = x + d."""
    ring, s = room
    node_span, width, plane, step = lattice[3], x.shape[3], x.shape[2] * x.shape[3], lanes(x)
    x1, to1, r1, D, d1 = x.reshape(-1), to.reshape(-1), r.reshape(-1), inverse_diagonal.reshape(-1), d.reshape(-1)
    kept, new = spread(keep), spread(factor)
    for i in range(first, last):
        low = _forces(x, lattice, ring, s, i, first, last)
        for c in range(3):
            for j in range(x.shape[2]):
                at, here = ((c * x.shape[1] + i) * x.shape[2] + j) * width, 2 * c * plane + low + j * width
                for k in range(node_span[i, j, 0], node_span[i, j, 1], step):
                    move = kept * load(d1, at + k) + new * load(D, at + k) * (load(r1, at + k) - load(ring, here + k))
                    store(d1, at + k, move)
                    store(to1, at + k, load(x1, at + k) + move)


@_part
def residual(x, lattice, r, free, t, room, first, last):
    """T = r - K x where free, 0 where held."""
    ring, s = room
    node_span, width, plane, step = lattice[3], x.shape[3], x.shape[2] * x.shape[3], lanes(x)
    r1, t1, free1 = r.reshape(-1), t.reshape(-1), free.reshape(-1)
    for i in range(first, last):
        low = _forces(x, lattice, ring, s, i, first, last)
        for c in range(3):
            for j in range(x.shape[2]):
                at, here = ((c * x.shape[1] + i) * x.shape[2] + j) * width, 2 * c * plane + low + j * width
                for k in range(node_span[i, j, 0], node_span[i, j, 1], step):
                    store(t1, at + k, load(free1, at + k) * (load(r1, at + k) - load(ring, here + k)))


@_part
def product(p, q, lattice, free, partial, room, first, last):
    """Q = K p where free, 0 where held; partial[i] = q . p over plane i."""
    ring, s = room
    node_span, width, plane, step = lattice[3], p.shape[3], p.shape[2] * p.shape[3], lanes(p)
    p1, q1, free1 = p.reshape(-1), q.reshape(-1), free.reshape(-1)
    for i in range(first, last):
        low = _forces(p, lattice, ring, s, i, first, last)
        along = spread(ring[0] - ring[0])
        for c in range(3):
            for j in range(p.shape[2]):
                at, here = ((c * p.shape[1] + i) * p.shape[2] + j) * width, 2 * c * plane + low + j * width
                for k in range(node_span[i, j, 0], node_span[i, j, 1], step):
                    force = load_double(free1, at + k) * load(ring, here + k)
                    store(q1, at + k, force)
                    along = along + force * load(p1, at + k)
        partial[i] = total(along)


@_part
def smooth_first(r, inverse_diagonal, x, d, factor, span, first, last):
    """First Chebyshev step from x = 0: d = factor D^-1 r, x = d."""
    r1, D, x1, d1 = r.reshape(-1), inverse_diagonal.reshape(-1), x.reshape(-1), d.reshape(-1)
    step, new = lanes(x), spread(factor)
    for c in range(3):
        for i in range(first, last):
            for j in range(x.shape[2]):
                at = ((c * x.shape[1] + i) * x.shape[2] + j) * x.shape[3]
                for k in range(at + span[i, j, 0], at + span[i, j, 1], step):
                    move = new * load(D, k) * load(r1, k)
                    store(d1, k, move)
                    store(x1, k, move)


@_part
def dot(r, z, span, partial, first, last):
    """partial[i] = r . z over plane i, for r in double and z in single precision."""
    r1, z1, step = r.reshape(-1), z.reshape(-1), lanes(r)
    for i in range(first, last):
        along = spread(r1[0] - r1[0])
        for c in range(3):
            for j in range(r.shape[2]):
                at = ((c * r.shape[1] + i) * r.shape[2] + j) * r.shape[3]
                for k in range(at + span[i, j, 0], at + span[i, j, 1], step):
                    along = along + load(r1, k) * load_double(z1, k)
        partial[i] = total(along)


@_njit
def squares(f, free, span, partial, first, last):
    """partial[0, i] and partial[1, i] = the squares over the free and over the held freedoms of plane i."""
    f1, free1, step, one = f.reshape(-1), free.reshape(-1), lanes(f), spread(1.0)
    for i in range(first, last):
        loose = held = spread(0.0)
        for c in range(3):
            for j in range(f.shape[2]):
                at = ((c * f.shape[1] + i) * f.shape[2] + j) * f.shape[3]
                for k in range(at + span[i, j, 0], at + span[i, j, 1], step):
                    is_free, force = load_double(free1, k), load(f1, k)
                    loose = loose + is_free * force * force
                    held = held + (one - is_free) * force * force
        partial[0, i], partial[1, i] = total(loose), total(held)


@_part
def direction(z, p, beta, span, first, last):
    """P = z + beta p, for z in single precision."""
    z1, p1, step, share = z.reshape(-1), p.reshape(-1), lanes(p), spread(beta)
    for c in range(3):
        for i in range(first, last):
            for j in range(p.shape[2]):
                at = ((c * p.shape[1] + i) * p.shape[2] + j) * p.shape[3]
                for k in range(at + span[i, j, 0], at + span[i, j, 1], step):
                    store(p1, k, load_double(z1, k) + share * load(p1, k))


@_part
def mask_and_dot(q, p, free, span, partial, first, last):
    """Zero q where it is not free; partial[i] = q . p over plane i."""
    q1, p1, free1, step = q.reshape(-1), p.reshape(-1), free.reshape(-1), lanes(q)
    for i in range(first, last):
        along = spread(q1[0] - q1[0])
        for c in range(3):
            for j in range(q.shape[2]):
                at = ((c * q.shape[1] + i) * q.shape[2] + j) * q.shape[3]
                for k in range(at + span[i, j, 0], at + span[i, j, 1], step):
                    force = load_double(free1, k) * load(q1, k)
                    store(q1, k, force)
                    along = along + force * load(p1, k)
        partial[i] = total(along)


@_part
def advance(x, r, p, q, alpha, r32, span, partial, first, last):
    """X += alpha p, r -= alpha q, r32 = r; partial[i] = r . r over plane i."""
    x1, r1, p1, q1, short = x.reshape(-1), r.reshape(-1), p.reshape(-1), q.reshape(-1), r32.reshape(-1)
    step, share = lanes(x), spread(alpha)
    for i in range(first, last):
        square = spread(alpha - alpha)
        for c in range(3):
            for j in range(x.shape[2]):
                at = ((c * x.shape[1] + i) * x.shape[2] + j) * x.shape[3]
                for k in range(at + span[i, j, 0], at + span[i, j, 1], step):
                    store(x1, k, load(x1, k) + share * load(p1, k))
                    left = load(r1, k) - share * load(q1, k)
                    store(r1, k, left)
                    store_single(short, k, left)
                    square = square + left * left
        partial[i] = total(square)
