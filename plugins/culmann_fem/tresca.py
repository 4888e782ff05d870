"""Tresca plasticity at points with Hooke's elasticity: the return in principal stresses, and its consistent tangent.

de Souza Neto, Perić & Owen, Computational Methods for Plasticity (2008), section 8.1, doi:10.1002/9780470694626. A trial
stress goes back to a face of the hexagon, or to one of the two corners beside it. Going along the curve of straight pieces is
`radial_return` in all three cases: the face takes 4 G, a corner 3 G.
"""

from __future__ import annotations

import numpy as np

from culmann_fem.kernels import fast_kernel, fast_part
from culmann_fem.return_mapping import radial_return

#: Share of the elastic stiffness that the tangent keeps at a corner, where two principal stresses stay equal whatever the
#: strain: a bar in which all points are there would otherwise have no stiffness at all against a change of its section.
_HOLD = 1e-4


@fast_part
def principal(t, w, V, a):
    """Principal values w (3,), the largest first, and their directions, the columns of V, of t (6,): Jacobi's method.

    `a` (3, 3) is scratch. Jacobi's directions are at right angles to the last digit also where values coincide.
    """
    a[0, 0], a[1, 1], a[2, 2] = t[0], t[1], t[2]
    a[0, 1] = a[1, 0] = t[3]
    a[1, 2] = a[2, 1] = t[4]
    a[0, 2] = a[2, 0] = t[5]
    V[:] = 0
    V[0, 0] = V[1, 1] = V[2, 2] = 1
    for _ in range(12):
        off = a[0, 1] * a[0, 1] + a[1, 2] * a[1, 2] + a[0, 2] * a[0, 2]
        if off <= 1e-32 * (a[0, 0] * a[0, 0] + a[1, 1] * a[1, 1] + a[2, 2] * a[2, 2]):
            break
        for turn in range(3):
            p, q = (0, 1) if turn == 0 else ((0, 2) if turn == 1 else (1, 2))
            if a[p, q] == 0:
                continue
            half = (a[q, q] - a[p, p]) / (2 * a[p, q])
            tangent = 1 / (abs(half) + np.sqrt(half * half + 1))
            if half < 0:
                tangent = -tangent
            cosine = 1 / np.sqrt(tangent * tangent + 1)
            sine = tangent * cosine
            r = 3 - p - q
            shift = tangent * a[p, q]
            a[p, p] -= shift
            a[q, q] += shift
            a[p, q] = a[q, p] = 0
            rp, rq = a[r, p], a[r, q]
            a[r, p] = a[p, r] = cosine * rp - sine * rq
            a[r, q] = a[q, r] = sine * rp + cosine * rq
            for c in range(3):
                vp, vq = V[c, p], V[c, q]
                V[c, p] = cosine * vp - sine * vq
                V[c, q] = sine * vp + cosine * vq
    for c in range(3):
        w[c] = a[c, c]
    for step in range(3):
        p = step & 1
        if w[p] < w[p + 1]:
            w[p], w[p + 1] = w[p + 1], w[p]
            for c in range(3):
                V[c, p], V[c, p + 1] = V[c, p + 1], V[c, p]


@fast_part
def back_to_hexagon(w, shear, kappa, stress, strain, lost):
    """Trial deviator w (3,), the largest first, to the hexagon, in place; the equivalent plastic strain that this takes.

    `lost` (6,) gets what the tangent has lost in the principal frame: three numbers of the block of normal components, which is
    lost[0] v v' + lost[1] (1 - 1 1' / 3) - lost[2] r r' with v, r as `respond` has them; then the shear moduli of 12, 23, 31.
    """
    trial0, trial1, trial2 = w[0], w[1], w[2]
    two_g = 2 * shear
    gone, slope, _ = radial_return(w[0] - w[2], 2 * two_g, kappa, stress, strain)
    lost[:] = 0
    corner = 0
    if gone == 0:
        return 0.0, corner
    w[0] -= two_g * gone
    w[2] += two_g * gone
    if w[0] < w[1]:
        corner = -1
        gone, slope, _ = radial_return((trial0 + trial1) / 2 - trial2, 1.5 * two_g, kappa, stress, strain)
        w[2] = trial2 + two_g * gone
        w[0] = w[1] = -w[2] / 2
    elif w[1] < w[2]:
        corner = 1
        gone, slope, _ = radial_return(trial0 - (trial1 + trial2) / 2, 1.5 * two_g, kappa, stress, strain)
        w[0] = trial0 - two_g * gone
        w[1] = w[2] = -w[0] / 2
    if corner == 0:
        lost[0] = two_g * two_g / (2 * two_g + slope)
    else:
        lost[1] = two_g
        lost[2] = two_g * (2.0 / 3.0) * slope / (1.5 * two_g + slope)
    least = 1e-300
    lost[3] = shear * (1 - (w[0] - w[1]) / max(trial0 - trial1, least))
    lost[4] = shear * (1 - (w[1] - w[2]) / max(trial1 - trial2, least))
    lost[5] = shear * (1 - (w[0] - w[2]) / max(trial0 - trial2, least))
    if corner != 0:
        lost[1] *= 1 - _HOLD
        lost[4 if corner > 0 else 3] *= 1 - _HOLD
    return gone, corner


