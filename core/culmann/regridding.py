"""Label maps and images onto another grid, whatever its spacing and pose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid, Labels, Placement
from culmann.data.arrays import BoolArray, FloatArray

#: Shares that differ by less than this are equal: rounding must not decide which label a voxel gets.
_TIE = 1e-6

LabelInterpolation = Literal["linear", "nearest"]

#: Two grids in one space.
NO_MOVE = np.eye(4)

#: Order of a spline: nearest voxel, linear, cubic.
Order = Literal[0, 1, 3]


def index_map(source: Grid, target: Grid, move: FloatArray = NO_MOVE) -> tuple[FloatArray, FloatArray]:
    """Matrix (3, 3) and offset (3,), in the order z, y, x, that take voxel indices of the target to those of the source.

    `move` is a (4, 4) affine matrix from the space of the target to that of the source, mm.
    """
    turn = source.axes.T @ move[:3, :3] @ target.axes
    matrix = turn * np.asarray(target.spacing_mm)[None, :] / np.asarray(source.spacing_mm)[:, None]
    first = target.to_world(np.zeros((1, 3))) @ move[:3, :3].T + move[:3, 3]
    offset = source.to_index(first)[0]
    return matrix[::-1, ::-1].copy(), offset[::-1].copy()


def antialias_sigma_voxels(source: Grid, target: Grid, move: FloatArray = NO_MOVE) -> FloatArray:
    """Standard deviations (z, y, x), in voxels of the source, of the Gaussian that makes it as blurred as the target's voxels.

    Widths add in quadrature: the full width at half maximum of the Gaussian is the root of the target's voxel width squared
    less the source's, along each axis of the source, and 0 where the target's voxels are not wider.
    """
    along_source = np.sqrt((source.axes.T @ move[:3, :3] @ target.axes) ** 2 @ np.asarray(target.spacing_mm) ** 2)
    width = np.sqrt(np.clip(along_source**2 - np.asarray(source.spacing_mm) ** 2, 0, None))
    sigma = width / np.sqrt(8 * np.log(2)) / np.asarray(source.spacing_mm)
    return np.where(sigma < _TIE, 0.0, sigma)[::-1].copy()


def sample(array: npt.NDArray[Any], matrix: FloatArray, offset: FloatArray, shape: tuple[int, ...], order: Order) -> Any:
    """Spline of the given order at `matrix @ index + offset` (z, y, x) for all indices of `shape`; edges are continued."""
    straight = np.abs(matrix - np.diag(np.diag(matrix))).max() < 1e-9
    return ndimage.affine_transform(
        array, np.diag(matrix) if straight else matrix, offset, output_shape=shape, order=order, mode="nearest"
    )


def inside(source: Grid, target: Grid, move: FloatArray = NO_MOVE) -> BoolArray:
    """(z, y, x) of the target: whether the centre of a voxel lies within a voxel of the source."""
    matrix, offset = index_map(source, target, move)
    steps = np.ogrid[tuple(slice(0, n) for n in target.shape)]
    within = np.ones(target.shape, dtype=bool)
    for row, start, n in zip(matrix, offset, source.shape, strict=True):
        index = start + sum(factor * step for factor, step in zip(row, steps, strict=True))
        within &= (index >= -0.5 - _TIE) & (index <= n - 0.5 + _TIE)
    return within


def labels_onto(
    labels: Labels, target: Grid, interpolation: LabelInterpolation = "linear", placement: Placement | None = None
) -> Labels:
    """A label map on another grid, which may lie in another space, such as that of a mirrored scan.

    `linear`: each label is taken as a map of shares (1 inside, 0 outside), blurred when the target is coarser, interpolated
    linearly, and a voxel gets the label with the largest share. The background yields to a label of the same share; of two
    labels, the lower one wins. `nearest`: a voxel gets the label of the nearest voxel.

    Parameters
    ----------
    labels
        On any grid.
    target
        The grid of the result; where it leaves the label map there is no label.
    interpolation
        As above.
    placement
        The placement of the target: labels go there by way of the patient. None when it is that of the labels.
    """
    move = NO_MOVE
    if placement is not None and not placement.same_as(labels.placement):
        move = np.linalg.inv(labels.placement.matrix) @ placement.matrix
        labels = replace(labels, placement=placement)
    elif labels.grid.same_as(target):
        return replace(labels, grid=target)
    if interpolation == "nearest":
        matrix, offset = index_map(labels.grid, target, move)
        nearest = sample(labels.label, matrix, offset, target.shape, order=0)
        return replace(labels, grid=target, label=np.where(inside(labels.grid, target, move), nearest, 0).astype(np.int32))
    return replace(labels, grid=target, label=_largest_share(labels, target, move))


def _largest_share(labels: Labels, target: Grid, move: FloatArray) -> npt.NDArray[np.int32]:
    matrix, offset = index_map(labels.grid, target, move)
    back, back_offset = index_map(target, labels.grid, np.asarray(np.linalg.inv(move)))
    sigma = antialias_sigma_voxels(labels.grid, target, move)
    margin = np.ceil(4 * sigma).astype(int) + 1
    values, number = np.unique(labels.label, return_inverse=True)
    boxes = ndimage.find_objects(number.reshape(labels.grid.shape) + 1)
    total = np.zeros(target.shape, dtype=np.float32)
    best = np.zeros(target.shape, dtype=np.float32)
    winner = np.zeros(target.shape, dtype=np.int32)
    for value, box in zip(values, boxes, strict=True):
        if value == 0:
            continue
        low = np.array([max(b.start - m, 0) for b, m in zip(box, margin, strict=True)])
        high = np.array([min(b.stop + m, n) for b, m, n in zip(box, margin, labels.grid.shape, strict=True)])
        there = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        # Only the part of the target under this box has any of this label.
        corners = np.array(np.meshgrid(*zip(low - 1, high, strict=True))).reshape(3, -1).T @ back.T + back_offset
        first = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, None)
        stop = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, target.shape)
        if (stop <= first).any():
            continue
        share = ndimage.gaussian_filter((labels.label[there] == value).astype(np.float32), sigma, mode="nearest")
        part = sample(share, matrix, matrix @ first + offset - low, tuple(stop - first), order=1)
        at = tuple(slice(a, b) for a, b in zip(first, stop, strict=True))
        total[at] += part
        wins = part > best[at] + _TIE
        winner[at][wins] = value
        best[at] = np.maximum(best[at], part)
    background = (best < 1 - total - _TIE) | ~inside(labels.grid, target, move)
    return np.where(background, 0, winner).astype(np.int32)
