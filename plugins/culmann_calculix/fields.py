"""Fields on the mesh from the tables that CalculiX prints at its integration points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culmann.data import Fields, Materials, Mesh
from culmann.data.arrays import FloatArray
from culmann_calculix.results import Moment, Results
from culmann_calculix.weights import POINTS, volume_shares

#: Less plastic strain than this is rounding.
_YIELDED = 1e-9


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads the fields of any moment of a run."""

    mesh: Mesh
    materials: Materials
    element: str
    plastic: bool

    @property
    def tables(self) -> dict[str, tuple[int, int]]:
        """{what: rows and columns} that every increment must have printed."""
        rows = self.mesh.n_cells * POINTS[self.element]
        plastic = {"equivalent plastic strain": (rows, 3)} if self.plastic else {}
        return {"displacements": (self.mesh.n_points, 4), "stresses": (rows, 8), **plastic}

    def at(self, results: Results, moment: Moment) -> Fields:
        """Means over the cells, as `Fields` has them."""
        printed = results.table(moment, "displacements")
        displacement = np.empty((self.mesh.n_points, 3))
        displacement[printed[:, 0].astype(int) - 1] = printed[:, 1:]
        stress = _equivalent(self._by_cell(results.table(moment, "stresses")), self.materials.criterion)
        kappa = np.zeros_like(stress)
        if self.plastic:
            kappa = self._by_cell(results.table(moment, "equivalent plastic strain"))[..., 0]
        kappa[kappa < _YIELDED] = 0
        strain = stress / self.materials.youngs_modulus_mpa[:, None] + kappa
        share = volume_shares(self.mesh, self.element)
        return Fields(
            displacement_mm=displacement,
            equivalent_strain=(share * strain).sum(axis=1),
            equivalent_plastic_strain=(share * kappa).sum(axis=1),
            equivalent_stress_mpa=(share * stress).sum(axis=1),
            phase=self._phase(kappa.max(axis=1)),
        )

    def _by_cell(self, table: FloatArray) -> FloatArray:
        """(n_cells, points, columns) from rows of element, point, columns."""
        n = POINTS[self.element]
        values = np.empty((self.mesh.n_cells, n, table.shape[1] - 2))
        values[table[:, 0].astype(int) - 1, table[:, 1].astype(int) - 1] = table[:, 2:]
        return values

    def _phase(self, kappa: FloatArray) -> FloatArray:
        reached = (self.materials.plastic_strain[:, 1:] <= kappa[:, None]).sum(axis=1)
        return np.where(kappa > 0, 1.0 + reached, 0.0)


def _equivalent(stress: FloatArray, criterion: str) -> FloatArray:
    """Equivalent stress from components xx, yy, zz, xy, xz, yz."""
    x, y, z, xy, xz, yz = np.moveaxis(stress, -1, 0)
    if criterion == "von-mises":
        normal = ((x - y) ** 2 + (y - z) ** 2 + (z - x) ** 2) / 2
        return np.asarray(np.sqrt(normal + 3 * (xy**2 + xz**2 + yz**2)))
    tensor = np.stack([x, xy, xz, xy, y, yz, xz, yz, z], axis=-1).reshape(*x.shape, 3, 3)
    principal = np.linalg.eigvalsh(tensor)
    return np.asarray(principal[..., 2] - principal[..., 0])
