"""Materials: what every cell is made of, said so that any solver can take it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Self

import numpy as np

from culmann.data.arrays import FloatArray, expect_shape
from culmann.data.orthotropy import Orthotropy
from culmann.data.records import read_json, write_json
from culmann.data.stress_update import StressUpdate

Criterion = Literal["von-mises", "tresca"]
Unloading = Literal["plastic", "secant"]


@dataclass(frozen=True, slots=True)
class Materials:
    """Per cell: elasticity, and the equivalent stress over equivalent plastic strain, as straight pieces.

    The curve of a cell starts at its yield stress (`plastic_strain[:, 0]` is 0) and stays at its last stress for ever after.
    k = 0 points say that the cell is linear elastic. The total equivalent strain at a point of the curve is
    `plastic_strain + stress_mpa / youngs_modulus_mpa`, as in a uniaxial test.

    Parameters
    ----------
    youngs_modulus_mpa, poisson_ratio, density_g_cm3
        (n_cells,).
    stress_mpa, plastic_strain
        (n_cells, k). The stress may fall along the curve (softening), and stays above 0.
    criterion
        Which equivalent stress: `von-mises` or `tresca`.
    unloading
        `plastic`: unload along the elastic slope. `secant`: the modulus falls to stress / strain and never recovers.
    characteristic_length_mm
        The element size that the falling part of the curve was made for; None where nothing depends on it.
    law
        Name of the law, for reports.
    orthotropy
        Elastic constants along three axes, as ratios to the Young's modulus of each bone cell; None for isotropic bone. The
        cells of `Mesh.solids` are isotropic in any case: `mesh.is_bone` tells a solver which is which. The `poisson_ratio`
        of an orthotropic cell is a nominal one that no solver uses.
    stress_update
        A law's own function from strain to stress, for bone cells; None for the behaviour that the rest describes. The native
        solver runs it; a solver that does not must refuse it.

    Raises
    ------
    ValueError
        When shapes do not fit, a value is not finite, a modulus or a stress of a curve is not positive, or ν is not within
        (-1, 0.5).
    """

    youngs_modulus_mpa: FloatArray
    poisson_ratio: FloatArray
    stress_mpa: FloatArray
    plastic_strain: FloatArray
    density_g_cm3: FloatArray
    criterion: Criterion = "von-mises"
    unloading: Unloading = "plastic"
    characteristic_length_mm: float | None = None
    law: str = ""
    orthotropy: Orthotropy | None = None
    stress_update: StressUpdate | None = None

    def __post_init__(self) -> None:
        n = len(self.youngs_modulus_mpa)
        for name in ("youngs_modulus_mpa", "poisson_ratio", "density_g_cm3"):
            expect_shape(name, getattr(self, name), (n,))
        expect_shape("stress_mpa", self.stress_mpa, (n, None))
        expect_shape("plastic_strain", self.plastic_strain, self.stress_mpa.shape)
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray) and not np.isfinite(value).all():
                where = int(np.argwhere(~np.isfinite(value))[0][0])
                raise ValueError(f"{item.name} is not finite in cell {where}")
        if not (self.youngs_modulus_mpa > 0).all():
            where = int(np.argmin(self.youngs_modulus_mpa))
            raise ValueError(f"Young's modulus is {self.youngs_modulus_mpa[where]} MPa in cell {where}")
        if not ((self.poisson_ratio > -1) & (self.poisson_ratio < 0.5)).all():
            raise ValueError("Poisson's ratio must lie between -1 and 0.5 (both excluded)")
        if not (self.stress_mpa > 0).all():
            where, point = (int(n) for n in np.argwhere(self.stress_mpa <= 0)[0])
            what = "the yield stress" if point == 0 else f"the stress at point {point} of the curve"
            raise ValueError(f"{what} is {self.stress_mpa[where, point]:g} MPa in cell {where}: it must be above 0")
        if self.stress_mpa.shape[1] and np.abs(self.plastic_strain[:, 0]).max() > 0:
            raise ValueError("a curve starts at yield: plastic_strain[:, 0] must be 0")
        if (np.diff(self.plastic_strain, axis=1) < 0).any():
            raise ValueError("plastic_strain falls along a curve")
        if self.stress_update is not None:
            expect_shape("stress_update.parameters", self.stress_update.parameters, (n, None))

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.youngs_modulus_mpa)

    @property
    def is_linear(self) -> bool:
        """Whether no cell ever yields."""
        return not self.stress_mpa.shape[1] and self.stress_update is None

    def save(self, folder: Path) -> None:
        """Write `materials.csv`, a row a cell, and `materials.json`."""
        k = self.stress_mpa.shape[1]
        columns = ["youngs_modulus_mpa", "poisson_ratio", "density_g_cm3"]
        columns += [f"stress_mpa_{p}" for p in range(k)] + [f"plastic_strain_{p}" for p in range(k)]
        scalars = np.stack([self.youngs_modulus_mpa, self.poisson_ratio, self.density_g_cm3], axis=1)
        own = self.stress_update
        parameters = np.zeros((self.n_cells, 0)) if own is None else own.parameters
        columns += [f"parameter_{p}" for p in range(parameters.shape[1])]
        table = np.concatenate([scalars, self.stress_mpa, self.plastic_strain, parameters], axis=1)
        np.savetxt(folder / "materials.csv", table, fmt="%.17g", delimiter=",", header=",".join(columns), comments="")
        facts = {
            "criterion": self.criterion,
            "unloading": self.unloading,
            "characteristic_length_mm": self.characteristic_length_mm,
            "law": self.law,
            "points_per_curve": k,
            "orthotropy": None if self.orthotropy is None else self.orthotropy.as_dict(),
            "stress_update": None if own is None else {"target": own.target, "n_state": own.n_state},
        }
        write_json(folder / "materials.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "materials.json")
        k = int(facts["points_per_curve"])
        table = np.loadtxt(folder / "materials.csv", delimiter=",", skiprows=1, ndmin=2)
        own = facts["stress_update"]
        return cls(
            youngs_modulus_mpa=table[:, 0].copy(),
            poisson_ratio=table[:, 1].copy(),
            density_g_cm3=table[:, 2].copy(),
            stress_mpa=table[:, 3 : 3 + k].copy(),
            plastic_strain=table[:, 3 + k : 3 + 2 * k].copy(),
            criterion=facts["criterion"],
            unloading=facts["unloading"],
            characteristic_length_mm=facts["characteristic_length_mm"],
            law=facts["law"],
            orthotropy=Orthotropy.from_dict(facts["orthotropy"]) if facts["orthotropy"] else None,
            stress_update=StressUpdate(own["target"], table[:, 3 + 2 * k :].copy(), own["n_state"]) if own else None,
        )
