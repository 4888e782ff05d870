"""What is refused because it can hardly be a whole proximal femur: cut heads, bones that lie otherwise than stated."""

from __future__ import annotations

import numpy as np

from culmann.data import Grid
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann_femur.head import Head

_NAMES = (("right", "left"), ("anterior", "posterior"), ("inferior", "superior"))


def patient_side(direction: FloatArray) -> str:
    """The side of the patient that a direction in LPS points to most."""
    axis = int(np.argmax(np.abs(direction)))
    return _NAMES[axis][int(direction[axis] > 0)]


def refuse_cut_head(head: Head, image: Grid, largest_share: float, least_dome: float) -> None:
    """Refuse a head that the image or the labels cut.

    Raises
    ------
    InputError
        When more than `largest_share` of its upper half lies outside of the image, or less than `least_dome` on the bone.
    """
    if head.outside_share > largest_share:
        index = image.to_index(head.centre_mm[None])[0]
        reach = head.radius_mm / np.asarray(image.spacing_mm)
        over_mm = np.stack([-0.5 - (index - reach), index + reach - np.asarray(image.size) + 0.5]) * np.asarray(
            image.spacing_mm
        )
        end, axis = np.unravel_index(int(np.argmax(over_mm)), over_mm.shape)
        side = patient_side(image.axes[:, axis] * (1 if end else -1))
        raise InputError(
            f"the femoral head is cut: {100 * head.outside_share:.0f} % of its upper half lie outside of the image, up to "
            f"{over_mm[end, axis]:.1f} mm beyond its {side} side",
            hint="take a scan with the whole head in it; `largest_cut_share: 1` computes it all the same, without what is "
            "missing",
        )
    if head.dome_share < least_dome:
        raise InputError(
            f"the femoral head is not whole: only {100 * head.dome_share:.0f} % of its upper half lie on the surface of the "
            f"bone, and most is missing on its {patient_side(head.missing)} side, around "
            + ", ".join(f"{n} {v:.0f}" for n, v in zip("LPS", head.centre_mm + head.radius_mm * head.missing, strict=True))
            + " mm",
            hint="look at the labels: is the head cut off, or has it run together with the pelvis?",
        )


def refuse_lying(lean_deg: float, largest_deg: float) -> None:
    """Refuse a shaft far from what was stated as superior.

    Raises
    ------
    InputError
        When it is further than `largest_deg`.
    """
    if lean_deg > largest_deg:
        raise InputError(
            f"the shaft of the femur lies {lean_deg:.0f} degrees from the direction taken as superior, more than "
            f"{largest_deg:g}: this is hardly a femur, or the image's directions are wrong",
            hint="check the labels; if the bone lies so in the image, say with `superior` where its upper end is",
        )
