"""DensityMap: bone density in g/cm³, of a stated kind, with the record of how it was calibrated."""

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

#: `qct-k2hpo4` and `qct-ha` are what a CT with that phantom measures; `ash` and `apparent` are what a laboratory measures.
DensityKind = Literal["qct-k2hpo4", "qct-ha", "ash", "apparent"]
DENSITY_KINDS: tuple[DensityKind, ...] = get_args(DensityKind)


@dataclass(frozen=True, slots=True)
class DensityMap:
    """Density of every voxel. A law declares the kind that it takes, and a map of another kind is refused there.

    Parameters
    ----------
    grid
        Where the voxels are.
    g_cm3
        (z, y, x) float32, g/cm³. Fat and air may be negative.
    kind
        Which density this is.
    calibration
        How it came about: method, slope, intercept, r2, phantom, … as far as they apply.
    placement
        The way back to the patient.

    Raises
    ------
    ValueError
        When the array does not fit the grid, or the kind is unknown.
    """

    grid: Grid
    g_cm3: npt.NDArray[np.float32]
    kind: DensityKind
    calibration: Mapping[str, str | float | int] = field(default_factory=dict)
    placement: Placement = UNMOVED

    def __post_init__(self) -> None:
        expect_shape("g_cm3", self.g_cm3, self.grid.shape)
        if self.kind not in DENSITY_KINDS:
            raise ValueError(f"density kind {self.kind!r} is none of {', '.join(DENSITY_KINDS)}")

    def save(self, folder: Path) -> None:
        """Write `density_g_cm3.nii.gz` and `density.json`."""
        write_nifti(folder / "density_g_cm3.nii.gz", self.g_cm3.astype(np.float32, copy=False), self.grid)
        facts = {
            "grid": self.grid.as_dict(),
            "kind": self.kind,
            "calibration": dict(self.calibration),
            "placement": self.placement.as_dict(),
        }
        write_json(folder / "density.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "density.json")
        g_cm3 = read_nifti(folder / "density_g_cm3.nii.gz").astype(np.float32, copy=False)
        placement = Placement.from_dict(facts["placement"])
        return cls(Grid.from_dict(facts["grid"]), g_cm3, facts["kind"], facts["calibration"], placement)
