"""The table of the comparison, in the form of the paper's Table 1, and whether the paper's two findings hold in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from culmann.data import Grid, Labels

#: What the paper has on its femurs, for the table: Dice and Hausdorff distance in mm, mean and standard deviation.
PAPER = {
    ("unet2d-multiaxial", "untouched"): ("0.74 ± 0.09", "49.86 ± 12.57"),
    ("unet2d-multiaxial", "preprocessed"): ("0.93 ± 0.01", "2.30 ± 0.82"),
    ("unet3d", "preprocessed"): ("0.96 ± 0.01", "2.20 ± 0.71"),
    ("nnunet", "preprocessed"): ("0.96 ± 0.01", "2.40 ± 0.84"),
}
NAMES = {"unet2d-multiaxial": "U-Net 2D multi axial", "unet3d": "U-Net 3D", "nnunet": "nnU-Net 3D fullres"}


@dataclass(frozen=True)
class Score:
    """One femur of one held-out scan: Dice, and the Hausdorff distance in mm (none where nothing was found)."""

    dice: float
    hausdorff_mm: float | None


@dataclass(frozen=True)
class Line:
    """A line of the table: one architecture on one kind of data, as it came out and after islands were removed.

    `seconds` are those that the training computed.
    """

    architecture: str
    data: str
    scores: list[Score]
    cleaned: list[Score]
    steps: int
    seconds: float

    def cells(self) -> list[str]:
        """As the paper's Table 1 has it, and the paper's own numbers."""
        name = NAMES[self.architecture] + {"untouched": "*", "raw": "*, normalised", "preprocessed": ""}[self.data]
        paper = PAPER.get((self.architecture, self.data), ("–", "–"))
        return [name, *_told(self.scores), *_told(self.cleaned), *paper, f"{self.steps}", f"{self.seconds:.0f}"]

    def write(self, path: Path) -> None:
        """Keep the line in a file."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Line:
        """A line that was kept."""
        facts = json.loads(path.read_text(encoding="utf-8"))
        scores = {name: [Score(**score) for score in facts[name]] for name in ("scores", "cleaned")}
        return cls(**{**facts, **scores})


def _told(scores: Sequence[Score]) -> tuple[str, str]:
    dice = [score.dice for score in scores]
    far = [score.hausdorff_mm for score in scores if score.hausdorff_mm is not None]
    missed = len(scores) - len(far)
    hd = f"{np.mean(far):.2f} ± {np.std(far, ddof=len(far) > 1):.2f}" if far else "none"
    return f"{np.mean(dice):.2f} ± {np.std(dice, ddof=len(dice) > 1):.2f}", hd + (f" ({missed} not found)" if missed else "")


def table(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    head = [
        "algorithm",
        "DSC",
        "HD (mm)",
        "DSC, cleaned",
        "HD, cleaned (mm)",
        "paper: DSC",
        "paper: HD (mm)",
        "steps",
        "training (CPU s)",
    ]
    rows = [head, ["---"] * len(head), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def findings(lines: Sequence[Line]) -> list[str]:
    """Whether the paper's two findings hold here, with the numbers."""
    mean = {(line.architecture, line.data): float(np.mean([s.dice for s in line.scores])) for line in lines}
    told = []
    for data, what in (("untouched", "preprocessing"), ("raw", "preprocessing beyond grey values")):
        gain = {a: mean[a, "preprocessed"] - mean[a, data] for a in NAMES if {(a, data), (a, "preprocessed")} <= set(mean)}
        if "unet2d-multiaxial" in gain and len(gain) > 1:
            each = ", ".join(f"{NAMES[a]} {g:+.3f}" for a, g in gain.items())
            ahead = gain.pop("unet2d-multiaxial") - max(gain.values())
            told.append(f"{what} helps the 2-D network most: {_verdict(ahead)} here (Dice: {each})")
    for data in ("untouched", "raw", "preprocessed"):
        if {("unet2d-multiaxial", data), ("unet3d", data)} <= set(mean):
            two, three = mean["unet2d-multiaxial", data], mean["unet3d", data]
            told.append(f"3-D beats 2-D, {data}: {_verdict(three - two)} here ({three:.3f} against {two:.3f})")
    return told


def _verdict(ahead: float) -> str:
    """Of a difference of Dice: a few femurs cannot tell less than 0.01."""
    if abs(ahead) < 0.01:
        return "undecided"
    return "holds" if ahead > 0 else "does not hold"


def scored(true: Labels, found: np.ndarray) -> list[Score]:
    """Every femur of a scan."""
    return [score(true.foreground & side, found & side, true.grid) for side in sides(true)]


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
