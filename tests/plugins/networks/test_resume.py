"""A training that was killed goes on as if nothing had happened, bit by bit; another one is not gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from bone_blobs import blob_dataset

from culmann import InputError, SolverError
from culmann.dataset import Dataset, Fold
from culmann_networks.architecture import UnetOptions
from culmann_networks.checkpoint import Standing
from culmann_networks.listener import Silent
from culmann_networks.model_file import ModelFile, open_model
from culmann_networks.train import train
from culmann_networks.training_options import Unet2dTraining, Unet3dTraining

TINY = UnetOptions(channels=(4, 8), residual_units=1, dropout=0.1)
OPTIONS_3D = Unet3dTraining(
    epochs=4, spacing_mm=(3, 3, 3), patch_voxels=(16, 16, 16), patches_per_case=2, learning_rate=1e-3, network=TINY, threads=1
)
OPTIONS_2D = Unet2dTraining(
    epochs=2, spacing_mm=(3, 3, 3), patch_voxels=(16, 16), patches_per_case=4, learning_rate=1e-3, network=TINY, threads=1
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return blob_dataset(tmp_path_factory.mktemp("blobs") / "dataset", cases=4, size=24)


class StoppedError(Exception):
    pass


class StopsAfter(Silent):
    """Stops a training from within, after so many epochs of all networks."""

    def __init__(self, epochs: int) -> None:
        object.__setattr__(self, "left", [epochs])

    def epoch(self, member: str, standing: Standing) -> None:  # noqa: ARG002
        self.left[0] -= 1
        if self.left[0] == 0:
            raise StoppedError


def same(a: ModelFile, b: ModelFile) -> bool:
    one, other = a.tensors(), b.tensors()
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("options", "after"), [(OPTIONS_3D, 1), (OPTIONS_3D, 3), (OPTIONS_2D, 1), (OPTIONS_2D, 2), (OPTIONS_2D, 5)]
)
def test_resumed_training_is_the_uninterrupted_one(
    dataset: Dataset, tmp_path: Path, options: Unet3dTraining | Unet2dTraining, after: int
) -> None:
    whole = train(options, dataset, tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(options, dataset, tmp_path / "parts", listener=StopsAfter(after))
    with pytest.raises(InputError, match="has not finished"):
        open_model(tmp_path / "parts")
    parts = train(options, dataset, tmp_path / "parts")
    assert same(whole, parts)
    columns = [
        [line.split(",")[:5] for line in (tmp_path / d / "curves.csv").read_text().splitlines()] for d in ("whole", "parts")
    ]
    assert columns[0] == columns[1]


def test_two_trainings_with_one_seed_are_one_and_with_another_are_not(dataset: Dataset, tmp_path: Path) -> None:
    first = train(OPTIONS_3D, dataset, tmp_path / "first")
    ahead = train(OPTIONS_3D.model_copy(update={"workers": 3}), dataset, tmp_path / "ahead")
    other = train(OPTIONS_3D.model_copy(update={"seed": 1}), dataset, tmp_path / "other")
    assert same(first, ahead)
    assert not same(first, other)


def test_killed_program_goes_on(dataset: Dataset, tmp_path: Path) -> None:
    options = OPTIONS_3D.model_copy(update={"epochs": 400})
    file, out = tmp_path / "options.yaml", tmp_path / "killed"
    file.write_text(yaml.safe_dump({k: v for k, v in options.model_dump(mode="json").items() if v is not None}))
    command = [
        sys.executable,
        "-m",
        "culmann",
        "train",
        "unet3d",
        str(dataset.folder),
        "--out",
        str(out),
        "--config",
        str(file),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        checkpoint = out / "training" / "volume.safetensors"
        deadline = time.monotonic() + 120
        while not checkpoint.exists() and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        running.send_signal(signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL
    assert not (out / "weights.safetensors").exists()
    done = _epochs_done(checkpoint)
    assert 0 < done < 400
    options = options.model_copy(update={"epochs": done + 2})
    assert same(train(options, dataset, out), train(options, dataset, tmp_path / "whole"))


def _epochs_done(checkpoint: Path) -> int:
    import json

    from safetensors import safe_open

    with safe_open(checkpoint, framework="np") as file:
        return int(json.loads(file.metadata()["culmann-training"])["epoch"])


def test_finished_training_is_prolonged(dataset: Dataset, tmp_path: Path) -> None:
    train(OPTIONS_3D.model_copy(update={"epochs": 2}), dataset, tmp_path / "model")
    longer = train(OPTIONS_3D, dataset, tmp_path / "model")
    assert longer.facts.metrics["volume"]["epochs"] == 4
    assert same(longer, train(OPTIONS_3D, dataset, tmp_path / "whole"))


@pytest.mark.parametrize("change", [{"learning_rate": 2e-3}, {"seed": 3}, {"network": UnetOptions(channels=(4, 4))}])
def test_other_training_in_the_folder_is_refused(dataset: Dataset, tmp_path: Path, change: dict[str, object]) -> None:
    train(OPTIONS_3D.model_copy(update={"epochs": 1}), dataset, tmp_path / "model")
    (name,) = change
    with pytest.raises(InputError, match=rf"differs in .*{name}"):
        train(OPTIONS_3D.model_copy(update=change), dataset, tmp_path / "model")


def test_other_voxels_under_the_same_names_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    other = blob_dataset(tmp_path / "other", cases=4, size=20)
    train(OPTIONS_3D.model_copy(update={"epochs": 1}), dataset, tmp_path / "model")
    with pytest.raises(InputError, match="differs in data, and cannot"):
        train(OPTIONS_3D, other, tmp_path / "model")


def test_batch_that_does_not_fit_is_told(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: not enough memory")

    monkeypatch.setattr("monai.networks.nets.unet.UNet.forward", full)
    with pytest.raises(SolverError, match="not enough memory for batches of 4 patches"):
        train(OPTIONS_3D, dataset, tmp_path / "model")


def test_loss_that_is_no_number_is_told(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SolverError, match="the loss is nan"):
        train(OPTIONS_3D.model_copy(update={"learning_rate": 1e30}), dataset, tmp_path / "model")


def test_damaged_checkpoint_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    train(OPTIONS_3D.model_copy(update={"epochs": 1}), dataset, tmp_path / "model")
    checkpoint = tmp_path / "model" / "training" / "volume.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be read"):
        train(OPTIONS_3D, dataset, tmp_path / "model")


def test_early_stopping_and_time_limit(dataset: Dataset, tmp_path: Path) -> None:
    still = OPTIONS_3D.model_copy(update={"epochs": 30, "learning_rate": 1e-12, "patience_epochs": 2})
    stopped = train(still, dataset, tmp_path / "still").facts.metrics["volume"]
    assert stopped["epochs"] < 30
    assert stopped["ended"].startswith("no better validation Dice for 2 epochs")
    short = OPTIONS_3D.model_copy(update={"epochs": 100_000, "time_limit_min": 0.005})
    limited = train(short, dataset, tmp_path / "short").facts.metrics["volume"]
    assert limited["ended"].startswith("the time limit of 0.005 minutes")


def test_best_weights_are_kept_or_the_last(dataset: Dataset, tmp_path: Path) -> None:
    best = train(OPTIONS_3D, dataset, tmp_path / "best")
    rows = [line.split(",") for line in (tmp_path / "best" / "curves.csv").read_text().splitlines()[1:]]
    dice = [float(row[3]) for row in rows]
    measured = best.facts.metrics["volume"]
    assert measured["validation_dice"] == pytest.approx(max(dice), abs=1e-5)
    assert measured["validation_dice_of_epoch"] == 1 + dice.index(max(dice))
    until = OPTIONS_3D.model_copy(update={"epochs": measured["validation_dice_of_epoch"], "keep": "last"})
    assert same(best, train(until, dataset, tmp_path / "until"))


def test_fold_says_which_cases_are_used(dataset: Dataset, tmp_path: Path) -> None:
    fold = Fold(("case2", "case0"), ("case1",), ("case3",))
    facts = train(OPTIONS_3D.model_copy(update={"epochs": 1}), dataset, tmp_path / "model", fold=fold).facts
    assert facts.training["training"] == ["case2", "case0"]
    assert facts.training["validation"] == ["case1"]


def test_folder_with_other_things_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(InputError, match=r"holds something else \(thesis.docx\)"):
        train(OPTIONS_3D, dataset, tmp_path)
