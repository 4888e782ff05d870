"""GMRES for tangents that are not symmetric, preconditioned from the right by the multigrid of a symmetric stiffness near them.

Saad & Schultz 1986, doi:10.1137/0907058. The basis is kept on the free freedoms only and in single precision: what is asked
for are a few digits, for one step of Newton's method.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import FloatArray
from culmann_fem.system import Product, Solve, System


def gmres(system: System, product: Product, x: FloatArray, r: FloatArray, *, tolerance: float, most: int) -> Solve:
    """Solve A x = r from x = 0, on free freedoms only, until the norm of the residual is at most `tolerance`.

    `r` is zero where held.
    """
    free = np.flatnonzero(system.free)
    z, y = system.vector(), system.vector()
    norm = float(np.sqrt(system.dot(r, r)))
    if not np.isfinite(norm) or norm <= tolerance:
        return Solve(0, norm, bool(norm <= tolerance))
    basis: list[npt.NDArray[np.float32]] = [(r.ravel()[free] / norm).astype(np.float32)]
    R = np.zeros((most + 1, most))  # what the rotations so far have made of the Hessenberg matrix
    goal, turns = np.zeros(most + 1), list[tuple[float, float]]()
    goal[0] = norm
    n = 0
    while n < most and norm > tolerance:
        z.ravel()[free] = basis[n]
        system.precondition(z, y)
        product(y, z)
        w = z.ravel()[free].astype(np.float32)
        for m, v in enumerate(basis):
            # einsum and not dot: no threads of another library, and the same sum whatever their number.
            R[m, n] = np.einsum("i,i->", v, w)
            w -= np.float32(R[m, n]) * v
        length = float(np.sqrt(np.einsum("i,i->", w, w)))
        for m, (c, s) in enumerate(turns):
            R[m, n], R[m + 1, n] = c * R[m, n] + s * R[m + 1, n], c * R[m + 1, n] - s * R[m, n]
        root = float(np.hypot(R[n, n], length))
        if not np.isfinite(root) or root == 0:
            break
        c, s = R[n, n] / root, length / root
        turns.append((c, s))
        R[n, n], goal[n], goal[n + 1] = root, c * goal[n], -s * goal[n]
        norm = abs(float(goal[n + 1]))
        n += 1
        if length <= 1e-6 * root:
            break
        basis.append(w / np.float32(length))
    y[:] = 0
    for weight, v in zip(_back(R[:n, :n], goal[:n]), basis, strict=False):
        y.ravel()[free] += weight * v
    system.precondition(y, x)
    return Solve(n, norm, bool(norm <= tolerance))


def _back(R: FloatArray, goal: FloatArray) -> FloatArray:
    """R⁻¹ goal, for R that is zero below its diagonal."""
    share = np.zeros(len(goal))
    for n in reversed(range(len(goal))):
        share[n] = (goal[n] - (R[n, n + 1 :] * share[n + 1 :]).sum()) / R[n, n]
    return share
