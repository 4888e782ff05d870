"""From displacements to strains at the Gauss points of bricks, and from stresses there to forces, for laws of any kind.

Strains have doubled shear components: xx, yy, zz, xy, yz, zx. With B-bar the dilatation at a point is the mean over its
element, and so, by transposition, is the pressure.
"""

from __future__ import annotations

import numpy as np

from culmann_fem.gauss import forces, gradients, strain_at, stress_into
from culmann_fem.kernels import fast_kernel, fast_part


@fast_part
def _strain_at(grad, p, e):
    strain_at(grad, p, e)
    e[3] *= 2
    e[4] *= 2
    e[5] *= 2


@fast_part
def _mean_trace(t):
    """One third of the mean trace of t (8, 6)."""
    mean = 0.0
    for p in range(8):
        mean += t[p, 0] + t[p, 1] + t[p, 2]
    return mean / 24


@fast_part
def _take(f, place, t, dual, force, scale, weight, b_bar, i, j, k, first, last):
    """F -= forces of the stresses t (8, 6) of element i, j, k, on the node planes first to last."""
    dual[:] = 0
    mean = _mean_trace(t)
    for p in range(8):
        if b_bar:
            shift = mean - (t[p, 0] + t[p, 1] + t[p, 2]) / 3
            t[p, 0] += shift
            t[p, 1] += shift
            t[p, 2] += shift
        stress_into(dual, p, weight, t[p])
    forces(dual, scale, force)
    for c in range(3):
        for a in range(8):
            at = i + (a & 1)
            if first <= at < last:
                f[c, place[at, j + (a >> 1 & 1)] + k + (a >> 2 & 1)] -= force[c, a]


@fast_kernel
def strains(u, place, cell, plane, scale, b_bar, out, first, last):
    """Out (m, 8, 6): strains of the elements of the planes first <= i < last."""
    modes, grad = np.empty((3, 8)), np.empty((3, 3, 4))
    for m in range(plane[first], plane[min(last, plane.shape[0] - 1)]):
        gradients(u, place, cell[m, 0], cell[m, 1], cell[m, 2], scale, modes, grad)
        e = out[m]
        for p in range(8):
            _strain_at(grad, p, e[p])
        if b_bar:
            mean = _mean_trace(e)
            for p in range(8):
                shift = mean - (e[p, 0] + e[p, 1] + e[p, 2]) / 3
                e[p, 0] += shift
                e[p, 1] += shift
                e[p, 2] += shift


@fast_kernel
def subtract(f, place, cell, plane, stress, scale, weight, b_bar, first, last):
    """F -= forces of stresses (m, 8, 6), on the node planes first <= i < last."""
    dual, force, t = np.empty((3, 3, 4)), np.empty((3, 8)), np.empty((8, 6))
    for m in range(plane[max(first, 1) - 1], plane[min(last, plane.shape[0] - 1)]):
        some = 0.0
        for p in range(8):
            for a in range(6):
                t[p, a] = stress[m, p, a]
                some += abs(t[p, a])
        if some != 0:  # true of NaN, which must show
            _take(f, place, t, dual, force, scale, weight, b_bar, cell[m, 0], cell[m, 1], cell[m, 2], first, last)


@fast_kernel
def subtract_tangent(v, f, place, cell, plane, index, lost, active, scale, weight, b_bar, first, last):
    """F -= forces of what v strains, times `lost`, on the node planes first <= i < last.

    Parameters
    ----------
    index
        The elements with an active point in the order of `cell`, those of plane i from plane[i] to plane[i + 1].
    lost, active
        (m, 8, 21) upper triangles, row by row, and (m, 8): which of them count.
    """
    modes, grad, dual, force = np.empty((3, 8)), np.empty((3, 3, 4)), np.empty((3, 3, 4)), np.empty((3, 8))
    e, t = np.empty((8, 6)), np.empty((8, 6))
    for n in range(plane[max(first, 1) - 1], plane[min(last, plane.shape[0] - 1)]):
        m = index[n]
        i, j, k = cell[m, 0], cell[m, 1], cell[m, 2]
        gradients(v, place, i, j, k, scale, modes, grad)
        for p in range(8):
            _strain_at(grad, p, e[p])
        mean = _mean_trace(e)
        for p in range(8):
            if b_bar:
                shift = mean - (e[p, 0] + e[p, 1] + e[p, 2]) / 3
                e[p, 0] += shift
                e[p, 1] += shift
                e[p, 2] += shift
            t[p] = 0
            if active[m, p]:
                at = 0
                for a in range(6):
                    t[p, a] += lost[m, p, at] * e[p, a]
                    at += 1
                    for b in range(a + 1, 6):
                        t[p, a] += lost[m, p, at] * e[p, b]
                        t[p, b] += lost[m, p, at] * e[p, a]
                        at += 1
        _take(f, place, t, dual, force, scale, weight, b_bar, i, j, k, first, last)
