"""The eight-node brick: its strain operator, its stiffness with full integration or B-bar, and its parity basis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culmann.data.arrays import FloatArray

# Corner a = bx + 2 by + 4 bz lies at (bx, by, bz); the freedom of corner a along axis c is 3 a + c.
CORNERS = np.array([[a & 1, a >> 1 & 1, a >> 2 & 1] for a in range(8)])

#: (8, 8) signs of the parity (Hadamard) basis: mode p at corner a. It is symmetric, and its square is 8.
PARITY = np.array([[(-1) ** bin(p & a).count("1") for a in range(8)] for p in range(8)], dtype=float)


@dataclass(frozen=True, slots=True)
class Brick:
    """What the kernels need to know of one brick of the lattice with E = 1.

    Parameters
    ----------
    gradient
        (8 points, 8 corners, 3): derivatives of the shape functions at the Gauss points, 1/mm.
    weight_mm3
        Volume that each Gauss point stands for.
    stiffness
        (24, 24), N/mm for E = 1 MPa.
    blocks
        (8, 6): in the parity basis the stiffness falls apart into eight symmetric 3 x 3 blocks: xx, yy, zz, xy, yz, zx.
    """

    gradient: FloatArray
    weight_mm3: float
    stiffness: FloatArray
    blocks: FloatArray


def brick(spacing_mm: FloatArray, elasticity: FloatArray, *, b_bar: bool) -> Brick:
    """The brick of a lattice, of an elasticity (6, 6) for E = 1 that is isotropic, or orthotropic along the edges.

    With `b_bar` the dilatation is replaced by its mean over the element (Hughes 1980, doi:10.1002/nme.1620150914), which keeps
    isochoric plastic flow from locking.
    """
    gradient = _gradients(spacing_mm)
    weight = float(np.prod(spacing_mm)) / 8
    stiffness = _stiffness(gradient, weight, elasticity, b_bar)
    return Brick(gradient, weight, stiffness, _parity_blocks(stiffness))


def _gradients(spacing_mm: FloatArray) -> FloatArray:
    ends = (1 + np.array([-1, 1]) / np.sqrt(3)) / 2
    result = np.zeros((8, 8, 3))
    for point, bits in enumerate(CORNERS):
        x = ends[bits]
        value = np.where(CORNERS == 1, x, 1 - x)  # (corner, axis)
        slope = np.where(CORNERS == 1, 1.0, -1.0) / spacing_mm
        for c in range(3):
            others = [d for d in range(3) if d != c]
            result[point, :, c] = slope[:, c] * value[:, others[0]] * value[:, others[1]]
    return result


def strain_operators(gradient: FloatArray, *, b_bar: bool = False) -> FloatArray:
    """(points, 6, 24): xx, yy, zz and engineering xy, yz, zx strains from corner displacements."""
    points = len(gradient)
    B = np.zeros((points, 6, 8, 3))
    for c in range(3):
        B[:, c, :, c] = gradient[:, :, c]
    for row, (c, d) in enumerate(((0, 1), (1, 2), (2, 0)), start=3):
        B[:, row, :, c] = gradient[:, :, d]
        B[:, row, :, d] = gradient[:, :, c]
    operators = B.reshape(points, 6, 24)
    if b_bar:
        dilatation = operators[:, :3].sum(axis=1)
        operators[:, :3] += (dilatation.mean(axis=0) - dilatation)[:, None, :] / 3
    return operators


def elasticity(poisson_ratio: float) -> FloatArray:
    """(6, 6) isotropic elasticity for E = 1 and engineering shear strains."""
    shear = 1 / (2 * (1 + poisson_ratio))
    lame = poisson_ratio / ((1 + poisson_ratio) * (1 - 2 * poisson_ratio))
    C = np.diag([2 * shear] * 3 + [shear] * 3)
    C[:3, :3] += lame
    return C


def _stiffness(gradient: FloatArray, weight: float, elasticity: FloatArray, b_bar: bool) -> FloatArray:
    B = strain_operators(gradient, b_bar=b_bar)
    K = weight * np.einsum("pai,ab,pbj->ij", B, elasticity, B)
    return np.asarray((K + K.T) / 2)


def _parity_blocks(stiffness: FloatArray) -> FloatArray:
    """Mirror symmetry couples mode q^1 of u_x, q^2 of u_y and q^4 of u_z with one another and with nothing else."""
    transform = np.kron(PARITY, np.eye(3)) / 8
    K = (transform @ stiffness @ transform.T).reshape(8, 3, 8, 3)
    blocks = np.zeros((8, 6))
    left = K.copy()
    for q in range(8):
        mode = (q ^ 1, q ^ 2, q ^ 4)
        for slot, (c, d) in enumerate(((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))):
            blocks[q, slot] = K[mode[c], c, mode[d], d]
            left[mode[c], c, mode[d], d] = left[mode[d], d, mode[c], c] = 0
    if np.abs(left).max() > 1e-12 * np.abs(K).max():
        raise AssertionError("the element's stiffness is not symmetric about its mid-planes")
    return blocks
