"""What the classical femur segmenter refuses: other units, no bone, wide voxels, and femurs that are cut or replaced."""

from __future__ import annotations

import numpy as np

from culmann.data import Scan
from culmann.errors import InputError
from culmann_segment.classical_femur_head import Head
from culmann_segment.classical_femur_working import FloatImage, Image, box

#: What is brighter is metal: cortical bone reaches about 2000 HU.
METAL_HU = 2500.0

_WIDEST_MM = 5.0

#: A femur has some 50 cm3 of it.
_LEAST_BONE_MM3 = 10_000.0


def refuse_unusable(scan: Scan, bone_hu: float) -> None:
    """Raise InputError for a scan in which no femur can be found whatever it shows."""
    widest = max(scan.grid.spacing_mm)
    if widest > _WIDEST_MM:
        raise InputError(
            f"the scan is too coarse: its voxels are {widest:g} mm wide, and at more than {_WIDEST_MM:g} mm the joint space of "
            "the hip cannot be seen",
            hint="reconstruct the scan with thinner slices, or give labels with `labels-from-file`",
        )
    _refuse_units(scan.hu)
    bone = float((scan.hu > bone_hu).sum()) * scan.grid.voxel_volume_mm3
    if bone < _LEAST_BONE_MM3:
        raise InputError(
            f"there is no bone in the scan: {bone / 1000:.2g} cm3 are brighter than {bone_hu:g} HU; a femur has some 50 cm3",
            hint="is this the right volume, and is it in Hounsfield units? `bone_hu` is what counts as bone",
        )


def _refuse_units(hu: FloatImage) -> None:
    low, high = float(hu.min()), float(hu.max())
    hint = "give the original CT in Hounsfield units (air -1000, water 0); a rescaled picture cannot be turned back"
    told = f"the scan does not look like Hounsfield units: its values run from {low:.4g} to {high:.4g}"
    if low == high:
        raise InputError(f"the scan is empty: every voxel is {low:.4g}", hint=hint)
    if low >= 0 and high <= 1.5:
        raise InputError(f"{told}, as a mask or a normalised picture does", hint=hint)
    if low >= 0 and high <= 255:
        raise InputError(f"{told}, as an 8-bit picture does", hint=hint)
    if low >= 0 and high > 1200 and 850 <= float(np.median(hu[hu > 500])) <= 1200:
        raise InputError(
            f"{told}, and most of what is no air lies near 1000: the offset of 1024 is missing",
            hint="subtract 1024 (the rescale intercept of the DICOM header was not applied)",
        )
    if low >= -50:
        raise InputError(
            f"{told}; there is neither air (-1000) nor fat (-100): a density map, or an image with its background set to 0?",
            hint="give the CT itself, before calibration and masking",
        )
    if high <= 3:
        raise InputError(f"{told}, as a normalised image does", hint=hint)


def metal_mm3(hu: FloatImage, voxel_mm3: float) -> float:
    """Volume brighter than any bone."""
    return float((hu > METAL_HU).sum()) * voxel_mm3


def refuse_head(image: Image, head: Head, side: str, least_length_mm: float) -> None:
    """Raise InputError for a femur that is cut through its head or neck, or has a prosthesis for a head."""
    where = "(L, P, S) = ({:.0f}, {:.0f}, {:.0f}) mm".format(*head.centre_mm)
    if head.seen < 0.97:
        raise InputError(
            f"the {side} femur is cut through its head: {100 * (1 - head.seen):.0f} % of the head at {where} lie outside "
            "of the image",
            hint="a scan that shows the whole head is needed",
        )
    inside = box(image, head.centre_mm - 0.5 * head.radius_mm, head.centre_mm + 0.5 * head.radius_mm)
    if float(np.median(inside.hu)) > 1800:
        raise InputError(
            f"the {side} femoral head at {where} is a prosthesis: it is brighter than bone can be",
            hint="a hip with a prosthesis has no proximal femur to load",
        )
    below = float(head.centre_mm[2] - image.grid.extent_mm()[0][2])
    if below < least_length_mm:
        metal = metal_mm3(box(image, head.centre_mm - 45, head.centre_mm + 45).hu, image.grid.voxel_volume_mm3)
        implant = f", and {metal / 1000:.2g} cm3 of metal lie around it" if metal > 50 else ""
        raise InputError(
            f"the {side} femur is cut through the neck or the trochanters: the image ends {below:.0f} mm below the centre of "
            f"the head{implant}",
            hint=f"at least {least_length_mm:g} mm are needed (`least_length_mm`), and some 100 mm for a failure load",
        )


def no_head(image: Image, roundest: float) -> InputError:
    """What is told when no head of a femur was found; `roundest` is the share of directions in which the best one is round."""
    metal = metal_mm3(image.hu, image.grid.voxel_volume_mm3)
    implant = (
        f" There are {metal / 1000:.2g} cm3 of metal in view: a hip prosthesis has no femoral head." if metal > 100 else ""
    )
    return InputError(
        f"no femoral head was found in the scan ({image.grid.describe()}): the roundest end of a bone is round in "
        f"{100 * roundest:.0f} % of its directions, and a head in 72 % or more.{implant}",
        hint="is it a CT of the hips with a whole femoral head in view? Else give labels with `labels-from-file`",
    )
