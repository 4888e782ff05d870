"""The operator K of a mesh of quadratic tetrahedra: blocks of cells, their geometry, and products without a matrix."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann_fem import tet_anisotropic, tet_vectors
from culmann_fem.slabs import Slabs
from culmann_fem.tet_kernels import WIDTH, Blocks, Geometry, elastic_rows, gather
from culmann_fem.tet_problem import FAR, NEAR, TetProblem, shape_gradients

#: Nodes that a thread takes at a time; sums are kept by chunk, so that they do not depend on the number of threads.
CHUNK = 1024
_BATCHES = 24
_POINTS = FAR + (NEAR - FAR) * np.eye(4)


class TetOperator:
    """K in double precision for the solution and in single precision for its preconditioner.

    Parameters
    ----------
    problem
        The mesh.
    modulus, poisson_ratio
        (m,), in the order of the problem.
    orthotropic, along
        (6, 6) and (m,): an elasticity for E = 1, in the axes of the load case, and which cells have it; None if none has.
    """

    def __init__(
        self,
        problem: TetProblem,
        modulus: FloatArray,
        poisson_ratio: FloatArray,
        threads: int | None = None,
        *,
        orthotropic: FloatArray | None = None,
        along: BoolArray | None = None,
    ) -> None:
        self.problem = problem
        self.orthotropic = orthotropic
        self._is_along = np.zeros(len(modulus), dtype=bool) if along is None else along
        self.modulus = modulus.copy()
        self._ratio = poisson_ratio
        m, n = len(problem.cell), len(problem.place_mm)
        self.batches = -(-m // WIDTH)
        self.blocks = _blocks(problem, self.batches)
        rows = self.blocks.node
        self._rows = np.argsort(rows, kind="stable").astype(np.int32)
        self._rows_begin = np.searchsorted(rows[self._rows], np.arange(n + 1))
        self.block_slabs = Slabs(np.diff(self.blocks.batch_begin), threads)
        self.node_slabs = Slabs(np.ones(-(-n // CHUNK), dtype=np.int64), threads)
        self.geometry = _geometry(problem, self.batches)
        G, weight, start, stride, rule = self.geometry
        self._geometry32 = Geometry(G.astype(np.float32), weight.astype(np.float32), start, stride, rule.astype(np.float32))
        self.row = np.zeros((len(rows), 3))
        self._row32 = np.zeros((len(rows), 3), dtype=np.float32)
        self.lame = np.zeros((self.batches, 2, WIDTH))
        self._lame32 = np.zeros((self.batches, 2, WIDTH), dtype=np.float32)
        self.along = np.zeros((self.batches, WIDTH))
        self._along32 = np.zeros((self.batches, WIDTH), dtype=np.float32)
        self._orthotropic32 = None if orthotropic is None else orthotropic.astype(np.float32)
        self.free = problem.free.astype(np.float64)
        self.update()

    def update(self) -> None:
        """Take in that `modulus` has changed."""
        isotropic = np.where(self._is_along, 0, self.modulus)
        self.lame[:, 0] = self.in_batches(isotropic * self._ratio / ((1 + self._ratio) * (1 - 2 * self._ratio)), 0.0)
        self.lame[:, 1] = self.in_batches(isotropic / (2 * (1 + self._ratio)), 0.0)
        self._lame32[:] = self.lame
        self.along[:] = self.in_batches(np.where(self._is_along, self.modulus, 0), 0.0)
        self._along32[:] = self.along

    def in_batches(self, values: FloatArray, padding: float) -> FloatArray:
        """(batches, WIDTH, ...) from values for every cell, with padding where the last batch has none."""
        padded = np.full((self.batches * WIDTH, *values.shape[1:]), padding)
        padded[: len(values)] = values
        return padded.reshape(-1, WIDTH, *values.shape[1:])

    def vector(self) -> FloatArray:
        """A new vector of zeros."""
        return np.zeros(self.free.shape)

    def elastic_rows(self, u: FloatArray) -> None:
        """Rows of the elastic forces of all blocks into `row`."""
        cells = (self.blocks, self.geometry, self.lame)
        if self.orthotropic is None:
            self.block_slabs.run(elastic_rows, u, self.row, *cells)
        else:
            self.block_slabs.run(tet_anisotropic.elastic_rows, u, self.row, *cells, self.along, self.orthotropic)

    def gather(self, f: FloatArray) -> None:
        """F = sum of `row` at every node."""
        self.node_slabs.run(gather, self.row, self._rows_begin, self._rows, f, CHUNK)

    def multiply(self, u: FloatArray, f: FloatArray) -> None:
        """F = K u."""
        self.elastic_rows(u)
        self.gather(f)

    def multiply32(self, u: npt.NDArray[np.float32], f: npt.NDArray[np.float32]) -> None:
        """F = K u in single precision."""
        cells = (self.blocks, self._geometry32, self._lame32)
        if self._orthotropic32 is None:
            self.block_slabs.run(elastic_rows, u, self._row32, *cells)
        else:
            self.block_slabs.run(tet_anisotropic.elastic_rows, u, self._row32, *cells, self._along32, self._orthotropic32)
        self.node_slabs.run(gather, self._row32, self._rows_begin, self._rows, f, CHUNK)

    def dot(self, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
        """Sum of the products, in double precision."""
        return self.node_slabs.total(tet_vectors.dot, a, b, CHUNK)

    def close(self) -> None:
        """End the threads."""
        self.block_slabs.close()
        self.node_slabs.close()


def _blocks(problem: TetProblem, batches: int) -> Blocks:
    cell = problem.cell
    # The last batch is filled up with copies of the last cell, which have no volume and no stiffness.
    padded = np.concatenate([cell, np.repeat(cell[-1:], batches * WIDTH - len(cell), axis=0)])
    batch_begin: IntArray = np.append(np.arange(0, batches, _BATCHES), batches)
    local = np.empty(padded.shape, dtype=np.uint16)
    nodes = []
    for low, high in pairwise(batch_begin * WIDTH):
        mine, inverse = np.unique(padded[low:high], return_inverse=True)
        nodes.append(mine)
        local[low:high] = inverse.reshape(-1, 10)
    begin = np.cumsum([0, *(len(mine) for mine in nodes)])
    return Blocks(
        np.concatenate(nodes), begin, batch_begin, np.ascontiguousarray(local.reshape(-1, WIDTH, 10).transpose(0, 2, 1))
    )


def _geometry(problem: TetProblem, batches: int) -> Geometry:
    m = len(problem.cell)
    curved = np.zeros(batches * WIDTH, dtype=bool)
    curved[:m] = problem.curved
    stride = np.asarray(curved.reshape(-1, WIDTH).any(axis=1), dtype=np.int64)
    count = np.where(stride > 0, 4, 1)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    G, weight = np.zeros((int(count.sum()), 9, WIDTH)), np.zeros((int(count.sum()), WIDTH))
    for several, points in ((0, np.full((1, 4), 0.25)), (1, _POINTS)):
        cells = np.flatnonzero(np.repeat(stride, WIDTH)[:m] == several)
        if len(cells):
            gradient, volume = shape_gradients(problem, cells, points)
            for p in range(len(points)):
                at = start[cells // WIDTH] + p
                G[at, :, cells % WIDTH] = gradient[:, p].reshape(-1, 9)
                weight[at, cells % WIDTH] = volume[:, p] / 24
    # The quadratic form's derivative at the points: 4 L - 1 for a corner and 4 L for an edge, far; `near` adds the rest.
    return Geometry(G, weight, start, stride, np.array([4 * FAR - 1, 4 * FAR, 4 * (NEAR - FAR)]))
