"""Two label maps compared label by label: which label goes with which, on one grid, and the regions of femurs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Labels
from culmann.data.arrays import BoolArray
from culmann.errors import InputError
from culmann.regridding import labels_onto
from culmann_study.femur_regions import FemurPlanes
from culmann_study.overlap import Metrics, compare, pair_of

Match = Literal["auto", "number", "name"]

#: What a row is called that is about the whole of a label.
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Row:
    """The metrics of one label, or of a region of it: `name` is that in the reference, `region` is `whole` or a part."""

    label: int
    name: str
    region: str
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Matched:
    """A label: its number in the reference and in the prediction, 0 where it is absent."""

    reference: int
    prediction: int
    name: str

    @property
    def number(self) -> int:
        """That in the reference, or where it is absent there, that in the prediction."""
        return self.reference or self.prediction


def on_one_grid(reference: Labels, prediction: Labels, resample: bool) -> Labels:
    """The prediction on the grid of the reference.

    Raises
    ------
    InputError
        When the grids differ and `resample` is not set, or do not overlap.
    """
    if reference.grid.same_as(prediction.grid) and reference.placement.same_as(prediction.placement):
        return replace(prediction, grid=reference.grid)
    grids = f"the reference has {reference.grid.describe()}; the prediction has {prediction.grid.describe()}"
    if not resample:
        raise InputError(
            f"the label maps lie on different grids: {grids}",
            hint="lay the prediction onto the grid of the reference with `resample` (`culmann evaluate --resample`); a voxel "
            "then gets the label with the largest share of it, which moves the surface by up to half a voxel",
        )
    laid = labels_onto(prediction, reference.grid, "linear", reference.placement)
    if prediction.foreground.any() and not laid.foreground.any():
        raise InputError(
            f"nothing of the prediction lies in the image of the reference: {grids}",
            hint="are they of the same patient and scan, and was neither moved?",
        )
    return laid


def matched(
    reference: Labels, prediction: Labels, match: Match, pairs: Mapping[int, int], only: Sequence[int | str]
) -> list[Matched]:
    """Which label of the reference goes with which of the prediction.

    Parameters
    ----------
    reference, prediction
        The label maps.
    match
        By `number` or by `name`; `auto` goes by name when every label of both has one, else by number.
    pairs
        {number in the reference: number in the prediction}, for those that are to be matched otherwise.
    only
        Labels of the reference by number or name; empty for all of both maps.

    Raises
    ------
    InputError
        When a label is asked for that the reference does not have, or labels have no names to match by.
    """
    names, others = reference.present(), prediction.present()
    if _by_name(reference, prediction, match):
        back = {name: v for v, name in others.items()}
        found = [Matched(v, back.pop(name, 0), name) for v, name in names.items()]
        found += [Matched(0, v, name) for name, v in back.items()]
    else:
        found = [Matched(v, v if v in others else 0, name) for v, name in names.items()]
        found += [Matched(0, v, name) for v, name in others.items() if v not in names]
    for ours, theirs in pairs.items():
        if ours not in names and theirs not in others:
            raise InputError(f"the pair {ours} = {theirs}: neither label is present", hint=f"present are {_listed(names)}")
        name = names.get(ours) or others[theirs]
        found = [at for at in found if at.reference != ours and at.prediction != theirs]
        found.append(Matched(ours if ours in names else 0, theirs if theirs in others else 0, name))
    found.sort(key=lambda at: (at.reference == 0, at.number))
    if not only:
        return found
    chosen: list[Matched] = []
    for want in only:
        hits = [at for at in found if want in (at.reference, at.name) and at not in chosen]
        if not hits:
            close = difflib.get_close_matches(str(want), [at.name for at in found], n=1)
            hint = f"did you mean {close[0]}?" if close else "name one that is there, by number or name"
            raise InputError(f"the reference has no label {want}; present are {_listed(names)}", hint=hint)
        chosen += hits
    return chosen


def _by_name(reference: Labels, prediction: Labels, match: Match) -> bool:
    names, others = reference.present(), prediction.present()
    named = all(v in reference.names for v in names) and all(v in prediction.names for v in others)
    if match == "name" and not named:
        raise InputError(
            "labels cannot be matched by name: some have none", hint="match them by number, or pair them one by one"
        )
    return match == "name" or (match == "auto" and named and bool(set(names.values()) & set(others.values())))


def _listed(names: Mapping[int, str]) -> str:
    return ", ".join(f"{v} ({name})" for v, name in names.items()) or "none"


def merged(labels: Labels, name: str = "foreground") -> Labels:
    """All labels as one."""
    return replace(labels, label=labels.foreground.astype(np.int32), names={1: name})


def compare_maps(
    reference: Labels,
    prediction: Labels,
    pairs: Sequence[Matched],
    tolerance_mm: float,
    planes: Mapping[int, FemurPlanes] | None = None,
) -> list[Row]:
    """A row for each pair of labels, and one for each region of those that have planes. Both maps lie on one grid."""
    spacing = np.asarray(reference.grid.spacing_mm)[::-1]
    boxes = [ndimage.find_objects(labels.label) for labels in (reference, prediction)]
    rows: list[Row] = []
    for at in pairs:
        sides = [found[v - 1] for found, v in zip(boxes, (at.reference, at.prediction), strict=True) if 0 < v <= len(found)]
        sides = [side for side in sides if side is not None]
        box = tuple(slice(min(s[n].start for s in sides), max(s[n].stop for s in sides)) for n in range(3))
        masks = [_mask(labels.label[box], v) for labels, v in ((reference, at.reference), (prediction, at.prediction))]
        pair = pair_of(masks[0], masks[1], spacing)
        rows.append(Row(at.number, at.name, WHOLE, compare(pair, tolerance_mm)))
        if pair is not None and planes and at.reference in planes:
            for region, where in planes[at.reference].regions(reference.grid.part(box).part(pair.box)).items():
                if (pair.reference & where).any():
                    rows.append(Row(at.number, at.name, region, compare(pair, tolerance_mm, where)))
    return rows


def _mask(label: npt.NDArray[np.int32], value: int) -> BoolArray:
    return np.asarray(label == value) if value else np.zeros(label.shape, dtype=bool)


def renumbered(reference: Labels, prediction: Labels, pairs: Sequence[Matched]) -> tuple[Labels, Labels]:
    """Both maps with the labels that are compared numbered alike, from 1 up, and all others left out."""
    names = {n: at.name for n, at in enumerate(pairs, start=1)}
    told = []
    for labels, of in ((reference, [at.reference for at in pairs]), (prediction, [at.prediction for at in pairs])):
        table = np.zeros(int(labels.label.max()) + 1, dtype=np.int32)
        for n, value in enumerate(of, start=1):
            if 0 < value < len(table):
                table[value] = n
        told.append(replace(labels, label=table[labels.label], names=names))
    return told[0], told[1]
