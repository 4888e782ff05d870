"""Datasets are written whole, read back equal, and every mistake in them is told with its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from culmann.data import Grid, Labels, Scan
from culmann.dataset import Dataset, NewCase, check_dataset, read_dataset, write_dataset
from culmann.errors import InputError

GRID = Grid((7, 6, 5), (0.7, 0.8, 2.0), (-10.0, 4.0, 30.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
NAMES = {"L2": 21, "L3": 22}


def _scan(seed: int = 0, shift: float = 0.0) -> Scan:
    hu = np.random.default_rng(seed).integers(-1000, 1500, GRID.shape).astype(np.float32) + np.float32(shift)
    return Scan(GRID, hu)


def _labels(*numbers: int) -> Labels:
    label = np.zeros(GRID.shape, dtype=np.int32)
    for place, number in enumerate(numbers):
        label[1 + place, 1:4, 2:5] = number
    return Labels(GRID, label, {v: k for k, v in NAMES.items()})


def _cases() -> list[NewCase]:
    return [
        NewCase("one-left", _scan(1), _labels(21, 22), "one", "left", {"centre": "Lyon, France"}),
        NewCase("one-right", _scan(2, 0.25), _labels(22), "one", "right"),
        NewCase("two", _scan(3), _labels(21)),
    ]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path / "spines", _cases(), name="spines", labels=NAMES, about="made for a test", licence="CC0")


def test_what_is_written_is_read_back(dataset: Dataset) -> None:
    assert (dataset.name, dataset.about, dataset.modality, dataset.licence) == ("spines", "made for a test", "CT", "CC0")
    assert dataset.labels == NAMES
    assert dataset.names == {21: "L2", 22: "L3"}
    assert [(c.case, c.patient, c.side, dict(c.facts)) for c in dataset.cases] == [
        ("one-left", "one", "left", {"centre": "Lyon, France"}),
        ("one-right", "one", "right", {"centre": ""}),
        ("two", "two", "", {"centre": ""}),
    ]
    for case, new in zip(dataset.cases, _cases(), strict=True):
        scan, labels = dataset.load(case)
        assert isinstance(new.scan, Scan)
        assert isinstance(new.labels, Labels)
        np.testing.assert_array_equal(scan.hu, new.scan.hu)
        np.testing.assert_array_equal(labels.label, new.labels.label)
        assert scan.grid.same_as(GRID)
        assert labels.grid == scan.grid
        assert labels.names == dataset.names
    assert check_dataset(dataset) == ()


def test_the_table_is_one_of_cases_for_a_cohort(dataset: Dataset) -> None:
    lines = (dataset.folder / "cases.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "case,patient,side,scan,labels,centre"
    assert lines[1] == 'one-left,one,left,scans/one-left.nii.gz,labels/one-left.nii.gz,"Lyon, France"'


def test_files_are_copied_or_referred_to(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.cases[0]
    for refer in (False, True):
        folder = tmp_path / "elsewhere" / f"{refer}"
        again = write_dataset(folder, [NewCase("a", first.scan, first.labels)], name="x", labels=NAMES, refer=refer)
        assert (again.cases[0].scan == first.scan) is refer
        assert again.load(again.cases[0]).scan.hu.sum() == dataset.load(first).scan.hu.sum()


def test_nothing_half_written_and_nothing_overwritten(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not empty"):
        write_dataset(dataset.folder, _cases(), name="x", labels=NAMES)
    with pytest.raises(InputError, match="two cases 'two'"):
        write_dataset(tmp_path / "new", [*_cases(), *_cases()[2:]], name="x", labels=NAMES)
    with pytest.raises(InputError, match="cannot name a case"):
        write_dataset(tmp_path / "new", [NewCase("../two", _scan(), _labels(21))], name="x", labels=NAMES)
    with pytest.raises(InputError, match="no case"):
        write_dataset(tmp_path / "new", [], name="x", labels=NAMES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spines"]


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "cases.csv",
            "two,two",
            "one-left,two",
            r"cases.csv:4:1: the case 'one-left' stands here for a second time; .* line 2",
        ),
        ("cases.csv", "scans/two", "scans/tow", r"cases.csv:4:10: there is no file .*tow.nii.gz"),
        ("cases.csv", "one,left", "one,up", r"cases.csv:2:14: the side is left, right or empty"),
        ("cases.csv", "side", "sides", r"cases.csv:1:1: the column 'side' is missing"),
        ("cases.csv", ",one,right", ",one,right,", r"cases.csv:3:1: this row has 7 cells and the header 6"),
        ("dataset.yaml", "L3: 22", "L3: 21", r"dataset.yaml:5:7: the number 21 stands for two labels"),
        ("dataset.yaml", "L3: 22", "L3: 0", r"dataset.yaml:5:7: the label 'L3' needs a whole number from 1 up"),
        ("dataset.yaml", "modality", "modalty", r"dataset.yaml:6:1: there is no key 'modalty'.*did you mean 'modality'"),
        ("dataset.yaml", "name: spines", "", r"`name` is missing"),
    ],
)
def test_mistakes_are_told_with_their_place(dataset: Dataset, file: str, old: str, new: str, told: str) -> None:
    path = dataset.folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_dataset(dataset.folder)


def test_all_mistakes_are_told_at_once(dataset: Dataset) -> None:
    (dataset.folder / "dataset.yaml").write_text("name: x\nlabels: {a: 0}\n", encoding="utf-8")
    (dataset.folder / "cases.csv").write_text("case,patient,side,scan,labels\na b,,,,x.nii.gz\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"(?s)4 problems.*yaml:2:13.*csv:2:1: 'a b'.*csv:2:7: the file of the scan is missing.*csv:2:8"
    ):
        read_dataset(dataset.folder)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no dataset: there is no dataset\.yaml"):
        read_dataset(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        read_dataset(tmp_path / "none")


def test_images_are_checked(dataset: Dataset, tmp_path: Path) -> None:
    def spoilt(new: NewCase) -> Dataset:
        folder = tmp_path / new.case
        return write_dataset(folder, [*_cases(), new], name="x", labels=NAMES)

    moved = Labels(Grid(GRID.size, GRID.spacing_mm, (0.0, 4.0, 30.0), GRID.direction), _labels(21).label)
    with pytest.raises(InputError, match=r"cases.csv:5:\d+: scan and labels are on different grids"):
        check_dataset(spoilt(NewCase("moved", _scan(), moved)))
    with pytest.raises(InputError, match=r"cases.csv:5:\d+: label 23 has no name in the dataset"):
        check_dataset(spoilt(NewCase("strange", _scan(), _labels(21, 23))))
    strange = spoilt(NewCase("strange-2", _scan(), _labels(21, 23)))
    with pytest.raises(InputError, match="label 23, which the dataset does not name"):
        strange.load(strange.case("strange-2"))
    empty = spoilt(NewCase("empty", _scan(), _labels(21)))
    shutil.copyfile(empty.case("empty").scan, empty.case("empty").labels)
    with pytest.raises(InputError, match=r"cases.csv:5:\d+: .* is no label map"):
        check_dataset(empty)
    cautions = check_dataset(spoilt(NewCase("mr", _scan(5, 1200.0), _labels(21))))
    assert len(cautions) == 1
    assert "nothing is below 0" in cautions[0]
    only = write_dataset(tmp_path / "only", [NewCase("a", _scan(), _labels(21))], name="x", labels=NAMES)
    assert check_dataset(only) == ("no case has the label L3 (22)",)
