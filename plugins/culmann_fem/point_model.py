"""The model that goes point by point: elasticity of any kind, and laws that take away from its stress and stiffness."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from culmann.data import Fields, Materials
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann_fem.elastic_groups import ElasticGroup
from culmann_fem.gauss_points import GaussPoints
from culmann_fem.point_laws import CurveLaw, PointLaw, UpdateLaw, equivalent_stress


class PointModel:
    """See `culmann_fem.system.Plasticity`.

    Parameters
    ----------
    points
        Where.
    groups
        The elasticity of all cells.
    is_bone
        (n_cells,): the cells that a law's own stress update concerns.
    function
        That update, if there is one.
    elastic
        Whether to leave everything but elasticity aside.
    """

    def __init__(
        self,
        points: GaussPoints,
        materials: Materials,
        groups: Sequence[ElasticGroup],
        is_bone: BoolArray,
        function: Callable[..., None] | None,
        *,
        elastic: bool,
    ) -> None:
        self._points, self._criterion = points, materials.criterion
        source = points.source
        n, per_cell = points.shape
        self._groups = [(np.flatnonzero(group.member[source]), group.elasticity) for group in groups]
        self._modulus = np.ones(n)
        self._modulus[: len(source)] = materials.youngs_modulus_mpa[source]
        self._laws: list[PointLaw] = []
        own = is_bone if function is not None else np.zeros_like(is_bone)
        for group in groups if not elastic else ():
            cells = np.flatnonzero((group.member & own)[source])
            if function is not None and len(cells):
                self._laws.append(UpdateLaw(points, cells, materials, group.elasticity, function))
            cells = np.flatnonzero((group.member & ~own)[source])
            if materials.stress_mpa.shape[1] and len(cells):
                self._laws.append(CurveLaw(points, cells, materials, group.elasticity))
        self._e = np.zeros((n, per_cell, 6))
        self._lost = np.zeros((n, per_cell, 6))
        # Only what is written to takes memory: the cells that yield.
        self._tangent = np.zeros((n, per_cell, 21))
        self._active = np.zeros((n, per_cell), dtype=np.bool_)
        self._kept = True

    def force(self, u: FloatArray, f: FloatArray) -> None:
        """F = internal force at u; the tangent is taken there."""
        self._respond(u, keep=False)
        self._kept = False
        self._points.force(u, self._lost, f)
        self._points.activate(self._active)

    def tangent(self, v: FloatArray, f: FloatArray) -> None:
        """F = tangent stiffness at the last `force`, applied to v."""
        self._points.tangent(v, self._tangent, f)

    def lost_stiffness(self) -> tuple[IntArray, FloatArray]:
        """The cells of the mesh that yield at the last `force`, and upper triangles (m, points, 21) of what each point lost."""
        at = np.flatnonzero(self._active.any(axis=1))
        return self._points.source[at], np.where(self._active[at, :, None], self._tangent[at], 0)

    def commit(self, u: FloatArray) -> None:
        """The increment has converged at u: keep its state."""
        self._respond(u, keep=True)
        self._kept = True

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u, which must be committed."""
        points = self._points
        if self._kept:
            points.strains(u, self._e)
        else:  # another increment was tried since
            self._respond(u, keep=False)
        q, kappa, phase = np.zeros(points.shape), np.zeros(points.shape), np.zeros(points.shape)
        for cells, elasticity in self._groups:
            stress = self._modulus[cells, None, None] * (self._e[cells] @ elasticity) - self._lost[cells]
            q[cells] = equivalent_stress(stress, self._criterion)
        for law in self._laws:
            compliance = np.linalg.inv(law.elasticity)
            at = law.plastic_strain((self._lost[law.cells] / self._modulus[law.cells, None, None]) @ compliance)
            kappa[law.cells], phase[law.cells] = at, law.phase(at)
        return Fields(
            displacement_mm=points.displacement(u),
            equivalent_strain=points.means(q / self._modulus[:, None] + kappa),
            equivalent_plastic_strain=points.means(kappa),
            equivalent_stress_mpa=points.means(q),
            phase=points.largest(phase),
        )

    def plastic_state(self) -> tuple[FloatArray, FloatArray] | None:
        """See `culmann_fem.system.Plasticity`."""
        plastic, kappa = np.zeros_like(self._lost), np.zeros(self._points.shape)
        for law in self._laws:
            if not isinstance(law, CurveLaw):
                return None
            inelastic = (self._lost[law.cells] / self._modulus[law.cells, None, None]) @ np.linalg.inv(law.elasticity)
            plastic[law.cells], kappa[law.cells] = inelastic, law.plastic_strain(inelastic)
        return plastic, kappa

    @property
    def n_yielding(self) -> int:
        """Cells that yield at the last `force`."""
        return int(self._active.any(axis=1).sum())

    def _respond(self, u: FloatArray, *, keep: bool) -> None:
        self._points.strains(u, self._e)
        for law in self._laws:
            law.respond(self._e, self._lost, self._tangent, self._active, keep=keep)
