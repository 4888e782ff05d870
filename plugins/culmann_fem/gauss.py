"""Displacement gradients at the eight Gauss points of a brick, and back to nodal forces, through the parity basis.

The derivative of a trilinear field along x does not depend on x, so that each of its nine components takes four values at the
eight points: 36 numbers in all, from 24 modes, with a handful of additions.
"""

from __future__ import annotations

import numpy as np

from culmann_fem.kernels import fast_part

_G = 1 / np.sqrt(3.0)
_GG = 1 / 3.0


@fast_part
def _hadamard(v):
    """V (8,) <- its parity transform, in place."""
    for step in (1, 2, 4):
        for a in range(8):
            if a & step == 0:
                low, high = v[a], v[a | step]
                v[a] = low + high
                v[a | step] = low - high


@fast_part
def gradients(u, place, i, j, k, scale, modes, grad):
    """grad (3 components, 3 directions, 4 pairs) of element i, j, k, for u (3, size) on `Lines` with these places.

    The pair of a Gauss point with bits (bx, by, bz) is by + 2 bz along x, bx + 2 bz along y, bx + 2 by along z.
    `scale` is (3,): -1 / (4 spacing).
    """
    for c in range(3):
        m = modes[c]
        for a in range(8):
            m[a] = u[c, place[i + (a & 1), j + (a >> 1 & 1)] + k + (a >> 2 & 1)]
        _hadamard(m)
        for direction in range(3):
            s = scale[direction]
            if direction == 0:
                p0, p1, p2, p3 = m[1], m[3], m[5], m[7]
            elif direction == 1:
                p0, p1, p2, p3 = m[2], m[3], m[6], m[7]
            else:
                p0, p1, p2, p3 = m[4], m[5], m[6], m[7]
            p0 *= s
            p1 *= s * _G
            p2 *= s * _G
            p3 *= s * _GG
            g = grad[c, direction]
            g[0] = (p0 + p1) + (p2 + p3)
            g[1] = (p0 - p1) + (p2 - p3)
            g[2] = (p0 + p1) - (p2 + p3)
            g[3] = (p0 - p1) - (p2 - p3)


@fast_part
def forces(dual, scale, force):
    """The transpose of `gradients`: force (3, 8) at the corners from what is dual to the gradients."""
    for c in range(3):
        m = force[c]
        m[:] = 0
        for direction in range(3):
            g = dual[c, direction]
            s = scale[direction]
            p0 = s * ((g[0] + g[1]) + (g[2] + g[3]))
            p1 = s * _G * ((g[0] - g[1]) + (g[2] - g[3]))
            p2 = s * _G * ((g[0] + g[1]) - (g[2] + g[3]))
            p3 = s * _GG * ((g[0] - g[1]) - (g[2] - g[3]))
            if direction == 0:
                m[1] += p0
                m[3] += p1
                m[5] += p2
                m[7] += p3
            elif direction == 1:
                m[2] += p0
                m[3] += p1
                m[6] += p2
                m[7] += p3
            else:
                m[4] += p0
                m[5] += p1
                m[6] += p2
                m[7] += p3
        _hadamard(m)


@fast_part
def strain_at(grad, point, e):
    """E (6,): tensor strain xx, yy, zz, xy, yz, zx at a Gauss point."""
    bx, by, bz = point & 1, point >> 1 & 1, point >> 2 & 1
    x, y, z = by + 2 * bz, bx + 2 * bz, bx + 2 * by
    e[0] = grad[0, 0, x]
    e[1] = grad[1, 1, y]
    e[2] = grad[2, 2, z]
    e[3] = 0.5 * (grad[0, 1, y] + grad[1, 0, x])
    e[4] = 0.5 * (grad[1, 2, z] + grad[2, 1, y])
    e[5] = 0.5 * (grad[2, 0, x] + grad[0, 2, z])


@fast_part
def stress_into(dual, point, weight, t):
    """Add weight times a symmetric stress t (6,) at a Gauss point to the dual of the gradients."""
    bx, by, bz = point & 1, point >> 1 & 1, point >> 2 & 1
    x, y, z = by + 2 * bz, bx + 2 * bz, bx + 2 * by
    dual[0, 0, x] += weight * t[0]
    dual[1, 1, y] += weight * t[1]
    dual[2, 2, z] += weight * t[2]
    dual[0, 1, y] += weight * t[3]
    dual[1, 0, x] += weight * t[3]
    dual[1, 2, z] += weight * t[4]
    dual[2, 1, y] += weight * t[4]
    dual[2, 0, x] += weight * t[5]
    dual[0, 2, z] += weight * t[5]
