"""From the bright bone of a femur to a solid: gaps of thin cortex closed, marrow filled, the surface smoothed."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from culmann.data.arrays import BoolArray, FloatArray, IntArray

#: Gaps of the cortex, and hollows of the surface, up to twice this wide are closed.
_HOLLOW_MM = 2.25

#: Standard deviation of the Gaussian that takes the steps and frays off the surface.
_SMOOTH_MM = 1.0


def solid(bone: BoolArray, keep_out: BoolArray, spacing_mm: float) -> BoolArray:
    """(z, y, x): the solid that a shell of bone encloses. The image border closes a shaft that it cuts.

    A voxel is marrow when bone surrounds it in the slices of at least two of the three directions: a gap of the cortex lets the
    outside into the few slices that it lies in, while in three dimensions it would let it in everywhere; and a hollow of the
    surface such as the trochanteric fossa is closed in one direction at most.

    Parameters
    ----------
    bone
        (z, y, x): compact and spongy bone.
    keep_out
        (z, y, x): where the femur cannot be, such as the joint.
    spacing_mm
        Of the voxels, equal along all axes.
    """
    pad = int(np.ceil((_HOLLOW_MM + 3 * _SMOOTH_MM) / spacing_mm)) + 2
    whole, barred = _continued(bone, pad), np.pad(keep_out, pad, mode="edge")
    # What is found to be marrow closes gaps for the directions that leaked before.
    for _ in range(2):
        shell = _closed(whole, _HOLLOW_MM, spacing_mm) & ~barred
        whole = _filled(shell | (_surrounded(shell) >= 2))
    smooth = ndimage.gaussian_filter(whole.astype(np.float32), _SMOOTH_MM / spacing_mm) > 0.5
    middle = (slice(pad, -pad),) * 3
    return largest(_filled(smooth & ~barred)[middle])


def hollow_share(mask: BoolArray, spacing_mm: float) -> float:
    """Volume of the hollows that a ball of 8 mm does not reach into, as a share of the volume of the mask."""
    pad = int(np.ceil(8.0 / spacing_mm)) + 1
    closed = _closed(np.pad(mask, pad), 8.0, spacing_mm)
    return float(closed.sum() / mask.sum() - 1)


def largest(mask: BoolArray) -> BoolArray:
    """The largest part of a mask that voxel faces connect."""
    part, n = ndimage.label(mask)
    return mask if n < 2 else np.asarray(part == 1 + int(np.bincount(part.ravel())[1:].argmax()))


def enclosed(mask: BoolArray) -> BoolArray:
    """A mask with its cavities filled."""
    return np.asarray(ndimage.binary_fill_holes(mask))


def _continued(bone: BoolArray, pad: int) -> BoolArray:
    """The mask with a margin that continues it straight beyond the border of the image, and with the ends plugged."""
    longer = np.pad(bone, pad, mode="edge")
    # Corners would be continued in two directions at once: only straight continuation is meant.
    outside = np.zeros(longer.shape, dtype=np.int8)
    for axis in range(3):
        at = np.ones(longer.shape[axis], dtype=np.int8)
        at[pad:-pad] = 0
        outside += at.reshape([-1 if a == axis else 1 for a in range(3)])
    longer[outside > 1] = False
    for axis in range(3):
        for end in (0, -1):
            face = np.take(longer, end, axis=axis)
            if face.any():
                closed = ndimage.binary_closing(face, iterations=2)
                index: list[slice | int] = [slice(None)] * 3
                index[axis] = end
                longer[tuple(index)] = ndimage.binary_fill_holes(closed | face)
    return longer


def _filled(mask: BoolArray) -> BoolArray:
    """Cavities filled; a plug at the border counts as closed, as its inside is never open."""
    filled = np.asarray(ndimage.binary_fill_holes(mask))
    for axis in range(3):
        for end in (0, -1):
            index: list[slice | int] = [slice(None)] * 3
            index[axis] = end
            filled[tuple(index)] = ndimage.binary_fill_holes(filled[tuple(index)])
    return np.asarray(ndimage.binary_fill_holes(filled))


def _surrounded(shell: BoolArray) -> IntArray:
    """(z, y, x): in the slices of how many directions, 0 to 3, a voxel is bone or surrounded by it."""
    count = np.zeros(shell.shape, dtype=np.int64)
    for axis in range(3):
        slices = np.moveaxis(shell, axis, 0)
        count += np.moveaxis(np.stack([ndimage.binary_fill_holes(s) for s in slices]), 0, axis)
    return count


def _closed(mask: BoolArray, radius_mm: float, spacing_mm: float) -> BoolArray:
    """Closing by a ball."""
    grown = _distance(~mask, spacing_mm) <= radius_mm
    return np.asarray((_distance(grown, spacing_mm) > radius_mm) | mask)


def _distance(mask: BoolArray, spacing_mm: float) -> FloatArray:
    """Of every voxel of the mask from the nearest one outside, mm."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing_mm))
