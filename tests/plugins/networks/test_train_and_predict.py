"""A tiny network learns balls and rods of bone in seconds, and finds them in CTs that it never saw, however these lie."""

from __future__ import annotations

import pytest
from bone_blobs import NAMES, blob_case, blob_dataset

from culmann import Labels
from culmann.dataset import Dataset
from culmann.journal import QuietJournal
from culmann_networks.architecture import UnetOptions
from culmann_networks.model_file import ModelFile
from culmann_networks.steps import Unet3dConfig, unet3d
from culmann_networks.train import train
from culmann_networks.training_options import Augmentation, Unet2dTraining, Unet3dTraining

TINY = UnetOptions(channels=(8, 16, 32), residual_units=1)
SAME = {
    "spacing_mm": (2.0, 2.0, 2.0),
    "network": TINY,
    "learning_rate": 5e-3,
    "threads": 1,
    "augmentation": Augmentation(rotation_degrees=5, translation_mm=4),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return blob_dataset(tmp_path_factory.mktemp("blobs") / "dataset", cases=5, size=32)


@pytest.fixture(scope="module")
def model3d(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    options = Unet3dTraining(epochs=12, patch_voxels=(24, 24, 24), validate_every_epochs=4, **SAME)
    return train(options, dataset, tmp_path_factory.mktemp("models") / "blobs3d")


@pytest.fixture(scope="module")
def model2d(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    options = Unet2dTraining(epochs=8, patch_voxels=(32, 32), validate_every_epochs=8, **SAME)
    return train(options, dataset, tmp_path_factory.mktemp("models") / "blobs2d")


def dice(a: Labels, b: Labels, value: int) -> float:
    one, other = a.label == value, b.label == value
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def of3d(model: ModelFile, **options: object) -> Unet3dConfig:
    return Unet3dConfig(model=model.path.parent, sha256=model.sha256, threads=1, **options)


def test_3d_network_finds_what_it_learnt(model3d: ModelFile) -> None:
    scan, truth = blob_case(99, size=32)
    journal = QuietJournal()
    found = unet3d(scan, of3d(model3d), journal)
    assert found.names == NAMES
    assert found.grid == scan.grid
    assert dice(found, truth, 1) > 0.8
    assert dice(found, truth, 2) > 0.7
    assert journal.warnings == []
