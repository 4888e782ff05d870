"""`culmann study` as it is typed: what comes out, what is told of bad cases, what a second call does."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from culmann import Outcomes
from culmann.cli import app


def study(folder: Path, *arguments: str):
    store = str(folder.parent / "store")
    command = ["study", str(folder / "study.yaml"), "--out", str(folder / "out"), "--store", store, *arguments]
    return CliRunner().invoke(app, command, env={"COLUMNS": "200"})


def loads(folder: Path) -> dict[tuple[str, str], float]:
    outcomes = Outcomes.load(folder / "out")
    return {(row.case, row.variation): row.numbers.get("failure_load_n", math.nan) for row in outcomes.rows}


@pytest.mark.slow
def test_a_study_end_to_end(blocks: Path) -> None:
    done = study(blocks)
    assert done.exit_code == 0, done.output
    found = loads(blocks)
    assert len(found) == 9
    for case in "abc":
        assert found[case, "smaller"] < 0.95 * found[case, "manual"]
    assert found["b", "manual"] > found["a", "manual"] > found["c", "manual"]
    out = blocks / "out"
    rows = {row["variant"]: row for row in csv.DictReader((out / "against-control" / "agreement.csv").open())}
    differences = [found[case, "smaller"] - found[case, "manual"] for case in "abc"]
    assert float(rows["smaller"]["bias_n"]) == pytest.approx(sum(differences) / 3)
    # A box of 12 x 10 x 10 voxels, and the one of 10 x 8 x 8 inside it.
    assert float(rows["smaller"]["dice_mean"]) == pytest.approx(2 * 640 / (640 + 1200))
    assert "Friedman: chi²" in done.output
    assert "blocks: 3 cases, control 'manual'" in done.output
    page = (out / "study.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "http" not in page.replace("http://www.w3.org", "")
    for name in ("failure_loads.png", "failure_loads.svg", "table_3.csv", "tests.csv", "comparison.txt"):
        assert (out / "against-control" / name).stat().st_size > 0
    again = study(blocks)
    assert again.exit_code == 0
    assert "9 runs, 0 to do" in again.output
    assert loads(blocks) == found


def test_one_bad_case_does_not_end_the_study(blocks: Path) -> None:
    (blocks / "b_mask.nii.gz").write_bytes(b"no image")
    table = (blocks / "cases.csv").read_text()
    (blocks / "cases.csv").write_text(table.replace("c_ct.nii.gz", "none.nii.gz"))
    dry = study(blocks, "--dry-run")
    assert dry.exit_code == 2
    assert "9 runs; 3 to run, 0 done, 0 failed, 6 refused" in dry.output
    assert dry.output.count("cases.csv:4:3") == 1  # what is wrong with a case is told once
    assert not (blocks / "out").exists()
    done = study(blocks)
    assert done.exit_code == 3
    assert "no tests: Friedman's test needs at least 3 cases" in done.output
    found = loads(blocks)
    assert math.isfinite(found["a", "larger"])
    assert math.isnan(found["b", "larger"])
    assert "6 of the runs gave no result" in (blocks / "out" / "study.html").read_text(encoding="utf-8")


def test_a_run_that_fails_is_told_and_left_out(blocks: Path) -> None:
    text = (blocks / "study.yaml").read_text()
    (blocks / "study.yaml").write_text(text.replace("mask.voxels: -1", "mask.voxels: -9"))
    done = study(blocks)
    assert done.exit_code == 3
    assert "leaves nothing" in done.output
    found = loads(blocks)
    assert all(math.isnan(found[case, "smaller"]) for case in "abc")
    assert all(math.isfinite(found[case, "larger"]) for case in "abc")


def test_calibration_error_becomes_an_interval(blocks: Path) -> None:
    """The force of this law grows with E = 3230 rho - 34.7 and all of it yields alike: the interval has a closed form."""
    (blocks / "study.yaml").write_text(
        "name: calibration\npipeline: block.yaml\ncases: cases.csv\ninputs: {labels: manual}\ndesign: quadrature\n"
        "factors: {density.slope: {mean: 0.0007, sd: 0.00002}}\n"
    )
    done = study(blocks)
    assert done.exit_code == 0, done.output
    for row, hu in zip(
        csv.DictReader((blocks / "out" / "uncertainty" / "uncertainty.csv").open()), (250, 300, 200), strict=True
    ):
        modulus, spread = 3230 * 0.0007 * hu - 34.7, 3230 * 0.00002 * hu
        assert float(row["cv_percent"]) == pytest.approx(100 * spread / modulus, rel=0.02)


def test_the_executor_is_that_of_the_file_or_of_the_command(blocks: Path) -> None:
    with (blocks / "study.yaml").open("a") as file:
        file.write("executor: {use: local, with: {workers: 0}}\n")
    done = study(blocks)
    assert done.exit_code == 2
    assert "workers" in done.output
    done = study(blocks, "--executor", "moon")
    assert done.exit_code == 2
    assert "there is no executor 'moon'" in done.output
    assert not (blocks / "out").exists()


def test_a_folder_of_something_else_is_refused(blocks: Path) -> None:
    (blocks / "out").mkdir()
    (blocks / "out" / "thesis.txt").write_text("mine")
    done = study(blocks)
    assert done.exit_code == 2
    assert "is not empty and holds no study" in done.output
    assert [path.name for path in (blocks / "out").iterdir()] == ["thesis.txt"]


def test_an_unknown_study_is_told() -> None:
    done = CliRunner().invoke(app, ["study", "study_segmentation"])
    assert done.exit_code == 2
    assert "did you mean 'study_segmentation_sensitivity'?" in done.output
