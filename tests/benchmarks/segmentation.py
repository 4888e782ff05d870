"""The paper's comparison of segmenters, on scans made by `culmann synthesize`: Table 1, with and without preprocessing.

    python tests/benchmarks/segmentation.py                                # all three, two trainings at a time
    python tests/benchmarks/segmentation.py --steps 20 --architecture unet3d

The 2-D and the 3-D U-Net and nnU-Net are trained on made scans of the hips, as they are and after the paper's preprocessing
(each half by itself, right femurs mirrored, one spacing, laid onto one femur), and find the femurs of held-out scans. All are
judged on the voxels of the scan, femur by femur, without post-processing. A network gets the same number of steps on either
data. Grey values are normalised by the networks themselves in both cases. Needs the extras networks, nnunet and study.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import ndimage

from culmann.data import Grid, Labels, Scan
from culmann.dataset import Dataset, NewCase, read_dataset, write_dataset
from culmann.errors import CulmannError, InputError
from culmann.image_files import read_image_grid, write_image_file
from culmann.journal import QuietJournal
from culmann.regridding import labels_onto

#: What the paper has on its femurs, for the table: Dice and Hausdorff distance in mm, mean and standard deviation.
PAPER = {
    ("unet2d-multiaxial", "raw"): ("0.74 ± 0.09", "49.86 ± 12.57"),
    ("unet2d-multiaxial", "preprocessed"): ("0.93 ± 0.01", "2.30 ± 0.82"),
    ("unet3d", "preprocessed"): ("0.96 ± 0.01", "2.20 ± 0.71"),
    ("nnunet", "preprocessed"): ("0.96 ± 0.01", "2.40 ± 0.84"),
}
NAMES = {"unet2d-multiaxial": "U-Net 2D multi axial", "unet3d": "U-Net 3D", "nnunet": "nnU-Net 3D fullres"}

#: Both hips in view and bent little, so that `keep-side` finds the middle of the body.
SCANS = """
targets: {femur: ["femur_*"]}
field_of_view_mm: [330, 400]
spacing_in_plane_mm: [2, 3]
spacing_slices_mm: [2.5, 4]
fine_mm: 2
rotation_deg: 3
shear: 0.01
scaling: [1, 1.1]
real_share: 0.5
bend_mm: 2
"""


@dataclass(frozen=True)
class Effort:
    """How long and how large.

    Parameters
    ----------
    cases, tests
        Made scans to train on, and to judge on.
    steps
        Of the optimiser, for each network (there are three in the 2-D model).
    spacing_mm
        Of the networks.
    """

    cases: int = 10
    tests: int = 4
    steps: int = 150
    spacing_mm: float = 3.0


@dataclass(frozen=True)
class Score:
    """One femur of one held-out scan: Dice, and the Hausdorff distance in mm (none where nothing was found)."""

    dice: float
    hausdorff_mm: float | None


def made_scans(folder: Path, effort: Effort) -> tuple[Dataset, Dataset]:
    """Scans of the hips for training and for judging, of different seeds."""
    options = folder / "scans.yaml"
    options.write_text(SCANS, encoding="utf-8")
    made = []
    for name, count, seed in (("train", effort.cases, 1), ("test", effort.tests, 2)):
        words = ["--cases", str(count), "--seed", str(seed), "--anatomy", "hips", "--config", str(options)]
        do("synthesize", "--out", str(folder / name), *words)
        made.append(read_dataset(folder / name))
    return made[0], made[1]


def do(*words: str) -> None:
    """A command of culmann, in a process of its own."""
    subprocess.run([sys.executable, "-m", "culmann", *words], check=True, stdout=subprocess.DEVNULL)


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
    """The halves of all scans as a dataset, and the half that they were laid onto (that of the first scan)."""
    first = dataset.load(dataset.cases[0]).scan
    reference = folder / "reference.nii.gz"
    write_image_file(reference, next(iter(halves(first, spacing_mm, None).values())))
    made = []
    for case in dataset.cases:
        scan, labels = dataset.load(case)
        for side, half in halves(scan, spacing_mm, reference).items():
            label = labels_onto(labels, half.grid, placement=half.placement)
            if label.foreground.any():
                whole = replace(half, hu=np.round(half.hu))
                made.append(NewCase(f"{case.case}-{side}", whole, label, patient=case.patient, side=side))
    return write_dataset(folder / "halves", made, name="halves", labels=dataset.labels, about=dataset.about), reference


def train(architecture: str, dataset: Dataset, out: Path, effort: Effort) -> Callable[[Scan], Labels]:
    """A trained segmenter."""
    if architecture == "nnunet":
        return _train_nnunet(dataset, out, effort)
    from culmann_networks import steps
    from culmann_networks.architecture import UnetOptions
    from culmann_networks.train import train as train_network
    from culmann_networks.training_options import Unet2dTraining, Unet3dTraining

    common = {
        "learning_rate": 1e-3,
        "loss": "dice-ce",
        "spacing_mm": (effort.spacing_mm,) * 3,
        "window_hu": (-300.0, 1000.0),
        "network": UnetOptions(channels=(16, 32, 64, 128)),
        "validation_share": 0.0,
        "keep": "last",
        "threads": 1,
        "gradient_limit": 5.0,
        "schedule": "cosine",
    }
    if architecture == "unet3d":
        options = Unet3dTraining(
            **common,
            epochs=epochs(dataset, 2, 2, effort),
            batch_size=2,
            patch_voxels=(48, 64, 64),
            patches_per_case=2,
        )
        step, config = steps.unet3d, steps.Unet3dConfig
    else:
        options = Unet2dTraining(**common, epochs=epochs(dataset, 8, 16, effort), patch_voxels=(96, 96), patches_per_case=8)
        step, config = steps.unet2d_multiaxial, steps.Unet2dConfig
    train_network(options, dataset, out)
    return lambda scan: step(scan, config(model=out, when_empty="warn", threads=1), QuietJournal())


def epochs(dataset: Dataset, patches: int, batch: int, effort: Effort) -> int:
    """As many as make the steps, and the cosine of the learning rate ends with them."""
    return max(1, round(effort.steps / max(1, len(dataset.cases) * patches // batch)))


def _train_nnunet(dataset: Dataset, out: Path, effort: Effort) -> Callable[[Scan], Labels]:
    """nnU-Net as it plans itself for a small memory, for one epoch of the steps."""
    from culmann.pipeline.digests import path_digest
    from culmann_nnunet.segment import NnunetConfig, nnunet

    words = ["--all-cases", "--epochs", "1", "--iterations", str(effort.steps), "--memory-gb", "1", "--device", "cpu"]
    do(
        "train",
        "nnunet",
        str(dataset.folder),
        "--out",
        str(out),
        *words,
        "--processes",
        "1",
        "--no-validation",
        "--no-postprocessing",
    )
    config = NnunetConfig(model=out, sha256=path_digest(out), device="cpu", mirroring=False)
    return lambda scan: nnunet(scan, config, QuietJournal())


def judged(dataset: Dataset, segment: Callable[[Scan], Labels], spacing_mm: float, reference: Path | None) -> list[Score]:
    """Every femur of every scan of a dataset, on the scan's own voxels; with a reference, found in the preprocessed halves."""
    scores = []
    for case in dataset.cases:
        scan, true = dataset.load(case)
        mask = np.zeros(scan.grid.shape, dtype=bool)
        for part in halves(scan, spacing_mm, reference).values() if reference else [scan]:
            try:
                label = segment(part)
            except InputError:  # nothing was found
                continue
            if label.foreground.any():
                mask |= labels_onto(label, scan.grid, placement=scan.placement).foreground
        scores += [score(true.foreground & side, mask & side, scan.grid) for side in sides(true)]
    return scores


