"""`culmann evaluate` as it is typed: files, folders, tables, what is missing, and what cannot be compared."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from analytic_femur import femur
from typer.testing import CliRunner

from culmann import Grid, Labels
from culmann.cli import app
from culmann.image_files import write_image_file
from culmann.shipped import shipped_pipelines

VERTEBRAE = shipped_pipelines()["vertebra_voxel"].parent / "data" / "vertebra_l3_ct" / "vertebrae.nii.gz"


def evaluate(*arguments: object):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "200"})


def box(path: Path, width: int, value: int = 1, size: int = 20) -> Path:
    label = np.zeros((size, size, size), dtype=np.int32)
    label[5:15, 5:15, 5 : 5 + width] = value
    write_image_file(path, Labels(Grid((size, size, size), (1.0, 1.0, 2.0)), label))
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    right, judged = tmp_path / "right", tmp_path / "judged"
    right.mkdir()
    judged.mkdir()
    for case, width in (("a", 10), ("b", 9), ("c", 5)):
        box(right / f"{case}.nii.gz", 10)
        box(judged / f"{case}.nii.gz", width)
    return right, judged


def test_two_files(tmp_path: Path) -> None:
    done = evaluate(VERTEBRAE, VERTEBRAE, "--numbering", "verse", "--csv", tmp_path / "m.csv", "--picture", tmp_path / "p.png")
    assert done.exit_code == 0, done.output
    assert ["L3", "whole", "1.000"] in [line.split()[:3] for line in done.output.splitlines()]
    assert "surface: between the voxels of both masks that have a face towards the background" in done.output
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "m.csv").open()))
    assert [(row["name"], row["hausdorff_surface_mm"]) for row in rows] == [("L2", "0"), ("L3", "0"), ("L4", "0")]


def test_maps_without_a_common_label_are_told_what_may_be_wrong(tmp_path: Path) -> None:
    done = evaluate(box(tmp_path / "a.nii.gz", 10, value=21), box(tmp_path / "b.nii.gz", 10, value=31))
    assert "no label is in both" in done.output
    paired = evaluate(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", "--label", "21=31")
    assert "no label is in both" not in paired.output
    assert "1.000" in paired.output


def test_folders_with_mean_and_sd(folders: tuple[Path, Path]) -> None:
    done = evaluate(*folders)
    assert done.exit_code == 0, done.output
    dice = [1, 18 / 19, 10 / 15]
    line = next(line for line in done.output.splitlines() if line.startswith("mean ± SD"))
    assert f"{np.mean(dice):.3f} ± {np.std(dice, ddof=1):.3f}" in line
    assert "(n 3)" in line


def test_the_others_are_told_when_one_is_missing_or_bad(folders: tuple[Path, Path], tmp_path: Path) -> None:
    right, judged = folders
    (judged / "c.nii.gz").unlink()
    (judged / "b.nii.gz").write_bytes(b"no image")
    box(judged / "d.nii.gz", 3)
    done = evaluate(right, judged, "--csv", tmp_path / "m.csv")
    assert done.exit_code == 3
    assert "case c: there is no prediction" in done.output
    assert "case d: there is no reference" in done.output
    assert "case b could not be compared" in done.output
    assert [row["case"] for row in csv.DictReader((tmp_path / "m.csv").open())] == ["a"]


def test_tables_of_cases(folders: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    table.write_text("case,labels\none,right/a.nii.gz\ntwo,right/b.nii.gz\n")
    done = evaluate(table, folders[1])
    assert done.exit_code == 3  # c has no reference
    assert "one " in done.output
    table.write_text("case,labels\none,right/a.nii.gz\none,right/none.nii.gz\n")
    done = evaluate(table, folders[1])
    assert done.exit_code == 2
    assert "cases.csv:3:1: the case 'one' stands here for a second time" in done.output


def test_numbers_that_differ_are_paired(tmp_path: Path) -> None:
    right, judged = box(tmp_path / "r.nii.gz", 10, 1), box(tmp_path / "j.nii.gz", 10, 75)
    assert "0.000" in evaluate(right, judged).output
    assert "1.000" in evaluate(right, judged, "--label", "1=75").output
    assert "1.000" in evaluate(right, judged, "--merge").output
    done = evaluate(right, judged, "--label", "femur=75")
    assert done.exit_code == 2
    assert "is not of the form 1=75" in done.output


def test_grids_that_differ(tmp_path: Path) -> None:
    right, judged = box(tmp_path / "r.nii.gz", 10), box(tmp_path / "j.nii.gz", 10, size=22)
    done = evaluate(right, judged)
    assert done.exit_code == 2
    assert "different grids" in done.output
    assert "--resample" in done.output
    assert evaluate(right, judged, "--resample").exit_code == 0


def test_parts_of_a_femur(tmp_path: Path) -> None:
    write_image_file(tmp_path / "femur.nii.gz", femur(2.0))
    done = evaluate(tmp_path / "femur.nii.gz", tmp_path / "femur.nii.gz", "--femur")
    assert done.exit_code == 0, done.output
    assert [line.split()[1] for line in done.output.splitlines()[1:5]] == ["whole", "shaft", "middle", "head"]
    done = evaluate(VERTEBRAE, VERTEBRAE, "--femur", "--label", 22)
    assert done.exit_code == 0
    assert "label-22 has no parts:" in done.output


def test_a_folder_without_label_maps(tmp_path: Path) -> None:
    done = evaluate(tmp_path, VERTEBRAE)
    assert done.exit_code == 2
    assert "there is no label map in" in done.output
