"""Von Mises plasticity at the Gauss points: radial return along a curve of straight pieces, and its consistent tangent.

Simo & Hughes, Computational Inelasticity (1998), box 3.2, doi:10.1007/b98904. Everything plastic is deviatoric, so that the
force of a plastic state is the elastic one, which the fast operator gives, less a correction from the elements that have
yielded; and the same for the tangent. The correction is the same with full integration and with B-bar.
"""

from __future__ import annotations

import numpy as np

from culmann_fem.gauss import forces, gradients, strain_at, stress_into
from culmann_fem.kernels import fast_kernel, fast_part, inlined


@inlined
def radial_return(q, shear3, kappa, stress, strain):
    """(dgamma, slope, piece) that bring a trial stress q back to the curve; dgamma is 0 within it.

    `shear3` is 3 G. Piece 0 is elastic, m the part of the curve that starts at its point m - 1.
    """
    last = stress.shape[0] - 1
    piece = 0
    while piece < last and strain[piece + 1] <= kappa:
        piece += 1
    here = stress[piece]
    slope = 0.0
    if piece < last:
        slope = (stress[piece + 1] - stress[piece]) / (strain[piece + 1] - strain[piece])
        here += slope * (kappa - strain[piece])
    if q <= here:
        return 0.0, 0.0, piece + 1 if kappa > 0 else 0
    while piece < last and q - shear3 * (strain[piece + 1] - kappa) > stress[piece + 1]:
        piece += 1
    slope, from_strain = 0.0, strain[piece]
    if piece < last:
        slope = (stress[piece + 1] - stress[piece]) / (strain[piece + 1] - from_strain)
    here = stress[piece] + slope * (kappa - from_strain)
    return (q - here) / (shear3 + slope), slope, piece + 1


@fast_part
def _deviator(e):
    mean = (e[0] + e[1] + e[2]) / 3
    e[0] -= mean
    e[1] -= mean
    e[2] -= mean


@fast_part
def _norm(t):
    return np.sqrt(t[0] * t[0] + t[1] * t[1] + t[2] * t[2] + 2 * (t[3] * t[3] + t[4] * t[4] + t[5] * t[5]))


@fast_part
def _add_force(y, place, force, i, j, k, first, last):
    for c in range(3):
        for a in range(8):
            at = i + (a & 1)
            if first <= at < last:
                y[c, place[at, j + (a >> 1 & 1)] + k + (a >> 2 & 1)] += force[c, a]


@fast_kernel
def plastic_force(
    u, f, place, cell, plane, shear, stress, strain, plastic, kappa, flow, soft, active, scale, weight, first, last
):
    """F -= force of the plastic strains that the displacement u calls for, on the node planes first <= i < last.

    Parameters
    ----------
    place
        Of `Lines`, on which u and f are.
    cell, plane
        (m, 3) places of the elements that can yield, sorted by i; those of plane i are plane[i] to plane[i + 1].
    shear
        (m,): G.
    stress, strain
        (m, points): the curve.
    plastic, kappa
        (m, 8, 6) and (m, 8): plastic strain (tensor components) and its equivalent, at the start of the increment; kept.
    flow, soft, active
        (m, 8, 6), (m, 8, 2), (m,): the tangent, for `tangent_force`: unit direction of flow, the two moduli that it takes off,
        and whether any point of the element is yielding. Written for the elements of the planes of this slab.
    scale, weight
        As in `gradients`; volume of a Gauss point.
    """
    modes, grad, dual, force = np.empty((3, 8)), np.empty((3, 3, 4)), np.empty((3, 3, 4)), np.empty((3, 8))
    e, t = np.empty(6), np.empty(6)
    for m in range(plane[max(first, 1) - 1], plane[min(last, plane.shape[0] - 1)]):
        i, j, k = cell[m, 0], cell[m, 1], cell[m, 2]
        mine = i >= first
        gradients(u, place, i, j, k, scale, modes, grad)
        dual[:] = 0
        acts = yields = False
        two_g = 2 * shear[m]
        for p in range(8):
            strain_at(grad, p, e)
            _deviator(e)
            for a in range(6):
                t[a] = two_g * (e[a] - plastic[m, p, a])
            size = _norm(t)
            q = np.sqrt(1.5) * size
            dgamma, slope, _ = radial_return(q, 1.5 * two_g, kappa[m, p], stress[m], strain[m])
            if mine:
                soft[m, p, 0] = soft[m, p, 1] = 0
            if dgamma > 0:
                yields = True
                if mine:
                    lost = 1.5 * two_g * dgamma / q
                    soft[m, p, 0] = two_g * lost
                    soft[m, p, 1] = two_g * (1 / (1 + slope / (1.5 * two_g)) - lost)
                    for a in range(6):
                        flow[m, p, a] = t[a] / size
            if dgamma > 0 or kappa[m, p] > 0:
                acts = True
                step = np.sqrt(1.5) * dgamma / size if dgamma > 0 else 0.0
                for a in range(6):
                    t[a] = two_g * (plastic[m, p, a] + step * t[a])
                stress_into(dual, p, weight, t)
        if mine:
            active[m] = yields
        if acts:
            forces(dual, scale, force)
            for c in range(3):
                for a in range(8):
                    force[c, a] = -force[c, a]
            _add_force(f, place, force, i, j, k, first, last)


