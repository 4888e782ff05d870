"""What is refused because it can hardly be a vertebra: endplates at the border, tilted or unequal, odd heights."""

from __future__ import annotations

from culmann.errors import InputError

INSIST = "with `{option}` it is computed all the same"


def refuse_cut(side: str, cut: int, nodes: int, largest_share: float) -> None:
    """Refuse an endplate most of whose nodes lie at the border of the field of view: it is the cut that was found.

    Raises
    ------
    InputError
        When more than `largest_share` of the nodes do.
    """
    if cut > largest_share * nodes:
        raise InputError(
            f"{cut} of {nodes} nodes of the {side} endplate lie at the border of the field of view: "
            "the bone is cut there, and its endplate is not in the image",
            hint="choose a vertebra that lies in the image as a whole; "
            + INSIST.format(option="largest_cut_share: 1")
            + ", as a specimen that was sawn there",
        )


def refuse_lying(lean_deg: float, largest_deg: float) -> None:
    """Refuse an axis far from what was stated as superior.

    Raises
    ------
    InputError
        When it is further than `largest_deg`.
    """
    if lean_deg > largest_deg:
        raise InputError(
            f"the axis between the endplates lies {lean_deg:.0f} degrees from the direction taken as superior, "
            f"more than {largest_deg:g}: this is hardly a vertebra, or the image's directions are wrong",
            hint="check the labels; if the bone lies so in the image, say with `superior` where its upper side is",
        )


def refuse_wedge(tilt_deg: float, largest_deg: float) -> None:
    """Refuse endplates that are not nearly parallel.

    Raises
    ------
    InputError
        When the tilt between them is more than `largest_deg`.
    """
    if tilt_deg > largest_deg:
        raise InputError(
            f"the endplates are tilted {tilt_deg:.0f} degrees towards each other, more than {largest_deg:g}: "
            "this is hardly a vertebra",
            hint="check the labels, and name the `regions` of the body if there are some; "
            + INSIST.format(option="largest_tilt_deg: 180"),
        )


def refuse_unequal(area_mm2: tuple[float, float], smallest_ratio: float) -> None:
    """Refuse endplates of which one is much larger than the other, as flat parts of other bones are.

    Raises
    ------
    InputError
        When the smaller has less than `smallest_ratio` of the area of the larger.
    """
    ratio = min(area_mm2) / max(area_mm2)
    if ratio < smallest_ratio:
        raise InputError(
            f"the endplates have {area_mm2[0]:.0f} mm² (superior) and {area_mm2[1]:.0f} mm² (inferior), a ratio of {ratio:.2f} "
            f"that is below {smallest_ratio:g}: this is hardly a vertebra, or a part of it is missing",
            hint="check the labels, and name the `regions` of the body if there are some; "
            + INSIST.format(option="smallest_area_ratio: 0"),
        )


def refuse_height(height_mm: float, plausible_mm: tuple[float, float] | None) -> None:
    """Refuse a distance of the endplates that no human vertebra has.

    Raises
    ------
    InputError
        When the height lies outside of `plausible_mm`.
    """
    if plausible_mm is None or plausible_mm[0] <= height_mm <= plausible_mm[1]:
        return
    low, high = plausible_mm
    why = (
        "a part of the vertebra may be missing, or this is another structure"
        if height_mm < low
        else "several vertebrae may be merged, or this is another structure"
    )
    raise InputError(
        f"the endplates are {height_mm:.1f} mm apart, outside of the {low:g} to {high:g} mm of human vertebrae: {why}",
        hint="check which labels are picked; another range for another bone is `plausible_height_mm`, null for none",
    )
