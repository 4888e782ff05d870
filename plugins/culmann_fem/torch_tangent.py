"""What the points of yielding bricks take away from the elastic forces, in torch: B' D B v, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from culmann.data.arrays import FloatArray
from culmann_fem.hexahedron import Brick, strain_operators
from culmann_fem.torch_operator import Loss

_CHUNK = 2**16  # cells at once: their stiffnesses are 150 MB

#: The lost stress (m, 8, 6) at strains (m, 8, 6) with doubled shear, of the cells from the first to before the last number.
_Stress = Callable[[Tensor, int, int], Tensor]

#: (6, 6): deviatoric part, as a tensor, of a strain with doubled shear.
_DEVIATOR = np.diag([1.0, 1.0, 1.0, 0.5, 0.5, 0.5])
_DEVIATOR[:3, :3] -= 1 / 3

#: Where the 36 entries of a symmetric (6, 6) stand in its upper triangle, row by row.
_SYMMETRIC = [a * (11 - a) // 2 + b for a, b in ((min(a, b), max(a, b)) for a in range(6) for b in range(6))]


@dataclass(frozen=True, slots=True)
class StrainOperator:
    """From the corners of a brick to its eight points.

    Parameters
    ----------
    matrix
        (48, 24): strains with doubled shear, point by point.
    weight
        Volume of a point, mm3.
    """

    matrix: Tensor
    weight: float


def strain_operator(brick: Brick, *, b_bar: bool, device: torch.device) -> StrainOperator:
    """Of the bricks of a lattice, which differ in their elasticity only."""
    matrix = strain_operators(brick.gradient, b_bar=b_bar).reshape(48, 24)
    return StrainOperator(torch.from_numpy(matrix).to(device), brick.weight_mm3)


def curve_loss(strains: StrainOperator, rows: Tensor, flow: FloatArray, soft: FloatArray) -> Loss:
    """Of von Mises's criterion with Hooke's law.

    Parameters
    ----------
    rows
        (m,): the rows of the cells in the operator.
    flow, soft
        (m, 8, 6) and (m, 8, 2) as in `culmann_fem.return_mapping.plastic_force`.
    """
    device = strains.matrix.device
    direction, moduli = torch.from_numpy(flow).to(device), torch.from_numpy(soft).to(device)
    deviator = torch.from_numpy(_DEVIATOR).to(device)

    def stress(e: Tensor, first: int, last: int) -> Tensor:
        n, moduli_here = direction[first:last], moduli[first:last]
        along = (n * e).sum(dim=2, keepdim=True)
        return (e @ deviator).mul_(moduli_here[:, :, :1]).add_(n * (along * moduli_here[:, :, 1:]))

    return _loss(strains, rows, stress)


def point_loss(strains: StrainOperator, rows: Tensor, lost: FloatArray) -> Loss:
    """Of any law, from upper triangles (m, 8, 21) of the stiffness that each point has lost."""
    device = strains.matrix.device
    stiffness = torch.from_numpy(lost).to(device)[:, :, _SYMMETRIC].view(-1, 8, 6, 6)

    def stress(e: Tensor, first: int, last: int) -> Tensor:
        return (stiffness[first:last] * e[:, :, None, :]).sum(dim=3)

    return _loss(strains, rows, stress)


def _loss(strains: StrainOperator, rows: Tensor, stress: _Stress) -> Loss:
    matrix, weight = strains.matrix, strains.weight

    def loss(at_corners: Tensor, forces: Tensor) -> None:
        for first in range(0, len(rows), _CHUNK):
            here = rows[first : first + _CHUNK]
            e = (at_corners.index_select(0, here) @ matrix.T).view(-1, 8, 6)
            t = stress(e, first, first + len(here))
            # Each row stands in `rows` once: the order of additions is fixed.
            forces.index_add_(0, here, t.reshape(-1, 48) @ matrix, alpha=-weight)

    return loss
