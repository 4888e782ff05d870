"""Label maps made larger, smaller, whole and free of islands, in 3-D and without one label overwriting another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy import ndimage

from culmann.config import Config
from culmann.data import Labels
from culmann.data.arrays import BoolArray, FloatArray
from culmann.errors import InputError

Of = Literal["foreground", "each-label"]

#: Distances that differ by less than this (in voxels or mm) are equal: the order of the axes must not decide between labels.
_TIE = 1e-9


class KeepLargestConfig(Config):
    """Options of `keep-largest`."""

    of: Of = Field(
        "foreground",
        description="`foreground`: the largest part of all labels together. `each-label`: the largest part of every label.",
    )


class DilateLabelsConfig(Config):
    """Options of `dilate-labels`."""

    voxels: int | None = Field(None, ge=1, description="How far, in voxels. Give this or `radius_mm`.")
    radius_mm: float | None = Field(
        None, gt=0, description="How far, in mm between voxel centres, along every direction alike whatever the spacing."
    )
    shape: Literal["ball", "faces"] = Field(
        "ball",
        description="With `voxels`: `ball` reaches as far in every direction, `faces` counts steps across faces.",
    )

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.voxels is None) == (self.radius_mm is None):
            raise ValueError("give either `voxels` or `radius_mm`")
        if self.shape == "faces" and self.voxels is None:
            raise ValueError("`shape: faces` counts steps, so it needs `voxels`")
        return self


class ErodeLabelsConfig(DilateLabelsConfig):
    """Options of `erode-labels`."""

    of: Of = Field(
        "foreground",
        description="`foreground`: only the outer surface of all labels together recedes. `each-label`: every label recedes, "
        "from the background and from the other labels.",
    )


def keep_largest(labels: Labels, config: KeepLargestConfig) -> Labels:
    """Keep the largest part that voxel faces connect, and tell in the history what was dropped.

    Raises
    ------
    InputError
        When no voxel is labelled.
    """
    if not labels.foreground.any():
        raise InputError("no voxel is labelled: there is no largest part")
    masks = [labels.foreground] if config.of == "foreground" else [labels.label == value for value in labels.present()]
    kept = np.zeros(labels.grid.shape, dtype=bool)
    for mask in masks:
        part, _ = ndimage.label(mask)
        voxels = np.bincount(part.ravel())
        kept |= part == 1 + int(voxels[1:].argmax())
    dropped = int(labels.foreground.sum() - kept.sum())
    told = f"keep-largest ({config.of}): dropped {dropped} voxels, {dropped * labels.grid.voxel_volume_mm3:.4g} mm3"
    return _with(labels, np.where(kept, labels.label, 0), told)


def fill_holes(labels: Labels) -> Labels:
    """Label the cavities that labels enclose on all sides; each voxel gets the nearest label, the lower one of two."""
    filled = np.asarray(ndimage.binary_fill_holes(labels.foreground)) & ~labels.foreground
    spacing = np.asarray(labels.grid.spacing_mm)[::-1]
    nearest, _ = _nearest_label(labels, lambda mask: _distance_mm(mask, spacing))
    volume = filled.sum() * labels.grid.voxel_volume_mm3
    told = f"fill-holes: filled {int(filled.sum())} voxels, {volume:.4g} mm3"
    return _with(labels, np.where(filled, nearest, labels.label), told)


def dilate_labels(labels: Labels, config: DilateLabelsConfig) -> Labels:
    """Grow labels into the background; a voxel within reach of several gets the nearest, the lower one of two equally near."""
    nearest, distance = _nearest_label(labels, _distance_to(labels, config))
    grows = ~labels.foreground & (distance <= _reach(config) + _TIE)
    told = f"dilate-labels by {_told(config)}: {int(grows.sum())} voxels more"
    return _with(labels, np.where(grows, nearest, labels.label), told)


def erode_labels(labels: Labels, config: ErodeLabelsConfig) -> Labels:
    """Shrink labels: a voxel stays when no voxel outside lies within reach. The border of the image erodes nothing.

    Raises
    ------
    InputError
        When nothing is left.
    """
    distance_to = _distance_to(labels, config)
    masks = [labels.foreground] if config.of == "foreground" else [labels.label == value for value in labels.present()]
    kept = np.zeros(labels.grid.shape, dtype=bool)
    for mask in masks:
        kept |= mask if mask.all() else mask & (distance_to(~mask) > _reach(config) + _TIE)
    if not kept.any():
        raise InputError(f"erode-labels by {_told(config)} leaves nothing", hint="erode by less")
    told = f"erode-labels by {_told(config)} ({config.of}): {int(labels.foreground.sum() - kept.sum())} voxels less"
    return _with(labels, np.where(kept, labels.label, 0), told)


def _with(labels: Labels, label: FloatArray, told: str) -> Labels:
    return replace(labels, label=label.astype(np.int32), history=(*labels.history, told))


def _reach(config: DilateLabelsConfig) -> float:
    return float(config.voxels if config.voxels is not None else config.radius_mm or 0)


def _told(config: DilateLabelsConfig) -> str:
    return f"{config.radius_mm:g} mm" if config.voxels is None else f"{config.voxels} voxels ({config.shape})"


Distance = Callable[[BoolArray], FloatArray]


def _distance_to(labels: Labels, config: DilateLabelsConfig) -> Distance:
    """The distance of every voxel centre to the nearest one in a mask, in the measure of the options."""
    if config.shape == "faces":
        return lambda mask: np.asarray(ndimage.distance_transform_cdt(~mask, metric="taxicab"), dtype=float)
    spacing = np.ones(3) if config.voxels is not None else np.asarray(labels.grid.spacing_mm)[::-1]
    return lambda mask: _distance_mm(mask, spacing)


def _distance_mm(mask: BoolArray, spacing: FloatArray) -> FloatArray:
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing))


def _nearest_label(labels: Labels, distance_to: Distance) -> tuple[FloatArray, FloatArray]:
    """The label nearest to every voxel, and its distance."""
    nearest, distance = np.zeros(labels.grid.shape), np.full(labels.grid.shape, np.inf)
    for value in labels.present():
        to_this = distance_to(labels.label == value)
        nearer = to_this < distance - _TIE
        nearest[nearer] = value
        distance[nearer] = to_this[nearer]
    return nearest, distance
