"""The preconditioner of `culmann_fem.multigrid` in torch: the same levels, smoothers and cycle, in single precision.

The Galerkin operators are built on the processor, as for the processor, and moved to the device. Vectors of a level are
(n + 1, 3), with a row of zeros at the end, which stands for nodes that do not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from culmann.data.arrays import IntArray
from culmann_fem.chebyshev import chebyshev
from culmann_fem.hexahedron import CORNERS
from culmann_fem.multigrid import DEEP, FINE, NEXT, VISITS, CoarseLevel, Multigrid
from culmann_fem.torch_operator import TorchOperator

_AROUND: IntArray = np.array([[a, b, c] for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)])

# Small products done at once: fewer than the 65,535 that a side of CUDA's grid of threads can have.
_BATCH = 2**15


@dataclass(frozen=True, slots=True)
class Transfer:
    """Trilinear interpolation between a level and the coarser one above it.

    Parameters
    ----------
    fine
        (27 m,): the nodes around each of the m coarse ones.
    share
        (27, 1): how much of each counts.
    coarse
        (8 n,): the coarse nodes around each of the n fine ones.
    part
        (n, 1) or (n, 3): how much each of them counts.
    """

    fine: Tensor
    share: Tensor
    coarse: Tensor
    part: Tensor

    def restrict(self, t: Tensor) -> Tensor:
        """(m, 3) from (n + 1, 3): P' t."""
        return t.index_select(0, self.fine).view(-1, 27, 3).mul_(self.share).sum(dim=1)

    def prolong(self, x: Tensor) -> Tensor:
        """(n, 3) from (m + 1, 3): P x."""
        return x.index_select(0, self.coarse).view(-1, 8, 3).sum(dim=1).mul_(self.part)


def transfer(
    number: IntArray, place: IntArray, coarse_number: IntArray, coarse_place: IntArray, device: torch.device
) -> Transfer:
    """Between levels with nodes of these numbers by place (-1 for none) and places (n, 3)."""
    fine = _found(number, 2 * coarse_place[:, None, :] + _AROUND, len(place))
    odd = place % 2
    # An even node lies on a coarse one; an odd one lies between two.
    coarse = _found(coarse_number, (place >> 1)[:, None, :] + (CORNERS & odd[:, None, :]), len(coarse_place))
    coarse[(CORNERS[None] > odd[:, None, :]).any(axis=2)] = len(coarse_place)
    share = (0.5 ** np.abs(_AROUND).sum(axis=1))[:, None]
    part = (0.5 ** odd.sum(axis=1))[:, None]
    index = (torch.tensor(a.ravel(), dtype=torch.int32, device=device) for a in (fine, coarse))
    weight = (torch.tensor(a, dtype=torch.float32, device=device) for a in (share, part))
    return Transfer(next(index), next(weight), next(index), next(weight))


def _found(number: IntArray, at: IntArray, none: int) -> IntArray:
    """Numbers of the nodes at places (…, 3) that may lie outside; `none` where there is no node."""
    padded = np.pad(number, 2, constant_values=-1)
    found = padded[at[..., 0] + 2, at[..., 1] + 2, at[..., 2] + 2]
    return np.asarray(np.where(found < 0, none, found))


@dataclass(frozen=True, slots=True)
class Level:
    """What the cycle needs of a level that is not the last.

    Parameters
    ----------
    residual
        t (n + 1, 3) from x (n + 1, 3) and r (n, 3): r - A x.
    inverse_diagonal
        (n, 3).
    steps
        Of the smoother.
    up
        To the coarser level.
    visits
        Of the coarser level.
    """

    residual: Callable[[Tensor, Tensor], Tensor]
    inverse_diagonal: Tensor
    steps: list[tuple[float, float]]
    up: Transfer
    visits: int


