"""Von Mises plasticity at the four Gauss points of a tetrahedron: what it takes off the elastic forces and off the tangent.

See `return_mapping`, which this shares its radial return with.
"""

from __future__ import annotations

import numba
import numpy as np

from culmann_fem.return_mapping import deviator, norm, radial_return
from culmann_fem.tet_kernels import WIDTH

_njit = numba.njit(nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp", "afn"}, cache=True)
_inlined = numba.njit(nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp", "afn"}, cache=True, inline="always")


@_njit
def strains(u, cell, m, geometry, table, U, e):
    """E (4, 6): tensor strain xx, yy, zz, xy, yz, zx at the Gauss points of cell m; U (3, 4, 4) is scratch."""
    n, w = m // WIDTH, m % WIDTH
    corner, edge, near = geometry.rule[0], geometry.rule[1], geometry.rule[2]
    for c in range(3):
        for i in range(4):
            total = 0.0
            for j in range(4):
                value = u[cell[m, table[i, j]], c]
                U[c, i, j] = value
                total += edge * value
            total += (corner - edge) * U[c, i, i]
            for p in range(4):
                U[c, i, p] = total + near * U[c, i, p]
    for p in range(4):
        at = geometry.start[n] + p * geometry.stride[n]
        e[p] = 0
        for i in range(1, 4):
            x, y, z = U[0, i, p] - U[0, 0, p], U[1, i, p] - U[1, 0, p], U[2, i, p] - U[2, 0, p]
            gx, gy, gz = geometry.G[at, 3 * i - 3, w], geometry.G[at, 3 * i - 2, w], geometry.G[at, 3 * i - 1, w]
            e[p, 0] += x * gx
            e[p, 1] += y * gy
            e[p, 2] += z * gz
            e[p, 3] += 0.5 * (x * gy + y * gx)
            e[p, 4] += 0.5 * (y * gz + z * gy)
            e[p, 5] += 0.5 * (z * gx + x * gz)


@_inlined
def _take_off(t, m, b, geometry, blocks, table, U, row):
    """Subtract the nodal forces of stresses t (4, 6) times volumes at the Gauss points of cell m from the rows of block b."""
    n, w = m // WIDTH, m % WIDTH
    corner, edge, near = geometry.rule[0], geometry.rule[1], geometry.rule[2]
    U[:] = 0
    for p in range(4):
        at = geometry.start[n] + p * geometry.stride[n]
        xx, yy, zz, xy, yz, zx = t[p, 0], t[p, 1], t[p, 2], t[p, 3], t[p, 4], t[p, 5]
        for i in range(1, 4):
            gx, gy, gz = geometry.G[at, 3 * i - 3, w], geometry.G[at, 3 * i - 2, w], geometry.G[at, 3 * i - 1, w]
            U[0, i, p] = xx * gx + xy * gy + zx * gz
            U[1, i, p] = xy * gx + yy * gy + yz * gz
            U[2, i, p] = zx * gx + yz * gy + zz * gz
            for c in range(3):
                U[c, 0, p] -= U[c, i, p]
    for c in range(3):
        for i in range(4):
            total = U[c, i, 0] + U[c, i, 1] + U[c, i, 2] + U[c, i, 3]
            for j in range(4):
                k = blocks.begin[b] + blocks.local[n, table[i, j], w]
                row[k, c] -= (corner if i == j else edge) * total + near * U[c, i, j]


@_njit
def plastic_rows(u, row, cell, blocks, geometry, table, shear, stress, strain, plastic, kappa, flow, soft, active, first, last):
    """Take the force of the plastic strains that u calls for off the rows of the blocks first <= b < last.

    Parameters
    ----------
    shear, stress, strain
        (m,) G, and (m, points): the curve.
    plastic, kappa
        (m, 4, 6) and (m, 4): plastic strain and its equivalent at the start of the increment; kept.
    flow, soft, active
        (m, 4, 6), (m, 4, 2), (m,): the tangent: unit direction of flow, the two moduli that it takes off, and whether any
        point of the cell is yielding. Written.
    """
    e, U = np.empty((4, 6)), np.empty((3, 4, 4))
    for b in range(first, last):
        for m in range(blocks.batch_begin[b] * WIDTH, min(cell.shape[0], blocks.batch_begin[b + 1] * WIDTH)):
            n, w = m // WIDTH, m % WIDTH
            strains(u, cell, m, geometry, table, U, e)
            acts = yields = False
            two_g = 2 * shear[m]
            for p in range(4):
                t = e[p]
                deviator(t)
                for a in range(6):
                    t[a] = two_g * (t[a] - plastic[m, p, a])
                size = norm(t)
                q = np.sqrt(1.5) * size
                dgamma, slope, _ = radial_return(q, 1.5 * two_g, kappa[m, p], stress[m], strain[m])
                soft[m, p, 0] = soft[m, p, 1] = 0
                step = 0.0
                if dgamma > 0:
                    yields = True
                    lost = 1.5 * two_g * dgamma / q
                    soft[m, p, 0] = two_g * lost
                    soft[m, p, 1] = two_g * (1 / (1 + slope / (1.5 * two_g)) - lost)
                    for a in range(6):
                        flow[m, p, a] = t[a] / size
                    step = np.sqrt(1.5) * dgamma / size
                if dgamma > 0 or kappa[m, p] > 0:
                    acts = True
                volume = two_g * geometry.weight[geometry.start[n] + p * geometry.stride[n], w]
                for a in range(6):
                    t[a] = volume * (plastic[m, p, a] + step * t[a])
            active[m] = yields
            if acts:
                _take_off(e, m, b, geometry, blocks, table, U, row)


@_njit
def tangent_rows(v, row, cell, blocks, geometry, table, index, index_begin, flow, soft, first, last):
    """Take (C - tangent) of the yielding cells, applied to v, off the rows of the blocks first <= b < last.

    `index` are the yielding cells, those of block b from index_begin[b] to index_begin[b + 1].
    """
    e, U = np.empty((4, 6)), np.empty((3, 4, 4))
    for b in range(first, last):
        for k in range(index_begin[b], index_begin[b + 1]):
            m = index[k]
            n, w = m // WIDTH, m % WIDTH
            strains(v, cell, m, geometry, table, U, e)
            for p in range(4):
                t, f = e[p], flow[m, p]
                deviator(t)
                along = f[0] * t[0] + f[1] * t[1] + f[2] * t[2] + 2 * (f[3] * t[3] + f[4] * t[4] + f[5] * t[5])
                volume = geometry.weight[geometry.start[n] + p * geometry.stride[n], w]
                shared, flowing = volume * soft[m, p, 0], volume * soft[m, p, 1] * along
                for a in range(6):
                    t[a] = shared * t[a] + flowing * f[a]
            _take_off(e, m, b, geometry, blocks, table, U, row)


@_njit
def commit(u, cell, blocks, geometry, table, shear, stress, strain, plastic, kappa, first, last):
    """Make the plastic strains that u calls for the state of the cells of the blocks first <= b < last."""
    e, U = np.empty((4, 6)), np.empty((3, 4, 4))
    for m in range(blocks.batch_begin[first] * WIDTH, min(cell.shape[0], blocks.batch_begin[last] * WIDTH)):
        strains(u, cell, m, geometry, table, U, e)
        two_g = 2 * shear[m]
        for p in range(4):
            t = e[p]
            deviator(t)
            for a in range(6):
                t[a] = two_g * (t[a] - plastic[m, p, a])
            size = norm(t)
            dgamma, _, _ = radial_return(np.sqrt(1.5) * size, 1.5 * two_g, kappa[m, p], stress[m], strain[m])
            if dgamma > 0:
                for a in range(6):
                    plastic[m, p, a] += np.sqrt(1.5) * dgamma / size * t[a]
                kappa[m, p] += dgamma


@_njit
def cell_fields(u, cell, blocks, geometry, table, shear, modulus, strain, plastic, kappa, out, first, last):
    """Means over each cell of equivalent strain, equivalent plastic strain and equivalent stress, and the furthest phase.

    `out` is (m, 4); the state must be committed. The equivalent strain is the plastic one plus stress / E.
    """
    e, U = np.empty((4, 6)), np.empty((3, 4, 4))
    for m in range(blocks.batch_begin[first] * WIDTH, min(cell.shape[0], blocks.batch_begin[last] * WIDTH)):
        n, w = m // WIDTH, m % WIDTH
        strains(u, cell, m, geometry, table, U, e)
        out[m] = 0
        volume = 0.0
        for p in range(4):
            share = geometry.weight[geometry.start[n] + p * geometry.stride[n], w]
            volume += share
            deviator(e[p])
            for a in range(6):
                e[p, a] -= plastic[m, p, a]
            q = np.sqrt(1.5) * 2 * shear[m] * norm(e[p])
            out[m, 0] += share * (q / modulus[m] + kappa[m, p])
            out[m, 1] += share * kappa[m, p]
            out[m, 2] += share * q
            phase = 0
            if kappa[m, p] > 0:
                phase = 1
                while phase < strain.shape[1] and strain[m, phase] <= kappa[m, p]:
                    phase += 1
            out[m, 3] = max(out[m, 3], phase)
        for a in range(3):
            out[m, a] /= volume


@_njit
def effective_strains(u, cell, blocks, geometry, table, poisson_ratio, out, first, last):
    """Von Mises stress over the modulus, from the mean strain of each cell."""
    e, U = np.empty((4, 6)), np.empty((3, 4, 4))
    for m in range(blocks.batch_begin[first] * WIDTH, min(cell.shape[0], blocks.batch_begin[last] * WIDTH)):
        n, w = m // WIDTH, m % WIDTH
        strains(u, cell, m, geometry, table, U, e)
        volume = 0.0
        for p in range(4):
            share = geometry.weight[geometry.start[n] + p * geometry.stride[n], w]
            volume += share
            for a in range(6):
                e[p, a] *= share
                if p > 0:
                    e[0, a] += e[p, a]
        deviator(e[0])
        out[m] = np.sqrt(1.5) * norm(e[0]) / (volume * (1 + poisson_ratio[m]))
