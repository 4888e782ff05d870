"""Segments that may overlap, one mask each, into a label map with one label a voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from culmann.data import Grid, Labels
from culmann.data.arrays import BoolArray
from culmann.errors import InputError

#: Which segment gets a voxel that lies in several: none (an error), the first or the last of them in the file's order.
Overlap = Literal["refuse", "first", "last"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: its name, the number that it has in its file, and where it is, (z, y, x)."""

    name: str
    number: int
    mask: BoolArray


def labels_of(
    segments: Sequence[Segment], grid: Grid, where: str, overlap: Overlap = "refuse", *, may_be_empty: bool = False
) -> Labels:
    """One label map of segments. They keep their numbers when these differ, and are counted from 1 otherwise.

    Parameters
    ----------
    where
        The file, for messages.

    Raises
    ------
    InputError
        When nothing is segmented and that may not be, two segments have one name, or segments overlap that may not.
    """
    names = [segment.name for segment in segments]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(
            f"{where} has several segments of the name {', '.join(doubled)}", hint="rename them in the program they come from"
        )
    if not may_be_empty and not any(segment.mask.any() for segment in segments):
        raise InputError(f"{where}: no voxel is labelled, all segments are empty")
    numbers = [segment.number for segment in segments]
    if len(set(numbers)) < len(numbers) or min(numbers) < 1:
        numbers = list(range(1, len(segments) + 1))
    label: npt.NDArray[np.int32] = np.zeros(grid.shape, dtype=np.int32)
    for segment, number in zip(segments, numbers, strict=True):
        taken = segment.mask & (label != 0)
        if overlap == "refuse" and taken.any():
            other = names[numbers.index(int(label[taken][0]))]
            raise InputError(
                f"{where}: the segments {other!r} and {segment.name!r} overlap in {int(taken.sum())} voxels, and a voxel of a "
                "label map has one label",
                hint="say which wins: `overlap` first or last in the order of the file; or correct the segments",
            )
        label[segment.mask & ~taken if overlap == "first" else segment.mask] = number
    return Labels(grid, label, dict(zip(numbers, names, strict=True)))