def sides(true: Labels) -> list[np.ndarray]:
    """The voxels on either side of the middle between the femurs that are in view."""
    x = np.broadcast_to(np.arange(true.grid.size[0]), true.grid.shape)
    part, count = ndimage.label(true.foreground)
    size = np.bincount(part.ravel(), minlength=count + 1)[1:]
    large = [n + 1 for n in np.argsort(-size)[:2] if size[n] > 0.3 * size.max()]
    if len(large) < 2:
        return [np.ones(true.grid.shape, dtype=bool)]
    middle = np.mean([x[part == n].mean() for n in large])
    return [x < middle, x >= middle]


def score(true: np.ndarray, found: np.ndarray, grid: Grid) -> Score:
    """Dice and Hausdorff distance of two masks, as `culmann evaluate` has them."""
    from culmann_study.overlap import compare, pair_of

    metrics = compare(pair_of(true, found, np.asarray(grid.spacing_mm)[::-1]), 1.0)
    return Score(metrics.dice, metrics.hausdorff_mm if np.isfinite(metrics.hausdorff_mm) else None)


@dataclass(frozen=True)
class Line:
    """A line of the table: one architecture on one kind of data."""

    architecture: str
    data: str
    scores: list[Score]
    seconds: float

    def cells(self) -> list[str]:
        """As the paper's Table 1 has it, and the paper's own numbers."""
        dice = [s.dice for s in self.scores]
        far = [s.hausdorff_mm for s in self.scores if s.hausdorff_mm is not None]
        missed = len(self.scores) - len(far)
        hd = f"{np.mean(far):.2f} ± {np.std(far, ddof=len(far) > 1):.2f}" if far else "none"
        name = NAMES[self.architecture] + ("*" if self.data == "raw" else "")
        ours = [
            f"{np.mean(dice):.2f} ± {np.std(dice, ddof=len(dice) > 1):.2f}",
            hd + (f" ({missed} not found)" if missed else ""),
        ]
        return [name, *ours, *PAPER.get((self.architecture, self.data), ("-", "-")), f"{self.seconds:.0f}"]


