"""Vertebrae told apart: bone of a spine into one label a vertebra, and which of them are wholly in view."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Labels, Scan
from culmann.data.arrays import BoolArray, FloatArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_segment.classical_femur_working import turned, turned_back
from culmann_segment.vertebrae_grown import Bone, IntMap, grown
from culmann_segment.vertebrae_picture import vertebrae_picture

#: From the head down, with the numbers of VerSe: C1 is 1, L5 is 24.
LEVELS = (*(f"C{n}" for n in range(1, 8)), *(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6)))


class SeparateVertebraeConfig(Config):
    """Options of `separate-vertebrae`."""

    upper: str = Field(
        "vertebra-upper",
        description="Name of the label of the upper halves of vertebrae. Where it or `lower` is absent, all labels are bone "
        "of which the halves are not known, and vertebrae that touch are parted less well.",
    )
    lower: str = Field("vertebra-lower", description="Name of the label of the lower halves.")
    choose: Literal["complete", "middle", "all"] = Field(
        "complete",
        description="`complete`: every vertebra that is wholly in view. `middle`: of these the one nearest to the middle of "
        "the image. `all`: those that the border cuts too.",
    )
    lowest_level: str | None = Field(
        None,
        description="Level of the lowest vertebra that is wholly in view, as L4: the others are counted from it, and all get "
        "names and numbers of VerSe (20 to 24 for L1 to L5). null: levels are not known, and they are numbered from the top.",
    )
    border_mm2: float = Field(
        50.0,
        ge=0,
        description="A vertebra of which more than this lies on the border of the image is cut, in mm2. Less, such as "
        "the tip of a process, gives a warning.",
    )
    column_mm: float = Field(
        60.0,
        gt=0,
        description="What lies further to the left or right than this from the median of all that was found is none: hips that "
        "a network took for vertebrae.",
    )
    least_cm3: float = Field(8.0, gt=0, description="What is smaller is no vertebra, in cm3.")


def separate_vertebrae(labels: Labels, config: SeparateVertebraeConfig, journal: Journal, scan: Scan | None = None) -> Labels:
    """Tell the vertebrae of a spine mask apart, and leave out those that the image cuts.

    The bodies are found as what lies deep in the bone; arches and processes go to the body that they hang together with by the
    shortest way through bone. A mask in two halves (above and below the middle of the bodies) is parted almost without error
    where neighbours touch, since there a lower half meets an upper one.

    Parameters
    ----------
    labels
        Bone of vertebrae, in halves or not, of any orientation.
    config
        Options.
    journal
        Hears of vertebrae that are left out, and gets the picture `vertebrae.png` where there is a scan on the same voxels.
    scan
        For the picture alone.

    Raises
    ------
    InputError
        When nothing is labelled, no vertebra is found, none is wholly in view, or the levels cannot be counted.
    """
    bone = _bone(labels, config)
    number = grown(bone)
    voxel_cm3 = labels.grid.voxel_volume_mm3 / 1000
    kept, small = _cleaned(number, config.least_cm3 / voxel_cm3)
    found = sorted(int(n) for n in np.unique(kept) if n > 0)
    if not found:
        what = f" ({small} parts are smaller than {config.least_cm3:g} cm3)" if small else ""
        raise InputError(
            f"no vertebra was found in {bone.all.sum() * voxel_cm3:.3g} cm3 of bone{what}",
            hint="look at the labels: is it a spine, and is a vertebral body in view?",
        )
    strays = _beside_column(kept, found, config.column_mm / bone.spacing_mm[2])
    found = [n for n in found if n not in strays]
    if strays:
        journal.warn(
            f"left out: {len(strays)} of the parts that look like vertebrae, more than {config.column_mm:g} mm "
            "beside the column"
        )
    on_border = {n: _on_border_mm2(kept == n, bone.spacing_mm) for n in found}
    whole = [n for n in found if on_border[n] <= config.border_mm2]
    cut = [n for n in found if n not in whole]
    chosen = _chosen(kept, found, whole, config)
    names = _names(chosen, whole, config.lowest_level)
    result = np.zeros(kept.shape, dtype=np.int32)
    for n, (value, _) in zip(chosen, names, strict=True):
        result[kept == n] = value
    listed = ", ".join(name for _, name in names)
    told = f"separate-vertebrae: {len(found)} found from the top, {len(cut)} cut by the image, kept {listed}"
    journal.progress(told)
    for n, (_, name) in zip(chosen, names, strict=True):
        if on_border[n] > 0:
            journal.warn(f"{name} meets the border of the image with {on_border[n]:.0f} mm2: it may be cut there")
    if not bone.halves:
        journal.warn("vertebrae were parted without knowing their halves: where their arches touch, look at the picture")
    if scan is not None and scan.grid.same_as(labels.grid):
        image = turned(scan.grid, scan.hu)
        journal.attach("vertebrae.png", vertebrae_picture(image, result, dict(names)))
    history = (*labels.history, told)
    return replace(labels, label=turned_back(result, labels.grid), names=dict(names), history=history)


def _bone(labels: Labels, config: SeparateVertebraeConfig) -> Bone:
    present = labels.present()
    if not present:
        raise InputError("no voxel is labelled: there are no vertebrae to tell apart")
    upper = [value for value, name in present.items() if name == config.upper]
    lower = [value for value, name in present.items() if name == config.lower]
    halves = bool(upper and lower)
    half = [np.isin(labels.label, values) for values in ((upper, lower) if halves else (list(present), []))]
    images = [turned(labels.grid, mask.astype(np.uint8)) for mask in half]
    spacing = np.asarray(images[0].grid.spacing_mm)[::-1]
    masks = [np.asarray(image.hu > 0) for image in images]
    bone = masks[0] | masks[1]
    cavity = ndimage.binary_fill_holes(bone) & ~bone
    if cavity.any():
        nearest = ndimage.distance_transform_edt(~bone, return_distances=False, return_indices=True)
        at = tuple(index[cavity] for index in nearest)
        for mask in masks:
            mask[cavity] = mask[at]
    return Bone(masks[0], masks[1], spacing, halves)


def _cleaned(number: IntMap, least_voxels: float) -> tuple[IntMap, int]:
    """Each vertebra as one part without cavities; and how many were too small."""
    kept, small = np.zeros_like(number), 0
    for n, window in enumerate(ndimage.find_objects(number), start=1):
        if window is None:
            continue
        part, count = ndimage.label(number[window] == n)
        largest = part == 1 + int(np.bincount(part.ravel(), minlength=count + 1)[1:].argmax())
        if largest.sum() < least_voxels:
            small += 1
            continue
        solid = ndimage.binary_fill_holes(np.pad(largest, 1))[1:-1, 1:-1, 1:-1]
        kept[window][solid & (kept[window] == 0)] = n
    return kept, small


def _beside_column(kept: IntMap, found: list[int], most_voxels: float) -> list[int]:
    """Those that lie too far to the left or right of the others."""
    across = {n: float(np.nonzero(kept == n)[2].mean()) for n in found}
    column = float(np.median(list(across.values())))
    return [n for n in found if abs(across[n] - column) > most_voxels]


def _on_border_mm2(mask: BoolArray, spacing_mm: FloatArray) -> float:
    """How much of a mask lies on the six faces of the image."""
    faces = np.prod(spacing_mm) / spacing_mm
    voxels = [float(mask.take([0, -1], axis=axis).sum()) for axis in range(3)]
    return float(np.dot(faces, voxels))


def _chosen(kept: IntMap, found: list[int], whole: list[int], config: SeparateVertebraeConfig) -> list[int]:
    if config.choose == "all":
        return found
    if not whole:
        raise InputError(
            f"{len(found)} vertebra{'e are' if len(found) > 1 else ' is'} in view, and the border of the image cuts "
            f"{'all of them' if len(found) > 1 else 'it'}",
            hint="a failure load needs a whole vertebra: give a scan with a larger field of view; `choose: all` keeps cut ones",
        )
    if config.choose == "complete":
        return whole
    middle = (kept.shape[0] - 1) / 2
    return [min(whole, key=lambda n: abs(float(np.nonzero(kept == n)[0].mean()) - middle))]


def _names(chosen: list[int], whole: list[int], lowest: str | None) -> list[tuple[int, str]]:
    """(label, name) of every chosen vertebra."""
    if lowest is None:
        return [(n, f"vertebra-{n}") for n in chosen]
    if lowest not in LEVELS:
        raise InputError(f"`lowest_level`: there is no level {lowest}", hint=f"levels are {LEVELS[0]} to {LEVELS[-1]}, as L4")
    if not whole:
        raise InputError("levels are counted from the lowest vertebra that is wholly in view, and none is")
    last = LEVELS.index(lowest)
    numbers = [last - (whole[-1] - n) for n in chosen]
    if min(numbers) < 0 or max(numbers) >= len(LEVELS):
        raise InputError(f"{len(chosen)} vertebrae from {lowest} upwards are more than a spine has")
    return [(number + 1, LEVELS[number]) for number in numbers]
