"""Scans and label maps at another voxel spacing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field, PositiveFloat
from scipy import ndimage, optimize

from culmann.config import Config
from culmann.data import Grid, Labels, Scan
from culmann.errors import InputError
from culmann.regridding import LabelInterpolation, Order, antialias_sigma_voxels, index_map, labels_onto, sample

#: A scan of more voxels than this does not fit into the memory of most machines.
_MOST_VOXELS = 2_000_000_000

Spacing = PositiveFloat | tuple[PositiveFloat, PositiveFloat, PositiveFloat]

_SPACING = (
    "Distance of voxels: one number, or three along left-right, front-back and up-down of the patient; each goes to the axis "
    "of the image that is nearest, whatever the order of the axes in the file."
)


class ResampleConfig(Config):
    """Options of `resample`."""

    spacing_mm: Spacing = Field(description=_SPACING)
    interpolation: Literal["linear", "bspline"] = Field("bspline", description="Linear, or cubic B-splines.")
    antialias: bool = Field(
        True,
        description="Blur before voxels become wider, by a Gaussian that makes the scan as blurred as the new voxels: its full "
        "width at half maximum is the root of new width squared less old width squared.",
    )


class ResampleLabelsConfig(Config):
    """Options of `resample-labels`."""

    spacing_mm: Spacing = Field(description=_SPACING)
    interpolation: LabelInterpolation = Field(
        "linear",
        description="`linear` gives a voxel the label with the largest share of it, `nearest` the label of the nearest voxel.",
    )


def resample(scan: Scan, config: ResampleConfig) -> Scan:
    """Bring a scan to another voxel spacing, in the same place and orientation.

    The new grid has the same centre and directions, and as many voxels as come nearest to the old extent. Beyond the centres
    of the outermost voxels the scan is continued by its edge.

    Raises
    ------
    InputError
        When there would be too many voxels.
    """
    target = with_spacing(scan.grid, config.spacing_mm)
    hu = scan.hu
    sigma = antialias_sigma_voxels(scan.grid, target)
    if config.antialias and sigma.any():
        hu = ndimage.gaussian_filter(hu, sigma, mode="nearest")
    order: Order = 1 if config.interpolation == "linear" else 3
    matrix, offset = index_map(scan.grid, target)
    told = f"resample: {_told(target)}, {config.interpolation}"
    if config.antialias and sigma.any():
        told += ", blurred to the new voxels first"
    return replace(
        scan,
        grid=target,
        hu=sample(hu, matrix, offset, target.shape, order).astype(np.float32, copy=False),
        history=(*scan.history, told),
    )


def resample_labels(labels: Labels, config: ResampleLabelsConfig) -> Labels:
    """Bring a label map to another voxel spacing, in the same place and orientation; no new labels come about.

    Raises
    ------
    InputError
        When there would be too many voxels, or a label that is present would vanish.
    """
    target = with_spacing(labels.grid, config.spacing_mm)
    moved = labels_onto(labels, target, config.interpolation)
    gone = [f"{v} ({name})" for v, name in labels.present().items() if not (moved.label == v).any()]
    if gone:
        raise InputError(
            f"label {', '.join(gone)} vanishes on voxels of {_told(target)}: it is too thin",
            hint="choose a smaller `spacing_mm`, or pick the labels that matter before",
        )
    return replace(moved, history=(*labels.history, f"resample-labels: {_told(target)}, {config.interpolation}"))


def with_spacing(grid: Grid, spacing_mm: Spacing) -> Grid:
    """The grid of the same centre and directions with another spacing, given along the axes of the patient."""
    wanted = np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)
    patient_axis, image_axis = optimize.linear_sum_assignment(-np.abs(grid.axes))
    spacing = np.empty(3)
    spacing[image_axis] = wanted[patient_axis]
    old_size, old_spacing = np.array(grid.size), np.array(grid.spacing_mm)
    size = np.maximum(1, np.round(old_size * old_spacing / spacing)).astype(int)
    if np.prod(size.astype(float)) > _MOST_VOXELS:
        shown = " x ".join(str(n) for n in size)
        raise InputError(
            f"`spacing_mm: {spacing_mm}` makes {shown} voxels, too many", hint="choose a larger spacing, or crop first"
        )
    first = ((old_size - 1) - (size - 1) * spacing / old_spacing) / 2
    x, y, z = (float(v) for v in grid.to_world(first[None])[0])
    (i, j, k), (sx, sy, sz) = (int(n) for n in size), (float(s) for s in spacing)
    return Grid((i, j, k), (sx, sy, sz), (x, y, z), grid.direction)


def _told(grid: Grid) -> str:
    return " x ".join(f"{s:g}" for s in grid.spacing_mm) + " mm"
