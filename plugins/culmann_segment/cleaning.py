"""Label maps as networks give them, cleaned label by label: islands, specks of one label in another, holes, crumbs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Labels
from culmann.data.arrays import BoolArray
from culmann.errors import InputError
from culmann.journal import Journal

#: A label that loses more than this share of its volume is worth a warning.
_LOST_SHARE = 0.1

LabelArray = npt.NDArray[np.int32]


class CleanLabelsConfig(Config):
    """Options of `clean-labels`."""

    opening_voxels: int = Field(
        0,
        ge=0,
        description="First cut thin bridges in every label, by an erosion and a dilation of so many voxels, counted across "
        "faces. A label that would vanish is left as it is.",
    )
    largest_only: bool = Field(True, description="Of every label keep only the largest part that voxel faces connect.")
    minimal_part_mm3: float = Field(
        0.0, ge=0, description="Without `largest_only`: parts of a label that are smaller than this go, but for the largest."
    )
    give_to_neighbour: bool = Field(
        True,
        description="A part that goes and touches another label with at least half of its surface becomes that label; "
        "otherwise it becomes background.",
    )
    fill_holes: bool = Field(True, description="Cavities that a label encloses on all sides become that label.")
    minimal_label_mm3: float = Field(0.0, ge=0, description="Labels that are smaller than this in the end go altogether.")


def clean_labels(labels: Labels, config: CleanLabelsConfig, journal: Journal) -> Labels:
    """Clean every label by itself, as Saillard et al. 2024 do after their networks; what was done stands in the history.

    Raises
    ------
    InputError
        When nothing is labelled, or nothing is left.
    """
    before = labels.present()
    if not before:
        raise InputError("no voxel is labelled: there is nothing to clean")
    label, voxel_mm3 = labels.label.copy(), labels.grid.voxel_volume_mm3
    volume = {value: int((label == value).sum()) for value in before}
    if config.opening_voxels:
        for value in before:
            _open(label, value, config.opening_voxels)
    parts = [part for value in before for part in _parts_that_go(label, value, config, voxel_mm3)]
    for value, part in sorted(parts, key=lambda entry: int(entry[1].sum()), reverse=True):
        label[part] = _neighbour(label, value, part) if config.give_to_neighbour else 0
    if config.fill_holes:
        for value in before:
            hole = np.asarray(ndimage.binary_fill_holes(label == value)) & (label == 0)
            label[hole] = value
    for value in before:
        if 0 < (label == value).sum() * voxel_mm3 < config.minimal_label_mm3:
            label[label == value] = 0
    if not label.any():
        raise InputError(
            "clean-labels leaves nothing", hint=f"the labels are smaller than `minimal_label_mm3`, {config.minimal_label_mm3:g}"
        )
    told = list[str]()
    for value, name in before.items():
        lost = int(((labels.label == value) & (label != value)).sum())
        won = int(((labels.label != value) & (label == value)).sum())
        if lost or won:
            told.append(f"{name} -{lost} +{won}")
        if lost > _LOST_SHARE * volume[value]:
            what = "all" if not (label == value).any() else f"{100 * lost / volume[value]:.0f} %"
            journal.warn(
                f"cleaning took {what} of {name} away ({lost * voxel_mm3:.4g} mm3): is it one bone, and well segmented?"
            )
    history = f"clean-labels: {', '.join(told) if told else 'nothing to do'} (voxels)"
    return replace(labels, label=label, history=(*labels.history, history))


def _open(label: LabelArray, value: int, voxels: int) -> None:
    """Take away what an erosion and a dilation do not leave of a label; what they add is not taken."""
    mask = label == value
    outside = np.pad(~mask, voxels, constant_values=False)  # the border of the image cuts bones, it is no surface
    core = ndimage.distance_transform_cdt(~outside, metric="taxicab")[(slice(voxels, -voxels),) * 3] > voxels
    if not core.any():
        return
    kept = ndimage.distance_transform_cdt(~core, metric="taxicab") <= voxels
    label[mask & ~kept] = 0


def _parts_that_go(label: LabelArray, value: int, config: CleanLabelsConfig, voxel_mm3: float) -> list[tuple[int, BoolArray]]:
    """(label, where) of the parts of a label that are not kept."""
    part, count = ndimage.label(label == value)
    if count < 2:
        return []
    voxels = np.bincount(part.ravel())
    voxels[0] = 0
    largest = int(voxels.argmax())
    small = [
        number
        for number in range(1, count + 1)
        if number != largest and (config.largest_only or voxels[number] * voxel_mm3 < config.minimal_part_mm3)
    ]
    return [(value, np.asarray(part == number)) for number in small]


def _neighbour(label: LabelArray, value: int, part: BoolArray) -> int:
    """The label that at least half of the faces of a part touch, or 0."""
    box = ndimage.find_objects(part.astype(np.uint8))[0]
    window = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)
    inside, around = part[window], label[window]
    faces: dict[int, int] = {}
    total = 0
    for axis in range(3):
        for step in (-1, 1):
            source = [slice(None)] * 3
            target = [slice(None)] * 3
            source[axis], target[axis] = (slice(1, None), slice(None, -1)) if step < 0 else (slice(None, -1), slice(1, None))
            touched = around[tuple(target)][inside[tuple(source)] & ~inside[tuple(target)]]
            total += touched.size
            for other, count in zip(*np.unique(touched, return_counts=True), strict=True):
                faces[int(other)] = faces.get(int(other), 0) + int(count)
    best = max((other for other in faces if other not in (0, value)), key=lambda other: (faces[other], -other), default=0)
    return best if best and 2 * faces[best] >= total else 0
