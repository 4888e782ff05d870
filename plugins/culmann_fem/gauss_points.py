"""Gauss points of bricks and of tetrahedra behind one face: strains at them, and forces of stresses at them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann_fem import brick_points, tet_points
from culmann_fem.lattice import LatticeOperator
from culmann_fem.problem import LatticeProblem
from culmann_fem.slabs import Slabs
from culmann_fem.tet_kernels import WIDTH
from culmann_fem.tet_operator import TetOperator
from culmann_fem.tet_problem import TetProblem


class GaussPoints(Protocol):
    """Cells in the order of the solver, each with the same number of points."""

    @property
    def shape(self) -> tuple[int, int]:
        """Cells, with those that only fill up, and points of each."""

    @property
    def source(self) -> IntArray:
        """(n,): the cell of the mesh that each cell is; those that fill up, at the end, are left out."""

    @property
    def volume(self) -> FloatArray:
        """(n, points): volume of each point, mm³."""

    @property
    def axes(self) -> FloatArray:
        """(3, 3): rows are the axes of the solver in LPS."""

    @property
    def slabs(self) -> Slabs:
        """The threads."""

    def begin(self, cells: IntArray) -> IntArray:
        """Where among some of the cells those begin that belong to each plane or block of the slabs."""

    def strains(self, u: FloatArray, e: FloatArray) -> None:
        """E (cells, points, 6): strains, shear doubled."""

    def force(self, u: FloatArray, lost: FloatArray, f: FloatArray) -> None:
        """F = elastic forces less those of the stresses `lost` (cells, points, 6)."""

    def activate(self, active: BoolArray) -> None:
        """Take in which points (cells, points) have lost stiffness."""

    def tangent(self, v: FloatArray, lost: FloatArray, f: FloatArray) -> None:
        """F = elastic forces less those of the stiffness `lost` (cells, points, 21) of the active points."""

    def cell_means(self, values: FloatArray) -> FloatArray:
        """(n, …) from values (cells, points, …): means over the volume of a cell, in the order of the solver."""

    def means(self, values: FloatArray) -> FloatArray:
        """(n,) from values (cells, points): means over the volume of a cell, in the order of the mesh."""

    def largest(self, values: FloatArray) -> FloatArray:
        """(n,) from values (cells, points): the largest of each cell, in the order of the mesh."""

    def displacement(self, u: FloatArray) -> FloatArray:
        """(n_points, 3) in LPS."""


class BrickPoints:
    """See `GaussPoints`: eight in a brick, cells in the order of their planes."""

    def __init__(self, problem: LatticeProblem, lattice: LatticeOperator, *, b_bar: bool) -> None:
        order = np.lexsort(problem.cell.T[::-1])
        self._problem, self._lattice, self._b_bar = problem, lattice, b_bar
        self._place, self._cell = problem.lines.place, np.ascontiguousarray(problem.cell[order])
        self._plane = np.searchsorted(self._cell[:, 0], np.arange(problem.shape[0] + 1))
        self._scale, self._weight = -1 / (4 * problem.spacing_mm), float(np.prod(problem.spacing_mm)) / 8
        self.source: IntArray = order
        self.shape = (len(order), 8)
        self.volume: FloatArray = np.broadcast_to(self._weight, self.shape)
        self.axes = problem.axes.T
        self.slabs = lattice.slabs
        self.activate(np.zeros(self.shape, dtype=np.bool_))

    def begin(self, cells: IntArray) -> IntArray:
        """See `GaussPoints`."""
        return np.searchsorted(self._cell[cells, 0], np.arange(len(self._plane)))

    def strains(self, u: FloatArray, e: FloatArray) -> None:
        """See `GaussPoints`."""
        self._lattice.slabs.run(brick_points.strains, u, self._place, self._cell, self._plane, self._scale, self._b_bar, e)

    def force(self, u: FloatArray, lost: FloatArray, f: FloatArray) -> None:
        """See `GaussPoints`."""
        self._lattice.multiply(u, f)
        brick = (self._scale, self._weight, self._b_bar)
        self._lattice.slabs.run(brick_points.subtract, f, self._place, self._cell, self._plane, lost, *brick)

    def activate(self, active: BoolArray) -> None:
        """See `GaussPoints`."""
        self._active = active
        self._index = np.flatnonzero(active.any(axis=1))
        self._index_plane = np.searchsorted(self._index, self._plane)

    def tangent(self, v: FloatArray, lost: FloatArray, f: FloatArray) -> None:
        """See `GaussPoints`."""
        self._lattice.multiply(v, f)
        if len(self._index):
            brick = (self._scale, self._weight, self._b_bar)
            places = (self._place, self._cell, self._index_plane, self._index)
            self._lattice.slabs.run(brick_points.subtract_tangent, v, f, *places, lost, self._active, *brick)

    def cell_means(self, values: FloatArray) -> FloatArray:
        """See `GaussPoints`."""
        return np.asarray(values.mean(axis=1))

    def means(self, values: FloatArray) -> FloatArray:
        """See `GaussPoints`."""
        return self._back(self.cell_means(values))

    def largest(self, values: FloatArray) -> FloatArray:
        """See `GaussPoints`."""
        return self._back(values.max(axis=1))

    def displacement(self, u: FloatArray) -> FloatArray:
        """See `GaussPoints`."""
        return self._problem.at_points(u)

    def _back(self, values: FloatArray) -> FloatArray:
        out = np.empty_like(values)
        out[self.source] = values
        return out


class TetPoints:
    """See `GaussPoints`: four in a tetrahedron, cells in the order of the problem and its batches."""

    def __init__(self, problem: TetProblem, operator: TetOperator) -> None:
        self._problem, self._operator = problem, operator
        self._cells = (operator.blocks, operator.geometry)
        self.source: IntArray = problem.order
        self.shape = (operator.batches * WIDTH, 4)
        self.axes = problem.axes
        self.slabs = operator.block_slabs
        start, stride = operator.geometry.start, operator.geometry.stride
        at = start[:, None] + stride[:, None] * np.arange(4)
        weight = operator.geometry.weight[at].transpose(0, 2, 1).reshape(-1, 4)[: len(self.source)]
        self.volume: FloatArray = np.asarray(weight, dtype=np.float64)
        self._share = self.volume / self.volume.sum(axis=1, keepdims=True)
        self.activate(np.zeros(self.shape, dtype=np.bool_))

    def begin(self, cells: IntArray) -> IntArray:
        """See `GaussPoints`."""
        return np.searchsorted(cells, self._operator.blocks.batch_begin * WIDTH)

    def strains(self, u: FloatArray, e: FloatArray) -> None:
        """See `GaussPoints`."""
        self._operator.block_slabs.run(tet_points.strains, u, *self._cells, e)

    def force(self, u: FloatArray, lost: FloatArray, f: FloatArray) -> None:
        """See `GaussPoints`."""
        operator = self._operator
        operator.elastic_rows(u)
        operator.block_slabs.run(tet_points.subtract_rows, operator.row, *self._cells, lost)
        operator.gather(f)

    def activate(self, active: BoolArray) -> None:
        """See `GaussPoints`."""
        self._active = active
        self._busy = active.reshape(-1, WIDTH * 4).any(axis=1)

    def tangent(self, v: FloatArray, lost: FloatArray, f: FloatArray) -> None:
        """See `GaussPoints`."""
        operator = self._operator
        operator.elastic_rows(v)
        which = (lost, self._active, self._busy)
        operator.block_slabs.run(tet_points.subtract_tangent_rows, v, operator.row, *self._cells, *which)
        operator.gather(f)

    def cell_means(self, values: FloatArray) -> FloatArray:
        """See `GaussPoints`."""
        return np.asarray(np.einsum("np...,np->n...", values[: len(self.source)], self._share))

    def means(self, values: FloatArray) -> FloatArray:
        """See `GaussPoints`."""
        return self._problem.at_cells(self.cell_means(values))

    def largest(self, values: FloatArray) -> FloatArray:
        """See `GaussPoints`."""
        return self._problem.at_cells(values[: len(self.source)].max(axis=1))

    def displacement(self, u: FloatArray) -> FloatArray:
        """See `GaussPoints`."""
        return self._problem.at_points(u)
