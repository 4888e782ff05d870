"""Scans of the hips made for the comparison of segmenters, as they are and after the paper's preprocessing of femurs."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from culmann.cli import app
from culmann.data import Scan
from culmann.dataset import Dataset, NewCase, read_dataset, write_dataset
from culmann.errors import CulmannError, InputError
from culmann.image_files import read_image_grid, write_image_file
from culmann.journal import QuietJournal
from culmann.regridding import labels_onto

#: Patients who lie, and are built, differently, on several scanners: the generator's usual turns and bends, little shear, a
#: tenth larger or smaller, voxels from fine to coarse. Both hips are in view, as in the paper (its field is 360 mm wide).
SCANS = """
targets: {femur: ["femur_*"]}
field_of_view_mm: [330, 400]
spacing_in_plane_mm: [1, 3]
spacing_slices_mm: [1, 4]
fine_mm: 2
rotation_deg: 12
shear: 0.03
scaling: [0.9, 1.1]
real_share: 0.5
bend_mm: 3
"""


@dataclass(frozen=True)
class Effort:
    """How much and how long.

    Parameters
    ----------
    cases, tests
        Made scans to train on (the paper has twelve femurs), and to judge on.
    steps, nnunet_steps
        Of the optimiser, for each network (there are three in the 2-D model).
    spacing_mm
        Of the U-Nets, and of the preprocessed halves.
    nnunet_memory_gb
        Of a GPU that nnU-Net plans for: it decides the size of its patches.
    scans
        Options of `culmann synthesize`, as YAML.
    """

    cases: int = 6
    tests: int = 8
    steps: int = 600
    nnunet_steps: int = 200
    spacing_mm: float = 3.0
    nnunet_memory_gb: float = 0.25
    scans: str = field(default=SCANS, repr=False)


def do(*words: str) -> None:
    """A command of culmann."""
    with redirect_stdout(io.StringIO()):
        app(list(words), standalone_mode=False)


def made_scans(folder: Path, effort: Effort) -> tuple[Dataset, Dataset]:
    """Scans of the hips for training and for judging, of different seeds; those that are there already are taken."""
    folder.mkdir(parents=True, exist_ok=True)
    options = folder / "scans.yaml"
    options.write_text(effort.scans, encoding="utf-8")
    for name, count, seed in (("train", effort.cases, 1), ("test", effort.tests, 2)):
        if not (folder / name).is_dir():
            words = ["--cases", str(count), "--seed", str(seed), "--anatomy", "hips", "--config", str(options)]
            do("synthesize", "--out", str(folder / name), *words)
    return read_dataset(folder / "train"), read_dataset(folder / "test")


def _half(scan: Scan, side: Literal["left", "right"]) -> Scan:
    """One side of a scan; the middle of the image stands for what a person would set, where that of the body is not found."""
    from culmann_images.side import KeepSideConfig, keep_side

    try:
        return keep_side(scan, KeepSideConfig(side=side), QuietJournal())
    except InputError:
        middle = np.array([[(n - 1) / 2 for n in scan.grid.size]])
        at_mm = float(scan.grid.to_world(middle)[0, 0])
        return keep_side(scan, KeepSideConfig(side=side, at_mm=at_mm), QuietJournal())


def halves(scan: Scan, spacing_mm: float, reference: Path | None) -> dict[str, Scan]:
    """Both femurs' halves of a scan after the paper's preprocessing; a half that cannot be had is left out, and told."""
    from culmann_images.mirror import MirrorConfig, mirror
    from culmann_images.register import RegisterConfig, register
    from culmann_images.resample import ResampleConfig, resample

    found = {}
    sides_of_body: tuple[Literal["left", "right"], ...] = ("left", "right")
    for side in sides_of_body:
        try:
            half = _half(scan, side)
            half = resample(half, ResampleConfig(spacing_mm=(spacing_mm,) * 3))
            half = mirror(half, MirrorConfig(side=side, to_side="left"))
            if reference is not None and not half.grid.same_as(read_image_grid(reference)):  # it lies on itself
                half = register(half, RegisterConfig(reference=reference, kind="affine"), QuietJournal())
        except CulmannError as problem:
            print(f"  a half is left out: {problem.message}", file=sys.stderr)
            continue
        found[side] = half
    return found


def preprocessed(dataset: Dataset, folder: Path, spacing_mm: float) -> tuple[Dataset, Path]:
    """The halves of all scans as a dataset, and the half that they were laid onto: the one that shows most of a femur."""
    reference = folder / "reference.nii.gz"
    if not (folder / "halves").is_dir():
        write_image_file(reference, _fullest(dataset, spacing_mm))
        made = []
        for case in dataset.cases:
            scan, labels = dataset.load(case)
            for side, half in halves(scan, spacing_mm, reference).items():
                label = labels_onto(labels, half.grid, placement=half.placement)
                if label.foreground.any():
                    whole = replace(half, hu=np.round(half.hu))
                    made.append(NewCase(f"{case.case}-{side}", whole, label, patient=case.patient, side=side))
        write_dataset(folder / "halves", made, name="halves", labels=dataset.labels, about=dataset.about)
    return read_dataset(folder / "halves"), reference


def _fullest(dataset: Dataset, spacing_mm: float) -> Scan:
    """The half that shows the largest volume of a femur: little of the others lies out of its view."""
    shown = list[tuple[int, Scan]]()
    for case in dataset.cases:
        scan, labels = dataset.load(case)
        for half in halves(scan, spacing_mm, None).values():
            shown.append((int(labels_onto(labels, half.grid, placement=half.placement).foreground.sum()), half))
    return max(shown, key=lambda entry: entry[0])[1]