class TorchMultigrid:
    """The levels of a `Multigrid` on the device of an operator."""

    def __init__(self, multigrid: Multigrid, operator: TorchOperator) -> None:
        self._multigrid, self._operator = multigrid, operator
        device = operator.device
        topologies = [level.topology for level in multigrid.levels]
        numbers = [operator.number, *(t.number for t in topologies)]
        places = [operator.place, *(t.place for t in topologies)]
        both = list(zip(numbers, places, strict=True))
        self._transfers = [transfer(*low, *high, device) for low, high in pairwise(both)]
        # Held freedoms get no correction.
        self._transfers[0] = replace(self._transfers[0], part=self._transfers[0].part * operator.mask)
        self._neighbours = [torch.from_numpy(t.neighbour.ravel()).to(device) for t in topologies[:-1]]
        self._fine = self._fine_level()
        self._levels: list[Level] = []
        self.update()

    def update(self) -> None:
        """Fetch the coarse operators anew."""
        self._levels = []  # gone before the new ones come, for the memory of the device
        *above, last = self._multigrid.levels
        assert last.inverse is not None
        coarse = [self._coarse_level(at, level) for at, level in enumerate(above)]
        self._levels = [self._fine, *coarse]
        self._inverse = torch.tensor(last.inverse, device=self._operator.device)

    def apply(self, r: Tensor) -> Tensor:
        """M r (n, 3), from r (n, 3)."""
        return self._cycle(0, r)[:-1]

    def _cycle(self, at: int, r: Tensor) -> Tensor:
        padded = torch.zeros((len(r) + 1, 3), dtype=r.dtype, device=r.device)
        x = padded[:-1]
        if at == len(self._levels):
            x.copy_((self._inverse @ r.reshape(-1)).view(-1, 3))
            return padded
        level = self._levels[at]
        d = level.inverse_diagonal * r * level.steps[0][1]
        x.add_(d)
        for keep, factor in level.steps[1:]:
            _smooth(level, padded, r, d, keep, factor)
        for _ in range(level.visits):
            above = self._cycle(at + 1, level.up.restrict(level.residual(padded, r)))
            x.add_(level.up.prolong(above))
            for keep, factor in level.steps:
                _smooth(level, padded, r, d, keep, factor)
        return padded

    def _fine_level(self) -> Level:
        operator, mask = self._operator, self._operator.mask
        t = torch.zeros((operator.n_nodes + 1, 3), dtype=torch.float32, device=operator.device)

        def residual(x: Tensor, r: Tensor) -> Tensor:
            torch.addcmul(r, operator.multiply(x[:-1]), mask, value=-1, out=t[:-1])
            return t

        steps = _floats(self._multigrid.lattice.largest_eigenvalue, FINE)
        return Level(residual, operator.inverse_diagonal, steps, self._transfers[0], visits=1)

    def _coarse_level(self, at: int, level: CoarseLevel) -> Level:
        device = self._operator.device
        # Copies: on the processor a tensor would otherwise share the memory of an array that `Multigrid.update` writes to.
        inverse_diagonal = torch.tensor(level.inverse_diagonal, device=device)
        stencil = torch.tensor(level.flat_stencil, device=device)
        neighbour = self._neighbours[at]
        t = torch.zeros((len(stencil) + 1, 3), dtype=torch.float32, device=device)

        def residual(x: Tensor, r: Tensor) -> Tensor:
            near = x.index_select(0, neighbour).view(-1, 81, 1)
            for begin in range(0, len(r), _BATCH):
                some = slice(begin, min(begin + _BATCH, len(r)))
                torch.baddbmm(r[some, :, None], stencil[some], near[some], alpha=-1, out=t[some, :, None])
            return t

        steps = _floats(level.largest, DEEP if at else NEXT)
        return Level(residual, inverse_diagonal, steps, self._transfers[at + 1], VISITS[min(at, 3)])


def _smooth(level: Level, padded: Tensor, r: Tensor, d: Tensor, keep: float, factor: float) -> None:
    """One step of the smoother, in place of x and of its direction d."""
    t = level.residual(padded, r)[:-1]
    d.mul_(keep).addcmul_(level.inverse_diagonal, t, value=factor)
    padded[:-1].add_(d)


def _floats(largest: float, smoother: tuple[int, float]) -> list[tuple[float, float]]:
    return [(float(keep), float(factor)) for keep, factor in chebyshev(largest, *smoother)]