@fast_part
def turned(lost, corner, V, T, W, out):
    """Out (21,): upper triangle, row by row, of what the tangent has lost, turned out of the principal frame V."""
    for row in range(6):
        c, d = (row, row) if row < 3 else (row - 3, (row - 2) % 3)
        for i in range(3):
            T[row, i] = V[c, i] * V[d, i]
            j = (i + 1) % 3
            T[row, 3 + i] = V[c, i] * V[d, j] + V[c, j] * V[d, i]
        x, y, z = T[row, 0], T[row, 1], T[row, 2]
        mean = lost[1] * (x + y + z) / 3
        face = lost[0] * (x - z)
        tip = lost[2] * (x - 0.5 * (y + z)) if corner > 0 else lost[2] * (z - 0.5 * (x + y))
        W[row, 0] = face + lost[1] * x - mean - (tip if corner > 0 else -0.5 * tip)
        W[row, 1] = lost[1] * y - mean + 0.5 * tip
        W[row, 2] = lost[1] * z - mean - face + (0.5 * tip if corner > 0 else -tip)
        for i in range(3):
            W[row, 3 + i] = lost[3 + i] * T[row, 3 + i]
    at = 0
    for row in range(6):
        for column in range(row, 6):
            total = 0.0
            for i in range(6):
                total += W[row, i] * T[column, i]
            out[at] = total
            at += 1


@fast_kernel
def respond(cells, begin, e, lost, tangent, active, shear, stress, strain, plastic, kappa, keep, first, last):
    """What the points of some cells lose of their elastic stress and stiffness at the strains e.

    Parameters
    ----------
    cells, begin
        (n,): the cells of the law among all; those from begin[first] to begin[last] are done.
    e
        (m, points, 6): strains, shear doubled.
    lost, tangent, active
        (m, points, 6), (m, points, 21) and (m, points): elastic stress less stress; elastic stiffness less tangent, as upper
        triangles, row by row, written only where the point is active, that is, yields. Written for the cells of the law.
    shear, stress, strain
        (n,) and (n, pieces): G and the curve.
    plastic, kappa
        (n, points, 6) and (n, points): plastic strain (tensor components) and its equivalent; written when `keep`.
    """
    t, w, p_new = np.empty(6), np.empty(3), np.empty(6)
    V, A, T, W, moduli = np.empty((3, 3)), np.empty((3, 3)), np.empty((6, 6)), np.empty((6, 6)), np.empty(6)
    for n in range(begin[first], begin[min(last, begin.shape[0] - 1)]):
        m = cells[n]
        two_g = 2 * shear[n]
        for p in range(e.shape[1]):
            old = plastic[n, p]
            mean = (e[m, p, 0] + e[m, p, 1] + e[m, p, 2]) / 3
            for a in range(3):
                t[a] = two_g * (e[m, p, a] - mean - old[a])
                t[3 + a] = two_g * (0.5 * e[m, p, 3 + a] - old[3 + a])
            square = t[0] * t[0] + t[1] * t[1] + t[2] * t[2] + 2 * (t[3] * t[3] + t[4] * t[4] + t[5] * t[5])
            gone, corner = 0.0, 0
            # Tresca's stress is at most 2 / sqrt 3 of von Mises's: most points need no principal stresses.
            bound, _, _ = radial_return(np.sqrt(2 * square), 2 * two_g, kappa[n, p], stress[n], strain[n])
            if bound > 0:
                principal(t, w, V, A)
                gone, corner = back_to_hexagon(w, shear[n], kappa[n, p], stress[n], strain[n], moduli)
            active[m, p] = gone > 0
            if gone > 0:
                turned(moduli, corner, V, T, W, tangent[m, p])
                for a in range(6):
                    s = T[a, 0] * w[0] + T[a, 1] * w[1] + T[a, 2] * w[2]
                    p_new[a] = old[a] + (t[a] - s) / two_g
            else:
                for a in range(6):
                    p_new[a] = old[a]
            for a in range(6):
                lost[m, p, a] = two_g * p_new[a]
            if keep:
                kappa[n, p] += gone
                for a in range(6):
                    old[a] = p_new[a]
