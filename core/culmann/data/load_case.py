"""LoadCase: which nodes are held or moved, how far and in which steps, and whose reaction is the load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from culmann.data.arrays import FloatArray, IntArray, expect_shape
from culmann.data.grid import Vector3
from culmann.data.records import read_json, write_json


@dataclass(frozen=True, slots=True)
class Prescribed:
    """Nodes that move together.

    Parameters
    ----------
    nodes
        (n,) int64, indices of mesh points.
    displacement_mm
        Displacement at full load along the three axes of the load case; None leaves that component free.
    """

    nodes: IntArray
    displacement_mm: tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class LoadCase:
    """How the bone is held and loaded.

    Parameters
    ----------
    prescribed
        {name: Prescribed}. A node in two sets keeps what the first of them prescribes, component by component.
    loaded
        The name of the set whose reaction is the load.
    direction
        Unit vector, LPS: along it the reaction and the displacement of the loaded set are measured, so that both are positive.
    reference_height_mm
        The length that strains of the whole model are taken from.
    axes
        (3, 3), rows are the unit axes that `Prescribed.displacement_mm` refers to, in LPS.
    load_steps
        Rising fractions of the full displacement, the last one 1.
    audit
        Facts about the boundary conditions for the report: areas, tilt, numbers of nodes.

    Raises
    ------
    ValueError
        When the loaded set is missing, a set is empty, the axes are not orthonormal or the load steps do not rise to 1.
    """

    prescribed: Mapping[str, Prescribed]
    loaded: str
    direction: Vector3
    reference_height_mm: float
    axes: FloatArray = field(default_factory=lambda: np.eye(3))
    load_steps: tuple[float, ...] = (1.0,)
    audit: Mapping[str, str | float | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expect_shape("axes", self.axes, (3, 3))
        if self.loaded not in self.prescribed:
            raise ValueError(f"the loaded set {self.loaded!r} is not among {', '.join(self.prescribed) or 'none'}")
        empty = [name for name, held in self.prescribed.items() if len(held.nodes) == 0]
        if empty:
            raise ValueError(f"no nodes in {', '.join(empty)}")
        if not np.allclose(self.axes @ self.axes.T, np.eye(3), atol=1e-9):
            raise ValueError("the axes of the load case are not orthonormal")
        if abs(float(np.linalg.norm(self.direction)) - 1) > 1e-9:
            raise ValueError("the direction of the load is not a unit vector")
        if not self.reference_height_mm > 0:
            raise ValueError(f"the reference height is {self.reference_height_mm} mm")
        steps = np.array([0.0, *self.load_steps])
        if len(steps) < 2 or (np.diff(steps) <= 0).any() or abs(steps[-1] - 1) > 1e-12:
            raise ValueError("load_steps must rise from above 0 to 1")

    def save(self, folder: Path) -> None:
        """Write `load_case.json`, and `nodes_<number>.csv` for each set."""
        sets = {}
        for number, (name, held) in enumerate(self.prescribed.items()):
            file = f"nodes_{number}.csv"
            np.savetxt(folder / file, held.nodes, fmt="%d", header="node", comments="")
            sets[name] = {"displacement_mm": list(held.displacement_mm), "nodes": file}
        facts = {
            "prescribed": sets,
            "loaded": self.loaded,
            "direction": list(self.direction),
            "reference_height_mm": self.reference_height_mm,
            "axes": self.axes.tolist(),
            "load_steps": list(self.load_steps),
            "audit": dict(self.audit),
        }
        write_json(folder / "load_case.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "load_case.json")
        prescribed = {}
        for name, held in facts["prescribed"].items():
            nodes = np.loadtxt(folder / held["nodes"], skiprows=1, dtype=np.int64, ndmin=1)
            x, y, z = held["displacement_mm"]
            prescribed[name] = Prescribed(nodes, (x, y, z))
        dx, dy, dz = facts["direction"]
        return cls(
            prescribed,
            facts["loaded"],
            (dx, dy, dz),
            facts["reference_height_mm"],
            np.array(facts["axes"], dtype=float),
            tuple(facts["load_steps"]),
            facts["audit"],
        )
