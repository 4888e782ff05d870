"""Dataset and its cases: what is known of them before a voxel is read, and the voxels of one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from culmann.data import Labels, Scan
from culmann.errors import InputError
from culmann.image_files import read_image_file, read_label_file

#: The description and the table of a dataset, in its folder.
DESCRIPTION = "dataset.yaml"
TABLE = "cases.csv"

#: The columns of the table, in order. Others are facts that are carried along.
COLUMNS = ("case", "patient", "side", "scan", "labels")


class Pair(NamedTuple):
    """What a network is trained and judged with: a scan and its labels on the same grid."""

    scan: Scan
    labels: Labels


@dataclass(frozen=True, slots=True)
class DatasetCase:
    """One scan with its labels.

    Parameters
    ----------
    case
        Its name, unique in the dataset.
    patient
        Whom it shows. Splits keep the cases of a patient together.
    side
        `left`, `right`, or empty.
    scan, labels
        The files, with absolute paths.
    facts
        What else the table says, {column: text}.
    """

    case: str
    patient: str
    side: str
    scan: Path
    labels: Path
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Cases of scans and labels, described.

    Parameters
    ----------
    folder
        Where it lies.
    name, about, licence
        What it is called, what it shows and where it is from, and what may be done with it.
    labels
        {name: number}, in ascending order of the numbers. The background, 0, is not among them.
    modality
        `CT`.
    cases
        In the order of the table.
    """

    folder: Path
    name: str
    labels: Mapping[str, int]
    cases: tuple[DatasetCase, ...]
    about: str = ""
    modality: str = "CT"
    licence: str = ""

    @property
    def names(self) -> dict[int, str]:
        """{number: name}, as `Labels` has it."""
        return {number: name for name, number in self.labels.items()}

    def case(self, name: str) -> DatasetCase:
        """The case of a name; raises InputError when there is none."""
        for case in self.cases:
            if case.case == name:
                return case
        raise InputError(f"the dataset {self.name!r} has no case {name!r}", hint=f"its cases stand in {self.folder / TABLE}")

    def only(self, names: tuple[str, ...]) -> Dataset:
        """The dataset with these cases alone, in this order (those of one part of a split)."""
        return replace(self, cases=tuple(self.case(name) for name in names))

    def load(self, case: DatasetCase) -> Pair:
        """Read the scan and the labels of a case; the labels have the names of the dataset.

        Raises
        ------
        InputError
            When a file cannot be read, scan and labels are on different grids, or a label is none of the dataset's.
        """
        file = read_image_file(case.scan)
        scan = Scan(file.grid, file.array.astype(np.float32), {}, (f"read: {case.scan.name}",))
        labels = read_label_file(case.labels)
        if not labels.grid.same_as(scan.grid):
            raise InputError(
                f"case {case.case!r}: the scan has {scan.grid.describe()}; the labels have {labels.grid.describe()}",
                hint="lay the labels onto the scan before: `culmann dataset import folder` does it",
            )
        strange = sorted(set(labels.present()) - set(self.names))
        if strange:
            raise InputError(
                f"case {case.case!r}: {case.labels} has label {', '.join(map(str, strange))}, which the dataset does not name",
                hint=f"name every label under `labels` in {self.folder / DESCRIPTION}",
            )
        return Pair(scan, replace(labels, grid=scan.grid, names=self.names))
