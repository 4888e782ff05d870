"""Response: what the bone did under the load, as a curve and as fields on the mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

import numpy as np

from culmann.data import vtu
from culmann.data.arrays import FloatArray, expect_shape
from culmann.data.mesh import Mesh
from culmann.data.records import read_json, write_json

SolverFact = str | float | int | bool


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields at one moment of the loading.

    Parameters
    ----------
    displacement_mm
        (n_points, 3), LPS.
    equivalent_strain, equivalent_plastic_strain, equivalent_stress_mpa
        (n_cells,): means over the cell, in the sense of the law's criterion.
    phase
        (n_cells,): 0 elastic, then the number of the piece of the law's curve that the cell has reached. Where the points of a
        cell differ, the furthest counts.
    """

    displacement_mm: FloatArray
    equivalent_strain: FloatArray
    equivalent_plastic_strain: FloatArray
    equivalent_stress_mpa: FloatArray
    phase: FloatArray


@dataclass(frozen=True, slots=True)
class Response:
    """Force over displacement, and the fields at the highest force and at the end.

    Parameters
    ----------
    mesh
        The mesh that the fields lie on.
    displacement_mm, force_n
        (m,): the curve, from (0, 0), measured along the direction of the load case.
    reference_height_mm
        From the load case.
    peak, end
        Fields at the highest force, and at the end.
    solver
        What the engine did: its name, version, scheme, iterations, residuals, …
    stop_reason
        Why the curve ends where it ends, in words. Empty when the full displacement was reached.
    cells
        {name: (n_cells,)}: what else one wants to see on the cells, such as `youngs_modulus_mpa` and `density_g_cm3`.
    reactions_n
        {prescribed set: (m, 3)}: the force that holds or moves the nodes of each set, LPS, at every point of the curve. A
        node in two sets counts in both.

    Raises
    ------
    ValueError
        When the shapes do not fit together.
    """

    mesh: Mesh
    displacement_mm: FloatArray
    force_n: FloatArray
    reference_height_mm: float
    peak: Fields
    end: Fields
    solver: Mapping[str, SolverFact]
    stop_reason: str = ""
    cells: Mapping[str, FloatArray] = field(default_factory=dict)
    reactions_n: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expect_shape("force_n", self.force_n, self.displacement_mm.shape)
        for name, values in self.cells.items():
            expect_shape(name, values, (self.mesh.n_cells,))
        for name, force in self.reactions_n.items():
            expect_shape(f"the reaction of {name!r}", force, (len(self.force_n), 3))
        for moment in (self.peak, self.end):
            expect_shape("displacement_mm", moment.displacement_mm, (self.mesh.n_points, 3))
            expect_shape("phase", moment.phase, (self.mesh.n_cells,))

    def save(self, folder: Path) -> None:
        """Write `curve.csv`, `fields.vtu`, `fields.json` and `response.json`, and `reactions_<number>.csv` for each set."""
        curve = np.stack([self.displacement_mm, self.force_n], axis=1)
        _write_table(folder / "curve.csv", curve, "displacement_mm,force_n")
        reactions = {name: f"reactions_{number}.csv" for number, name in enumerate(self.reactions_n)}
        for name, file in reactions.items():
            _write_table(folder / file, self.reactions_n[name], "force_x_n,force_y_n,force_z_n")
        at_points = {f"displacement_mm:{t}": m.displacement_mm for t, m in (("peak", self.peak), ("end", self.end))}
        at_cells = {
            f"{name}:{t}": getattr(m, name) for t, m in (("peak", self.peak), ("end", self.end)) for name in _CELL_FIELDS
        }
        self.mesh.save_with_fields(folder, "fields", at_points, {**self.cells, **at_cells})
        facts = {
            "reference_height_mm": self.reference_height_mm,
            "solver": dict(self.solver),
            "stop_reason": self.stop_reason,
            "cells": sorted(self.cells),
            "reactions": reactions,
        }
        write_json(folder / "response.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "response.json")
        curve = _read_table(folder / "curve.csv")
        mesh = Mesh.load(folder, "fields")
        content = vtu.read(folder / "fields.vtu", mesh.cell_type)

        def moment(t: str) -> Fields:
            cells = {name: content.cell_data[f"{name}:{t}"] for name in _CELL_FIELDS}
            return Fields(displacement_mm=content.point_data[f"displacement_mm:{t}"], **cells)

        return cls(
            mesh,
            curve[:, 0].copy(),
            curve[:, 1].copy(),
            facts["reference_height_mm"],
            moment("peak"),
            moment("end"),
            facts["solver"],
            facts["stop_reason"],
            {name: content.cell_data[name] for name in facts["cells"]},
            {name: _read_table(folder / file) for name, file in facts["reactions"].items()},
        )


def _write_table(path: Path, table: FloatArray, header: str) -> None:
    np.savetxt(path, table, fmt="%.17g", delimiter=",", header=header, comments="")


def _read_table(path: Path) -> FloatArray:
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


_CELL_FIELDS = tuple(item.name for item in fields(Fields) if item.name != "displacement_mm")
