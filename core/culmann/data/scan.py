"""Scan: a CT volume in Hounsfield units with what is known of its acquisition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import expect_shape
from culmann.data.grid import Grid
from culmann.data.images import read_nifti, write_nifti
from culmann.data.records import read_json, write_json

Fact = str | float | int


@dataclass(frozen=True, slots=True)
class Scan:
    """A CT volume.

    Parameters
    ----------
    grid
        Where the voxels are.
    hu
        (z, y, x) float32, Hounsfield units.
    acquisition
        What is known: `kvp`, `kernel`, `series_uid`, `manufacturer`, `table_height_mm`, `slice_thickness_mm`, …
    history
        What was done to it since it was read, oldest first.

    Raises
    ------
    ValueError
        When the array does not fit the grid.
    """

    grid: Grid
    hu: npt.NDArray[np.float32]
    acquisition: Mapping[str, Fact] = field(default_factory=dict)
    history: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expect_shape("hu", self.hu, self.grid.shape)

    def save(self, folder: Path) -> None:
        """Write `scan.nii.gz` and `scan.json`."""
        write_nifti(folder / "scan.nii.gz", self.hu.astype(np.float32, copy=False), self.grid)
        facts = {"grid": self.grid.as_dict(), "acquisition": dict(self.acquisition), "history": list(self.history)}
        write_json(folder / "scan.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "scan.json")
        hu = read_nifti(folder / "scan.nii.gz").astype(np.float32, copy=False)
        return cls(Grid.from_dict(facts["grid"]), hu, facts["acquisition"], tuple(facts["history"]))
