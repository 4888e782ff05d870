"""Von Mises plasticity at the four Gauss points of tetrahedra, a batch of cells at a time: forces, tangent and fields.

The radial return is that of `return_mapping`. State and curves are kept by batch; cells that fill up the last batch have no
volume, no stiffness, and never yield.
"""

from __future__ import annotations

import numpy as np

from culmann_fem.kernels import fast_kernel, fast_part
from culmann_fem.return_mapping import radial_return
from culmann_fem.tet_kernels import add, differences, differences_transposed, fetch, spread, strain_of


@fast_part
def _strains(u, blocks, geometry, b, n, s, d, e):
    """E (4, 6, w): tensor strain xx, yy, zz, xy, yz, zx at the Gauss points of the cells of batch n; s and d are scratch."""
    fetch(u, blocks, b, n, s)
    differences(s, d, geometry.rule)
    for p in range(4):
        G = geometry.G[geometry.start[n] + p * geometry.stride[n]]
        for w in range(e.shape[2]):
            xx, yy, zz, xy, yz, zx = strain_of(d[p], G, w)
            e[p, 0, w], e[p, 1, w], e[p, 2, w] = xx, yy, zz
            e[p, 3, w], e[p, 4, w], e[p, 5, w] = 0.5 * xy, 0.5 * yz, 0.5 * zx


@fast_part
def _trial(e, plastic, shear, t):
    """T (7, w): the trial deviator 2 G (e - plastic) of strains e (6, w) without its mean, and its norm."""
    for w in range(e.shape[1]):
        mean = (e[0, w] + e[1, w] + e[2, w]) / 3
        two_g = 2 * shear[w]
        xx, yy, zz = e[0, w] - mean - plastic[0, w], e[1, w] - mean - plastic[1, w], e[2, w] - mean - plastic[2, w]
        xy, yz, zx = e[3, w] - plastic[3, w], e[4, w] - plastic[4, w], e[5, w] - plastic[5, w]
        t[0, w], t[1, w], t[2, w] = two_g * xx, two_g * yy, two_g * zz
        t[3, w], t[4, w], t[5, w] = two_g * xy, two_g * yz, two_g * zx
        t[6, w] = two_g * np.sqrt(xx * xx + yy * yy + zz * zz + 2 * (xy * xy + yz * yz + zx * zx))


@fast_kernel
def plastic_rows(u, row, blocks, geometry, lame, stress, strain, plastic, flow, active, first, last):
    """Rows of the forces at u (n, 3) of the blocks first <= b < last, and the tangent there.

    Parameters
    ----------
    lame
        (batches, 2, w): Lamé's constants; the second is G.
    stress, strain
        (batches, w, points): the curve.
    plastic
        (batches, 4, 7, w): plastic strain (tensor components) and its equivalent, at the start of the increment; kept.
    flow, active
        (batches, 4, 8, w) as `tangent_rows` takes it, and (batches, w): whether any point of a cell is yielding. Written.
    """
    width = geometry.weight.shape[1]
    s, d, e, t = np.empty((3, 10, width)), np.empty((4, 9, width)), np.empty((4, 6, width)), np.empty((7, width))
    gone, slope = np.empty(width), np.empty(width)
    for b in range(first, last):
        row[blocks.begin[b] : blocks.begin[b + 1]] = 0
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            _strains(u, blocks, geometry, b, n, s, d, e)
            active[n] = False
            for p in range(4):
                g = geometry.start[n] + p * geometry.stride[n]
                state, f, shear = plastic[n, p], flow[n, p], lame[n, 1]
                _trial(e[p], state, shear, t)
                for w in range(width):
                    q = np.sqrt(1.5) * t[6, w]
                    gone[w], slope[w], _ = radial_return(q, 3 * shear[w], state[6, w], stress[n, w], strain[n, w])
                    if gone[w] > 0:
                        active[n, w] = True
                for w in range(width):
                    two_g, size = 2 * shear[w], max(t[6, w], 1e-300)
                    step = np.sqrt(1.5) * gone[w] / size
                    lost = two_g * step
                    yields = 1.0 if gone[w] > 0 else 0.0
                    f[6, w] = two_g * lost
                    f[7, w] = yields * two_g * (1 / (1 + slope[w] / max(1.5 * two_g, 1e-300)) - lost)
                    weight = geometry.weight[g, w]
                    pressure = lame[n, 0, w] * (e[p, 0, w] + e[p, 1, w] + e[p, 2, w])
                    for a in range(6):
                        f[a, w] = t[a, w] / size
                        kept = e[p, a, w] - state[a, w] - step * t[a, w]
                        t[a, w] = weight * (two_g * kept + (pressure if a < 3 else 0.0))
                for w in range(width):
                    spread(d[p], geometry.G[g], w, t[0, w], t[1, w], t[2, w], t[3, w], t[4, w], t[5, w])
            differences_transposed(d, s, geometry.rule)
            add(s, blocks, b, n, row)


