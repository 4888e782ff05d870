"""What scans are made from: a label map with smooth surfaces, and the CT that goes with it where there is one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from culmann.data import Grid, Labels, Scan
from culmann.errors import InputError
from culmann.regridding import labels_onto
from culmann_synthesis.clusters import class_means
from culmann_synthesis.config import SynthesisConfig
from culmann_synthesis.halves import middles, upper
from culmann_synthesis.tissues import tissue_of


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A label map of a body or a part of one, ready to be warped and painted.

    Parameters
    ----------
    name
        For messages and tables.
    labels
        On a fine grid, so that surfaces are smooth where the source has coarse voxels.
    target
        (z, y, x) on the same grid: the labels of the result.
    tissues
        {label: tissue} for the labels that occur.
    scan
        The CT that the labels were drawn in, on its own grid, or None.
    classes_hu
        Mean brightness of the classes that the unlabelled voxels of the CT fall into, ascending; empty without a CT.
    """

    name: str
    labels: Labels
    target: npt.NDArray[np.uint8]
    tissues: Mapping[int, str]
    scan: Scan | None
    classes_hu: tuple[float, ...]


def prepared(name: str, labels: Labels, scan: Scan | None, config: SynthesisConfig) -> Anatomy:
    """An anatomy from a label map and its CT.

    Raises
    ------
    InputError
        When nothing is labelled, or the CT is normalised.
    """
    if not labels.foreground.any():
        raise InputError(f"no voxel of the label map of {name} is labelled")
    classes: tuple[float, ...] = ()
    if scan is not None:
        scan.expect_hu("synthesize")
        classes = class_means(scan.hu[labels_onto(labels, scan.grid, "nearest").label == 0])
    fine = replace(labels_onto(labels, _finer(labels.grid, config.fine_mm)), names=labels.present())
    tissues = {value: tissue_of(label) for value, label in fine.names.items()}
    return Anatomy(name, fine, _targets(fine, labels, config), tissues, scan, classes)


def _targets(fine: Labels, labels: Labels, config: SynthesisConfig) -> npt.NDArray[np.uint8]:
    """The labels of the result: the last target that names a bone has it."""
    lower_of = np.zeros(max(fine.names) + 1, dtype=np.uint8)
    number, cut = 0, list[int]()
    for name_of_target, patterns in config.targets.items():
        bones = [value for value, name in fine.names.items() if any(fnmatchcase(name, pattern) for pattern in patterns)]
        number += 2 if name_of_target in config.halves else 1
        lower_of[bones] = number
        cut += bones if name_of_target in config.halves else []
    target = lower_of[fine.label]
    if cut:
        target -= upper(fine.grid, fine.label, middles(labels, cut)).astype(np.uint8)
    return target


def _finer(grid: Grid, fine_mm: float) -> Grid:
    """A grid over the same volume whose voxels are at most `fine_mm` wide."""
    times = [max(1, math.ceil(step / fine_mm - 1e-6)) for step in grid.spacing_mm]
    sx, sy, sz = (step / n for step, n in zip(grid.spacing_mm, times, strict=True))
    i, j, k = (size * n for size, n in zip(grid.size, times, strict=True))
    first = grid.to_world(np.array([[0.5 / n - 0.5 for n in times]]))[0]
    return replace(grid, size=(i, j, k), spacing_mm=(sx, sy, sz), origin_mm=(float(first[0]), float(first[1]), float(first[2])))
