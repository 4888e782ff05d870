"""Scan: a CT volume in Hounsfield units with what is known of its acquisition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import expect_shape
from culmann.data.grid import Grid
from culmann.data.images import read_nifti, write_nifti
from culmann.data.placement import UNMOVED, Placement
from culmann.data.records import read_json, write_json
from culmann.errors import InputError

Fact = str | float | int

#: `hu`: what the scanner measured. `normalised`: rescaled for a network, and of no use for densities.
Intensity = Literal["hu", "normalised"]


@dataclass(frozen=True, slots=True)
class Scan:
    """A CT volume.

    Parameters
    ----------
    grid
        Where the voxels are.
    hu
        (z, y, x) float32, Hounsfield units, unless `intensity` says otherwise.
    acquisition
        What is known: `kvp`, `kernel`, `series_uid`, `manufacturer`, `table_height_mm`, `slice_thickness_mm`, …
    history
        What was done to it since it was read, oldest first.
    placement
        The way back to the patient.
    intensity
        What the values of `hu` are. Steps that need Hounsfield units call `expect_hu`.

    Raises
    ------
    ValueError
        When the array does not fit the grid, or the intensity is unknown.
    """

    grid: Grid
    hu: npt.NDArray[np.float32]
    acquisition: Mapping[str, Fact] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    placement: Placement = UNMOVED
    intensity: Intensity = "hu"

    def __post_init__(self) -> None:
        expect_shape("hu", self.hu, self.grid.shape)
        if self.intensity not in get_args(Intensity):
            raise ValueError(f"intensity {self.intensity!r} is none of {', '.join(get_args(Intensity))}")

    def expect_hu(self, purpose: str) -> None:
        """Raise InputError, naming the purpose, unless the values are Hounsfield units."""
        if self.intensity != "hu":
            raise InputError(
                f"{purpose} needs the values as they were measured, and those of this scan were normalised",
                hint="take the scan from before `normalise-intensity`, with `from`",
            )

    def save(self, folder: Path) -> None:
        """Write `scan.nii.gz` and `scan.json`."""
        write_nifti(folder / "scan.nii.gz", self.hu.astype(np.float32, copy=False), self.grid)
        facts = {
            "grid": self.grid.as_dict(),
            "acquisition": dict(self.acquisition),
            "history": list(self.history),
            "placement": self.placement.as_dict(),
            "intensity": self.intensity,
        }
        write_json(folder / "scan.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "scan.json")
        hu = read_nifti(folder / "scan.nii.gz").astype(np.float32, copy=False)
        placement = Placement.from_dict(facts["placement"])
        history = tuple(facts["history"])
        return cls(Grid.from_dict(facts["grid"]), hu, facts["acquisition"], history, placement, facts["intensity"])
