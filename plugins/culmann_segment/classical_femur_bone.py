"""The bone of one femur: cut from the acetabulum at the surface of its head, and told from the pelvis by a watershed."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from culmann.data.arrays import BoolArray, FloatArray
from culmann_segment.classical_femur_filling import MARROW, enclosure
from culmann_segment.classical_femur_head import Head
from culmann_segment.classical_femur_joint import HeadSurface
from culmann_segment.classical_femur_working import Image

#: Directions further than this from the neck belong to the free surface of the head.
FREE_DEG = 55.0

#: The same while the direction of the neck is only guessed: better some of the rim of the acetabulum than half of a neck.
GUESSED_DEG = 70.0

#: Width of the cut around the head, and how far from the head nothing but the pelvis can lie in its free directions.
_CUT_MM, _PELVIS_MM = 3.0, 14.0


def femur_bone(
    image: Image, head: Head, surface: HeadSurface, bone_hu: float, free_deg: float = FREE_DEG
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """(z, y, x): the compact and spongy bone of the femur, with its head as a solid; where the femur cannot be;
    and the free part of the head, whose surface is that of `surface`.

    Parameters
    ----------
    image
        The working image around one hip.
    head, surface
        Of this femur.
    bone_hu
        What is brighter is bone.
    free_deg
        Directions further than this from the neck belong to the free surface of the head.
    """
    offset = image.positions_mm() - head.centre_mm
    distance = np.linalg.norm(offset, axis=-1)
    cosine = (offset @ head.neck) / np.maximum(distance, 1e-6)
    free = cosine < np.cos(np.radians(free_deg))
    near = distance < head.radius_mm + _PELVIS_MM + 4
    radius = np.full(image.grid.shape, np.inf)
    radius[near] = surface.radius_towards(offset[near] / np.maximum(distance[near], 1e-6)[:, None])
    solid_head = near & free & (distance <= radius)
    forbidden = near & free & (distance > radius) & (distance < radius + _PELVIS_MM)
    core = near & (distance < 0.75 * head.radius_mm)
    bone = (image.hu > bone_hu) | solid_head | core
    seed = np.zeros(image.grid.shape, dtype=np.int32)
    seed[forbidden & (distance > radius + _CUT_MM) & (image.hu > bone_hu)] = 2
    seed[solid_head | core] = 1
    # Bright bone floods first, so that the two meet at the darkest place of a bridge between them.
    cut = bone & ~(forbidden & (distance <= radius + _CUT_MM))
    parts = watershed(-np.clip(image.hu, 0, 1500), seed, mask=cut)  # type: ignore[no-untyped-call]
    femur = (parts == 1) & ~forbidden
    return _with_seed(femur, solid_head | core), forbidden | (parts == 2), solid_head


def neck_seen(image: Image, head: Head, surface: HeadSurface, bone_hu: float) -> FloatArray:
    """(3,): unit vector from the centre of the head to the middle of the bone and marrow that leaves it, LPS."""
    bone, keep_out, _ = femur_bone(image, head, surface, bone_hu, GUESSED_DEG)
    filled = (enclosure(bone, image.grid.spacing_mm[0]) >= MARROW) & ~keep_out
    offset = image.positions_mm()[filled] - head.centre_mm
    distance = np.linalg.norm(offset, axis=1)
    # The free surface of the head may be a little outside of the sphere: only what is clearly beyond it is the neck.
    beyond = (distance > head.radius_mm + 4) & (distance < head.radius_mm + _PELVIS_MM)
    if not beyond.any():
        return head.neck
    direction = (offset[beyond] / distance[beyond][:, None]).sum(axis=0)
    return np.asarray(direction / np.linalg.norm(direction))


def _with_seed(mask: BoolArray, seed: BoolArray) -> BoolArray:
    """The parts of a mask that hold a seed."""
    part, _ = ndimage.label(mask)
    chosen = np.unique(part[seed & mask])
    return np.asarray(np.isin(part, chosen[chosen > 0]))
