"""Forces of quadratic tetrahedra from displacements, a batch of cells at a time, and the sums over the cells of a node.

The displacement of a cell is a quadratic form of its barycentric coordinates with a symmetric 4 x 4 table U: corners on the
diagonal, middles of edges off it. Its derivative along coordinate i at the Gauss point near corner p is
S_i + (near - far) 4 U_ip, with S_i the same at all four points: a few additions.

Cells come in blocks, cells in batches of WIDTH. A block gathers the displacements of its nodes, sums forces in rows of its own,
and so shares nothing with other blocks; the rows of a node in different blocks are then added in a fixed order. That is why the
number of threads changes no bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import IntArray
from culmann_fem.kernels import fast_kernel, fast_part

#: Cells in a batch. With 8 the compiler unrolls the loops over a batch before it gets to vectorise them: three times slower.
WIDTH = 16


class Blocks(NamedTuple):
    """Which cells and nodes belong together.

    Parameters
    ----------
    node
        (rows,): the node of every row of forces.
    begin
        Rows of block b from begin[b] to begin[b + 1].
    batch_begin
        Batches of block b from batch_begin[b] to batch_begin[b + 1].
    local
        (batches, 10, WIDTH): row of every node of every cell of a batch, from the first row of its block.
    """

    node: npt.NDArray[np.int32]
    begin: IntArray
    batch_begin: IntArray
    local: npt.NDArray[np.uint16]


class Geometry(NamedTuple):
    """Gauss points, in the precision of the work.

    Parameters
    ----------
    G, weight
        (k, 9, WIDTH) and (k, WIDTH): gradients of barycentric coordinates 1 to 3, and volumes.
    start, stride
        (batches,): the points of a batch begin at `start` and follow `stride` apart: 0 when all its cells are straight.
    rule
        (3,): what the rule makes of corners and edges: 4 far - 1, 4 far, and 4 (near - far).
    """

    G: npt.NDArray[np.floating]
    weight: npt.NDArray[np.floating]
    start: IntArray
    stride: IntArray
    rule: npt.NDArray[np.floating]


@fast_part
def differences(s, d, rule):
    """Derivatives along barycentric coordinates 1, 2, 3 less those along 0: s (3, 10, w) to d (4 points, 9, w)."""
    corner, edge, near = rule[0], rule[1], rule[2]
    for c in range(3):
        for w in range(WIDTH):
            u0, u1, u2, u3 = s[c, 0, w], s[c, 1, w], s[c, 2, w], s[c, 3, w]
            u01, u12, u20, u03, u13, u23 = s[c, 4, w], s[c, 5, w], s[c, 6, w], s[c, 7, w], s[c, 8, w], s[c, 9, w]
            s0 = corner * u0 + edge * (u01 + u20 + u03)
            t1 = corner * u1 + edge * (u01 + u12 + u13) - s0
            t2 = corner * u2 + edge * (u20 + u12 + u23) - s0
            t3 = corner * u3 + edge * (u03 + u13 + u23) - s0
            d[0, 3 * c, w] = t1 + near * (u01 - u0)
            d[0, 3 * c + 1, w] = t2 + near * (u20 - u0)
            d[0, 3 * c + 2, w] = t3 + near * (u03 - u0)
            d[1, 3 * c, w] = t1 + near * (u1 - u01)
            d[1, 3 * c + 1, w] = t2 + near * (u12 - u01)
            d[1, 3 * c + 2, w] = t3 + near * (u13 - u01)
            d[2, 3 * c, w] = t1 + near * (u12 - u20)
            d[2, 3 * c + 1, w] = t2 + near * (u2 - u20)
            d[2, 3 * c + 2, w] = t3 + near * (u23 - u20)
            d[3, 3 * c, w] = t1 + near * (u13 - u03)
            d[3, 3 * c + 1, w] = t2 + near * (u23 - u03)
            d[3, 3 * c + 2, w] = t3 + near * (u3 - u03)


@fast_part
def differences_transposed(d, s, rule):
    """Nodal forces s (3, 10, w) from what is dual to `differences`."""
    corner, edge, near = rule[0], rule[1], rule[2]
    for c in range(3):
        for w in range(WIDTH):
            a1, a2, a3 = d[0, 3 * c, w], d[0, 3 * c + 1, w], d[0, 3 * c + 2, w]
            b1, b2, b3 = d[1, 3 * c, w], d[1, 3 * c + 1, w], d[1, 3 * c + 2, w]
            c1, c2, c3 = d[2, 3 * c, w], d[2, 3 * c + 1, w], d[2, 3 * c + 2, w]
            e1, e2, e3 = d[3, 3 * c, w], d[3, 3 * c + 1, w], d[3, 3 * c + 2, w]
            a0, b0, c0, e0 = -(a1 + a2 + a3), -(b1 + b2 + b3), -(c1 + c2 + c3), -(e1 + e2 + e3)
            r0, r1, r2, r3 = a0 + b0 + c0 + e0, a1 + b1 + c1 + e1, a2 + b2 + c2 + e2, a3 + b3 + c3 + e3
            s[c, 0, w] = corner * r0 + near * a0
            s[c, 1, w] = corner * r1 + near * b1
            s[c, 2, w] = corner * r2 + near * c2
            s[c, 3, w] = corner * r3 + near * e3
            s[c, 4, w] = edge * (r0 + r1) + near * (a1 + b0)
            s[c, 5, w] = edge * (r1 + r2) + near * (b2 + c1)
            s[c, 6, w] = edge * (r2 + r0) + near * (c0 + a2)
            s[c, 7, w] = edge * (r0 + r3) + near * (a3 + e0)
            s[c, 8, w] = edge * (r1 + r3) + near * (b3 + e1)
            s[c, 9, w] = edge * (r2 + r3) + near * (c3 + e2)


@fast_part
def stress(d, G, weight, lame):
    """Differences d (9, w) at a point into what is dual to them: times gradients, elastic stress, weight, gradients."""
    for w in range(WIDTH):
        xx, yy, zz, xy, yz, zx = strain_of(d, G, w)
        mu = lame[1, w] * weight[w]
        pressure = lame[0, w] * weight[w] * (xx + yy + zz)
        xx, yy, zz = pressure + (mu + mu) * xx, pressure + (mu + mu) * yy, pressure + (mu + mu) * zz
        spread(d, G, w, xx, yy, zz, mu * xy, mu * yz, mu * zx)


@fast_part
def tangent_stress(d, G, weight, lame, flow):
    """The same with the elastoplastic tangent; flow (8, w): direction of flow, and the two moduli that yielding takes off."""
    for w in range(WIDTH):
        xx, yy, zz, xy, yz, zx = strain_of(d, G, w)
        mu = lame[1, w] * weight[w]
        volume = xx + yy + zz
        pressure = lame[0, w] * weight[w] * volume
        fx, fy, fz, fxy, fyz, fzx = flow[0, w], flow[1, w], flow[2, w], flow[3, w], flow[4, w], flow[5, w]
        shared = weight[w] * flow[6, w]
        # Double shear strains against the tensor's components of a direction without trace: the double product.
        along = weight[w] * flow[7, w] * (fx * xx + fy * yy + fz * zz + fxy * xy + fyz * yz + fzx * zx)
        pressure += shared * volume / 3
        left = mu + mu - shared
        xx, yy, zz = pressure + left * xx - along * fx, pressure + left * yy - along * fy, pressure + left * zz - along * fz
        left = left * 0.5
        xy, yz, zx = left * xy - along * fxy, left * yz - along * fyz, left * zx - along * fzx
        spread(d, G, w, xx, yy, zz, xy, yz, zx)


@fast_part
def strain_of(d, G, w):
    """Strain from the differences of one cell, with double shear: xx, yy, zz, xy, yz, zx."""
    x1, x2, x3 = d[0, w], d[1, w], d[2, w]
    y1, y2, y3 = d[3, w], d[4, w], d[5, w]
    z1, z2, z3 = d[6, w], d[7, w], d[8, w]
    xx = x1 * G[0, w] + x2 * G[3, w] + x3 * G[6, w]
    yy = y1 * G[1, w] + y2 * G[4, w] + y3 * G[7, w]
    zz = z1 * G[2, w] + z2 * G[5, w] + z3 * G[8, w]
    xy = x1 * G[1, w] + x2 * G[4, w] + x3 * G[7, w] + y1 * G[0, w] + y2 * G[3, w] + y3 * G[6, w]
    yz = y1 * G[2, w] + y2 * G[5, w] + y3 * G[8, w] + z1 * G[1, w] + z2 * G[4, w] + z3 * G[7, w]
    zx = z1 * G[0, w] + z2 * G[3, w] + z3 * G[6, w] + x1 * G[2, w] + x2 * G[5, w] + x3 * G[8, w]
    return xx, yy, zz, xy, yz, zx


@fast_part
def spread(d, G, w, xx, yy, zz, xy, yz, zx):
    """What is dual to the differences of one cell, from its stress."""
    for i in range(3):
        gx, gy, gz = G[3 * i, w], G[3 * i + 1, w], G[3 * i + 2, w]
        d[i, w] = xx * gx + xy * gy + zx * gz
        d[3 + i, w] = xy * gx + yy * gy + yz * gz
        d[6 + i, w] = zx * gx + yz * gy + zz * gz


@fast_kernel
def elastic_rows(u, row, blocks, geometry, lame, first, last):
    """Rows of forces (rows, 3) of the blocks first <= b < last, from displacements u (n, 3).

    `lame` is (batches, 2, WIDTH): Lamé's constants.
    """
    s, d = np.empty((3, 10, WIDTH), dtype=u.dtype), np.empty((4, 9, WIDTH), dtype=u.dtype)
    for b in range(first, last):
        row[blocks.begin[b] : blocks.begin[b + 1]] = 0
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            fetch(u, blocks, b, n, s)
            differences(s, d, geometry.rule)
            for p in range(4):
                g = geometry.start[n] + p * geometry.stride[n]
                stress(d[p], geometry.G[g], geometry.weight[g], lame[n])
            differences_transposed(d, s, geometry.rule)
            add(s, blocks, b, n, row)


@fast_kernel
def tangent_rows(u, row, blocks, geometry, lame, active, flow, first, last):
    """The same with the tangent of the batches that are active; flow (batches, 4, 8, WIDTH) as in `tangent_stress`."""
    s, d = np.empty((3, 10, WIDTH), dtype=u.dtype), np.empty((4, 9, WIDTH), dtype=u.dtype)
    for b in range(first, last):
        row[blocks.begin[b] : blocks.begin[b + 1]] = 0
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            fetch(u, blocks, b, n, s)
            differences(s, d, geometry.rule)
            if active[n]:
                for p in range(4):
                    g = geometry.start[n] + p * geometry.stride[n]
                    tangent_stress(d[p], geometry.G[g], geometry.weight[g], lame[n], flow[n, p])
            else:
                for p in range(4):
                    g = geometry.start[n] + p * geometry.stride[n]
                    stress(d[p], geometry.G[g], geometry.weight[g], lame[n])
            differences_transposed(d, s, geometry.rule)
            add(s, blocks, b, n, row)


@fast_part
def fetch(u, blocks, b, n, s):
    """Displacements s (3, 10, WIDTH) of the cells of batch n of block b."""
    node = blocks.node[blocks.begin[b] : blocks.begin[b + 1]]
    for a in range(10):
        for w in range(WIDTH):
            i = node[blocks.local[n, a, w]]
            s[0, a, w], s[1, a, w], s[2, a, w] = u[i, 0], u[i, 1], u[i, 2]


@fast_part
def add(s, blocks, b, n, row):
    """Add the forces s (3, 10, WIDTH) of the cells of batch n to the rows of block b."""
    force = row[blocks.begin[b] : blocks.begin[b + 1]]
    for a in range(10):
        for w in range(WIDTH):
            k = blocks.local[n, a, w]
            force[k, 0] += s[0, a, w]
            force[k, 1] += s[1, a, w]
            force[k, 2] += s[2, a, w]


@fast_kernel
def gather(row, begin, rows, f, size, first, last):
    """f[i] = sum of the rows of node i, for the chunks of `size` nodes first <= k < last."""
    for i in range(first * size, min(f.shape[0], last * size)):
        x = y = z = row[0, 0] * 0
        for k in range(begin[i], begin[i + 1]):
            x += row[rows[k], 0]
            y += row[rows[k], 1]
            z += row[rows[k], 2]
        f[i, 0], f[i, 1], f[i, 2] = x, y, z


@fast_part
def shape_gradients_at(m, p, geometry, table, g):
    """Gradients g (10, 3) of the shape functions of cell m at Gauss point p; the batch's place of its G."""
    n, w = divmod(m, geometry.weight.shape[1])
    at, G, rule = geometry.start[n] + p * geometry.stride[n], geometry.G, geometry.rule
    g[:] = 0
    for i in range(4):
        for c in range(3):
            along = -(G[at, c, w] + G[at, 3 + c, w] + G[at, 6 + c, w]) if i == 0 else G[at, 3 * (i - 1) + c, w]
            for j in range(4):
                factor = rule[0] if i == j else rule[1]
                if j == p:
                    factor += rule[2]
                g[table[i, j], c] += factor * along
    return at
