"""`culmann predict` with the U-Nets: the labels of the step for a file, a folder or a dataset, and mistakes told in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bone_blobs import blob_dataset
from typer.testing import CliRunner, Result

from culmann.cli.app import app
from culmann.dataset import Dataset
from culmann.image_files import read_label_file
from culmann.journal import QuietJournal
from culmann_networks.architecture import UnetOptions
from culmann_networks.model_file import ModelFile
from culmann_networks.packing import pack
from culmann_networks.steps import Unet2dConfig, Unet3dConfig, unet2d_multiaxial, unet3d
from culmann_networks.train import train
from culmann_networks.training_options import Unet2dTraining, Unet3dTraining

SAME = {
    "epochs": 2,
    "spacing_mm": (4.0, 4.0, 4.0),
    "network": UnetOptions(channels=(4, 8), residual_units=1),
    "learning_rate": 2e-2,
    "loss": "dice-ce",
    "threads": 1,
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return blob_dataset(tmp_path_factory.mktemp("blobs") / "dataset", cases=3, size=24)


@pytest.fixture(scope="module")
def models(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelFile]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "unet3d": train(Unet3dTraining(patch_voxels=(8, 8, 8), **SAME), dataset, folder / "volume"),
        "unet2d-multiaxial": train(Unet2dTraining(patch_voxels=(8, 8), **SAME), dataset, folder / "planes"),
    }


def predict(architecture: str, scans: Path, model: object, out: Path, *more: str) -> Result:
    words = [str(scans), "--model", str(model), "--out", str(out), "--set", "when_empty=warn", "--device", "cpu", *more]
    return CliRunner().invoke(app, ["predict", architecture, *words])


def words(done: Result) -> str:
    return " ".join(done.output.split())


@pytest.mark.parametrize("architecture", ["unet3d", "unet2d-multiaxial"])
def test_a_dataset_gets_the_labels_of_the_step(
    dataset: Dataset, models: dict[str, ModelFile], tmp_path: Path, architecture: str
) -> None:
    model = models[architecture]
    more = ("--sha256", model.sha256, "--set", "overlap=0.25")
    done = predict(architecture, dataset.folder, model.path.parent, tmp_path / "out", *more)
    assert done.exit_code == 0, done.output
    assert f"3 of 3 label maps are in {tmp_path / 'out'}" in words(done)
    same = {"model": model.path.parent, "sha256": model.sha256, "overlap": 0.25, "when_empty": "warn"}
    for case in dataset.cases:
        scan = dataset.load(case).scan
        wanted = (
            unet3d(scan, Unet3dConfig(**same), QuietJournal())
            if architecture == "unet3d"
            else unet2d_multiaxial(scan, Unet2dConfig(**same), QuietJournal())
        )
        written = read_label_file(tmp_path / "out" / f"{case.case}.nii.gz", may_be_empty=True)
        assert written.grid.same_as(scan.grid)
        assert np.array_equal(written.label, wanted.label)


def test_a_file_with_a_model_of_the_zoo(
    dataset: Dataset, models: dict[str, ModelFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CULMANN_MODELS", str(tmp_path / "zoo"))
    pack(models["unet3d"].path.parent, tmp_path / "zoo" / "blobs", about="Blobs.", licence="CC0-1.0", card=None, url=None)
    scan = dataset.cases[0].scan
    done = predict("unet3d", scan, "blobs", tmp_path / "out", "--set", "probabilities=true")
    assert done.exit_code == 0, done.output
    assert "not pinned" not in done.output
    name = scan.name.removesuffix(".nii.gz")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [name, f"{name}.nii.gz"]
    assert (tmp_path / "out" / name / "probability-ball.nii.gz").is_file()
    other = predict("unet3d", scan, "blob", tmp_path / "none")
    assert other.exit_code == 2
    assert "there is no model at blob, and the zoo has none of that name; did you mean 'blobs'?" in words(other)
    wrong = predict("unet2d-multiaxial", scan, "blobs", tmp_path / "none")
    assert "blobs is a model for `unet3d`" in words(wrong)
    assert "`culmann predict unet3d` takes it" in words(wrong)
    assert not (tmp_path / "none").exists()


def test_a_folder_with_a_scan_that_is_none(dataset: Dataset, models: dict[str, ModelFile], tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "good.nii.gz").write_bytes(dataset.cases[0].scan.read_bytes())
    (scans / "bad.nii.gz").write_bytes(b"no image")
    done = predict("unet3d", scans, models["unet3d"].path.parent, tmp_path / "out")
    assert done.exit_code == 2
    assert "1 of 2: bad: failed: " in words(done)
    assert "1 of 2 label maps are in" in words(done)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.nii.gz"]


def test_mistakes_are_told(dataset: Dataset, models: dict[str, ModelFile], tmp_path: Path) -> None:
    model, out = models["unet3d"].path.parent, tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "plans.json").write_text("{}")
    for told, done in {
        "is not the file that was pinned": predict("unet3d", dataset.folder, model, out, "--sha256", "0" * 64),
        "there is no image in": predict("unet3d", tmp_path / "empty", model, out),
        "there is no ": predict("unet3d", tmp_path / "nowhere", model, out),
        "--case names cases of a dataset": predict("unet3d", dataset.cases[0].scan, model, out, "--case", "case0"),
        "overlp": predict("unet3d", dataset.folder, model, out, "--set", "overlp=0.5"),
        "`culmann predict nnunet` takes it": predict("unet3d", dataset.folder, tmp_path / "theirs", out),
        "`culmann predict unet3d` and `unet2d-multiaxial` take": CliRunner().invoke(
            app, ["predict", "nnunet", str(dataset.folder), "--model", str(model), "--out", str(out)]
        ),
    }.items():
        assert done.exit_code == 2, told
        assert told in words(done)
    assert not out.exists()
