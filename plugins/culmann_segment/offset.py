"""offset-labels: masks made larger or smaller by a signed number of voxels, as the paper varies its segmentations."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Grid, Labels
from culmann.data.arrays import BoolArray
from culmann.errors import InputError
from culmann.surface import nearest_axes

#: The patient's axis (L, P, S) that is at right angles to a plane.
_ACROSS = {"sagittal": 0, "coronal": 1, "axial": 2}


class OffsetLabelsConfig(Config):
    """Options of `offset-labels`."""

    voxels: int = Field(0, ge=-50, le=50, description="How many voxels: outwards, or inwards when negative; 0 changes nothing.")
    element: Literal["faces", "cube"] = Field(
        "faces",
        description="Which voxels are neighbours in an iteration: `faces`, those that share a face (6, or 4 in a plane: what "
        "SciPy and scikit-image take unless told otherwise), or `cube`, also across edges and corners (26, or 8).",
    )
    within: Literal["volume", "axial", "coronal", "sagittal"] = Field(
        "volume", description="In 3-D, or slice by slice in one plane. The paper does not say which."
    )
    of: Literal["foreground", "each-label"] = Field(
        "foreground",
        description="Inwards: `foreground`, only the outer surface of all labels together recedes; `each-label`, every label "
        "recedes, from the others too. Outwards, labels never grow over each other.",
    )


def offset_labels(labels: Labels, config: OffsetLabelsConfig) -> Labels:
    """Dilate or erode labels, one voxel in every iteration. The border of the image erodes nothing.

    A voxel that several labels reach in the same iteration gets the lowest of them.

    Raises
    ------
    InputError
        When nothing is left.
    """
    if config.voxels == 0:
        return labels
    element = _element(labels.grid, config)
    label = labels.label
    if config.voxels > 0:
        for _ in range(config.voxels):
            label = _grown(label, element)
    else:
        masks = [labels.foreground] if config.of == "foreground" else [label == value for value in labels.present()]
        kept = np.zeros(label.shape, dtype=bool)
        for mask in masks:
            kept |= ndimage.binary_erosion(mask, element, iterations=-config.voxels, border_value=1)
        label = np.where(kept, label, 0).astype(np.int32)
    if not label.any():
        raise InputError(f"offset-labels by {config.voxels} voxels leaves nothing", hint="go inwards by less")
    more = int((label != 0).sum() - labels.foreground.sum())
    told = f"offset-labels by {config.voxels:+d} voxels ({config.element}, {config.within}): {more:+d} voxels"
    return replace(labels, label=label, history=(*labels.history, told))


def _grown(label: npt.NDArray[np.int32], element: BoolArray) -> npt.NDArray[np.int32]:
    """One iteration outwards."""
    grown = label.copy()
    for value in (int(v) for v in np.unique(label) if v):
        grown[ndimage.binary_dilation(label == value, element) & (grown == 0)] = value
    return grown


def _element(grid: Grid, config: OffsetLabelsConfig) -> BoolArray:
    """(3, 3, 3) in the order z, y, x of the array: the neighbours of a voxel."""
    element = ndimage.generate_binary_structure(3, 1 if config.element == "faces" else 3)
    if config.within != "volume":
        across = nearest_axes(grid)[0][_ACROSS[config.within]]  # of i, j, k; the array has them the other way round
        flat = np.zeros_like(element)
        middle: list[slice | int] = [slice(None)] * 3
        middle[2 - across] = 1
        flat[tuple(middle)] = element[tuple(middle)]
        element = flat
    return np.asarray(element)
