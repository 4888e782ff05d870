"""Tiny networks learn balls and rods of bone in seconds, and find them in CTs that they never saw, however these lie."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from bone_blobs import NAMES, blob_case, blob_dataset

from culmann import EngineError, InputError, Labels, Scan
from culmann.data import Grid
from culmann.dataset import Dataset
from culmann.journal import QuietJournal
from culmann.testing import check_plugin
from culmann_networks.architecture import UnetOptions
from culmann_networks.inference import How, shares_of
from culmann_networks.model_file import FACTS, ModelFile, write_model
from culmann_networks.steps import Unet2dConfig, Unet3dConfig, unet2d_multiaxial, unet3d
from culmann_networks.train import train
from culmann_networks.training_options import Augmentation, Unet2dTraining, Unet3dTraining
from culmann_networks.unets import load

SAME = {
    "spacing_mm": (2.0, 2.0, 2.0),
    "network": UnetOptions(channels=(8, 16, 32), residual_units=1),
    "learning_rate": 5e-3,
    "loss": "dice-ce",
    "threads": 1,
    "augmentation": Augmentation(rotation_degrees=5, translation_mm=4),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return blob_dataset(tmp_path_factory.mktemp("blobs") / "dataset", cases=5, size=32)


@pytest.fixture(scope="module")
def model3d(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    options = Unet3dTraining(epochs=24, patch_voxels=(24, 24, 24), validate_every_epochs=6, schedule="cosine", **SAME)
    return train(options, dataset, tmp_path_factory.mktemp("models") / "blobs3d")


@pytest.fixture(scope="module")
def model2d(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    options = Unet2dTraining(epochs=10, patch_voxels=(32, 32), validate_every_epochs=5, merge_as="bone", **SAME)
    return train(options, dataset, tmp_path_factory.mktemp("models") / "blobs2d")


def dice(a: Labels, b: Labels, value: int) -> float:
    one, other = a.label == value, b.label == value
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def of3d(model: ModelFile, **options: object) -> Unet3dConfig:
    return Unet3dConfig(model=model.path.parent, **{"sha256": model.sha256, "threads": 1, **options})


def test_3d_network_finds_what_it_learnt(model3d: ModelFile) -> None:
    scan, truth = blob_case(99, size=32)
    journal = QuietJournal()
    found = unet3d(scan, of3d(model3d), journal)
    assert found.names == NAMES
    assert found.grid == scan.grid
    assert dice(found, truth, 1) > 0.8
    assert dice(found, truth, 2) > 0.7
    assert journal.warnings == []


def test_2d_networks_find_what_they_learnt(model2d: ModelFile) -> None:
    scan, truth = blob_case(98, size=32)
    bone = replace(truth, label=(truth.label > 0).astype(np.int32))
    config = Unet2dConfig(model=model2d.path, sha256=model2d.sha256, threads=1)
    found = unet2d_multiaxial(scan, config, QuietJournal())
    assert found.names == {1: "bone"}
    assert dice(found, bone, 1) > 0.75
    mean = unet2d_multiaxial(scan, config.model_copy(update={"fusion": "mean"}), QuietJournal())
    assert dice(mean, bone, 1) > 0.75


def test_three_planes_slice_by_slice(model2d: ModelFile) -> None:
    scan, _ = blob_case(98, size=32)  # slices as large as a window: nothing overlaps
    networks = load(model2d)
    grey = torch.from_numpy(np.clip(scan.hu, *model2d.facts.window_hu) + 1000) / 1250 - 1
    votes = np.zeros((3, 32, 32, 32), dtype=int)
    with torch.inference_mode():
        for n in range(32):
            votes[0, n] = networks["axial"](grey[n][None, None])[0].argmax(dim=0)
            votes[1, :, n] = networks["coronal"](grey[:, n][None, None])[0].argmax(dim=0)
            votes[2, :, :, n] = networks["sagittal"](grey[:, :, n][None, None])[0].argmax(dim=0)
    config = Unet2dConfig(model=model2d.path, sha256=model2d.sha256, threads=1)
    found = unet2d_multiaxial(scan, config, QuietJournal())
    # Sums in another order may turn a voxel whose classes have the same share.
    assert (found.label != (votes.sum(axis=0) >= 2)).mean() < 1e-3


def test_mirrored_looks_are_the_mean_of_all_mirrors(model3d: ModelFile) -> None:
    scan, _ = blob_case(99, size=24)
    network = load(model3d)["volume"]
    grey = torch.from_numpy(np.clip(scan.hu, *model3d.facts.window_hu) + 1000) / 1250 - 1
    with torch.inference_mode():
        looks = [
            torch.softmax(network(grey.flip(axes)[None, None]), dim=1)[0].flip([1 + a for a in axes])
            for axes in ((), (0,), (2,), (0, 2))
        ]
    how = How(torch.device("cpu"), flips=("left-right", "up-down"))
    found = shares_of({"volume": network}, model3d.facts, scan.hu, how, print)
    assert np.abs(found - torch.stack(looks).mean(dim=0).numpy()).max() < 1e-4


def test_model_says_what_it_was_trained_on(model3d: ModelFile, dataset: Dataset) -> None:
    facts = json.loads((model3d.path.parent / FACTS).read_text())
    assert facts["labels"] == {"1": "ball", "2": "rod"}
    assert facts["training"]["dataset"] == dataset.name
    assert len(facts["training"]["training"]) == 4
    assert facts["metrics"]["volume"]["epochs"] == 24
    table = (model3d.path.parent / "curves.csv").read_text().splitlines()
    assert len(table) == 1 + 24
    losses = [float(line.split(",")[2]) for line in table[1:]]
    assert losses[-1] < 0.6 * losses[0]
    assert (model3d.path.parent / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("code", ["LPS", "RAS", "SLA", "PIR"])
def test_same_voxels_are_found_however_the_file_orders_its_axes(model3d: ModelFile, code: str) -> None:
    scan, _ = blob_case(99, size=32)
    scan = Scan(replace(scan.grid, size=(30, 32, 28)), scan.hu[:28, :, :30].copy())
    reference = unet3d(scan, of3d(model3d), QuietJournal())
    image = sitk.GetImageFromArray(scan.hu)
    image.SetSpacing(scan.grid.spacing_mm)
    image.SetOrigin(scan.grid.origin_mm)
    turned = sitk.DICOMOrient(image, code)
    grid = Grid(turned.GetSize(), turned.GetSpacing(), turned.GetOrigin(), turned.GetDirection())
    found = unet3d(Scan(grid, sitk.GetArrayFromImage(turned)), of3d(model3d), QuietJournal())
    label = sitk.GetImageFromArray(found.label)
    label.CopyInformation(turned)
    back = sitk.GetArrayFromImage(sitk.DICOMOrient(label, "LPS"))
    assert np.array_equal(back, reference.label)


def test_finer_scan_gives_the_same_shape_on_its_own_grid(model3d: ModelFile) -> None:
    scan, truth = blob_case(99, size=32)
    fine = sitk.Resample(
        _image(scan), (48, 48, 64), sitk.Transform(), sitk.sitkLinear, scan.grid.origin_mm, (4 / 3, 4 / 3, 1.0)
    )
    grid = Grid(fine.GetSize(), fine.GetSpacing(), fine.GetOrigin())
    found = unet3d(Scan(grid, sitk.GetArrayFromImage(fine)), of3d(model3d), QuietJournal())
    assert found.label.shape == (64, 48, 48)
    volume = {v: float((found.label == v).sum()) * grid.voxel_volume_mm3 for v in (1, 2)}
    wanted = {v: float((truth.label == v).sum()) * truth.grid.voxel_volume_mm3 for v in (1, 2)}
    assert volume[1] == pytest.approx(wanted[1], rel=0.3)
    assert volume[2] == pytest.approx(wanted[2], rel=0.4)


def _image(scan: Scan) -> sitk.Image:
    image = sitk.GetImageFromArray(scan.hu)
    image.SetSpacing(scan.grid.spacing_mm)
    image.SetOrigin(scan.grid.origin_mm)
    return image


def test_probabilities_are_kept_and_agree_with_the_labels(model3d: ModelFile, tmp_path: Path) -> None:
    scan, _ = blob_case(99, size=32)
    journal = QuietJournal()
    found = unet3d(scan, of3d(model3d, probabilities=True), journal)
    shares = {}
    for name in ("ball", "rod"):
        path = tmp_path / f"probability-{name}.nii.gz"
        path.write_bytes(journal.attachments[path.name])
        shares[name] = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    background = 1 - shares["ball"] - shares["rod"]
    clear = np.abs(shares["ball"] - np.maximum(background, shares["rod"])) > 0.01
    ball = shares["ball"] > np.maximum(background, shares["rod"])
    assert np.array_equal(ball[clear], (found.label == 1)[clear])


def test_air_is_skipped_without_another_answer(model3d: ModelFile) -> None:
    scan, _ = blob_case(99, size=32)
    wide = np.full((32, 32, 160), -1000.0, dtype=np.float32)
    wide[:, :, :32] = scan.hu
    far = Scan(replace(scan.grid, size=(160, 32, 32)), wide)
    skipped = unet3d(far, of3d(model3d), QuietJournal())
    every = unet3d(far, of3d(model3d, skip_below_hu=None), QuietJournal())
    inside = np.s_[:, :, :32]
    assert np.array_equal(skipped.label[inside], every.label[inside])


def test_mirrored_looks_change_little(model3d: ModelFile) -> None:
    scan, truth = blob_case(99, size=32)
    found = unet3d(scan, of3d(model3d, test_time_flips=["left-right", "front-back"]), QuietJournal())
    assert dice(found, truth, 1) > 0.75


def test_plugin_keeps_the_contract_at_work(model3d: ModelFile, model2d: ModelFile) -> None:
    models = {
        "unet3d": {"model": str(model3d.path.parent), "when_empty": "warn"},
        "unet2d-multiaxial": {"model": str(model2d.path.parent), "when_empty": "warn"},
    }
    check_plugin("culmann_networks", options=models)


# What cannot be used is refused in words.


def test_scan_smaller_than_a_window_is_surrounded_by_air_and_told(model3d: ModelFile) -> None:
    scan, truth = blob_case(99, size=32)
    ball = np.argwhere(truth.label == 1)
    middle = ball.mean(axis=0).astype(int)
    part = tuple(slice(max(0, m - 8), m + 8) for m in middle)
    small = Scan(scan.grid.part(part), scan.hu[part].copy())
    journal = QuietJournal()
    found = unet3d(small, of3d(model3d, when_empty="warn"), journal)
    assert found.label.shape == (16, 16, 16)
    assert any("smaller" in text and "surrounded by air" in text for text in journal.warnings)


def test_model_of_the_other_step_is_refused(model2d: ModelFile) -> None:
    scan, _ = blob_case(99, size=32)
    with pytest.raises(InputError, match="is a model for `unet2d-multiaxial`, and the step is `unet3d`"):
        unet3d(scan, of3d(model2d), QuietJournal())


def test_changed_weights_are_refused(model3d: ModelFile, tmp_path: Path) -> None:
    scan, _ = blob_case(99, size=32)
    content = bytearray(model3d.path.read_bytes())
    content[-1] ^= 1
    changed = tmp_path / "weights.safetensors"
    changed.write_bytes(content)
    with pytest.raises(InputError, match="is not the file that was pinned"):
        unet3d(scan, Unet3dConfig(model=changed, sha256=model3d.sha256), QuietJournal())


def test_weights_without_a_pin_are_used_and_told(model3d: ModelFile) -> None:
    scan, _ = blob_case(99, size=32)
    journal = QuietJournal()
    unet3d(scan, of3d(model3d, sha256=None), journal)
    assert journal.warnings == [
        f"the weights are not pinned; this keeps them from being exchanged unnoticed: `sha256: {model3d.sha256}`"
    ]


def test_weights_of_another_network_are_refused(model3d: ModelFile, tmp_path: Path) -> None:
    scan, _ = blob_case(99, size=32)
    wider = model3d.facts.model_copy(update={"network": UnetOptions(channels=(12, 16, 32), residual_units=1)})
    mixed = write_model(tmp_path / "mixed", model3d.tensors(), wider)
    with pytest.raises(InputError, match=r"for another network than unet3d as it is described there.*do not fit"):
        unet3d(scan, of3d(mixed), QuietJournal())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda hu: hu / 1000, "no Hounsfield units"),
        (lambda hu: hu + 1024, "offset of 1024 is missing"),
        (lambda hu: hu * 0 + 40, "there is nothing to see"),
        (lambda hu: np.where(hu < -500, np.nan, hu), "not finite"),
    ],
)
def test_other_units_are_refused(model3d: ModelFile, change: object, message: str) -> None:
    scan, _ = blob_case(99, size=32)
    with pytest.raises(InputError, match=message):
        unet3d(replace(scan, hu=change(scan.hu).astype(np.float32)), of3d(model3d), QuietJournal())


def test_normalised_scan_is_refused(model3d: ModelFile) -> None:
    scan, _ = blob_case(99, size=32)
    with pytest.raises(InputError, match="were normalised"):
        unet3d(replace(scan, intensity="normalised"), of3d(model3d), QuietJournal())


@pytest.mark.parametrize(("spacing_mm", "message"), [(13.0, "too coarse"), (0.01, "not those of a CT"), (200.0, "not those")])
def test_voxels_that_no_ct_has_are_refused(model3d: ModelFile, spacing_mm: float, message: str) -> None:
    scan, _ = blob_case(99, size=32)
    grid = replace(scan.grid, spacing_mm=(2.0, 2.0, spacing_mm))
    with pytest.raises(InputError, match=message):
        unet3d(replace(scan, grid=grid), of3d(model3d), QuietJournal())


def test_tilted_scan_is_told(model3d: ModelFile) -> None:
    scan, _ = blob_case(99, size=32)
    c, s = np.cos(np.radians(40)), np.sin(np.radians(40))
    tilted = replace(scan.grid, direction=(1, 0, 0, 0, c, -s, 0, s, c))
    journal = QuietJournal()
    unet3d(replace(scan, grid=tilted), of3d(model3d), journal)
    assert any("turned by 40 degrees" in text for text in journal.warnings)


def test_nothing_found_is_an_error_or_a_warning(model3d: ModelFile, tmp_path: Path) -> None:
    scan, _ = blob_case(99, size=32)
    undecided = {name: np.zeros_like(value) for name, value in model3d.tensors().items()}  # all classes have the same share
    model = write_model(tmp_path / "undecided", undecided, model3d.facts)
    with pytest.raises(InputError, match=r"finds nothing of what it knows \(ball, rod\).*largest probability is 0.33"):
        unet3d(scan, of3d(model), QuietJournal())
    journal = QuietJournal()
    found = unet3d(scan, of3d(model, when_empty="warn"), journal)
    assert not found.foreground.any()
    assert any("finds nothing" in text for text in journal.warnings)


def test_gpu_that_is_not_there_is_told(model3d: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    scan, _ = blob_case(99, size=32)
    with pytest.raises(EngineError, match="sees no GPU"):
        unet3d(scan, of3d(model3d, device="cuda"), QuietJournal())
