"""Smoothed aggregation: algebraic multigrid for an assembled elastic operator, told the rigid motions of its nodes.

Vaněk, Mandel & Brezina 1996, doi:10.1007/BF02238511. Serves on the vertices of a tetrahedral mesh, where there is no lattice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from culmann.data.arrays import FloatArray, IntArray
from culmann_fem.chebyshev import chebyshev
from culmann_fem.kernels import kernel
from culmann_fem.spectrum import largest_eigenvalue

FloatArray32 = npt.NDArray[np.float32]
_DEGREE = 2
_RATIO = 10.0
_DIRECT = 800  # unknowns of an operator that is inverted outright
_STRONG = 0.05  # of the geometric mean of the two diagonal blocks


class Aggregation:
    """W-cycle for an operator in 3 x 3 blocks; rows that stand for nothing hold 1 on the diagonal alone."""

    def __init__(self, A: Any, place_mm: FloatArray, free: npt.NDArray[np.bool_]) -> None:
        self.levels: list[_Level] = []
        motions = rigid_motions(place_mm) * free.reshape(-1, 1)
        while A.shape[0] > _DIRECT:
            level, A, motions = _level(A, motions)
            self.levels.append(level)
        # In double precision: rounded to single, the inverse of stiff bone beside marrow is no longer positive definite.
        self._inverse: FloatArray = np.linalg.inv(A.toarray())

    def apply(self, r: FloatArray32) -> FloatArray32:
        """An approximate solution for the right side r, flat."""
        return self._cycle(0, r)

    def _cycle(self, at: int, r: FloatArray32) -> FloatArray32:
        if at == len(self.levels):
            return np.asarray(self._inverse @ r, dtype=np.float32)
        level = self.levels[at]
        x = level.smooth(None, r)
        for _ in range(1 if at == 0 else 2):
            x += level.P @ self._cycle(at + 1, level.R @ (r - level.A @ x))
            x = level.smooth(x, r)
        return x


class _Level:
    """An operator with its smoother and the way to the next level, in single precision."""

    def __init__(self, A: Any, inverse_diagonal: FloatArray, largest: float, P: Any) -> None:
        # scipy multiplies a vector faster by rows than by blocks.
        self.A = A.astype(np.float32).tocsr()
        self.P, self.R = P.astype(np.float32).tocsr(), P.T.astype(np.float32).tocsr()
        self._inverse_diagonal = inverse_diagonal.astype(np.float32)
        self._steps = chebyshev(largest, _DEGREE, _RATIO)

    def smooth(self, x: FloatArray32 | None, r: FloatArray32) -> FloatArray32:
        """Chebyshev iteration from x, None for zero."""
        d = np.zeros_like(r)
        for keep, factor in self._steps:
            t = r if x is None else r - self.A @ x
            d = keep * d + factor * self._inverse_diagonal * t
            x = d.copy() if x is None else x + d
        assert x is not None
        return x


def rigid_motions(place_mm: FloatArray) -> FloatArray:
    """(3 n, 6): shifts and turns of n points about their middle, of like size."""
    x = place_mm - place_mm.mean(axis=0)
    x /= max(1e-300, float(np.sqrt((x**2).mean())))
    modes = np.zeros((len(x), 3, 6))
    modes[:, range(3), range(3)] = 1
    for d in range(3):
        modes[:, :, 3 + d] = np.cross(np.eye(3)[d], x)
    return modes.reshape(-1, 6)


def _level(A: Any, motions: FloatArray) -> tuple[_Level, Any, FloatArray]:
    """The level of an operator, the operator of the next, and its rigid motions."""
    diagonal = A.diagonal()
    inverse = 1 / diagonal
    rows = A.tocsr()
    largest = largest_eigenvalue(lambda x: np.asarray(rows @ x), inverse)
    size = A.blocksize[0]
    strength = np.sqrt(np.einsum("kij,kij->k", A.data, A.data))
    width = motions.shape[1]
    aggregate, count = _aggregates(A.indptr, A.indices, strength, _STRONG)
    if width * count > A.shape[0] // 3:
        # Moduli so rough that hardly any tie is strong: go by neighbourhood alone.
        aggregate, count = _aggregates(A.indptr, A.indices, strength, 0.0)
    tentative, coarse_motions = _orthogonal(motions.reshape(-1, size, width), aggregate, count)
    inside = aggregate >= 0
    T = sp.bsr_array(
        (tentative[inside], aggregate[inside], np.concatenate([[0], np.cumsum(inside)])), shape=(A.shape[0], width * count)
    )
    P = T - (4 / 3 / largest) * (sp.diags_array(inverse) @ (A @ T)).tobsr(blocksize=(size, width))
    coarse = (P.T @ (A @ P)).tobsr(blocksize=(width, width))
    coarse = (coarse + coarse.T) / 2
    gone = coarse.diagonal() <= 1e-12 * diagonal.max()
    if gone.any():
        coarse = coarse + sp.diags_array(np.where(gone, 1.0, 0.0))
    return _Level(A, inverse, largest, P), coarse.tobsr(blocksize=(width, width)), coarse_motions


@kernel
def _aggregates(indptr: IntArray, indices: IntArray, strength: FloatArray, strong: float) -> tuple[IntArray, int]:
    """(aggregate of every node, -1 for one without strong neighbours; their number)."""
    n = len(indptr) - 1
    own = np.zeros(n)
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            if indices[k] == i:
                own[i] = strength[k]
    near = np.zeros(len(indices), dtype=np.bool_)
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            near[k] = j != i and strength[k] > strong * np.sqrt(own[i] * own[j])
    aggregate = np.full(n, -1, dtype=np.int64)
    count = 0
    # Nodes none of whose neighbours is taken become middles.
    for i in range(n):
        lonely = clear = True
        for k in range(indptr[i], indptr[i + 1]):
            if near[k]:
                lonely = False
                if aggregate[indices[k]] >= 0:
                    clear = False
        if aggregate[i] < 0 and clear and not lonely:
            aggregate[i] = count
            for k in range(indptr[i], indptr[i + 1]):
                if near[k]:
                    aggregate[indices[k]] = count
            count += 1
    # The others join the aggregate that they are tied to most strongly, as it was after the first pass.
    joined = aggregate.copy()
    for i in range(n):
        if aggregate[i] < 0:
            best = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                if near[k] and aggregate[j] >= 0 and strength[k] > best:
                    best = strength[k]
                    joined[i] = aggregate[j]
    # What is left makes aggregates of its own.
    for i in range(n):
        if joined[i] < 0:
            found = False
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                if near[k] and joined[j] < 0:
                    joined[j] = count
                    found = True
            if found:
                joined[i] = count
                count += 1
    return joined, count


@kernel
def _orthogonal(motions: FloatArray, aggregate: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Motions (n, size, width) of each aggregate made orthonormal, and (width * count, width) what made them so.

    A motion that depends on those before it, as the turn of two nodes about their line, becomes zero.
    """
    n, size, width = motions.shape
    q = motions.copy()
    r = np.zeros((count, width, width))
    begin = np.zeros(count + 1, dtype=np.int64)
    for i in range(n):
        if aggregate[i] >= 0:
            begin[aggregate[i] + 1] += 1
    begin = np.cumsum(begin)
    fill, member = begin[:-1].copy(), np.empty(begin[-1], dtype=np.int64)
    for i in range(n):
        if aggregate[i] >= 0:
            member[fill[aggregate[i]]] = i
            fill[aggregate[i]] += 1
    for a in range(count):
        for c in range(width):
            before = 0.0
            for k in range(begin[a], begin[a + 1]):
                for e in range(size):
                    before += q[member[k], e, c] ** 2
            for _ in range(2):  # twice is enough
                for b in range(c):
                    dot = 0.0
                    for k in range(begin[a], begin[a + 1]):
                        for e in range(size):
                            dot += q[member[k], e, b] * q[member[k], e, c]
                    r[a, b, c] += dot
                    for k in range(begin[a], begin[a + 1]):
                        for e in range(size):
                            q[member[k], e, c] -= dot * q[member[k], e, b]
            after = 0.0
            for k in range(begin[a], begin[a + 1]):
                for e in range(size):
                    after += q[member[k], e, c] ** 2
            keep = after > 1e-12 * before
            r[a, c, c] = np.sqrt(after) if keep else 0.0
            for k in range(begin[a], begin[a + 1]):
                for e in range(size):
                    q[member[k], e, c] = q[member[k], e, c] / r[a, c, c] if keep else 0.0
    return q, r.reshape(count * width, width)
