"""Scans, label maps and density maps at another voxel spacing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal, Self, TypeVar

import numpy as np
from pydantic import Field, PositiveFloat, model_validator
from scipy import ndimage

from culmann.config import Config
from culmann.data import DensityMap, Grid, Labels, Scan
from culmann.errors import InputError
from culmann.regridding import LabelInterpolation, Order, antialias_sigma_voxels, index_map, labels_onto, sample
from culmann_images.cohort import image_axes, median_spacing_mm
from culmann_images.kinds import voxels, with_voxels

#: A scan of more voxels than this does not fit into the memory of most machines.
_MOST_VOXELS = 2_000_000_000

ScanOrDensity = TypeVar("ScanOrDensity", Scan, DensityMap)

Spacing = PositiveFloat | tuple[PositiveFloat, PositiveFloat, PositiveFloat]

_SPACING = (
    "Distance of voxels: one number, or three along left-right, front-back and up-down of the patient; each goes to the axis "
    "of the image that is nearest, whatever the order of the axes in the file."
)


class _Wanted(Config):
    """The spacing that is wanted, as every step here takes it."""

    spacing_mm: Spacing | None = Field(None, description=f"{_SPACING} Give this or `cohort`.")
    cohort: tuple[Path, ...] = Field(
        (),
        description="In place of `spacing_mm`: image files, or folders with one DICOM series each. Along each axis of the "
        "patient, the median of their spacings is taken.",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.spacing_mm is None) == (not self.cohort):
            raise ValueError("give `spacing_mm` or `cohort`, one of the two")
        return self


class ResampleConfig(_Wanted):
    """Options of `resample` and `resample-density`."""

    interpolation: Literal["linear", "bspline"] = Field("bspline", description="Linear, or cubic B-splines.")
    antialias: bool = Field(
        True,
        description="Blur before voxels become wider, by a Gaussian that makes the scan as blurred as the new voxels: its full "
        "width at half maximum is the root of new width squared less old width squared.",
    )


class ResampleLabelsConfig(_Wanted):
    """Options of `resample-labels`."""

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
        When there would be too many voxels, or a file of the cohort cannot be read.
    """
    return _resampled(scan, config)


def resample_density(density: DensityMap, config: ResampleConfig) -> DensityMap:
    """Bring a density map to another voxel spacing, as `resample` does a scan."""
    return _resampled(density, config)


def _resampled(image: ScanOrDensity, config: ResampleConfig) -> ScanOrDensity:
    target = with_spacing(image.grid, _wanted(config))
    values = voxels(image)
    sigma = antialias_sigma_voxels(image.grid, target)
    if config.antialias and sigma.any():
        values = ndimage.gaussian_filter(values, sigma, mode="nearest")
    order: Order = 1 if config.interpolation == "linear" else 3
    matrix, offset = index_map(image.grid, target)
    told = f"resample: {_told(target, config)}, {config.interpolation}"
    if config.antialias and sigma.any():
        told += ", blurred to the new voxels first"
    return with_voxels(image, target, sample(values, matrix, offset, target.shape, order), told)


def resample_labels(labels: Labels, config: ResampleLabelsConfig) -> Labels:
    """Bring a label map to another voxel spacing, in the same place and orientation; no new labels come about.

    Raises
    ------
    InputError
        When there would be too many voxels, a label that is present would vanish, or a file of the cohort cannot be read.
    """
    target = with_spacing(labels.grid, _wanted(config))
    moved = labels_onto(labels, target, config.interpolation)
    gone = [f"{v} ({name})" for v, name in labels.present().items() if not (moved.label == v).any()]
    if gone:
        raise InputError(
            f"label {', '.join(gone)} vanishes on voxels of {_told(target, config)}: it is too thin",
            hint="choose a smaller `spacing_mm`, or pick the labels that matter before",
        )
    return replace(moved, history=(*labels.history, f"resample-labels: {_told(target, config)}, {config.interpolation}"))


def with_spacing(grid: Grid, spacing_mm: Spacing) -> Grid:
    """The grid of the same centre and directions with another spacing, given along the axes of the patient."""
    wanted = np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)
    spacing = np.empty(3)
    spacing[image_axes(grid)] = wanted
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


def _wanted(config: _Wanted) -> Spacing:
    return config.spacing_mm if config.spacing_mm is not None else median_spacing_mm(config.cohort)


def _told(grid: Grid, config: _Wanted) -> str:
    spacing = " x ".join(f"{s:g}" for s in grid.spacing_mm) + " mm"
    return f"{spacing}, the median of {len(config.cohort)} images" if config.cohort else spacing
