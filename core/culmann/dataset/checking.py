"""The images of a dataset checked: what would stop a training after hours is told before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from culmann.csv_tables import read_table
from culmann.data import Grid
from culmann.dataset.model import TABLE, Dataset, DatasetCase
from culmann.dataset.reading import told
from culmann.errors import InputError
from culmann.image_files import read_image_file, read_image_grid, read_label_file
from culmann.pipeline.problems import Problems

#: A CT has air or fat in it, below this, and no value beyond these, HU: what is outside was rescaled, or is no CT.
_SOMETHING_SOFT_HU = 0.0
_PLAUSIBLE_HU = (-10_000.0, 40_000.0)


def check_dataset(dataset: Dataset, progress: Callable[[str, float], None] | None = None) -> tuple[str, ...]:
    """Read every image of a dataset; gives back cautions, one sentence each, about what may be meant so.

    Raises
    ------
    InputError
        With the place of each in the table: images that cannot be read, empty labels, labels that the dataset does not name,
        scan and labels on different grids.
    """
    table = read_table(dataset.folder / TABLE, Problems())
    marks = {row["case"].text: row for row in table.rows}
    problems = Problems()
    cautions = list[str]()
    seen = set[int]()
    for number, case in enumerate(dataset.cases):
        if progress is not None:
            progress(case.case, number / len(dataset.cases))
        row = marks[case.case]
        try:
            grid, soft = _scan(case.scan)
            cautions += [f"case {case.case}: {text}" for text in soft]
        except InputError as error:
            problems.add(row["scan"].mark, error.message, error.hint)
            continue
        try:
            present = _labels(dataset, case, grid)
            seen |= present
        except InputError as error:
            problems.add(row["labels"].mark, error.message, error.hint)
    told(problems)
    cautions += [f"no case has the label {name} ({number})" for name, number in dataset.labels.items() if number not in seen]
    return tuple(cautions)


def _scan(path: Path) -> tuple[Grid, list[str]]:
    file = read_image_file(path)
    low, high = float(file.array.min()), float(file.array.max())
    cautions = list[str]()
    if low == high:
        raise InputError(f"{path}: every voxel is {low:g}, there is nothing in the image")
    if low < _PLAUSIBLE_HU[0] or high > _PLAUSIBLE_HU[1]:
        cautions.append(f"{path.name} goes from {low:g} to {high:g}, which no CT in HU does")
    elif low >= _SOMETHING_SOFT_HU:
        cautions.append(
            f"{path.name} goes from {low:g} to {high:g}: nothing is below 0, as fat and air are in HU. Is it a CT in HU?"
        )
    return file.grid, cautions


def _labels(dataset: Dataset, case: DatasetCase, grid: Grid) -> set[int]:
    """The numbers in the label map of a case."""
    of_labels = read_image_grid(case.labels)
    if not of_labels.same_as(grid):
        raise InputError(
            f"scan and labels are on different grids: the scan has {grid.describe()}; the labels have {of_labels.describe()}",
            hint="`culmann dataset import folder` lays labels onto the scan",
        )
    present = {int(v) for v in np.unique(read_label_file(case.labels).label)} - {0}
    strange = sorted(present - set(dataset.names))
    if strange:
        raise InputError(
            f"label {', '.join(map(str, strange))} has no name in the dataset; it has "
            + ", ".join(f"{name} ({number})" for name, number in dataset.labels.items()),
            hint="add it under `labels` in dataset.yaml, or remove it from the map",
        )
    return present