def table(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    head = ["Algorithm", "DSC", "HD (mm)", "DSC in the paper", "HD in the paper (mm)", "training (s)"]
    rows = [head, ["---"] * len(head), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def findings(lines: Sequence[Line]) -> list[str]:
    """Whether the paper's two findings hold here, with the numbers."""
    mean = {(line.architecture, line.data): float(np.mean([s.dice for s in line.scores])) for line in lines}
    gain = {a: mean[a, "preprocessed"] - mean[a, "raw"] for a in NAMES if (a, "raw") in mean and (a, "preprocessed") in mean}
    told = []
    if "unet2d-multiaxial" in gain and len(gain) > 1:
        most = max(gain, key=lambda a: gain[a])
        each = ", ".join(f"{NAMES[a]} {g:+.3f}" for a, g in gain.items())
        verdict = "holds" if most == "unet2d-multiaxial" else "does not hold"
        told.append(f"preprocessing helps the 2-D network most: {verdict} here (Dice: {each})")
    for data in ("raw", "preprocessed"):
        if {("unet2d-multiaxial", data), ("unet3d", data)} <= set(mean):
            two, three = mean["unet2d-multiaxial", data], mean["unet3d", data]
            verdict = "holds" if three > two else "does not hold"
            told.append(f"3-D beats 2-D, {data}: {verdict} here ({three:.3f} against {two:.3f})")
    return told


def compared(folder: Path, effort: Effort, architectures: Sequence[str], at_a_time: int) -> list[Line]:
    """All lines of the table."""
    training, tests = made_scans(folder, effort)
    laid, reference = preprocessed(training, folder, effort.spacing_mm)
    print(f"{len(training.cases)} scans to train on, {len(laid.cases)} halves; {len(tests.cases)} to judge on", file=sys.stderr)
    jobs = [(a, *data) for a, data in product(architectures, (("raw", training), ("preprocessed", laid)))]
    one = partial(line, folder=folder, tests=tests, effort=effort, reference=reference)
    if at_a_time == 1:
        return [one(*job) for job in jobs]
    with ProcessPoolExecutor(at_a_time, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(one, *zip(*jobs, strict=True)))


def line(architecture: str, data: str, dataset: Dataset, folder: Path, tests: Dataset, effort: Effort, reference: Path) -> Line:
    """One architecture, trained on one kind of data and judged."""
    begun = time.monotonic()
    segment = train(architecture, dataset, folder / f"{architecture}-{data}", effort)
    seconds = time.monotonic() - begun
    done = Line(architecture, data, judged(tests, segment, effort.spacing_mm, None if data == "raw" else reference), seconds)
    print(done.cells(), f"{time.monotonic() - begun:.0f} s with the tests", file=sys.stderr, flush=True)
    return done


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=Effort.cases)
    parser.add_argument("--tests", type=int, default=Effort.tests)
    parser.add_argument("--steps", type=int, default=Effort.steps, help="of the optimiser, for each network")
    parser.add_argument("--at-a-time", type=int, default=2, help="trainings, each on one core")
    parser.add_argument("--architecture", action="append", choices=list(NAMES))
    given = parser.parse_args()
    effort = Effort(cases=given.cases, tests=given.tests, steps=given.steps)
    os.environ["OMP_NUM_THREADS"] = "1"
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lines = compared(Path(folder), effort, given.architecture or list(NAMES), given.at_a_time)
    print(f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {effort}, {(time.monotonic() - begun) / 60:.1f} min\n")
    print(table(lines), "", *findings(lines), sep="\n")


if __name__ == "__main__":
    main()
