"""One case evaluated: its two files read, matched, and compared, with the parts of femurs where they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from culmann.data import Labels, Landmarks
from culmann.errors import InputError, PluginError
from culmann.image_files import read_label_file
from culmann.journal import QuietJournal
from culmann_study.comparison import Matched, Row, compare_maps, matched, merged, on_one_grid, renumbered
from culmann_study.femur_regions import FemurPlanes, planes_from
from culmann_study.label_cases import LabelFile
from culmann_study.numberings import Numbering, named

#: The step that finds the landmarks of a femur, by the name under which a plugin offers it.
FEMUR_LANDMARKS = "femur-landmarks"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is compared and how; see `culmann evaluate --help`."""

    only: tuple[int | str, ...] = ()
    pairs: Mapping[int, int] | None = None
    merge: bool = False
    femur: bool = False
    tolerance_mm: float = 1.0
    resample: bool = False
    numbering: Numbering | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The rows of one case, what is to be said of them, and both maps with the compared labels numbered alike."""

    rows: list[Row]
    warnings: list[str]
    reference: Labels
    prediction: Labels


_NOTHING_IN_COMMON = (
    "no label is in both: are they numbered in different ways? `--label 21=31` pairs two numbers, `--merge` compares all of "
    "one with all of the other"
)


def evaluate_case(reference_file: LabelFile, prediction_file: LabelFile, wishes: Wishes) -> Evaluated:
    """Compare two label files.

    Raises
    ------
    InputError
        When a file cannot be read, the grids differ and are not to be resampled, or a label is absent.
    """
    reference = named(read_label_file(reference_file.path), reference_file.names, wishes.numbering)
    prediction = named(read_label_file(prediction_file.path, may_be_empty=True), prediction_file.names, wishes.numbering)
    prediction = on_one_grid(reference, prediction, wishes.resample)
    if wishes.merge:
        kept = matched(reference, prediction, "auto", wishes.pairs or {}, wishes.only)
        reference, prediction = (merged(labels) for labels in renumbered(reference, prediction, kept))
        pairs = [Matched(1, 1, "foreground")]
    else:
        pairs = matched(reference, prediction, "auto", wishes.pairs or {}, wishes.only)
    planes, warnings = _planes(reference, pairs) if wishes.femur else ({}, [])
    if not any(at.reference and at.prediction for at in pairs):
        warnings = [*warnings, _NOTHING_IN_COMMON]
    rows = compare_maps(reference, prediction, pairs, wishes.tolerance_mm, planes)
    return Evaluated(rows, warnings, *renumbered(reference, prediction, pairs))


def _planes(reference: Labels, pairs: list[Matched]) -> tuple[dict[int, FemurPlanes], list[str]]:
    """Where the parts of each label meet, and why there are none of a label that is no whole femur."""
    planes: dict[int, FemurPlanes] = {}
    warnings: list[str] = []
    for at in pairs:
        if not at.reference:
            continue
        journal = QuietJournal()
        alone = replace(reference, label=np.where(reference.label == at.reference, 1, 0).astype(np.int32), names={1: at.name})
        try:
            planes[at.reference] = planes_from(_landmarks(alone, journal))
            warnings += [f"{at.name}: {text}" for text in journal.warnings]
        except InputError as problem:
            warnings.append(f"{at.name} has no parts: {problem.message}")
    return planes, warnings


def _landmarks(labels: Labels, journal: QuietJournal) -> Landmarks:
    """The landmarks of a femur, by the step that a plugin offers for it."""
    from culmann.plugins import find, load_catalogue, load_target
    from culmann.ports import ports_of

    offer = find(load_catalogue(), FEMUR_LANDMARKS)
    config = ports_of(offer).config
    if config is None:
        raise PluginError(f"{offer.origin}: {FEMUR_LANDMARKS} takes no options any more")
    found = load_target(offer)(labels=labels, config=config(), journal=journal)
    if not isinstance(found, Landmarks):
        raise PluginError(f"{offer.origin}: {FEMUR_LANDMARKS} gives no landmarks any more")
    return found
