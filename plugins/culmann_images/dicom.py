"""A DICOM series into one scan: its slices in order, refused where they are no regular stack."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from culmann.data import Grid, Scan
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann.image_files import quiet_itk
from culmann_images.series import (
    COLUMNS,
    FRAMES,
    GANTRY_TILT,
    MODALITY,
    ORIENTATION,
    PIXEL_SPACING,
    POSITION,
    ROWS,
    SAMPLES,
    Slice,
    acquisition,
    choose_series,
)

#: Directions that differ by less than this (as unit vectors) are the same.
_SAME_DIRECTION = 1e-3


def read_series(folder: Path, series_uid: str | None) -> Scan:
    """Read one DICOM series of a folder as a scan in HU; rescale slope and intercept of each slice are applied.

    Parameters
    ----------
    folder
        Holds the files; folders in it are not searched, and files in it that are no DICOM images are passed over.
    series_uid
        The UID of the series, or the end of it; None when the folder holds one series only.

    Raises
    ------
    InputError
        When there is no series, or several and none is chosen, or its slices are not CT, or not one regular stack.
    """
    with quiet_itk():
        uid, slices = choose_series(folder, series_uid)
        stack, grid = _regular_stack(folder, slices)
        hu = np.empty(grid.shape, dtype=np.float32)
        for k, one in enumerate(stack):
            hu[k] = _pixels(one)
    facts = acquisition(stack[0])
    told = f"read: DICOM series {uid or 'without UID'} of {len(stack)} slices from {folder.name}"
    return Scan(grid, hu, facts, (told,))


def read_series_grid(folder: Path) -> Grid:
    """The grid of the only DICOM series of a folder, from the headers alone; raises InputError as `read_series` does."""
    with quiet_itk():
        return _regular_stack(folder, choose_series(folder, None)[1])[1]


def _regular_stack(folder: Path, slices: Sequence[Slice]) -> tuple[list[Slice], Grid]:
    """The slices in the order of their positions, and their grid."""
    _expect_alike(folder, slices)
    direction = slices[0].numbers(ORIENTATION, 6)
    across, down = direction[:3], direction[3:]
    if abs(np.linalg.norm(across) - 1) > _SAME_DIRECTION or abs(across @ down) > _SAME_DIRECTION:
        raise InputError(f"{slices[0].path}: the directions of its rows and columns are not at right angles")
    across = across / np.linalg.norm(across)
    down = down - (down @ across) * across
    down = down / np.linalg.norm(down)
    normal = np.cross(across, down)
    position = np.array([one.numbers(POSITION, 3) for one in slices])
    order = np.argsort(position @ normal, kind="stable")
    stack, position = [slices[n] for n in order], position[order]
    row_mm, column_mm = stack[0].numbers(PIXEL_SPACING, 2)
    step = _regular_step(folder, stack, position, normal, min(row_mm, column_mm))
    size = (int(stack[0].tag[COLUMNS]), int(stack[0].tag[ROWS]), len(stack))
    axes = np.stack([across, down, normal], axis=1)
    x, y, z = (float(v) for v in position[0])
    return stack, Grid(size, (float(column_mm), float(row_mm), step), (x, y, z), tuple(float(v) for v in axes.ravel()))


def _expect_alike(folder: Path, slices: Sequence[Slice]) -> None:
    first = slices[0]
    for one in slices:
        if (modality := one.tag.get(MODALITY, "")) not in {"CT", ""}:
            raise InputError(f"{one.path} is of modality {modality}, and Hounsfield units come from CT")
        if int(one.tag.get(FRAMES) or 1) != 1:
            raise InputError(
                f"{one.path} is a multi-frame DICOM file, which is not read here",
                hint="convert it to NIfTI, with dcm2niix for example",
            )
        if int(one.tag.get(SAMPLES) or 1) != 1:
            raise InputError(f"{one.path} is a colour image", hint="choose the CT series with `series_uid`")
    if len(slices) < 2:
        raise InputError(f"the series in {folder} has one slice, and a scan needs two at least")
    for what, key, count in (("orientation", ORIENTATION, 6), ("pixel spacing", PIXEL_SPACING, 2)):
        reference = first.numbers(key, count)
        other = [one for one in slices if np.abs(one.numbers(key, count) - reference).max() > _SAME_DIRECTION]
        if other:
            raise _mixed(folder, what, first, other, len(slices), key)
    for key in (ROWS, COLUMNS):
        other = [one for one in slices if one.tag.get(key) != first.tag.get(key)]
        if other:
            raise _mixed(folder, "number of rows or columns", first, other, len(slices), key)


def _mixed(folder: Path, what: str, first: Slice, other: Sequence[Slice], total: int, key: str) -> InputError:
    return InputError(
        f"the series in {folder} mixes slices of another {what}: {first.tag[key]} in {first.path.name}, "
        f"{other[0].tag[key]} in {other[0].path.name} ({len(other)} of {total} slices differ)",
        hint="leave the scouts and reformats out of the folder",
    )


def _regular_step(folder: Path, stack: Sequence[Slice], position: FloatArray, normal: FloatArray, pixel_mm: float) -> float:
    """Distance of the slices; raises InputError when they are double, sheared or not evenly spaced."""
    along = position @ normal
    steps = np.diff(along)
    usual = float(np.median(steps))
    if steps.min() < 1e-3:
        n = int(steps.argmin())
        double = sum(count - 1 for count in Counter(along.round(3)).values())
        raise InputError(
            f"the series in {folder} has slices at the same position: {stack[n].path.name} and {stack[n + 1].path.name} at "
            f"{along[n]:.2f} mm, {double} in all",
            hint="they are several reconstructions or phases; leave one in the folder",
        )
    # Rounded positions stray a little; a missing slice, or another spacing, strays further than a tenth of a slice.
    step = float(along[-1] - along[0]) / len(steps)
    stray = np.abs(along - along[0] - step * np.arange(len(along)))
    if stray.max() > max(0.1 * step, 0.06):
        n = int(steps.argmax())
        between = f"{stack[n].path.name} ({along[n]:.2f} mm) and {stack[n + 1].path.name} ({along[n + 1]:.2f} mm)"
        if steps.max() > 1.5 * usual:
            raise InputError(
                f"the series in {folder} has a gap of {steps.max():.2f} mm between {between}; usual are {usual:.2f} mm",
                hint="copy the missing slices, or use the part of the scan without the gap",
            )
        raise InputError(
            f"the slices in {folder} are unevenly spaced: {steps.min():.2f} to {steps.max():.2f} mm, widest between {between}",
            hint="resample the series onto even slices with the scanner's own software",
        )
    aside = position - position[0] - np.outer(along - along[0], normal)
    drift = np.linalg.norm(aside, axis=1)
    if drift.max() > 0.5 * pixel_mm:
        tilt = math.degrees(math.atan2(float(drift.max()), float(along[-1] - along[0])))
        said = stack[0].tag.get(GANTRY_TILT, "")
        told = f"; the header says {said}" if said else ""
        raise InputError(
            f"the slices in {folder} are shifted against each other, by {drift.max():.1f} mm over the stack, as with a gantry "
            f"tilted by {tilt:.1f} degrees{told}",
            hint="correct the tilt first, with dcm2niix for example",
        )
    return step


def _pixels(one: Slice) -> FloatArray:
    try:
        image = sitk.ReadImage(str(one.path), sitk.sitkFloat32, "GDCMImageIO")
    except RuntimeError as problem:
        raise InputError(
            f"{one.path} cannot be read", hint="the file may be cut off or compressed in an unknown way"
        ) from problem
    return np.asarray(sitk.GetArrayFromImage(image)[0])
