"""What an orthotropic elasticity adds to the operator of quadratic tetrahedra, to its diagonal and to that on the vertices.

Orthotropic cells have Lamé constants of 0 and a modulus that multiplies one elasticity C (6, 6), in the axes of the load
case; cells of other materials in the same batch have it the other way round.
"""

from __future__ import annotations

import numpy as np

from culmann_fem.kernels import fast_kernel, fast_part
from culmann_fem.tet_kernels import (
    WIDTH,
    add,
    differences,
    differences_transposed,
    fetch,
    shape_gradients_at,
    spread,
    strain_of,
)


@fast_part
def _stress(d, G, weight, lame, modulus, C):
    for w in range(WIDTH):
        xx, yy, zz, xy, yz, zx = strain_of(d, G, w)
        mu, E = lame[1, w] * weight[w], modulus[w] * weight[w]
        pressure = lame[0, w] * weight[w] * (xx + yy + zz)
        sxx = E * (C[0, 0] * xx + C[0, 1] * yy + C[0, 2] * zz + C[0, 3] * xy + C[0, 4] * yz + C[0, 5] * zx)
        syy = E * (C[1, 0] * xx + C[1, 1] * yy + C[1, 2] * zz + C[1, 3] * xy + C[1, 4] * yz + C[1, 5] * zx)
        szz = E * (C[2, 0] * xx + C[2, 1] * yy + C[2, 2] * zz + C[2, 3] * xy + C[2, 4] * yz + C[2, 5] * zx)
        sxy = E * (C[3, 0] * xx + C[3, 1] * yy + C[3, 2] * zz + C[3, 3] * xy + C[3, 4] * yz + C[3, 5] * zx)
        syz = E * (C[4, 0] * xx + C[4, 1] * yy + C[4, 2] * zz + C[4, 3] * xy + C[4, 4] * yz + C[4, 5] * zx)
        szx = E * (C[5, 0] * xx + C[5, 1] * yy + C[5, 2] * zz + C[5, 3] * xy + C[5, 4] * yz + C[5, 5] * zx)
        sxx, syy, szz = sxx + pressure + (mu + mu) * xx, syy + pressure + (mu + mu) * yy, szz + pressure + (mu + mu) * zz
        spread(d, G, w, sxx, syy, szz, sxy + mu * xy, syz + mu * yz, szx + mu * zx)


@fast_kernel
def elastic_rows(u, row, blocks, geometry, lame, modulus, C, first, last):
    """Rows of forces as in `tet_kernels.elastic_rows`; `modulus` (batches, WIDTH) is 0 where Lamé's constants hold."""
    s, d = np.empty((3, 10, WIDTH), dtype=u.dtype), np.empty((4, 9, WIDTH), dtype=u.dtype)
    for b in range(first, last):
        row[blocks.begin[b] : blocks.begin[b + 1]] = 0
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            fetch(u, blocks, b, n, s)
            differences(s, d, geometry.rule)
            for p in range(4):
                g = geometry.start[n] + p * geometry.stride[n]
                _stress(d[p], geometry.G[g], geometry.weight[g], lame[n], modulus[n], C)
            differences_transposed(d, s, geometry.rule)
            add(s, blocks, b, n, row)


@fast_part
def _strain_of_motion(v, c, e):
    """E (6,): strain, shear doubled, of a motion along axis c with the gradient v (3,)."""
    e[:] = 0
    e[c] = v[c]
    if c == 0:
        e[3], e[5] = v[1], v[2]
    elif c == 1:
        e[3], e[4] = v[0], v[2]
    else:
        e[4], e[5] = v[1], v[0]


@fast_part
def _energy(a, C, b):
    total = 0.0
    for i in range(6):
        for j in range(6):
            total += a[i] * C[i, j] * b[j]
    return total


@fast_kernel
def add_diagonal(cell, geometry, modulus, C, table, out):
    """Out (n, 3) += the diagonal of the orthotropic cells."""
    g, e = np.empty((10, 3)), np.empty(6)
    for m in range(cell.shape[0]):
        n, w = divmod(m, WIDTH)
        if modulus[n, w] == 0:
            continue
        for p in range(4):
            at = shape_gradients_at(m, p, geometry, table, g)
            E = geometry.weight[at, w] * modulus[n, w]
            for a in range(10):
                for c in range(3):
                    _strain_of_motion(g[a], c, e)
                    out[cell[m, a], c] += E * _energy(e, C, e)


@fast_kernel
def add_vertex_blocks(cell, geometry, modulus, C, table, interpolation, free, slot, data):
    """Data += the blocks of the orthotropic cells, as in `tet_vertices`."""
    g, v, e, s = np.empty((10, 3)), np.empty((4, 3, 3)), np.empty((4, 3, 6)), np.empty(6)
    for m in range(cell.shape[0]):
        n, w = divmod(m, WIDTH)
        if modulus[n, w] == 0:
            continue
        for p in range(4):
            at = shape_gradients_at(m, p, geometry, table, g)
            E = geometry.weight[at, w] * modulus[n, w]
            v[:] = 0
            for a in range(10):
                for k in range(4):
                    share = interpolation[a, k]
                    if share > 0:
                        for c in range(3):
                            moves = share * free[cell[m, k], c] * free[cell[m, a], c]
                            for d in range(3):
                                v[k, c, d] += moves * g[a, d]
            for k in range(4):
                for c in range(3):
                    _strain_of_motion(v[k, c], c, e[k, c])
            for k in range(4):
                for c in range(3):
                    for i in range(6):
                        s[i] = 0.0
                        for j in range(6):
                            s[i] += E * C[i, j] * e[k, c, j]
                    for q in range(4):
                        for d in range(3):
                            total = 0.0
                            for i in range(6):
                                total += s[i] * e[q, d, i]
                            data[slot[m, k, q], c, d] += total
