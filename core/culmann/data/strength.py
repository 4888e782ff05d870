"""Strength: the failure load, with where it was read off the curve and what to be careful about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from culmann.data.records import read_json, write_json


@dataclass(frozen=True, slots=True)
class Strength:
    """The answer.

    Parameters
    ----------
    failure_load_n
        The failure load.
    criterion
        The rule by which it was read, in words.
    displacement_mm, strain
        Where on the curve it was read; `strain` is the displacement over the reference height.
    stiffness_n_mm
        Initial slope of the curve.
    caveats
        What to be careful about. Warnings of all steps that this strength was computed from are put in front of it.
    body_weights
        The failure load over the weight of the patient, where that is known. No threshold of it is implied.
    """

    failure_load_n: float
    criterion: str
    displacement_mm: float
    strain: float
    stiffness_n_mm: float
    caveats: tuple[str, ...] = ()
    body_weights: float | None = None

    def save(self, folder: Path) -> None:
        """Write `strength.json`."""
        write_json(folder / "strength.json", {**asdict(self), "caveats": list(self.caveats)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "strength.json")
        return cls(**{**facts, "caveats": tuple(facts["caveats"])})
