"""Landmarks: named places, directions, lengths and angles of a bone, whichever bone it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.data.grid import Vector3
from culmann.data.placement import UNMOVED, Placement
from culmann.data.records import read_json, write_json
from culmann.errors import InputError

#: How much longer or shorter than 1 a direction may be.
_UNIT = 1e-9


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What is known of the shape of a bone. The step that found it says what each name means.

    Parameters
    ----------
    points_mm
        {name: place}, LPS.
    directions
        {name: unit vector}, LPS.
    lengths_mm
        {name: length}, not negative.
    angles_deg
        {name: angle}.
    facts
        Whatever else is to be known: the side of the body, what had to be guessed.
    history
        What was done to the labels that they were found on, oldest first, and how they were found.
    placement
        The way back to the patient.

    Raises
    ------
    ValueError
        When a number is not finite, a direction is not a unit vector or a length is negative.
    """

    points_mm: Mapping[str, Vector3]
    directions: Mapping[str, Vector3] = field(default_factory=dict)
    lengths_mm: Mapping[str, float] = field(default_factory=dict)
    angles_deg: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str | float | int] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    placement: Placement = UNMOVED

    def __post_init__(self) -> None:
        for name, vector in {**self.points_mm, **self.directions}.items():
            if len(vector) != 3 or not np.isfinite(vector).all():
                raise ValueError(f"{name!r} needs three finite numbers, not {vector}")
        for name, vector in self.directions.items():
            if abs(float(np.linalg.norm(vector)) - 1) > _UNIT:
                raise ValueError(f"the direction {name!r} is not a unit vector")
        for name, length in self.lengths_mm.items():
            if not (np.isfinite(length) and length >= 0):
                raise ValueError(f"the length {name!r} is {length} mm")
        for name, angle in self.angles_deg.items():
            if not np.isfinite(angle):
                raise ValueError(f"the angle {name!r} is {angle} degrees")

    def point(self, name: str) -> FloatArray:
        """(3,): a place, mm, LPS. Raises InputError when there is none of that name."""
        return np.asarray(_named("point", name, self.points_mm), dtype=float)

    def direction(self, name: str) -> FloatArray:
        """(3,): a unit vector, LPS. Raises InputError when there is none of that name."""
        return np.asarray(_named("direction", name, self.directions), dtype=float)

    def length(self, name: str) -> float:
        """A length in mm. Raises InputError when there is none of that name."""
        return float(_named("length", name, self.lengths_mm))

    def save(self, folder: Path) -> None:
        """Write `landmarks.json`."""
        facts = {
            "points_mm": {name: list(at) for name, at in self.points_mm.items()},
            "directions": {name: list(along) for name, along in self.directions.items()},
            "lengths_mm": dict(self.lengths_mm),
            "angles_deg": dict(self.angles_deg),
            "facts": dict(self.facts),
            "history": list(self.history),
            "placement": self.placement.as_dict(),
        }
        write_json(folder / "landmarks.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "landmarks.json")
        return cls(
            {name: (x, y, z) for name, (x, y, z) in facts["points_mm"].items()},
            {name: (x, y, z) for name, (x, y, z) in facts["directions"].items()},
            facts["lengths_mm"],
            facts["angles_deg"],
            facts["facts"],
            tuple(facts["history"]),
            Placement.from_dict(facts["placement"]),
        )


def _named(what: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        have = ", ".join(sorted(known)) or "none"
        raise InputError(
            f"the landmarks have no {what} {name!r}; theirs are: {have}",
            hint="these landmarks were found on another kind of bone, or by another step",
        )
    return known[name]
