"""Conjugate gradients in double precision, preconditioned by the single-precision multigrid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem import vectors
from culmann_fem.lattice import LatticeOperator
from culmann_fem.multigrid import Multigrid

#: Y = A p for a symmetric A; held freedoms are struck out afterwards.
Product = Callable[[FloatArray, FloatArray], None]


@dataclass(frozen=True, slots=True)
class Solve:
    """How a linear solve went."""

    iterations: int
    residual_norm: float
    converged: bool


def conjugate_gradients(
    lattice: LatticeOperator,
    multigrid: Multigrid,
    product: Product,
    x: FloatArray,
    r: FloatArray,
    *,
    tolerance: float,
    most: int,
) -> Solve:
    """Improve x until the norm of the residual is at most `tolerance`.

    Parameters
    ----------
    product
        The operator; it may differ from the one that the multigrid was built for.
    x
        Corrected in place, on the free freedoms only.
    r
        The residual at the start, zero where held; holds the residual at the end.
    tolerance
        In N.
    most
        Give up after this many iterations.
    """
    slabs, span = lattice.slabs, lattice.node_span
    p, q = lattice.vector(), lattice.vector()
    norm = float(np.sqrt(lattice.dot(r, r)))
    before = 0.0
    lattice.r32[:] = r
    for iteration in range(most):
        if norm <= tolerance or not np.isfinite(norm):
            return Solve(iteration, norm, bool(norm <= tolerance))
        multigrid.apply()
        rz = lattice.dot(r, lattice.z32)
        slabs.run(vectors.direction, lattice.z32, p, rz / before if before else 0.0, span)
        before = rz
        product(p, q)
        curvature = slabs.total(vectors.mask_and_dot, q, p, lattice.free, span)
        if not curvature > 0:
            return Solve(iteration, norm, False)
        norm = float(np.sqrt(slabs.total(vectors.advance, x, r, p, q, rz / curvature, lattice.r32, span)))
    return Solve(most, norm, bool(norm <= tolerance))
