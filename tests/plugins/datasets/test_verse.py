"""VerSe trees, named and laid out as the data set is, into datasets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from culmann.dataset import check_dataset, read_dataset
from culmann.errors import InputError
from culmann_datasets.commands import dataset as app
from culmann_datasets.verse import LABELS, find_verse

#: P, I, R: the orientation of many scans of VerSe.
PIR = (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0)


def _write(path: Path, array: np.ndarray, shift_mm: float = 0.0) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.4, 0.5, 1.5))
    image.SetOrigin((10.0 + shift_mm, -20.0, 30.0))
    image.SetDirection(PIR)
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))


def _subject(root: Path, subject: str, name: str, numbers: list[int], shift_mm: float = 0.0) -> None:
    hu = np.random.default_rng(len(name)).integers(-900, 1200, (6, 8, 7)).astype(np.int16)
    mask = np.zeros((6, 8, 7), dtype=np.uint8)
    for place, number in enumerate(numbers):
        mask[1:5, 1 + 2 * place : 3 + 2 * place, 2:6] = number
    _write(root / "rawdata" / subject / f"{name}_ct.nii.gz", hu)
    _write(root / "derivatives" / subject / f"{name}_seg-vert_msk.nii.gz", mask, shift_mm)
    (root / "derivatives" / subject / f"{name}_seg-subreg_ctd.json").write_text('[{"direction": ["P", "I", "R"]}]')


@pytest.fixture
def verse(tmp_path: Path) -> Path:
    root = tmp_path / "verse"
    _subject(root / "dataset-verse19training", "sub-verse004", "sub-verse004", [20, 21, 22])
    _subject(root / "dataset-verse20validation", "sub-verse500", "sub-verse500_dir-ax", [19, 28, 20])
    _subject(root / "dataset-verse20test", "sub-verse401", "sub-verse401_split-verse253", [1, 2])
    _subject(root / "dataset-verse20test", "sub-verse401", "sub-verse401_split-verse254", [7, 8, 25], 1e-4)
    return root


def test_the_label_table_is_the_one_of_verse() -> None:
    # From the README of the data set: 1-7 C1-C7, 8-19 T1-T12, 20-25 L1-L6, 28 T13.
    assert len(LABELS) == 26
    assert [LABELS[name] for name in ("C1", "C7", "T1", "T12", "L1", "L3", "L6", "T13")] == [1, 7, 8, 19, 20, 22, 25, 28]


def test_import_of_verse(verse: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["import", "verse", str(verse), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    made = read_dataset(tmp_path / "out")
    assert [(c.case, c.patient, dict(c.facts)) for c in made.cases] == [
        ("sub-verse004", "verse004", {"part": "training"}),
        ("sub-verse401_split-verse253", "verse401", {"part": "test"}),
        ("sub-verse401_split-verse254", "verse401", {"part": "test"}),
        ("sub-verse500_dir-ax", "verse500", {"part": "validation"}),
    ]
    assert made.labels == {"C1": 1, "C2": 2, "C7": 7, "T1": 8, "T12": 19, "L1": 20, "L2": 21, "L3": 22, "L6": 25, "T13": 28}
    assert check_dataset(made) == ()
    scan, labels = made.load(made.cases[0])
    assert scan.grid.direction == pytest.approx(PIR)
    assert labels.present() == {20: "L1", 21: "L2", 22: "L3"}
    original = verse / "dataset-verse19training" / "rawdata" / "sub-verse004" / "sub-verse004_ct.nii.gz"
    assert made.cases[0].scan.read_bytes() == original.read_bytes()


def test_transitional_vertebrae_are_left_out_on_request(verse: Path, tmp_path: Path) -> None:
    command = ["import", "verse", str(verse), "--out", str(tmp_path / "out"), "--without-t13", "--refer"]
    done = CliRunner().invoke(app, command)
    assert "sub-verse500_dir-ax is left out: it shows T13" in done.output
    made = read_dataset(tmp_path / "out")
    assert "T13" not in made.labels
    assert [c.patient for c in made.cases] == ["verse004", "verse401", "verse401"]
    assert made.cases[0].scan.is_relative_to(verse)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["cases.csv", "dataset.yaml"]


def test_what_is_no_verse_is_told(verse: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mask of VerSe"):
        find_verse(tmp_path / "verse" / "dataset-verse19training" / "rawdata")
    (verse / "dataset-verse19training" / "rawdata" / "sub-verse004" / "sub-verse004_ct.nii.gz").unlink()
    with pytest.raises(InputError, match=r"no sub-verse004_ct\.nii\.gz"):
        find_verse(verse)
    _subject(verse / "dataset-verse19training", "sub-verse004", "sub-verse004", [26])
    done = CliRunner().invoke(app, ["import", "verse", str(verse), "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, InputError)
    assert "label 26, which the table of VerSe does not name" in done.exception.message
    assert not (tmp_path / "out").exists()