@fast_kernel
def tangent_force(v, f, place, cell, plane, index, flow, soft, scale, weight, first, last):
    """F -= (C - tangent) of the yielding elements, applied to v, on the node planes first <= i < last.

    `index` are the yielding elements in the order of `cell`, those of plane i from plane[i] to plane[i + 1].
    """
    modes, grad, dual, force = np.empty((3, 8)), np.empty((3, 3, 4)), np.empty((3, 3, 4)), np.empty((3, 8))
    e = np.empty(6)
    for n in range(plane[max(first, 1) - 1], plane[min(last, plane.shape[0] - 1)]):
        m = index[n]
        i, j, k = cell[m, 0], cell[m, 1], cell[m, 2]
        gradients(v, place, i, j, k, scale, modes, grad)
        dual[:] = 0
        for p in range(8):
            if soft[m, p, 0] > 0:
                strain_at(grad, p, e)
                _deviator(e)
                along = 0.0
                for a in range(6):
                    along += flow[m, p, a] * e[a] * (1 if a < 3 else 2)
                for a in range(6):
                    e[a] = -(soft[m, p, 0] * e[a] + soft[m, p, 1] * along * flow[m, p, a])
                stress_into(dual, p, weight, e)
        forces(dual, scale, force)
        _add_force(f, place, force, i, j, k, first, last)


@fast_kernel
def commit(u, place, cell, plane, shear, stress, strain, plastic, kappa, scale, first, last):
    """Make the plastic strains that u calls for the state of the elements of planes first <= i < last."""
    modes, grad = np.empty((3, 8)), np.empty((3, 3, 4))
    e, t = np.empty(6), np.empty(6)
    for m in range(plane[first], plane[min(last, plane.shape[0] - 1)]):
        gradients(u, place, cell[m, 0], cell[m, 1], cell[m, 2], scale, modes, grad)
        two_g = 2 * shear[m]
        for p in range(8):
            strain_at(grad, p, e)
            _deviator(e)
            for a in range(6):
                t[a] = two_g * (e[a] - plastic[m, p, a])
            size = _norm(t)
            dgamma, _, _ = radial_return(np.sqrt(1.5) * size, 1.5 * two_g, kappa[m, p], stress[m], strain[m])
            if dgamma > 0:
                for a in range(6):
                    plastic[m, p, a] += np.sqrt(1.5) * dgamma / size * t[a]
                kappa[m, p] += dgamma


@fast_kernel
def cell_fields(u, place, cell, plane, shear, modulus, strain, plastic, kappa, scale, out, first, last):
    """Means over each element of equivalent strain, equivalent plastic strain and equivalent stress, and the furthest phase.

    `out` is (m, 4); the state must be committed. The equivalent strain is the plastic one plus stress / E.
    """
    modes, grad = np.empty((3, 8)), np.empty((3, 3, 4))
    e = np.empty(6)
    for m in range(plane[first], plane[min(last, plane.shape[0] - 1)]):
        gradients(u, place, cell[m, 0], cell[m, 1], cell[m, 2], scale, modes, grad)
        out[m] = 0
        for p in range(8):
            strain_at(grad, p, e)
            _deviator(e)
            for a in range(6):
                e[a] -= plastic[m, p, a]
            q = np.sqrt(1.5) * 2 * shear[m] * _norm(e)
            out[m, 0] += (q / modulus[m] + kappa[m, p]) / 8
            out[m, 1] += kappa[m, p] / 8
            out[m, 2] += q / 8
            phase = 0
            if kappa[m, p] > 0:
                phase = 1
                while phase < strain.shape[1] and strain[m, phase] <= kappa[m, p]:
                    phase += 1
            out[m, 3] = max(out[m, 3], phase)