@fast_kernel
def commit(u, blocks, geometry, lame, stress, strain, plastic, first, last):
    """Make the plastic strains that u calls for the state of the cells of the blocks first <= b < last."""
    width = geometry.weight.shape[1]
    s, d, e, t = np.empty((3, 10, width)), np.empty((4, 9, width)), np.empty((4, 6, width)), np.empty((7, width))
    for b in range(first, last):
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            _strains(u, blocks, geometry, b, n, s, d, e)
            for p in range(4):
                state, shear = plastic[n, p], lame[n, 1]
                _trial(e[p], state, shear, t)
                for w in range(width):
                    q = np.sqrt(1.5) * t[6, w]
                    gone, _, _ = radial_return(q, 3 * shear[w], state[6, w], stress[n, w], strain[n, w])
                    if gone > 0:
                        for a in range(6):
                            state[a, w] += np.sqrt(1.5) * gone / t[6, w] * t[a, w]
                        state[6, w] += gone


@fast_kernel
def cell_fields(u, blocks, geometry, lame, modulus, strain, plastic, out, first, last):
    """Means over each cell of equivalent strain, equivalent plastic strain and equivalent stress, and the furthest phase.

    `out` is (batches, 4, w); the state must be committed. The equivalent strain is the plastic one plus stress / E.
    """
    width = geometry.weight.shape[1]
    s, d, e, t = np.empty((3, 10, width)), np.empty((4, 9, width)), np.empty((4, 6, width)), np.empty((7, width))
    for b in range(first, last):
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            _strains(u, blocks, geometry, b, n, s, d, e)
            out[n] = 0
            for p in range(4):
                g = geometry.start[n] + p * geometry.stride[n]
                _trial(e[p], plastic[n, p], lame[n, 1], t)
                for w in range(width):
                    share, kappa = geometry.weight[g, w], plastic[n, p, 6, w]
                    q = np.sqrt(1.5) * t[6, w]
                    out[n, 0, w] += share * (q / modulus[n, w] + kappa)
                    out[n, 1, w] += share * kappa
                    out[n, 2, w] += share * q
                    phase = 0
                    if kappa > 0:
                        phase = 1
                        while phase < strain.shape[2] and strain[n, w, phase] <= kappa:
                            phase += 1
                    out[n, 3, w] = max(out[n, 3, w], phase)
            for w in range(width):
                volume = 0.0
                for p in range(4):
                    volume += geometry.weight[geometry.start[n] + p * geometry.stride[n], w]
                for a in range(3):
                    out[n, a, w] /= max(volume, 1e-300)


@fast_kernel
def effective_strains(u, blocks, geometry, poisson_ratio, out, first, last):
    """Out (batches, w): von Mises stress over the modulus, from the mean strain of each cell."""
    width = geometry.weight.shape[1]
    s, d, e, mean = np.empty((3, 10, width)), np.empty((4, 9, width)), np.empty((4, 6, width)), np.empty((7, width))
    for b in range(first, last):
        for n in range(blocks.batch_begin[b], blocks.batch_begin[b + 1]):
            _strains(u, blocks, geometry, b, n, s, d, e)
            mean[:] = 0
            for p in range(4):
                g = geometry.start[n] + p * geometry.stride[n]
                for w in range(width):
                    mean[6, w] += geometry.weight[g, w]
                    for a in range(6):
                        mean[a, w] += geometry.weight[g, w] * e[p, a, w]
            for w in range(width):
                m = (mean[0, w] + mean[1, w] + mean[2, w]) / 3
                square = (mean[0, w] - m) ** 2 + (mean[1, w] - m) ** 2 + (mean[2, w] - m) ** 2
                square += 2 * (mean[3, w] ** 2 + mean[4, w] ** 2 + mean[5, w] ** 2)
                out[n, w] = np.sqrt(1.5 * square) / (max(mean[6, w], 1e-300) * (1 + poisson_ratio[n, w]))
