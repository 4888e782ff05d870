"""y = K u on the cells of a lattice that exist, in torch: gather the corners, one product with the element's matrix, sum.

Vectors are (n, 3), a row for each node. Only gathers and sums in a fixed order are used, and no atomic additions, so that two
runs on one device agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from culmann.data.arrays import FloatArray, IntArray
from culmann_fem.hexahedron import CORNERS
from culmann_fem.lattice import LatticeOperator
from culmann_fem.problem import LatticeProblem

#: Takes forces away from those of the cells (m, 24), in place, at the displacements (m, 24) of their corners.
Loss = Callable[[Tensor, Tensor], None]


class TorchOperator:
    """K of a `LatticeOperator` on a device, in double and in single precision.

    Parameters
    ----------
    group
        (n_cells,): the group of the lattice that each cell of the mesh belongs to.
    """

    def __init__(self, problem: LatticeProblem, lattice: LatticeOperator, group: IntArray, device: torch.device) -> None:
        self.device = device
        self._lattice = lattice
        order = np.lexsort((*problem.cell.T[::-1], group))
        cell = problem.cell[order]
        #: (n_cells,): the row of a cell of the mesh.
        self.row = np.argsort(order)
        self._place = (group[order], problem.lines.at(cell))
        bounds = np.searchsorted(group[order], np.arange(len(lattice.bricks) + 1))
        self._bounds = [(int(a), int(b)) for a, b in pairwise(bounds)]
        self.number, self.place, corner = _numbered(cell, [n + 1 for n in problem.shape])
        self.n_nodes, self.n_cells = len(self.place), len(cell)
        self._at = problem.lines.at(self.place)
        self._corner = self.index(corner.ravel())
        # Every corner of every cell is a row of forces; those of a node are added in this order, and the last row is zero.
        slot = np.full((self.n_nodes, 8), corner.size)
        slot[corner, np.arange(8)] = np.arange(corner.size).reshape(-1, 8)
        self._slot = self.index(slot.ravel())
        self._matrices = {
            kind: [torch.tensor(b.stiffness, dtype=kind, device=device) for b in lattice.bricks]
            for kind in (torch.float64, torch.float32)
        }
        self._moduli: dict[torch.dtype, Tensor] = {}
        self.free = self.pack(lattice.free).double()
        self.inverse_diagonal = self.pack(lattice.inverse_diagonal)
        #: 1 where a freedom has stiffness and is free.
        self.mask = (self.inverse_diagonal > 0).float()
        self._version = -1
        self.update()

    def update(self) -> None:
        """Take in the moduli of the lattice, if they have changed."""
        if self._version == self._lattice.version:
            return
        self._version = self._lattice.version
        modulus = torch.from_numpy(self._lattice.E[self._place][:, None]).to(self.device)
        self._moduli = {torch.float64: modulus, torch.float32: modulus.float()}
        self.inverse_diagonal.copy_(self.pack(self._lattice.inverse_diagonal))

    def multiply(self, u: Tensor, loss: Loss | None = None) -> Tensor:
        """K u, less the forces that `loss` takes away."""
        at_corners = u.index_select(0, self._corner).view(-1, 24)
        rows = u.new_empty((8 * self.n_cells + 1, 3))
        rows[-1].zero_()
        forces = rows[:-1].view(-1, 24)
        for (begin, end), matrix in zip(self._bounds, self._matrices[u.dtype], strict=True):
            torch.mm(at_corners[begin:end], matrix, out=forces[begin:end])
        forces.mul_(self._moduli[u.dtype])
        if loss is not None:
            loss(at_corners, forces)
        return rows.index_select(0, self._slot).view(-1, 8, 3).sum(dim=1)

    def pack(self, vector: npt.NDArray[Any]) -> Tensor:
        """(n, 3) on the device from a vector (3, size)."""
        return torch.from_numpy(np.take(vector, self._at, axis=1)).to(self.device).T.contiguous()

    def unpack(self, rows: Tensor, vector: FloatArray) -> None:
        """Write a vector from the device to the nodes of `vector`; what is there of other places stays."""
        vector[:, self._at] = rows.T.cpu().numpy()

    def index(self, numbers: IntArray) -> Tensor:
        """Row numbers on the device."""
        return torch.from_numpy(numbers.astype(np.int32)).to(self.device)


def _numbered(cell: IntArray, nodes: Sequence[int]) -> tuple[IntArray, IntArray, IntArray]:
    """Numbers of the nodes by place, -1 for none; their places (n, 3); the numbers of the corners of the cells (m, 8)."""
    at = cell[:, None, :] + CORNERS
    there = np.zeros(nodes, dtype=bool)
    there[tuple(at.reshape(-1, 3).T)] = True
    place = np.argwhere(there)
    number = np.full(nodes, -1)
    number[there] = np.arange(len(place))
    return number, place, number[at[..., 0], at[..., 1], at[..., 2]]
