"""nnU-Net's raw folder and back: the same dataset, also where its labels have gaps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from culmann.data import Grid, Labels, Scan
from culmann.dataset import Dataset, NewCase, write_dataset
from culmann.dataset.nnunet_raw import nnunet_cases, nnunet_name, read_nnunet_raw, write_nnunet_raw
from culmann.errors import InputError
from culmann.image_files import read_label_file, write_image_file

GRID = Grid((6, 5, 4), (0.7, 0.8, 2.0), (-10.0, 4.0, 30.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    draw = np.random.default_rng(0)
    cases = [
        NewCase(
            f"p{n}-{side}",
            Scan(GRID, draw.integers(-1000, 1000, GRID.shape).astype(np.float32)),
            Labels(GRID, np.where(draw.random(GRID.shape) > 0.5, 75 + n, 25).astype(np.int32)),
            f"p{n}",
            side,
            {"centre": "Lyon"},
        )
        for n, side in ((0, "left"), (1, "right"))
    ]
    names = {"sacrum": 25, "femur left": 75, "femur right": 76}
    return write_dataset(tmp_path / "hips", cases, name="my hips", labels=names, about="test", licence="CC0")


def test_round_trip(dataset: Dataset, tmp_path: Path) -> None:
    folder = write_nnunet_raw(dataset, tmp_path / "raw" / nnunet_name(dataset, 501))
    assert folder.name == "Dataset501_my-hips"
    facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    assert facts["channel_names"] == {"0": "CT"}
    assert facts["labels"] == {"background": 0, "sacrum": 1, "femur left": 2, "femur right": 3}
    assert (facts["numTraining"], facts["file_ending"]) == (2, ".nii.gz")
    assert sorted(p.name for p in (folder / "imagesTr").iterdir()) == ["p0-left_0000.nii.gz", "p1-right_0000.nii.gz"]
    assert sorted(read_label_file(folder / "labelsTr" / "p1-right.nii.gz").present()) == [1, 3]
    raw = read_nnunet_raw(folder)
    again = write_dataset(
        tmp_path / "again", nnunet_cases(raw), name=raw.name, labels=raw.labels, about=raw.about, licence=raw.licence
    )
    for file in ("dataset.yaml", "cases.csv"):
        assert (again.folder / file).read_text(encoding="utf-8") == (dataset.folder / file).read_text(encoding="utf-8")
    for new, old in zip(again.cases, dataset.cases, strict=True):
        np.testing.assert_array_equal(again.load(new).scan.hu, dataset.load(old).scan.hu)
        np.testing.assert_array_equal(again.load(new).labels.label, dataset.load(old).labels.label)


def _foreign(folder: Path, **changes: object) -> Path:
    """A raw folder as people make it by hand."""
    for name in ("imagesTr", "labelsTr", "imagesTs", "labelsTs"):
        (folder / name).mkdir(parents=True)
    grid = Grid((4, 3, 2), (1.0, 1.0, 1.0))
    for part, case in (("Tr", "a_001"), ("Ts", "b_002")):
        write_image_file(
            folder / f"images{part}" / f"{case}_0000.nrrd", Scan(grid, np.arange(24.0, dtype=np.float32).reshape(2, 3, 4))
        )
        write_image_file(folder / f"labels{part}" / f"{case}.nrrd", Labels(grid, np.ones((2, 3, 4), dtype=np.int32)))
    facts = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "femur": 1}, "numTraining": 1, "file_ending": ".nrrd"}
    (folder / "dataset.json").write_text(json.dumps({**facts, **changes}), encoding="utf-8")
    return folder


def test_a_folder_of_others(tmp_path: Path) -> None:
    raw = read_nnunet_raw(_foreign(tmp_path / "Dataset007_Femur"))
    assert (raw.name, raw.labels) == ("Femur", {"femur": 1})
    made = write_dataset(tmp_path / "out", nnunet_cases(raw), name=raw.name, labels=raw.labels)
    assert [(c.case, c.patient, dict(c.facts)) for c in made.cases] == [
        ("a_001", "a_001", {"part": "train"}),
        ("b_002", "b_002", {"part": "test"}),
    ]
    assert made.load(made.cases[1]).labels.present() == {1: "femur"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labels": {"background": 0, "whole": [1, 2]}}, "whole stands for several numbers"),
        ({"channel_names": {"1": "PET"}}, r"no channel 0; it has 1 \(PET\)"),
        ({"file_ending": ".png"}, "images ending with .png cannot be read"),
        ({"file_ending": ".mha"}, "there are no labels"),
        ({"labels": None}, "no description of a data set of nnU-Net v2"),
    ],
)
def test_folders_that_cannot_be_used(changes: dict[str, object], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        read_nnunet_raw(_foreign(tmp_path / "Dataset007_Femur", **changes))


def test_labels_without_an_image(tmp_path: Path) -> None:
    folder = _foreign(tmp_path / "Dataset007_Femur")
    (folder / "imagesTr" / "a_001_0000.nrrd").unlink()
    with pytest.raises(InputError, match=r"a_001.nrrd have no image"):
        read_nnunet_raw(folder)
    with pytest.raises(InputError, match="no raw folder"):
        read_nnunet_raw(tmp_path)
