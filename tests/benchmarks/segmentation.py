"""The paper's comparison of segmenters, on scans made by `culmann synthesize`: Table 1, with and without preprocessing.

    python tests/benchmarks/segmentation.py --keep FOLDER                    # all three; a second call goes on
    python tests/benchmarks/segmentation.py --steps 20 --architecture unet3d

The 2-D and the 3-D U-Net and nnU-Net are trained on made scans of the hips, as they are and after the paper's preprocessing
(each half by itself, right femurs mirrored, one spacing, laid onto one femur), and find the femurs of held-out scans. All are
judged on the voxels of the scan, femur by femur, as they come out and after islands of less than 10 cm3 were removed. A network
gets the same number of steps on either data. The paper's preprocessing ends with a normalisation of grey values: the U-Nets are
trained without it as well, on scans that nothing was done to. Needs the extras networks, nnunet and study.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from segmentation_scans import Effort, halves, made_scans, preprocessed
from segmentation_table import NAMES, Line, Score, findings, scored, table
from segmentation_trainings import WHOLE_HU, WINDOW_HU, train

from culmann.data import Labels, Scan
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.regridding import labels_onto

#: A femur of a made scan has some 100 cm3.
_ISLAND_MM3 = 10_000.0

#: Of data: the scans as they are, grey values and all; the scans with grey values normalised; the preprocessed halves.
KINDS = ("untouched", "raw", "preprocessed")


def compared(folder: Path, effort: Effort, architectures: Sequence[str], kinds: Sequence[str] = KINDS) -> list[Line]:
    """All lines of the table; those that stand in the folder already are taken from there."""
    training, tests = made_scans(folder, effort)
    laid, reference = preprocessed(training, folder, effort.spacing_mm)
    print(f"{len(training.cases)} scans to train on, {len(laid.cases)} halves; {len(tests.cases)} to judge on", file=sys.stderr)
    whole = [(scan, labels, [scan]) for scan, labels in (tests.load(case) for case in tests.cases)]

    @cache
    def cut() -> list[tuple[Scan, Labels, list[Scan]]]:
        return [(scan, labels, list(halves(scan, effort.spacing_mm, reference).values())) for scan, labels, _ in whole]

    lines = []
    for architecture, data in product(architectures, kinds):
        if architecture == "nnunet" and data == "untouched":
            continue  # it normalises grey values itself
        kept = folder / f"{architecture}-{data}.json"
        if not kept.is_file():
            begun = _computed()
            learnt, window = laid if data == "preprocessed" else training, WHOLE_HU if data == "untouched" else WINDOW_HU
            segment = train(architecture, learnt, folder / f"{architecture}-{data}", effort, window)
            seconds = _computed() - begun
            scores, cleaned = judged(cut() if data == "preprocessed" else whole, segment)
            steps = effort.nnunet_steps if architecture == "nnunet" else effort.steps
            Line(architecture, data, scores, cleaned, steps, seconds).write(kept)
        lines.append(Line.read(kept))
        print(lines[-1].cells(), file=sys.stderr, flush=True)
    return lines


def _computed() -> float:
    """CPU seconds of this process and of those that it waited for: on a busy machine the clock says little."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def judged(
    cases: Sequence[tuple[Scan, Labels, Sequence[Scan]]], segment: Callable[[Scan], Labels]
) -> tuple[list[Score], list[Score]]:
    """Every femur of every scan, on the scan's own voxels, found in the scan itself or in its preprocessed halves."""
    scores, cleaned = list[Score](), list[Score]()
    for scan, true, parts in cases:
        mask = np.zeros(scan.grid.shape, dtype=bool)
        for part in parts:
            try:
                label = segment(part)
            except InputError:  # nothing was found
                continue
            if label.foreground.any():
                mask |= labels_onto(label, scan.grid, placement=scan.placement).foreground
        scores += scored(true, mask)
        cleaned += scored(true, without_islands(scan, mask))
    return scores, cleaned


def without_islands(scan: Scan, mask: np.ndarray) -> np.ndarray:
    """A mask without its small parts, as the paper's post-processing removes them."""
    from culmann_segment.cleaning import CleanLabelsConfig, clean_labels

    if not mask.any():
        return mask
    config = CleanLabelsConfig(largest_only=False, minimal_part_mm3=_ISLAND_MM3, fill_holes=False)
    return clean_labels(Labels(scan.grid, mask.astype(np.int32)), config, QuietJournal()).foreground


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=Effort.cases)
    parser.add_argument("--tests", type=int, default=Effort.tests)
    parser.add_argument("--steps", type=int, default=Effort.steps, help="of the optimiser, for each U-Net")
    parser.add_argument("--nnunet-steps", type=int, default=Effort.nnunet_steps)
    parser.add_argument("--architecture", action="append", choices=list(NAMES))
    parser.add_argument("--data", action="append", choices=KINDS, help="default: all")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep scans, models and scores, and take those that are there"
    )
    given = parser.parse_args()
    effort = Effort(given.cases, given.tests, given.steps, given.nnunet_steps)
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        lines = compared(given.keep or Path(folder), effort, given.architecture or list(NAMES), given.data or KINDS)
    print(f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {effort}\n")
    print(table(lines), "", *findings(lines), sep="\n")


if __name__ == "__main__":
    main()
