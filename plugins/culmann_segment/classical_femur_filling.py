"""From the bright bone of a femur to a solid: gaps of thin cortex closed, marrow filled, the surface smoothed."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from culmann.data.arrays import BoolArray, FloatArray

#: Gaps of the cortex up to twice this wide are bridged to find the marrow; the surface keeps hollows wider than twice the next.
_BRIDGE_MM, _HOLLOW_MM = 4.5, 2.25

#: Standard deviation of the Gaussian that takes the steps and frays off the surface.
_SMOOTH_MM = 1.0


def solid(bone: BoolArray, keep_out: BoolArray, spacing_mm: float) -> BoolArray:
    """(z, y, x): the solid that a shell of bone encloses. The image border closes a shaft that it cuts.

    Two closings: a wide one bridges the gaps of a thin cortex, so that what lies deep beneath it is known to be marrow; a
    narrow one then joins the marrow to the cortex, without filling hollows of the surface such as the trochanteric fossa.

    Parameters
    ----------
    bone
        (z, y, x): compact and spongy bone.
    keep_out
        (z, y, x): where the femur cannot be, such as the joint.
    spacing_mm
        Of the voxels, equal along all axes.
    """
    pad = int(np.ceil((_BRIDGE_MM + 3 * _SMOOTH_MM) / spacing_mm)) + 2
    longer = _continued(bone, pad)
    barred = np.pad(keep_out, pad, mode="edge")
    closed = _filled(_closed(longer, _BRIDGE_MM, spacing_mm) & ~barred)
    deep = _distance(closed, spacing_mm) > _BRIDGE_MM
    whole = _filled(_closed(longer | deep, _HOLLOW_MM, spacing_mm) & ~barred)
    smooth = ndimage.gaussian_filter(whole.astype(np.float32), _SMOOTH_MM / spacing_mm) > 0.5
    middle = (slice(pad, -pad),) * 3
    return largest(_filled(smooth & ~barred)[middle])


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


def _closed(mask: BoolArray, radius_mm: float, spacing_mm: float) -> BoolArray:
    """Closing by a ball."""
    grown = _distance(~mask, spacing_mm) <= radius_mm
    return np.asarray((_distance(grown, spacing_mm) > radius_mm) | mask)


def _distance(mask: BoolArray, spacing_mm: float) -> FloatArray:
    """Of every voxel of the mask from the nearest one outside, mm."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing_mm))
