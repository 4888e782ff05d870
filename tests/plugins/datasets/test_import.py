"""Folders of 3D Slicer, of DICOM and of one's own into datasets, by the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from segmentation_files import write_seg_nrrd
from typer.testing import CliRunner

from culmann.data import Grid, Labels, Scan
from culmann.dataset import check_dataset, read_dataset, read_splits
from culmann.errors import InputError
from culmann.image_files import write_image_file
from culmann_datasets.commands import dataset as app

GRID = Grid((9, 8, 7), (0.5, 0.6, 2.0), (-12.5, 3.0, 40.0))


def _run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None:
        raise done.exception
    return done.output


def _scan(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    hu = np.random.default_rng(seed).integers(-1000, 1500, GRID.shape).astype(np.float32)
    write_image_file(path, Scan(GRID, hu))
    return path


def _layer(number: int, *box: slice) -> np.ndarray:
    layer = np.zeros(GRID.shape, dtype=np.uint8)
    layer[box] = number
    return layer


def _cut(path: Path, layers: list[np.ndarray], segments: list[tuple[str, int, int]], offset: tuple[int, int, int]) -> None:
    """A segmentation cut to a part of the scan that begins at an offset (i, j, k), as Slicer saves it."""
    i, j, k = offset
    origin = tuple(o + n * s for o, n, s in zip(GRID.origin_mm, offset, GRID.spacing_mm, strict=True))
    parts = [np.ascontiguousarray(layer[k : k + 4, j : j + 5, i : i + 6]) for layer in layers]
    write_seg_nrrd(path, parts, segments, spacing_mm=GRID.spacing_mm, origin_mm=origin, offset=offset)


def test_segmentations_of_slicer(tmp_path: Path) -> None:
    whole = _layer(1, slice(2, 5), slice(2, 6), slice(2, 4)) + _layer(2, slice(2, 5), slice(2, 6), slice(4, 7))
    _scan(tmp_path / "in" / "one" / "ct.nrrd", 1)
    _cut(tmp_path / "in" / "one" / "Segmentation.seg.nrrd", [whole], [("L3", 0, 1), ("L4", 0, 2)], (2, 1, 1))
    _scan(tmp_path / "in" / "two.nrrd", 2)
    layers = [_layer(1, slice(2, 4), slice(2, 4), slice(2, 4)), _layer(1, slice(2, 4), slice(3, 5), slice(2, 4))]
    _cut(tmp_path / "in" / "two-segmentation.seg.nrrd", layers, [("L4", 0, 1), ("l-3", 1, 1)], (1, 1, 1))
    with pytest.raises(InputError, match=r"'L4' and 'l-3' overlap in 4 voxels"):
        _run("import", "slicer", tmp_path / "in", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    told = _run("import", "slicer", tmp_path / "in", "--out", tmp_path / "out", "--overlap", "first")
    assert "the segment 'l-3' is another label than 'L3'" in told
    made = read_dataset(tmp_path / "out")
    assert made.labels == {"L3": 1, "L4": 2, "l-3": 3}
    assert [case.case for case in made.cases] == ["one", "two"]
    assert check_dataset(made) == ()
    np.testing.assert_array_equal(made.load(made.case("one")).labels.label, whole)
    two = made.load(made.case("two")).labels.label
    assert (two == 2).sum() == layers[0].sum()
    assert (two == 3).sum() == layers[1].sum() - 4
    _run("import", "slicer", tmp_path / "in", "--out", tmp_path / "only", "--overlap", "last", "--label", "L4=23")
    only = read_dataset(tmp_path / "only")
    assert only.labels == {"L4": 23}
    assert set(np.unique(only.load(only.cases[0]).labels.label)) == {0, 23}


def test_a_segmentation_whose_scan_cannot_be_told(tmp_path: Path) -> None:
    _scan(tmp_path / "in" / "a.nrrd")
    write_seg_nrrd(tmp_path / "in" / "b.seg.nrrd", [_layer(1, slice(2, 4))], [("L3", 0, 1)])
    with pytest.raises(InputError, match=r"cannot be told which scan .*b.seg.nrrd belongs to; beside it are a.nrrd"):
        _run("import", "slicer", tmp_path / "in", "--out", tmp_path / "out")


def test_any_folder_by_patterns(tmp_path: Path) -> None:
    for number, patient in enumerate(("p1", "p2", "p3")):
        _scan(tmp_path / "in" / patient / "ct.nii.gz", number)
        for side in ("left", "right"):
            label = Labels(GRID, _layer(1, slice(1, 4), slice(1, 4), slice(1, 4)).astype(np.int32))
            write_image_file(tmp_path / "in" / patient / f"femur_{side}.nii.gz", label)
    patterns = ("--scans", "{patient}/ct.nii.gz", "--labels", "{patient}/femur_{side}.nii.gz")
    with pytest.raises(InputError, match="what do the numbers"):
        _run("import", "folder", tmp_path / "in", "--out", tmp_path / "out", *patterns)
    with pytest.raises(InputError, match="label 1, which has no name"):
        _run("import", "folder", tmp_path / "in", "--out", tmp_path / "out", *patterns, "--label", "femur=2")
    with pytest.raises(InputError, match="names no case"):
        _run(
            "import",
            "folder",
            tmp_path / "in",
            "--out",
            tmp_path / "out",
            "--scans",
            "*.nii",
            "--labels",
            "{case}.nii",
            "--label",
            "a=1",
        )
    _run("import", "folder", tmp_path / "in", "--out", tmp_path / "out", *patterns, "--label", "femur=1", "--refer")
    made = read_dataset(tmp_path / "out")
    assert [(c.case, c.patient, c.side) for c in made.cases][:2] == [("p1-left", "p1", "left"), ("p1-right", "p1", "right")]
    assert made.cases[0].scan == made.cases[1].scan
    assert "6 cases of 3 patients" in _run("check", tmp_path / "out")
    told = _run("split", tmp_path / "out", "--counts", "2/2/2", "--folds", "3", "--seed", "5")
    assert "fold 2: 2 to train, 2 to validate, 2 to test" in told
    assert len(read_splits(tmp_path / "out" / "splits.json", made).folds) == 3
    with pytest.raises(InputError, match="holds other splits"):
        _run("split", tmp_path / "out", "--counts", "2/2/2", "--folds", "3", "--seed", "6")
    _run("split", tmp_path / "out", "--counts", "2/2/2", "--folds", "3", "--seed", "5")
    _run("export", "nnunet", tmp_path / "out", "--out", tmp_path / "raw", "--number", "7")
    _run("import", "nnunet", tmp_path / "raw" / "Dataset007_out", "--out", tmp_path / "again")
    again = read_dataset(tmp_path / "again")
    assert [(c.case, c.patient, c.side) for c in again.cases] == [(c.case, c.patient, c.side) for c in made.cases]


def test_labels_on_another_grid_are_laid_onto_the_scan(tmp_path: Path) -> None:
    _scan(tmp_path / "in" / "a_ct.nii.gz")
    fine = Grid((18, 16, 14), (0.25, 0.3, 1.0), (-12.625, 2.85, 39.5))
    label = np.zeros(fine.shape, dtype=np.int32)
    label[4:10, 4:10, 4:10] = 1
    write_image_file(tmp_path / "in" / "a_mask.nii.gz", Labels(fine, label))
    patterns = ("--scans", "{case}_ct.nii.gz", "--labels", "{case}_mask.nii.gz", "--label", "bone=1")
    _run("import", "folder", tmp_path / "in", "--out", tmp_path / "out", *patterns)
    made = read_dataset(tmp_path / "out")
    expected = _layer(1, slice(2, 5), slice(2, 5), slice(2, 5))
    np.testing.assert_array_equal(made.load(made.cases[0]).labels.label, expected)
    far = Grid(fine.size, fine.spacing_mm, (500.0, 0.0, 0.0))
    write_image_file(tmp_path / "in" / "a_mask.nii.gz", Labels(far, label))
    with pytest.raises(InputError, match="nothing labelled lies in the scan"):
        _run("import", "folder", tmp_path / "in", "--out", tmp_path / "far", *patterns)
