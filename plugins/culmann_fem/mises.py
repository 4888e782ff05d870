"""Von Mises plasticity at points with any elasticity: the closest point on the ellipsoid, and its consistent tangent.

With the strain ε less the plastic one, the stress is (S + λ P)⁻¹ ε, where S is the compliance and q² = σ' P σ. In a basis in
which both are diagonal this is six divisions, and λ follows from one equation (Simo & Hughes 1998, section 3.4,
doi:10.1007/b98904, who do so in plane stress).
"""

from __future__ import annotations

import numpy as np

from culmann_fem.kernels import fast_kernel, fast_part


@fast_part
def _yield_stress(kappa, stress, strain):
    """Stress and slope of the curve at the plastic strain kappa."""
    last = stress.shape[0] - 1
    piece = 0
    while piece < last and strain[piece + 1] <= kappa:
        piece += 1
    if piece == last:
        return stress[piece], 0.0
    slope = (stress[piece + 1] - stress[piece]) / (strain[piece + 1] - strain[piece])
    return stress[piece] + slope * (kappa - strain[piece]), slope


@fast_part
def _flow(y, root, modulus, kappa, stress, strain):
    """The multiplier E λ that brings a trial stress y (6,) in the basis back to the curve, with q, the slope there, and Δκ.

    `root` are the six values of P in the basis. 1 / q is nearly linear in the multiplier, which makes Newton's method quick;
    it is kept between bounds, for the kinks of the curve.
    """
    at, low, high = 0.0, 0.0, np.inf
    q = here = slope = 0.0
    for _ in range(80):
        square = fall = 0.0
        for a in range(6):
            shrunk = y[a] / (1 + at * root[a])
            square += root[a] * shrunk * shrunk
            fall += root[a] * root[a] * shrunk * shrunk / (1 + at * root[a])
        q = np.sqrt(square)
        here, slope = _yield_stress(kappa + at * q / modulus, stress, strain)
        if at == 0 and q <= here:
            return 0.0, q, slope, 0.0
        gap = here / q - 1
        if abs(gap) < 4e-16:
            break
        if gap < 0:
            low = at
        else:
            high = at
        fall = fall / q  # - dq / d at
        rise = (slope * (q - at * fall) / modulus + here * fall / q) / q
        to = at - gap / rise
        if not low < to < high:
            to = 0.5 * (low + high) if high < np.inf else 2 * low + 1
        if to == at:
            break
        at = to
    return at, q, slope, at * q / modulus


@fast_kernel
def respond(
    cells, begin, e, lost, tangent, active, modulus, elasticity, basis, root, stress, strain, plastic, kappa, keep, first, last
):
    """What the points of some cells lose of their elastic stress and stiffness at the strains e; see `tresca.respond`.

    Parameters
    ----------
    modulus
        (n,): E, by which `elasticity` (6, 6) is to be multiplied.
    basis, root
        (6, 6) and (6,): Q with Q' S Q = 1 and Q' P Q = diag(root), for E = 1.
    plastic
        (n, points, 6): plastic strain, shear doubled.
    """
    y, flow, p_new, D = np.empty(6), np.empty(6), np.empty(6), np.empty((6, 6))
    for n in range(begin[first], begin[min(last, begin.shape[0] - 1)]):
        m, E = cells[n], modulus[n]
        for p in range(e.shape[1]):
            old = plastic[n, p]
            for a in range(6):
                y[a] = 0.0
                for b in range(6):
                    y[a] += E * basis[b, a] * (e[m, p, b] - old[b])
            at, q, slope, gone = _flow(y, root, E, kappa[n, p], stress[n], strain[n])
            active[m, p] = gone > 0
            for a in range(6):
                p_new[a] = old[a]
            if gone > 0:
                # Q' S Q = 1 makes Q' C = Q⁻¹ of the strain of flow λ P σ, which is λ Q⁻ᵀ diag(root) y: lost stress Q diag y.
                along = 0.0
                for a in range(6):
                    y[a] /= 1 + at * root[a]
                    D[a, a] = 0
                    flow[a] = root[a] * y[a] / (q * (1 + at * root[a]))
                    along += root[a] * y[a] / q * flow[a]
                along += slope / (1 - slope * at / E) / E
                for a in range(6):
                    for b in range(6):
                        D[a, b] = flow[a] * flow[b] / along
                    D[a, a] += at * root[a] / (1 + at * root[a])
                _to_axes(E, basis, D, tangent[m, p])
                _add_flow(basis, y, at / E, p_new)
            for a in range(6):
                total = 0.0
                for b in range(6):
                    total += elasticity[a, b] * p_new[b]
                lost[m, p, a] = E * total
            if keep:
                kappa[n, p] += gone
                for a in range(6):
                    old[a] = p_new[a]


@fast_part
def _to_axes(E, basis, D, out):
    """Out (21,): upper triangle of E Q D Q'."""
    W = np.empty((6, 6))
    for a in range(6):
        for b in range(6):
            W[a, b] = 0.0
            for c in range(6):
                W[a, b] += E * basis[a, c] * D[c, b]
    at = 0
    for a in range(6):
        for b in range(a, 6):
            out[at] = 0.0
            for c in range(6):
                out[at] += W[a, c] * basis[b, c]
            at += 1


@fast_part
def _add_flow(basis, y, factor, p):
    """P += factor times P σ, with doubled shear, of the stress σ = Q y."""
    s = np.empty(6)
    for a in range(6):
        s[a] = 0.0
        for b in range(6):
            s[a] += basis[a, b] * y[b]
    mean = (s[0] + s[1] + s[2]) / 3
    for a in range(3):
        p[a] += factor * 1.5 * (s[a] - mean)
        p[3 + a] += factor * 3 * s[3 + a]
