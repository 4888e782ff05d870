"""Both proximal femurs out of a CT of the hips without a network: sphere-guided cut of the joint, and what it is worth."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Labels, Scan
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.regridding import labels_onto
from culmann_segment.classical_femur_bone import femur_bone, neck_seen
from culmann_segment.classical_femur_confidence import Fact, Femur, as_json, facts, weakest
from culmann_segment.classical_femur_filling import enclosed, largest, solid
from culmann_segment.classical_femur_head import Head, fit
from culmann_segment.classical_femur_input import METAL_HU, no_head, refuse_head, refuse_unusable
from culmann_segment.classical_femur_joint import head_surface
from culmann_segment.classical_femur_picture import femur_picture
from culmann_segment.classical_femur_sides import find_heads
from culmann_segment.classical_femur_working import Image, box, resampled, turned, turned_back

#: Labels of the result. Sides are those of the patient.
NAMES = {1: "femur-left", 2: "femur-right"}
_SIDES = ("left", "right")

#: The neck is guessed, then seen on the bone that this leads to, and so on, at most this often.
_MOST_TURNS = 3

#: Below this confidence there is a warning.
_LOW = 0.6

#: With less than this below the centre of the head, the lesser trochanter is hardly in view.
_SHORT_MM = 80.0


class ClassicalFemursConfig(Config):
    """Options of `classical-femurs`."""

    side: Literal["both", "left", "right"] = Field(
        "both",
        description="Which femurs, in the patient's sides. With `both`, a femur that is not in view or cannot be used is left "
        "out with a warning; a single side that is asked for and cannot be had is an error. The confidence of a single side "
        "compares it with the other one all the same, where that is in view.",
    )
    bone_hu: float = Field(
        200.0,
        ge=80,
        le=600,
        description="What is brighter than this is bone, in Hounsfield units: it places the outer surface.",
    )
    working_spacing_mm: float | None = Field(
        None,
        ge=0.6,
        le=3,
        description="Voxel spacing of the image that the work is done on; null takes the narrowest width of the scan's voxels, "
        "but 1 to 1.5 mm. The result is on the scan's grid.",
    )
    length_mm: float = Field(
        200.0,
        ge=60,
        le=350,
        description="The femur is kept down to this far below the centre of its head, along the patient's axis: a knee in view "
        "would not be separated.",
    )
    least_length_mm: float = Field(
        45.0,
        ge=0,
        le=350,
        description="A femur of which less than this is in view below the centre of its head is cut through the neck or the "
        "trochanters, and refused. 0 accepts any.",
    )


def classical_femurs(scan: Scan, config: ClassicalFemursConfig, journal: Journal) -> Labels:
    """Segment the proximal femurs in a CT of the hips, by classical image processing.

    Edges of bone vote for the centres of balls; the roundest two that lie as hips do are the heads. The surface of each head
    is the cheapest closed surface near the fitted sphere (a minimum cut), and cuts it from the acetabulum. What is brighter
    than `bone_hu` and hangs together with the head is the femur; a watershed ends it where it meets the pelvis. Gaps of a thin
    cortex are bridged, the marrow is filled, and the surface is smoothed.

    It is no trained network. `femurs.json` gives a confidence for each side: the lowest of the marks that measured facts
    get (roundness of the head, distance of its surface from the sphere, share without a visible joint space, hollows, likeness
    of both sides, length in view, contact with the image border, voxel width, metal). Below 0.6 there is a warning.

    Parameters
    ----------
    scan
        CT in Hounsfield units with air or fat in view, of any spacing up to 5 mm, orientation and extent.
    config
        Options.
    journal
        Gets the warnings, the picture `femurs.png` and the facts `femurs.json`.

    Returns
    -------
    Labels
        1 `femur-left` and 2 `femur-right` on the grid of the scan, each one closed part without cavities.

    Raises
    ------
    InputError
        When the values are no Hounsfield units, voxels are wider than 5 mm, there is no bone or no femoral head in view, or a
        femur that is asked for is absent, cut through head or neck, or replaced by a prosthesis.
    """
    scan.expect_hu("classical-femurs")
    refuse_unusable(scan, config.bone_hu)
    journal.progress("looking for the heads of the femurs", 0.0)
    image = turned(scan.grid, scan.hu)
    heads, roundest = find_heads(image)
    if not heads:
        raise no_head(image, roundest)
    wanted = _SIDES if config.side == "both" else (config.side,)
    femurs: dict[str, Femur] = {}
    problems: dict[str, InputError] = {}
    for n, side in enumerate(wanted):
        journal.progress(f"segmenting the {side} femur", 0.2 + 0.35 * n)
        try:
            femurs[side] = _femur(image, side, heads, config)
        except InputError as refusal:
            problems[side] = refusal
    if not femurs:
        first = next(iter(problems.values()))
        raise InputError("; ".join(problem.message for problem in problems.values()), hint=first.hint)
    for problem in problems.values():
        journal.warn(f"{problem.message}; only the other side is segmented")
    journal.progress("checking what was found", 0.8)
    compared = dict(femurs)
    for side in heads.keys() - compared.keys() - problems.keys():
        with contextlib.suppress(InputError):  # it is not asked for: what is wrong with it matters to nobody
            compared[side] = _femur(image, side, heads, config)
    measured = _judge(femurs, compared, scan, journal)
    labels = _on_scan(image, femurs, scan)
    confidence = {side: weakest(found).mark for side, found in measured.items()}
    journal.attach("femurs.png", femur_picture(femurs, confidence))
    journal.attach("femurs.json", as_json(femurs, measured))
    return labels


def _femur(image: Image, side: str, heads: Mapping[str, Head], config: ClassicalFemursConfig) -> Femur:
    if side not in heads:
        there = next(iter(heads))
        raise InputError(
            f"the {side} femur is not in view: the only femoral head found is the {there} one",
            hint=f"ask for `side: {there}`, or give a scan that shows both hips",
        )
    coarse = heads[side]
    outwards = 1.0 if side == "left" else -1.0
    reach = np.array([[-50.0 * outwards, 110.0 * outwards], [-75.0, 75.0], [-config.length_mm, 50.0]])
    near = box(image, coarse.centre_mm + reach.min(axis=1), coarse.centre_mm + reach.max(axis=1))
    spacing = config.working_spacing_mm or float(np.clip(min(image.grid.spacing_mm), 1.0, 1.5))
    work = resampled(near, spacing)
    head = fit(work, coarse.centre_mm, side) or coarse
    refuse_head(image, head, side, config.least_length_mm)
    for _ in range(_MOST_TURNS):
        surface = head_surface(work, head)
        neck = neck_seen(work, head, surface, config.bone_hu)
        found, head = neck @ head.neck > np.cos(np.radians(4)), replace(head, neck=neck)
        if found:
            break
    surface = head_surface(work, head)
    mask = solid(work, *femur_bone(work, head, surface, config.bone_hu))
    return Femur(side, work, head, surface, mask, work.positions_mm()[..., 2][mask] - head.centre_mm[2])


def _judge(
    femurs: Mapping[str, Femur], compared: Mapping[str, Femur], scan: Scan, journal: Journal
) -> dict[str, dict[str, Fact]]:
    """What was measured on each femur, also against the other one where that is among those to compare with."""
    measured: dict[str, dict[str, Fact]] = {}
    for side, femur in femurs.items():
        other = next((f for s, f in compared.items() if s != side), None)
        metal = float((femur.image.hu[femur.mask] > METAL_HU).sum()) * femur.image.grid.voxel_volume_mm3
        measured[side] = facts(femur, other, max(scan.grid.spacing_mm), metal)
        worst = weakest(measured[side])
        if worst.mark < _LOW:
            doubts = "; ".join(fact.words for fact in measured[side].values() if fact.mark < _LOW)
            journal.warn(
                f"{side} femur: low confidence {worst.mark:.2f} in the classical segmentation: {doubts}. Look at femurs.png"
            )
        if femur.length_mm < _SHORT_MM:
            journal.warn(
                f"{side} femur: the image ends {femur.length_mm:.0f} mm below the centre of the head, near the lesser "
                "trochanter: there is little shaft to hold it by"
            )
        journal.progress(
            f"{side} femur: {femur.volume_cm3:.0f} cm3, head radius {femur.head.radius_mm:.1f} mm, "
            f"{femur.length_mm:.0f} mm below the centre of the head, confidence {worst.mark:.2f}"
        )
    return measured


def _on_scan(image: Image, femurs: Mapping[str, Femur], scan: Scan) -> Labels:
    label = np.zeros(image.grid.shape, dtype=np.int32)
    told = []
    for value, name in NAMES.items():
        femur = femurs.get(name.removeprefix("femur-"))
        if femur is None:
            continue
        work = Labels(femur.image.grid, femur.mask.astype(np.int32))
        placed = largest(labels_onto(work, image.grid).foreground)
        label[enclosed(placed) & (label == 0)] = value
        told.append(f"{name} {femur.volume_cm3:.0f} cm3")
    names = {value: name for value, name in NAMES.items() if (label == value).any()}
    history = (*scan.history, f"classical-femurs: {', '.join(told)}")
    return Labels(scan.grid, turned_back(label, scan.grid), names, history, scan.placement)
