"""From the bright bone of a femur to a solid: gaps of thin cortex closed, marrow filled, the surface smoothed."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data.arrays import BoolArray, FloatArray
from culmann_segment.classical_femur_working import FloatImage, Image

#: Gaps of the cortex up to twice this wide are bridged to find the marrow; hollows up to twice the second are closed.
_BRIDGE_MM, _HOLLOW_MM = 4.5, 2.25

#: In which share of its directions marrow has bone; and a hollow, which a well filled femur has little of.
MARROW, _HOLLOW = 0.75, 0.6

#: How far the surface may recede, and how far beneath it the bone is looked for that its brightness is compared with.
_RECEDE_MM, _BENEATH_MM = 2.0, 3.0

#: What lies around a bone, and the brightest that a voxel at its surface has to be.
_MUSCLE_HU, _MOST_HALF_HU = 50.0, 350.0

#: Standard deviation of the Gaussian that takes the steps and frays off the surface.
_SMOOTH_MM = 1.0


def solid(image: Image, bone: BoolArray, keep_out: BoolArray, head: BoolArray) -> BoolArray:
    """(z, y, x): the solid that a shell of bone encloses. The image border closes a shaft that it cuts.

    A voxel is marrow when bone lies in nearly all directions of it. A gap of the cortex opens few directions to what lies
    behind it, however large the marrow is; a hollow of the surface such as the trochanteric fossa is open to many. A wide
    closing then finds what lies deep beneath the gaps that are left.

    Then the surface recedes to where the image is half as bright as the bone beneath: of thick cortex, which is much brighter
    than what just counts as bone, the blur of the image would else be taken in.

    Parameters
    ----------
    image
        The working image.
    bone
        (z, y, x): compact and spongy bone.
    keep_out
        (z, y, x): where the femur cannot be, such as the joint.
    head
        (z, y, x): the free part of the head, whose surface is known and stays.
    """
    spacing_mm = image.grid.spacing_mm[0]
    pad = int(np.ceil((_BRIDGE_MM + 3 * _SMOOTH_MM) / spacing_mm)) + 2
    whole, barred = _continued(bone, pad), np.pad(keep_out, pad, mode="edge")
    shell = _closed(whole, _HOLLOW_MM, spacing_mm) & ~barred
    whole = shell | (enclosure(shell, spacing_mm) >= MARROW)
    deep = _distance(_filled(_closed(whole, _BRIDGE_MM, spacing_mm) & ~barred), spacing_mm) > _BRIDGE_MM
    whole = _filled(_closed(whole | deep, _HOLLOW_MM, spacing_mm) & ~barred)
    whole = _receded(whole, np.pad(image.hu, pad, mode="edge"), np.pad(head, pad, mode="edge"), spacing_mm)
    smooth = ndimage.gaussian_filter(whole.astype(np.float32), _SMOOTH_MM / spacing_mm) > 0.5
    middle = (slice(pad, -pad),) * 3
    return largest(_filled(smooth & ~barred)[middle])


def hollow_share(mask: BoolArray, spacing_mm: float) -> float:
    """Volume that is no bone, but has bone in most directions, as a share of the volume of the mask."""
    return float(((enclosure(mask, spacing_mm) >= _HOLLOW) & ~mask).sum() / mask.sum())


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


def _receded(mask: BoolArray, hu: FloatImage, stays: BoolArray, spacing_mm: float) -> BoolArray:
    """The mask without the voxels at its surface that are less than half as bright, above muscle, as the bone beneath."""
    reach = 2 * int(np.ceil(_BENEATH_MM / spacing_mm)) + 1
    beneath = ndimage.maximum_filter(np.where(mask, hu, _MUSCLE_HU), size=reach)
    half = np.minimum((beneath + _MUSCLE_HU) / 2, _MOST_HALF_HU)
    dim = mask & (hu < half) & ~stays
    for _ in range(max(1, round(_RECEDE_MM / spacing_mm))):
        mask = mask & ~(dim & ndimage.binary_dilation(~mask))
    return np.asarray(mask)


def enclosure(bone: BoolArray, spacing_mm: float) -> npt.NDArray[np.float32]:
    """(z, y, x): in which share of the 26 directions of its neighbours a voxel has bone within some 64 mm; 1 in the bone."""
    steps = [2**n for n in range(int(np.log2(max(64 / spacing_mm, 2))))]
    seen: npt.NDArray[np.float32] = np.zeros(bone.shape, dtype=np.float32)
    directions = [d for d in product((-1, 0, 1), repeat=3) if any(d)]
    for direction in directions:
        hit = bone.copy()
        # After steps of 1, 2, 4, ... voxels each voxel knows of all bone up to the sum of them.
        for step in steps:
            if step < min(n for n, d in zip(bone.shape, direction, strict=True) if d):
                to = tuple(slice(max(d * step, 0), n + min(d * step, 0)) for n, d in zip(bone.shape, direction, strict=True))
                of = tuple(slice(max(-d * step, 0), n + min(-d * step, 0)) for n, d in zip(bone.shape, direction, strict=True))
                hit[to] |= hit[of].copy()
        seen += hit
    seen /= len(directions)
    return seen


def _closed(mask: BoolArray, radius_mm: float, spacing_mm: float) -> BoolArray:
    """Closing by a ball."""
    grown = _distance(~mask, spacing_mm) <= radius_mm
    return np.asarray((_distance(grown, spacing_mm) > radius_mm) | mask)


def _distance(mask: BoolArray, spacing_mm: float) -> FloatArray:
    """Of every voxel of the mask from the nearest one outside, mm."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing_mm))
