"""The paper's comparison of segmenters runs from made scans to its table, and table and verdicts say what the scores say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from culmann.data import Grid

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import segmentation
import segmentation_scans
import segmentation_table as tables

#: Coarse and without turns: quickly made and laid onto each other.
SCANS = """
targets: {femur: ["femur_*"]}
field_of_view_mm: [350, 400]
spacing_in_plane_mm: [5, 5]
spacing_slices_mm: [5, 5]
fine_mm: 4
rotation_deg: 2
shear: 0
scaling: [1, 1]
bend_mm: 1
mirror: false
real_share: 1
"""


def line(architecture: str, data: str, dice: list[float], hd: list[float | None]) -> tables.Line:
    scores = [tables.Score(d, h) for d, h in zip(dice, hd, strict=True)]
    return tables.Line(architecture, data, scores, scores[:1], 7, 12.3)


def test_table_and_verdicts(tmp_path: Path) -> None:
    lines = [
        line("unet2d-multiaxial", "untouched", [0.5, 0.7], [40.0, None]),
        line("unet2d-multiaxial", "raw", [0.7, 0.7], [10.0, 10.0]),
        line("unet2d-multiaxial", "preprocessed", [0.8, 0.9], [4.0, 6.0]),
        line("unet3d", "raw", [0.8, 0.82], [5.0, 5.0]),
        line("unet3d", "preprocessed", [0.82, 0.82], [5.0, 5.0]),
    ]
    lines[0].write(tmp_path / "line.json")
    assert tables.Line.read(tmp_path / "line.json") == lines[0]
    text = tables.table(lines).splitlines()
    assert text[2] == (
        "| U-Net 2D multi axial* | 0.60 ± 0.14 | 40.00 ± 0.00 (1 not found) | 0.50 ± 0.00 | 40.00 ± 0.00 "
        "| 0.74 ± 0.09 | 49.86 ± 12.57 | 7 | 12 |"
    )
    assert text[3].startswith("| U-Net 2D multi axial*, normalised | 0.70 ± 0.00 | 10.00 ± 0.00 |")
    assert text[4].startswith("| U-Net 2D multi axial | 0.85 ± 0.07 | 5.00 ± 1.41 | 0.80 ± 0.00 | 4.00 ± 0.00 | 0.93 ± 0.01 |")
    told = tables.findings(lines)
    assert told[0] == (
        "preprocessing beyond grey values helps the 2-D network most: holds here "
        "(Dice: U-Net 2D multi axial +0.150, U-Net 3D +0.010)"
    )
    assert "raw: holds here (0.810 against 0.700)" in told[1]
    assert "preprocessed: does not hold here (0.820 against 0.850)" in told[2]
    close = [line("unet2d-multiaxial", "raw", [0.8], [5.0]), line("unet3d", "raw", [0.805], [5.0])]
    assert tables.findings(close) == ["3-D beats 2-D, raw: undecided here (0.805 against 0.800)"]


def test_a_score_is_that_of_shapes_whose_distance_is_known() -> None:
    grid = Grid((40, 30, 20), (2.0, 2.0, 3.0))
    true, found = np.zeros(grid.shape, dtype=bool), np.zeros(grid.shape, dtype=bool)
    true[5:15, 5:15, 5:15] = True
    found[5:15, 5:15, 8:18] = True
    score = tables.score(true, found, grid)
    assert score.dice == pytest.approx(0.7)
    assert score.hausdorff_mm == pytest.approx(6.0)
    assert tables.score(true, ~true & False, grid).hausdorff_mm is None


@pytest.mark.slow
def test_a_few_steps_of_all_three_go_from_made_scans_to_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    effort = segmentation_scans.Effort(
        cases=2, tests=1, steps=2, nnunet_steps=2, spacing_mm=6.0, nnunet_memory_gb=0.2, scans=SCANS
    )
    lines = segmentation.compared(tmp_path, effort, ["unet2d-multiaxial"])
    lines += segmentation.compared(tmp_path, effort, ["unet3d"], ["raw", "preprocessed"])
    lines += segmentation.compared(tmp_path, effort, ["nnunet"], ["preprocessed"])  # on raw data it works alike, and slowly
    assert [(line.architecture, line.data) for line in lines] == [
        *(("unet2d-multiaxial", data) for data in segmentation.KINDS),
        *(("unet3d", data) for data in ("raw", "preprocessed")),
        ("nnunet", "preprocessed"),
    ]
    assert {path.name for path in (tmp_path / "halves" / "scans").iterdir()} == {
        f"synthetic-000{n}-{side}.nii.gz" for n in (0, 1) for side in ("left", "right")
    }
    for line in lines:
        assert len(line.scores) == len(line.cleaned) == 2  # two femurs
        assert all(0 <= score.dice <= 1 for score in line.scores)
    assert len(tables.table(lines).splitlines()) == 2 + 6
    assert len(tables.findings(lines)) == 3
    assert segmentation.compared(tmp_path, effort, ["unet3d"], ["raw", "preprocessed"]) == lines[3:5]  # kept, not trained again
    monkeypatch.setattr(
        sys, "argv", ["segmentation.py", "--keep", str(tmp_path), "--architecture", "nnunet", "--data", "preprocessed"]
    )
    segmentation.main()
    assert tables.table(lines[5:]) in capsys.readouterr().out
