"""Training cases: a scan and its labels, brought once onto the voxels of the network and kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from culmann.data import Labels, Scan
from culmann.errors import InputError
from culmann.orientation import turn_of
from culmann.regridding import labels_onto
from culmann_networks.placing import resampled, weights_between, working_grid
from culmann_networks.plausible import expect_hounsfield

#: Labelled voxels that are remembered for every class, to centre patches on.
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Task:
    """What is learnt from label maps.

    Parameters
    ----------
    names
        {label: name} of all labels of the data set that are learnt; others are background when `others_known` has them.
    merged
        The name of all of them together, when they are learnt as one.
    known
        Every label that may occur.
    """

    names: Mapping[int, str]
    merged: str | None
    known: frozenset[int]

    @property
    def labels(self) -> dict[int, str]:
        """{label: name} of what the model gives."""
        return {1: self.merged} if self.merged is not None else dict(sorted(self.names.items()))

    def classes(self, label: npt.NDArray[np.int32], case: str) -> npt.NDArray[np.uint8]:
        """The class of every voxel: 0 for the background, then the labels in ascending order.

        Raises
        ------
        InputError
            When a label occurs that the data set does not name.
        """
        present = {int(v) for v in np.unique(label) if v != 0}
        strange = sorted(present - self.known)
        if strange:
            raise InputError(
                f"case {case!r} has the labels {', '.join(map(str, strange))}, which the data set does not name "
                f"(it names {', '.join(f'{v} ({n})' for v, n in sorted(self.names.items()))})",
                hint="add them to the labels of the data set, or name in the option `labels` those that are to be learnt",
            )
        table = np.zeros(max([*present, *self.names]) + 1, dtype=np.uint8)
        for position, value in enumerate(sorted(self.names), start=1):
            table[value] = 1 if self.merged is not None else position
        return np.asarray(table[label])


@dataclass(frozen=True, slots=True)
class Case:
    """A case on the voxels of the network.

    Parameters
    ----------
    name
        Of the case.
    hu
        (z, y, x) int16, cut off at the window of the model.
    classes
        (z, y, x) uint8.
    centres
        For every class that occurs, up to 20,000 of its voxels (n, 3).
    """

    name: str
    hu: npt.NDArray[np.int16]
    classes: npt.NDArray[np.uint8]
    centres: tuple[npt.NDArray[np.int32], ...]


def read_case(
    name: str, scan: Scan, labels: Labels, task: Task, spacing_mm: tuple[float, float, float], window_hu: tuple[float, float]
) -> Case:
    """A case, ready for training.

    Raises
    ------
    InputError
        When the scan is no CT in Hounsfield units, or its labels are none of the task or do not lie in it.
    """
    try:
        expect_hounsfield(scan.hu, f"the scan of case {name!r}")
    except InputError as problem:
        raise InputError(problem.message, hint="training needs the CT in Hounsfield units") from problem
    hu, classes = on_network(scan, labels, task, name, spacing_mm, window_hu)
    if not classes.any():
        raise InputError(
            f"nothing of what is to be learnt lies in the scan of case {name!r}",
            hint="does the label map belong to the scan, and does it have one of "
            f"{', '.join(f'{v} ({n})' for v, n in sorted(task.names.items()))}?",
        )
    random = np.random.default_rng(0)
    centres = []
    for c in range(1, int(classes.max()) + 1):
        where = np.flatnonzero(classes == c)
        if where.size:
            some = random.choice(where, min(where.size, _REMEMBERED), replace=False)
            centres.append(np.stack(np.unravel_index(some, classes.shape), axis=1).astype(np.int32))
    return Case(name, hu, classes, tuple(centres))


def on_network(
    scan: Scan, labels: Labels, task: Task, case: str, spacing_mm: tuple[float, float, float], window_hu: tuple[float, float]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Grey values and classes on the voxels of the network."""
    turn = turn_of(scan.grid)
    grid = working_grid(turn.grid, spacing_mm)
    values = resampled(turn.apply(scan.hu), weights_between(turn.grid, grid))
    hu = np.round(np.clip(values, *window_hu)).astype(np.int16)
    task.classes(labels.label, case)  # refuses strange labels before they may vanish
    return hu, task.classes(labels_onto(labels, grid).label, case)
