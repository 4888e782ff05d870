"""How far a femur that was segmented without a network can be trusted: measured facts, each with a mark from 0 to 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from culmann.data.arrays import BoolArray, FloatArray
from culmann_segment.classical_femur_bone import FREE_DEG
from culmann_segment.classical_femur_filling import hollow_share
from culmann_segment.classical_femur_head import Head
from culmann_segment.classical_femur_joint import HeadSurface
from culmann_segment.classical_femur_working import Image


@dataclass(frozen=True, slots=True)
class Fact:
    """Something measured, what it counts, and in words.

    Parameters
    ----------
    value
        As measured.
    mark
        0 (bad) to 1 (good).
    words
        What the value is, with its unit, for a warning.
    """

    value: float
    mark: float
    words: str


@dataclass(frozen=True, slots=True)
class Femur:
    """One femur as it was found.

    Parameters
    ----------
    side
        `left` or `right`.
    image
        The working image around the hip.
    head, surface
        The sphere of its head, and where its head ends.
    mask
        (z, y, x) on the working image.
    heights_mm
        Of each voxel of the mask above the centre of the head, along the patient's axis.
    """

    side: str
    image: Image
    head: Head
    surface: HeadSurface
    mask: BoolArray
    heights_mm: FloatArray

    @property
    def volume_cm3(self) -> float:
        """Volume of the mask."""
        return float(self.mask.sum()) * self.image.grid.voxel_volume_mm3 / 1000

    def volume_above_cm3(self, below_head_mm: float) -> float:
        """Volume of what lies no further than this below the centre of the head."""
        return float((self.heights_mm > -below_head_mm).sum()) * self.image.grid.voxel_volume_mm3 / 1000

    @property
    def length_mm(self) -> float:
        """How far the mask reaches below the centre of the head."""
        return float(-self.heights_mm.min() + self.image.grid.spacing_mm[2] / 2)


def facts(femur: Femur, other: Femur | None, widest_voxel_mm: float, metal_mm3: float) -> dict[str, Fact]:
    """What speaks for and against a femur; its confidence is the lowest of the marks."""
    free = femur.surface.rays @ femur.head.neck < np.cos(np.radians(FREE_DEG))
    residual = float(np.sqrt(np.mean((femur.surface.radius_mm[free] - femur.head.radius_mm) ** 2)))
    covered = int(femur.surface.covered.sum())
    contact = float(femur.surface.in_contact.sum() / covered) if covered else 0.0
    radius = femur.head.radius_mm
    length = femur.length_mm
    border = _share_at_border(femur.mask)
    hollow = hollow_share(femur.mask, femur.image.grid.spacing_mm[0])
    measured = {
        "roundness": Fact(
            femur.head.roundness,
            _mark(femur.head.roundness, 0.5, 0.8),
            f"the head ends within 2 mm of a sphere in only {100 * femur.head.roundness:.0f} % of its free directions",
        ),
        "sphere_residual_mm": Fact(
            residual, _mark(residual, 4.0, 1.5), f"its surface lies {residual:.1f} mm (rms) from the fitted sphere"
        ),
        "head_radius_mm": Fact(
            radius,
            min(_mark(radius, 17.0, 19.5), _mark(radius, 32.0, 28.5)),
            f"the radius of its head, {radius:.1f} mm, is unusual (20 to 28 mm)",
        ),
        "contact_share": Fact(
            contact,
            _mark(contact, 0.8, 0.25),
            f"{100 * contact:.0f} % of the covered head touch the acetabulum without a visible joint space",
        ),
        "covered_share": Fact(
            covered / len(free),
            0.5 + 0.5 * _mark(covered / len(free), 0.02, 0.1),
            "hardly any acetabulum lies around its head: a specimen, a dislocated hip, or a shoulder?",
        ),
        "hollow_share": Fact(
            hollow,
            _mark(hollow, 0.08, 0.025),
            f"hollows of its surface amount to {100 * hollow:.0f} % of its volume: is the marrow filled? Try a lower `bone_hu`",
        ),
        "length_below_head_mm": Fact(
            length, _mark(length, 30.0, 55.0), f"it ends {length:.0f} mm below the centre of its head"
        ),
        "border_share": Fact(
            border, _mark(border, 0.02, 0.0), f"{100 * border:.1f} % of its surface touch the sides or the top of the image"
        ),
        "widest_voxel_mm": Fact(
            widest_voxel_mm, 0.5 + 0.5 * _mark(widest_voxel_mm, 5.5, 2.0), f"voxels are {widest_voxel_mm:.3g} mm wide"
        ),
        "metal_mm3": Fact(metal_mm3, 1.0 if metal_mm3 < 50 else 0.3, f"{metal_mm3 / 1000:.2g} cm3 of metal lie in it"),
    }
    if other is not None:
        measured |= _symmetry(femur, other)
    return measured


def _symmetry(femur: Femur, other: Femur) -> dict[str, Fact]:
    radii = abs(femur.head.radius_mm / other.head.radius_mm - 1)
    common = min(femur.length_mm, other.length_mm)
    mine, theirs = femur.volume_above_cm3(common), other.volume_above_cm3(common)
    volumes = abs(mine - theirs) / max(mine, theirs)
    return {
        "radii_differ_share": Fact(radii, _mark(radii, 0.3, 0.08), f"the radii of both heads differ by {100 * radii:.0f} %"),
        "volumes_differ_share": Fact(
            volumes, _mark(volumes, 0.6, 0.15), f"the volumes of both femurs, cut alike, differ by {100 * volumes:.0f} %"
        ),
    }


def weakest(measured: Mapping[str, Fact]) -> Fact:
    """The fact with the lowest mark: it is the confidence."""
    return min(measured.values(), key=lambda fact: fact.mark)


def _mark(value: float, bad: float, good: float) -> float:
    """0 at `bad` and beyond, 1 at `good` and beyond, straight between."""
    return float(np.clip((value - bad) / (good - bad), 0, 1))


def _share_at_border(mask: BoolArray) -> float:
    """Share of the surface of a mask that lies at the border of its image, its lower end left out."""
    surface = mask & ~np.asarray(ndimage.binary_erosion(mask, border_value=1))
    at_border = sum(int(np.take(mask, end, axis=axis).sum()) for axis, end in ((0, -1), (1, 0), (1, -1), (2, 0), (2, -1)))
    return at_border / max(int(surface.sum()), 1)


def as_json(femurs: Mapping[str, Femur], measured: Mapping[str, Mapping[str, Fact]]) -> bytes:
    """`femurs.json`: for each side its confidence, what limits it, and every fact."""
    content = {
        side: {
            "confidence": round(weakest(found).mark, 3),
            "limited_by": min(found, key=lambda name: found[name].mark),
            "volume_cm3": round(femurs[side].volume_cm3, 2),
            "head_centre_mm": [round(float(x), 2) for x in femurs[side].head.centre_mm],
            "facts": {name: {"value": round(f.value, 4), "mark": round(f.mark, 3)} for name, f in found.items()},
        }
        for side, found in measured.items()
    }
    return json.dumps(content, indent=2).encode()
