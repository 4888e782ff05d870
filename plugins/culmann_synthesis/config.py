"""The options of `culmann synthesize`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from culmann.config import Config

Range = tuple[float, float]


class SynthesisConfig(Config):
    """Options of `culmann synthesize`: a pair of numbers is a range, from which each case draws."""

    targets: dict[str, list[str]] = Field(
        {"vertebra": ["vertebrae_*"]},
        min_length=1,
        description="Labels of the result: a name, and the names of the anatomy's labels that make it (`*` and `?` as in file "
        "names). They are numbered from 1 in this order; what is in none of them is background.",
    )
    halves: list[str] = Field(
        [],
        description="Targets of which each bone is cut at the middle of its body, into NAME-upper and NAME-lower: vertebrae "
        "that touch each other do so with different halves, which tells them apart.",
    )
    field_of_view_mm: Range = Field(
        (90.0, 160.0), description="Width of the scan along each axis, mm, but no wider than the anatomy."
    )
    spacing_in_plane_mm: Range = Field((1.0, 2.0), description="Voxel spacing along the patient's left and back, mm.")
    spacing_slices_mm: Range = Field((1.0, 3.0), description="Distance of the slices along the patient's axis, mm.")
    fine_mm: float = Field(
        1.0,
        ge=0.4,
        le=4,
        description="Voxel spacing, mm, of the image that is painted before the scanner's blur; no coarser than the scan.",
    )
    rotation_deg: float = Field(12.0, ge=0, le=180, description="Largest turn about each axis, degrees.")
    scaling: Range = Field((0.85, 1.15), description="Size of the body, as a factor.")
    shear: float = Field(0.08, ge=0, le=0.5, description="Largest shear.")
    bend_mm: float = Field(3.0, ge=0, le=20, description="Largest standard deviation of the smooth displacements, mm.")
    bend_length_mm: float = Field(30.0, ge=5, description="Length over which the displacements vary, mm.")
    mirror: bool = Field(True, description="Half of the cases have left and right exchanged (and so have names of labels).")
    real_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of cases that keep the brightness of the anatomy's own CT, with another contrast, blur and noise; "
        "the others are painted from the labels. An anatomy without a CT is always painted.",
    )
    cortex_mm: Range = Field((0.4, 2.0), description="Thickness of the cortical shell of bones, mm.")
    contrast_share: float = Field(0.4, ge=0, le=1, description="Share of cases with contrast agent in blood and bowel.")
    metal_share: float = Field(0.0, ge=0, le=1, description="Share of cases with a metal rod beside bone, and its streaks.")
    blur_mm: Range = Field((0.6, 2.0), description="Full width at half maximum of the scanner's blur in plane, mm.")
    noise_hu: Range = Field((5.0, 60.0), description="Standard deviation of the noise, HU.")
    noise_grain_mm: Range = Field((0.0, 3.0), description="Width of the grains of the noise, mm; below a voxel it is white.")

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        lowest = {
            "field_of_view_mm": 10.0,
            "spacing_in_plane_mm": 0.3,
            "spacing_slices_mm": 0.3,
            "scaling": 0.3,
            "cortex_mm": 0.0,
            "blur_mm": 0.0,
            "noise_hu": 0.0,
            "noise_grain_mm": 0.0,
        }
        for name, least in lowest.items():
            low, high = getattr(self, name)
            if not least <= low <= high:
                raise ValueError(f"`{name}` is a range from a lower to a higher number, the lower one at least {least:g}")
        strange = set(self.halves) - set(self.targets)
        if strange:
            raise ValueError(f"`halves` names {', '.join(sorted(strange))}, and `targets` does not")
        return self

    @property
    def names(self) -> dict[int, str]:
        """{number: name} of the labels of the result."""
        ends = ((name, ("-upper", "-lower") if name in self.halves else ("",)) for name in self.targets)
        return dict(enumerate((f"{name}{end}" for name, parts in ends for end in parts), start=1))
