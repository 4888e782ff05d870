"""The elastoplastic model on a lattice: its state, its forces and its tangent, on top of the elastic operator."""

from __future__ import annotations

import numpy as np

from culmann.data import Fields, Materials
from culmann.data.arrays import FloatArray, IntArray
from culmann_fem import return_mapping
from culmann_fem.lattice import LatticeOperator
from culmann_fem.problem import LatticeProblem


class PlasticModel:
    """Elements that can yield, kept in the order of their planes so that each slab finds its own."""

    def __init__(self, problem: LatticeProblem, materials: Materials, lattice: LatticeOperator, *, elastic: bool) -> None:
        order = np.lexsort(problem.cell.T[::-1])
        self._order = order
        self._problem = problem
        self._lattice = lattice
        self._cell = np.ascontiguousarray(problem.cell[order])
        n, planes = len(order), problem.shape[0]
        self._plane = np.searchsorted(self._cell[:, 0], np.arange(planes + 1))
        self._modulus = materials.youngs_modulus_mpa[order]
        self._shear = self._modulus / (2 * (1 + materials.poisson_ratio[order]))
        curved = not elastic and not materials.is_linear
        self._stress = np.ascontiguousarray(materials.stress_mpa[order]) if curved else np.full((n, 1), np.inf)
        self._strain = np.ascontiguousarray(materials.plastic_strain[order]) if curved else np.zeros((n, 1))
        self._plastic, self._kappa = np.zeros((n, 8, 6)), np.zeros((n, 8))
        self._flow, self._soft = np.zeros((n, 8, 6)), np.zeros((n, 8, 2))
        self._active = np.zeros(n, dtype=np.bool_)
        self._index: IntArray = np.zeros(0, dtype=np.int64)
        self._index_plane = np.zeros(planes + 1, dtype=np.int64)
        self._scale = -1 / (4 * problem.spacing_mm)
        self._weight = float(np.prod(problem.spacing_mm)) / 8

    def force(self, u: FloatArray, f: FloatArray) -> None:
        """F = internal force at u; the tangent is taken there."""
        self._lattice.multiply(u, f)
        self._lattice.slabs.run(
            return_mapping.plastic_force,
            u,
            f,
            self._problem.lines.place,
            self._cell,
            self._plane,
            self._shear,
            self._stress,
            self._strain,
            self._plastic,
            self._kappa,
            self._flow,
            self._soft,
            self._active,
            self._scale,
            self._weight,
        )
        self._index = np.flatnonzero(self._active)
        self._index_plane = np.searchsorted(self._index, self._plane)

    def tangent(self, v: FloatArray, f: FloatArray) -> None:
        """F = tangent stiffness at the last `force`, applied to v."""
        self._lattice.multiply(v, f)
        if len(self._index):
            self._lattice.slabs.run(
                return_mapping.tangent_force,
                v,
                f,
                self._problem.lines.place,
                self._cell,
                self._index_plane,
                self._index,
                self._flow,
                self._soft,
                self._scale,
                self._weight,
            )

    def lost_stiffness(self) -> tuple[IntArray, FloatArray, FloatArray]:
        """The cells of the mesh that yield at the last `force`, with their flow and soft of `return_mapping.plastic_force`."""
        return self._order[self._index], self._flow[self._index], self._soft[self._index]

    def commit(self, u: FloatArray) -> None:
        """The increment has converged at u: keep its plastic strains."""
        self._lattice.slabs.run(
            return_mapping.commit,
            u,
            self._problem.lines.place,
            self._cell,
            self._plane,
            self._shear,
            self._stress,
            self._strain,
            self._plastic,
            self._kappa,
            self._scale,
        )

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u, which must be committed."""
        out = np.zeros((len(self._cell), 4))
        self._lattice.slabs.run(
            return_mapping.cell_fields,
            u,
            self._problem.lines.place,
            self._cell,
            self._plane,
            self._shear,
            self._modulus,
            self._strain,
            self._plastic,
            self._kappa,
            self._scale,
            out,
        )
        per_cell = np.empty_like(out)
        per_cell[self._order] = out
        return Fields(
            displacement_mm=self._problem.at_points(u),
            equivalent_strain=per_cell[:, 0].copy(),
            equivalent_plastic_strain=per_cell[:, 1].copy(),
            equivalent_stress_mpa=per_cell[:, 2].copy(),
            phase=per_cell[:, 3].copy(),
        )

    def plastic_state(self) -> tuple[FloatArray, FloatArray]:
        """See `culmann_fem.system.Plasticity`."""
        return self._plastic * [1, 1, 1, 2, 2, 2], self._kappa

    @property
    def n_yielding(self) -> int:
        """Elements that yield at the last `force`."""
        return len(self._index)
