"""A coarse level of the multigrid: only its nodes that exist, with 27-point stencils of 3 x 3 blocks in single precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import BoolArray, IntArray
from culmann_fem.kernels import fast_kernel, fast_part
from culmann_fem.simd import load, load_nine, spread, total

FloatArray32 = npt.NDArray[np.float32]
#: Rows in front of an array of node vectors that `residual` looks into, and behind it.
FRONT, BEHIND = 2, 6
_OFFSETS = np.array([[a, b, c] for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)])


@dataclass(frozen=True, slots=True)
class Topology:
    """Which cells and nodes a coarse level has; it does not change when moduli do.

    Parameters
    ----------
    cell
        (ni, nj, nk): number of a cell by place, -1 for none.
    number
        (ni + 1, nj + 1, nk + 1): number of a node by place, -1 for none.
    place
        (n, 3): i, j, k of every node.
    neighbour
        (n, 27) int32: numbers of the nodes around a node; n, a row of zeros, where there is none.
    run
        (n, 9) uint32: of every line of three nodes around a node, where the first one stands in an array of node vectors that
        has `FRONT` rows more in front. Nodes of a line are numbered one after the other, so that the three stand together;
        where one of them does not exist another node stands there, and the stencil has zeros for it.
    """

    cell: IntArray
    number: IntArray
    place: IntArray
    neighbour: npt.NDArray[np.int32]
    run: npt.NDArray[np.uint32]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.place)


def coarse_topology(filled: BoolArray) -> Topology:
    """The level above a lattice of which the given cells (ni, nj, nk) are filled."""
    half = [(n + 1) // 2 for n in filled.shape]
    padded = np.zeros([2 * n for n in half], dtype=bool)
    padded[tuple(slice(n) for n in filled.shape)] = filled
    there = np.asarray(padded.reshape(half[0], 2, half[1], 2, half[2], 2).any(axis=(1, 3, 5)))
    corner = np.zeros([n + 1 for n in half], dtype=bool)
    for a in (0, 1):
        for b in (0, 1):
            for c in (0, 1):
                corner[a : half[0] + a, b : half[1] + b, c : half[2] + c] |= there
    place = np.argwhere(corner)
    n = len(place)
    number = _numbered(corner)
    around = np.pad(number, 1, constant_values=-1).astype(np.int32)
    # By one flat index: three for each neighbour take several times as long.
    here = np.asarray(np.ravel_multi_index(tuple(place.T + 1), around.shape), dtype=np.int32)
    step = np.ravel_multi_index(tuple(_OFFSETS.T + 1), around.shape) - np.ravel_multi_index((1, 1, 1), around.shape)
    neighbour: npt.NDArray[np.int32] = around.ravel()[here[:, None] + step.astype(np.int32)]
    missing = neighbour < 0
    # Where a line begins, by any of its nodes that exists; a line without nodes may begin anywhere.
    first = neighbour - np.tile(np.array([0, 1, 2], dtype=np.int32), 9)
    first[missing] = -FRONT
    run = np.ascontiguousarray(3 * (first.reshape(n, 9, 3).max(axis=2) + FRONT), dtype=np.uint32)
    neighbour[missing] = n
    return Topology(_numbered(there), number, place, neighbour, run)


def _numbered(there: BoolArray) -> IntArray:
    number = np.full(there.shape, -1, dtype=np.int64)
    number[there] = np.arange(int(there.sum()))
    return number


@fast_part
def _product(stencil, run, x, m):
    """(A x)[m], three numbers.

    x is flat, with `FRONT` rows in front of those of the nodes and `BEHIND` behind: a vector is read for the nine
    numbers of each line.
    """
    at = 243 * m
    nothing = spread(np.float32(0))
    first, second, third = nothing, nothing, nothing
    for line in range(9):
        near, here = load_nine(x, np.int64(run[m, line])), at + 9 * line
        first = first + load(stencil, here) * near
        second = second + load(stencil, here + 81) * near
        third = third + load(stencil, here + 162) * near
    return total(first), total(second), total(third)


@fast_kernel
def residual(stencil, run, x, r, t, first, last):
    """T = r - A x on the nodes first <= m < last."""
    for m in range(first, last):
        a, b, c = _product(stencil, run, x, m)
        t[m, 0], t[m, 1], t[m, 2] = r[m, 0] - a, r[m, 1] - b, r[m, 2] - c


@fast_part
def smooth_first(r, inverse_diagonal, d, to, factor, first, last):
    """First Chebyshev step from x = 0: d = factor D^-1 r, to = d."""
    for m in range(first, last):
        for c in range(3):
            d[m, c] = factor * inverse_diagonal[m, c] * r[m, c]
            to[m, c] = d[m, c]


@fast_part
def smooth(stencil, run, x, r, inverse_diagonal, d, to, keep, factor, first, last):
    """Chebyshev step: d = keep d + factor D^-1 (r - A x), to = x + d."""
    for m in range(first, last):
        left = _product(stencil, run, x, m)
        for c in range(3):
            d[m, c] = keep * d[m, c] + factor * inverse_diagonal[m, c] * (r[m, c] - left[c])
            to[m, c] = x[3 * (m + FRONT) + c] + d[m, c]


@fast_kernel
def inverted(A):
    """Turn a symmetric positive definite matrix into its inverse, in place: the same for any number of threads."""
    n = A.shape[0]
    for k in range(n):
        pivot = 1.0 / A[k, k]
        A[k, k] = 1.0
        for column in range(n):
            A[k, column] *= pivot
        for row in range(n):
            if row != k:
                share = A[row, k]
                A[row, k] = 0.0
                for column in range(n):
                    A[row, column] -= share * A[k, column]


@fast_part
def invert(inverse, r, x, first, last):
    """X = inverse r on the nodes first <= m < last."""
    flat = r.reshape(-1)
    for m in range(first, last):
        for c in range(3):
            total = np.float32(0)
            for n in range(flat.shape[0]):
                total += inverse[3 * m + c, n] * flat[n]
            x[m, c] = total


@fast_part
def restrict(t, number, place, coarse, first, last):
    """coarse[m] = P^T t for the nodes first <= m < last of the next level."""
    ni, nj, nk = number.shape
    for m in range(first, last):
        coarse[m, 0] = coarse[m, 1] = coarse[m, 2] = 0
        for a in range(-1, 2):
            i = 2 * place[m, 0] + a
            if i < 0 or i >= ni:
                continue
            for b in range(-1, 2):
                j = 2 * place[m, 1] + b
                if j < 0 or j >= nj:
                    continue
                for c in range(-1, 2):
                    k = 2 * place[m, 2] + c
                    if k < 0 or k >= nk or number[i, j, k] < 0:
                        continue
                    w = np.float32(0.5 ** (abs(a) + abs(b) + abs(c)))
                    for e in range(3):
                        coarse[m, e] += w * t[number[i, j, k], e]


@fast_part
def prolong(coarse, number, place, x, first, last):
    """X += P coarse on the nodes first <= m < last; `number` finds a node of the next level by its place."""
    for m in range(first, last):
        i, j, k = place[m, 0], place[m, 1], place[m, 2]
        w = np.float32(1.0 / ((1 + (i & 1)) * (1 + (j & 1)) * (1 + (k & 1))))
        for a in range(i >> 1, (i >> 1) + 1 + (i & 1)):
            for b in range(j >> 1, (j >> 1) + 1 + (j & 1)):
                for c in range(k >> 1, (k >> 1) + 1 + (k & 1)):
                    n = number[a, b, c]
                    if n >= 0:
                        for e in range(3):
                            x[m, e] += w * coarse[n, e]
