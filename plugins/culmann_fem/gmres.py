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
    norm = first = float(np.sqrt(system.dot(r, r)))
    if not np.isfinite(norm) or norm <= tolerance:
        return Solve(0, norm, bool(norm <= tolerance))
    basis: list[npt.NDArray[np.float32]] = [(r.ravel()[free] / norm).astype(np.float32)]
    H = np.zeros((most + 1, most))
    share: FloatArray = np.zeros(0)
    for n in range(most):
        z.ravel()[free] = basis[n]
        system.precondition(z, y)
        product(y, z)
        w = z.ravel()[free]
        for m, v in enumerate(basis):
            H[m, n] = float(np.dot(v, w))
            w -= H[m, n] * v
        H[n + 1, n] = float(np.sqrt(np.dot(w, w)))
        goal = np.zeros(n + 2)
        goal[0] = first
        share = np.asarray(np.linalg.lstsq(H[: n + 2, : n + 1], goal, rcond=None)[0], dtype=np.float64)
        norm = float(np.linalg.norm(H[: n + 2, : n + 1] @ share - goal))
        if not np.isfinite(norm) or norm <= tolerance or H[n + 1, n] < 1e-12 * first:
            break
        basis.append((w / H[n + 1, n]).astype(np.float32))
    y[:] = 0
    for weight, v in zip(share, basis, strict=False):
        y.ravel()[free] += weight * v
    system.precondition(y, x)
    return Solve(n + 1, norm, bool(norm <= tolerance))
