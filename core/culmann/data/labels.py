"""Labels: which voxel belongs to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import BoolArray, expect_shape
from culmann.data.grid import Grid
from culmann.data.images import read_nifti, write_nifti
from culmann.data.placement import UNMOVED, Placement
from culmann.data.records import read_json, write_json


@dataclass(frozen=True, slots=True)
class Labels:
    """An integer map on a grid, with the name of each label. 0 is background and has no name.

    Parameters
    ----------
    grid
        Where the voxels are.
    label
        (z, y, x) int32.
    names
        {label: name}. A label that is present and has no name is called `label-<number>`.
    history
        What was done to it since it was read, oldest first.
    placement
        The way back to the patient.

    Raises
    ------
    ValueError
        When the array does not fit the grid.
    """

    grid: Grid
    label: npt.NDArray[np.int32]
    names: Mapping[int, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    placement: Placement = UNMOVED

    def __post_init__(self) -> None:
        expect_shape("label", self.label, self.grid.shape)

    @property
    def foreground(self) -> BoolArray:
        """(z, y, x): whether a voxel has any label."""
        return np.asarray(self.label != 0)

    def present(self) -> dict[int, str]:
        """{label: name} of the labels that occur, in ascending order."""
        found = (int(v) for v in np.unique(self.label) if v != 0)
        return {v: self.names.get(v, f"label-{v}") for v in found}

    def save(self, folder: Path) -> None:
        """Write `labels.nii.gz` and `labels.json`."""
        write_nifti(folder / "labels.nii.gz", self.label.astype(np.int32, copy=False), self.grid)
        names = {str(v): name for v, name in sorted(self.names.items())}
        facts = {
            "grid": self.grid.as_dict(),
            "names": names,
            "history": list(self.history),
            "placement": self.placement.as_dict(),
        }
        write_json(folder / "labels.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = read_json(folder / "labels.json")
        label = read_nifti(folder / "labels.nii.gz").astype(np.int32, copy=False)
        names = {int(v): str(name) for v, name in facts["names"].items()}
        placement = Placement.from_dict(facts["placement"])
        return cls(Grid.from_dict(facts["grid"]), label, names, tuple(facts["history"]), placement)
