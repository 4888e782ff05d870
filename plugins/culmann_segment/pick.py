"""Choosing labels, from a file or from a label map, and laying them onto the grid of a scan."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Labels, Scan
from culmann.errors import InputError
from culmann.image_files import read_label_file
from culmann.journal import Journal
from culmann.regridding import LabelInterpolation, labels_onto

#: From this share of the picked volume on, it is worth a warning that it lies outside of the scan.
_LOST_SHARE = 0.01


class PickLabelsConfig(Config):
    """Options of `pick-labels`."""

    labels: list[int | str] | None = Field(
        None, min_length=1, description="Labels to keep, by number or name, as `[22]` or `[L3]`; null keeps all."
    )
    merge_as: str | None = Field(
        None, min_length=1, description="Merge the picked labels into label 1 of this name; null keeps their numbers."
    )
    interpolation: LabelInterpolation = Field(
        "linear",
        description="How labels come onto another grid: `linear` gives a voxel the label with the largest share of it, "
        "`nearest` the label of the nearest voxel.",
    )


class LabelsFromFileConfig(PickLabelsConfig):
    """Options of `labels-from-file`."""

    path: Path = Field(description="The label file: NIfTI, NRRD or MetaImage.")


def labels_from_file(scan: Scan, config: LabelsFromFileConfig, journal: Journal) -> Labels:
    """Read a label map, pick labels, and lay them onto the grid of the scan.

    The file lies where the patient lay; of a scan that was mirrored or registered, the labels follow the way.

    Raises
    ------
    InputError
        When the file is no label map, a label is absent, or nothing of what is picked lies in the scan.
    """
    picked = _pick(read_label_file(config.path), config, str(config.path))
    return _onto_scan(picked, scan, config.interpolation, journal)


def pick_labels(labels: Labels, config: PickLabelsConfig, journal: Journal, scan: Scan | None = None) -> Labels:
    """Pick labels of a map, and lay them onto the grid of the scan when there is one.

    Of a scan that was mirrored or registered, the labels follow the way.

    Raises
    ------
    InputError
        When a label is absent, or nothing of what is picked lies in the scan.
    """
    picked = _pick(labels, config, "the label map")
    return picked if scan is None else _onto_scan(picked, scan, config.interpolation, journal)


def _pick(labels: Labels, config: PickLabelsConfig, where: str) -> Labels:
    present = labels.present()
    if not present:
        raise InputError(f"no voxel of {where} is labelled")
    chosen = list(present) if config.labels is None else _numbers(config.labels, present, where)
    kept = np.where(np.isin(labels.label, chosen), labels.label, 0).astype(np.int32)
    names = {v: present[v] for v in chosen}
    told = f"pick-labels: {listed(names)}"
    if config.merge_as is not None:
        kept, names = (kept != 0).astype(np.int32), {1: config.merge_as}
        told += f", merged into 1 ({config.merge_as})"
    return replace(labels, label=kept, names=names, history=(*labels.history, told))


def _numbers(wanted: Sequence[int | str], present: dict[int, str], where: str) -> list[int]:
    """Numbers of the wanted labels, ascending; raises InputError naming all that are absent."""
    found: set[int] = set()
    absent: list[int | str] = []
    for want in wanted:
        match = {v for v, name in present.items() if want in (v, name)}
        found |= match
        if not match:
            absent.append(want)
    if absent:
        named = [name for v, name in present.items() if name != f"label-{v}"]
        close = [c for want in absent for c in difflib.get_close_matches(str(want), named, n=1)]
        raise InputError(
            f"{where} has no label {', '.join(str(a) for a in absent)}; present are {listed(present)}",
            hint=f"did you mean {', '.join(close)}?" if close else "pick labels by a number or a name that is present",
        )
    return sorted(found)


def listed(names: Mapping[int, str]) -> str:
    """Labels in few words, as `1 (body), 27 to 33, 75`: names that only repeat the number are left out."""
    words: list[str] = []
    run: list[int] = []
    for v, name in sorted(names.items()):
        if name != f"label-{v}":
            words.append(f"{v} ({name})")
            run = []
        elif run and v == run[-1] + 1:
            run.append(v)
            words[-1] = f"{run[0]} to {v}"
        else:
            words.append(str(v))
            run = [v]
    return ", ".join(words)


def _onto_scan(labels: Labels, scan: Scan, interpolation: LabelInterpolation, journal: Journal) -> Labels:
    grid = scan.grid
    if labels.grid.same_as(grid) and labels.placement.same_as(scan.placement):
        return replace(labels, grid=grid)
    placed = labels_onto(labels, grid, interpolation, scan.placement)
    covered = labels.grid.part(ndimage.find_objects(labels.foreground.astype(np.uint8))[0])
    if not placed.foreground.any():
        raise InputError(
            f"nothing labelled lies in the scan: the labelled part has {covered.describe()}; the scan has {grid.describe()}",
            hint="are they of the same patient and scan, and was neither moved or cropped? "
            "A part smaller than a voxel of the scan vanishes too",
        )
    lost = _share_outside(labels, scan)
    if lost >= _LOST_SHARE:
        journal.warn(
            f"{100 * lost:.2g} % of the labelled volume lies outside of the scan: the labelled part has {covered.describe()}; "
            f"the scan has {grid.describe()}"
        )
    told = f"laid onto the scan's grid ({interpolation})"
    return replace(placed, history=(*placed.history, told))


def _share_outside(labels: Labels, scan: Scan) -> float:
    """Share of the labelled voxels whose centres lie in no voxel of a scan."""
    in_patient = labels.placement.point_to_patient(labels.grid.to_world(np.argwhere(labels.foreground)[:, ::-1]))
    index = scan.grid.to_index(scan.placement.point_from_patient(in_patient))
    outside = ((index < -0.5 - 1e-6) | (index > np.asarray(scan.grid.size) - 0.5 + 1e-6)).any(axis=1)
    return float(outside.mean())
