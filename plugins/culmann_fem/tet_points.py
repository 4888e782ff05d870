"""From displacements to strains at the Gauss points of tetrahedra, and from stresses there to forces, for laws of any kind.

Cells are numbered through all batches, those that fill up the last one included. Strains have doubled shear components.
"""

from __future__ import annotations

import numpy as np

from culmann_fem.kernels import fast_kernel
from culmann_fem.tet_kernels import WIDTH, add, differences, differences_transposed, fetch, spread, strain_of


@fast_kernel
def strains(u, blocks, geometry, out, first, last):
    """Out (batches * WIDTH, 4, 6): strains of the cells of the blocks first <= b < last."""
    s, d = np.empty((3, 10, WIDTH)), np.empty((4, 9, WIDTH))
    for b in range(first, last):
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            fetch(u, blocks, b, n, s)
            differences(s, d, geometry.rule)
            for p in range(4):
                G = geometry.G[geometry.start[n] + p * geometry.stride[n]]
                for w in range(WIDTH):
                    e = out[n * WIDTH + w, p]
                    e[0], e[1], e[2], e[3], e[4], e[5] = strain_of(d[p], G, w)


@fast_kernel
def subtract_rows(row, blocks, geometry, stress, first, last):
    """Rows of forces (rows, 3) of the blocks first <= b < last, less those of stresses (batches * WIDTH, 4, 6)."""
    s, d = np.empty((3, 10, WIDTH)), np.empty((4, 9, WIDTH))
    for b in range(first, last):
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            some = 0.0
            for w in range(WIDTH):
                for p in range(4):
                    for a in range(6):
                        some += abs(stress[n * WIDTH + w, p, a])
            if some == 0:
                continue
            for p in range(4):
                g = geometry.start[n] + p * geometry.stride[n]
                for w in range(WIDTH):
                    t, weight = stress[n * WIDTH + w, p], -geometry.weight[g, w]
                    x, y, z = weight * t[0], weight * t[1], weight * t[2]
                    spread(d[p], geometry.G[g], w, x, y, z, weight * t[3], weight * t[4], weight * t[5])
            differences_transposed(d, s, geometry.rule)
            add(s, blocks, b, n, row)


@fast_kernel
def subtract_tangent_rows(v, row, blocks, geometry, lost, active, busy, first, last):
    """The same for what v strains, times `lost` (batches * WIDTH, 4, 21), where active (batches * WIDTH, 4).

    `busy` (batches,) says which batches have an active point.
    """
    s, d, t = np.empty((3, 10, WIDTH)), np.empty((4, 9, WIDTH)), np.empty(6)
    e = np.empty(6)
    for b in range(first, last):
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            if not busy[n]:
                continue
            fetch(v, blocks, b, n, s)
            differences(s, d, geometry.rule)
            for p in range(4):
                g = geometry.start[n] + p * geometry.stride[n]
                for w in range(WIDTH):
                    m = n * WIDTH + w
                    t[:] = 0
                    if active[m, p]:
                        e[0], e[1], e[2], e[3], e[4], e[5] = strain_of(d[p], geometry.G[g], w)
                        weight = -geometry.weight[g, w]
                        for a in range(6):
                            e[a] *= weight
                        at = 0
                        for a in range(6):
                            t[a] += lost[m, p, at] * e[a]
                            at += 1
                            for c in range(a + 1, 6):
                                t[a] += lost[m, p, at] * e[c]
                                t[c] += lost[m, p, at] * e[a]
                                at += 1
                    spread(d[p], geometry.G[g], w, t[0], t[1], t[2], t[3], t[4], t[5])
            differences_transposed(d, s, geometry.rule)
            add(s, blocks, b, n, row)
