"""nnU-Net really trains an epoch on a CPU, and what it then predicts is what nnU-Net itself wrote for the validation cases."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from spheres import NAMES, ball_dataset
from typer.testing import CliRunner

from culmann.cli import app
from culmann.dataset import Dataset, Fold, Splits, read_dataset, split_k_fold, write_splits
from culmann.errors import InputError
from culmann.image_files import read_label_file
from culmann.orientation import upright
from culmann.pipeline.digests import path_digest
from culmann_nnunet.train_command import show
from culmann_nnunet.training import Settings, train_nnunet

SETTINGS = Settings(memory_gb=1.0, epochs=6, iterations=2, validation_iterations=1, processes=1)

#: A training is stopped after this epoch: nnU-Net's last checkpoint is then that of the fifth.
STOPPED_AFTER = 5


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return ball_dataset(tmp_path_factory.mktemp("balls") / "balls", 6)


@pytest.fixture(scope="module")
def trained(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[dict[str, Any]]]:
    """A model, the folder where nnU-Net worked, and what the training told; it was stopped once and gone on with."""
    folder = tmp_path_factory.mktemp("trained")
    told: list[dict[str, Any]] = []
    before = dict(os.environ)

    def stop(event: dict[str, Any]) -> None:
        told.append(event)
        if event.get("epoch") == STOPPED_AFTER and event["event"] == "epoch":
            raise KeyboardInterrupt

    def begin(hear: Any) -> None:
        splits = split_k_fold(dataset, 3)
        train_nnunet(dataset, splits, [1], folder / "model", folder / "work", SETTINGS, hear, keep_work=True)

    with pytest.raises(KeyboardInterrupt) as stopped:
        begin(stop)
    assert "goes on from the last checkpoint" in stopped.value.__notes__[0]
    assert not (folder / "model").exists()
    begin(told.append)
    assert dict(os.environ) == before
    return folder / "model", folder / "work", told


@pytest.mark.slow
def test_epochs_are_trained_and_a_stopped_training_goes_on(trained: tuple[Path, Path, list[dict[str, Any]]]) -> None:
    model, _, told = trained
    epochs = [event for event in told if event["event"] == "epoch"]
    assert [(event["fold"], event["epoch"], event["epochs"]) for event in epochs] == [(1, n, 6) for n in range(1, 7)]
    assert epochs[-1]["train_loss"] < epochs[0]["train_loss"] - 0.1
    for event in told:
        show(event)
    assert sorted(path.name for path in model.iterdir()) == [
        "README.md",
        "curves.csv",
        "dataset.json",
        "fold_1.png",
        "fold_1.safetensors",
        "model.json",
        "plans.json",
    ]
    facts = json.loads((model / "model.json").read_text(encoding="utf-8"))
    assert facts["reached"]["1"]["cases"] == 2
    curves = (model / "curves.csv").read_text(encoding="utf-8").splitlines()
    losses = [float(value) for value in curves[1].split(",")][2:4]
    assert losses == pytest.approx([epochs[0]["train_loss"], epochs[0]["validation_loss"]], rel=1e-4)
    assert len(curves) == 7
    assert "p0" not in (model / "dataset.json").read_text(encoding="utf-8")  # nobody is named in a model


@pytest.mark.slow
def test_prediction_is_what_nnunet_wrote_for_its_validation_cases(
    dataset: Dataset, trained: tuple[Path, Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    model, work, _ = trained
    fold = split_k_fold(dataset, 3).folds[1]
    cases = [argument for case in fold.validation for argument in ("--case", case)]
    command = ["predict", "nnunet", str(dataset.folder), "--model", str(model), "--out", str(tmp_path / "out"), *cases]
    unpinned = CliRunner().invoke(app, command)
    assert unpinned.exit_code == 2
    assert path_digest(model) in unpinned.output
    done = CliRunner().invoke(app, [*command, "--sha256", path_digest(model), "--device", "cpu", "--no-postprocess"])
    assert done.exit_code == 0, done.output
    theirs = next(work.glob("results/*/*/fold_1/validation"))
    for name in fold.validation:
        ours = read_label_file(tmp_path / "out" / f"{name}.nii.gz")
        assert ours.grid.same_as(dataset.load(dataset.case(name)).scan.grid)
        written = sitk.GetArrayFromImage(sitk.ReadImage(str(theirs / f"{name}.nii.gz")))
        expected = np.array([0, NAMES["head"], NAMES["shaft"]])[written]
        assert (upright(ours.label, ours.grid)[0] != expected).mean() < 1e-3  # of all voxels: sums in half precision
        assert (expected != 0).any()


@pytest.mark.slow
def test_a_work_folder_is_gone_on_with_and_belongs_to_one_training(
    dataset: Dataset, trained: tuple[Path, Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    model, work, _ = trained
    splits = split_k_fold(dataset, 3)
    told: list[dict[str, Any]] = []
    quicker = replace(SETTINGS, postprocess=False)
    train_nnunet(dataset, splits, [1], tmp_path / "again", work, quicker, told.append, keep_work=True)
    assert {event["event"] for event in told} == {"stage", "done"}  # nothing was trained again
    weights = "fold_1.safetensors"
    assert (tmp_path / "again" / weights).read_bytes() == (model / weights).read_bytes()
    with pytest.raises(InputError, match="holds a training on other cases or with other settings"):
        train_nnunet(dataset, split_k_fold(dataset, 2), [1], tmp_path / "other", work, SETTINGS, told.append)
    with pytest.raises(InputError, match="is there already"):
        train_nnunet(dataset, splits, [1], model, work, SETTINGS, told.append)


def test_what_cannot_be_trained_is_told_before_it_begins(dataset: Dataset, tmp_path: Path) -> None:
    splits = split_k_fold(dataset, 3)

    def wrong(splits: Splits, fold: int) -> None:
        train_nnunet(dataset, splits, [fold], tmp_path / "model", tmp_path / "work", SETTINGS, lambda _: None)

    with pytest.raises(InputError, match="there is no fold 3"):
        wrong(splits, 3)
    with pytest.raises(InputError, match="fold 0 has no validation cases"):
        wrong(Splits("balls", "", 0, (Fold(("c0",), ()),)), 0)
    assert not list(tmp_path.iterdir())


def test_test_cases_are_not_shown_to_nnunet(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("culmann_nnunet.training._run", lambda work, *_: (work.folder / "model").mkdir())
    splits = Splits("balls", "", 0, (Fold(("c0", "c1"), ("c2",), ("c4", "c5")),))
    write_splits(splits, tmp_path / "splits.json")
    train_nnunet(dataset, splits, None, tmp_path / "model", tmp_path / "work", SETTINGS, lambda _: None, keep_work=True)
    images = sorted(path.name for path in (tmp_path / "work" / "raw" / "Dataset500_balls" / "imagesTr").iterdir())
    assert images == ["c0_0000.nii.gz", "c1_0000.nii.gz", "c2_0000.nii.gz"]
    for path in (tmp_path / "work" / "raw" / "Dataset500_balls" / "imagesTr").iterdir():
        direction = np.array(sitk.ReadImage(str(path)).GetDirection()).reshape(3, 3)
        np.testing.assert_allclose(direction, np.eye(3), atol=1e-6)
    assert len(read_dataset(dataset.folder).cases) == 6
