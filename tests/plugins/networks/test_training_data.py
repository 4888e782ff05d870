"""What networks learn from: cases on their voxels, patches against SciPy, labels chosen, merged or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from bone_blobs import NAMES, blob_case, blob_dataset
from scipy import ndimage
from typer.testing import CliRunner

from culmann import InputError
from culmann.dataset import DatasetCase
from culmann.option_files import read_options
from culmann_networks import train_command
from culmann_networks.cases import Case, Task, read_case
from culmann_networks.patches import Cutting, _centre, _change, batches, order_of, patch
from culmann_networks.train import parts_of, task_of
from culmann_networks.training_options import OPTIONS, Augmentation, Unet2dTraining, Unet3dTraining

BOTH = Task(NAMES, None, frozenset({1, 2}))
WINDOW = (-1000.0, 1000.0)


@pytest.fixture(scope="module")
def case() -> Case:
    scan, labels = blob_case(5, size=30)
    return read_case("five", scan, labels, BOTH, (2.0, 2.0, 2.0), WINDOW)


def cutting(shape: tuple[int, int, int], plane: int | None = None, **options: object) -> Cutting:
    return Cutting(shape, plane, (2.0, 2.0, 2.0), WINDOW, 0.5, Augmentation(**options))


def test_case_on_its_own_voxels_is_the_scan_cut_off(case: Case) -> None:
    scan, labels = blob_case(5, size=30)
    assert np.array_equal(case.hu, np.clip(scan.hu, *WINDOW))
    assert np.array_equal(case.classes, labels.label)
    for number, centres in enumerate(case.centres, start=1):
        assert (case.classes[tuple(centres.T)] == number).all()


def test_unchanged_patch_is_a_part_of_the_case(case: Case) -> None:
    for seed in range(10):
        image, truth = patch(case, cutting((16, 16, 16), share=0.0), (seed,))
        # A middle between voxels is interpolated; the labels tell where the part lies.
        assert image.shape == truth.shape == (16, 16, 16)
        assert -1.001 <= float(image.min()) <= float(image.max()) <= 1.001
    random = np.random.default_rng((3,))
    plan = replace(cutting((15, 15, 15), share=0.0), foreground_share=1.0)
    centre = _centre(case, case.hu.shape, np.array([15, 15, 15]), (0, 1, 2), plan, random)
    assert np.array_equal(centre, np.round(centre))
    image, truth = patch(case, plan, (3,))
    part = tuple(slice(int(c) - 7, int(c) + 8) for c in centre)
    assert np.allclose(image.numpy(), (case.hu[part] + 1000) / 1000 - 1, atol=1e-5)
    assert np.array_equal(truth.numpy(), case.classes[part])
    assert truth[7, 7, 7] != 0


@pytest.mark.parametrize("plane", [None, 0, 1, 2])
def test_changed_patch_as_scipy_interpolates_it(case: Case, plane: int | None) -> None:
    shape = (12, 14, 16) if plane is None else (1, 14, 16)
    plan = cutting(shape, plane, rotation_degrees=30, shear_factor=0.2, scaling_factor=0.2, translation_mm=6)
    order = order_of(plane)
    hu, classes = case.hu.transpose(order), case.classes.transpose(order)
    for seed in range(5):
        image, truth = patch(case, plan, (seed, 1))
        random = np.random.default_rng((seed, 1))
        centre = _centre(case, hu.shape, np.array(shape), order, plan, random)
        matrix, centre, _ = _change(plan, order, np.array([2.0, 2.0, 2.0]), centre, random)
        offsets = np.indices(shape).reshape(3, -1) - (np.array(shape)[:, None] - 1) / 2
        at = matrix @ offsets + centre[:, None]
        grey = ndimage.map_coordinates((hu + 1000.0) / 1000, at, order=1, mode="grid-constant", cval=0.0) - 1
        assert np.abs(image.numpy().ravel() - grey).max() < 1e-3
        near = ndimage.map_coordinates(classes, at, order=0, mode="grid-constant", cval=0)
        assert (truth.numpy().ravel() == near).mean() > 0.999
        if plane is not None:
            assert np.allclose(matrix[0], [1, 0, 0])


def test_rotation_is_in_millimetres_not_in_voxels() -> None:
    plan = replace(cutting((8, 8, 8), rotation_degrees=40), spacing_mm=(4.0, 1.0, 1.0))
    matrix, _, _ = _change(plan, (0, 1, 2), np.array([4.0, 1.0, 1.0]), np.zeros(3), np.random.default_rng(1))
    in_mm = matrix * np.array([4.0, 1, 1])[:, None] / np.array([4.0, 1, 1])[None, :]
    scale = np.cbrt(np.linalg.det(in_mm))
    sheared = Augmentation().shear_factor
    plain, _, _ = _change(
        replace(plan, augmentation=Augmentation(rotation_degrees=40, shear_factor=0)),
        (0, 1, 2), np.array([4.0, 1.0, 1.0]), np.zeros(3), np.random.default_rng(1),
    )  # fmt: skip
    turn = plain * np.array([4.0, 1, 1])[:, None] / np.array([4.0, 1, 1])[None, :] / scale
    assert sheared > 0
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-6)


def test_batches_are_the_same_whoever_prepares_them(case: Case) -> None:
    alone = list(batches([case, case], cutting((8, 8, 8)), 5, 4, (0, 0, 7), 0))
    helped = list(batches([case, case], cutting((8, 8, 8)), 5, 4, (0, 0, 7), 3))
    assert [len(image) for image, _ in alone] == [4, 4, 2]
    for (a, b), (c, d) in zip(alone, helped, strict=True):
        assert a.equal(c)
        assert b.equal(d)


def test_grey_changes_stay_in_the_window(case: Case) -> None:
    image, _ = patch(case, cutting((12, 12, 12), noise_hu=300, contrast_factor=0.5), (1,))
    assert float(image.min()) >= -1
    assert float(image.max()) <= 1


def test_merged_labels_are_one_and_unwanted_ones_are_background() -> None:
    _, labels = blob_case(5, size=30)
    merged = Task(NAMES, "bone", frozenset({1, 2})).classes(labels.label, "five")
    assert np.array_equal(merged, labels.label > 0)
    rod = Task({2: "rod"}, None, frozenset({1, 2})).classes(labels.label, "five")
    assert np.array_equal(rod, labels.label == 2)


def test_label_that_the_dataset_does_not_name_is_refused() -> None:
    _, labels = blob_case(5, size=30)
    label = labels.label.copy()
    label[0, 0, 0] = 7
    with pytest.raises(InputError, match=r"case 'five' has the labels 7, which the data set does not name"):
        BOTH.classes(label, "five")


def test_case_without_anything_to_learn_is_refused() -> None:
    scan, labels = blob_case(5, size=30)
    only_ball = replace(labels, label=np.where(labels.label == 1, 1, 0).astype(np.int32))
    with pytest.raises(InputError, match="nothing of what is to be learnt"):
        read_case("five", scan, only_ball, Task({2: "rod"}, None, frozenset({1, 2})), (2.0, 2.0, 2.0), WINDOW)


def test_case_in_other_units_is_refused() -> None:
    scan, labels = blob_case(5, size=30)
    with pytest.raises(InputError, match="the scan of case 'five' spans"):
        read_case("five", replace(scan, hu=scan.hu / 1000), labels, BOTH, (2.0, 2.0, 2.0), WINDOW)


def test_label_that_is_not_in_the_dataset_is_refused(tmp_path: Path) -> None:
    dataset = blob_dataset(tmp_path / "d", cases=2, size=12)
    with pytest.raises(InputError, match=r"has no label 5 \(L5\)"):
        task_of(dataset, Unet3dTraining(labels={5: "L5"}))


def test_patients_are_never_on_both_sides(tmp_path: Path) -> None:
    dataset = blob_dataset(tmp_path / "d", cases=2, size=12)
    file = dataset.cases[0].scan
    both = tuple(DatasetCase(f"p{n}{s}", f"p{n}", s, file, file, {}) for n in range(10) for s in ("left", "right"))
    many = replace(dataset, cases=both)
    for seed in range(5):
        parts = parts_of(many, Unet3dTraining(seed=seed, validation_share=0.3), None)
        assert {name[:2] for name in parts.training} & {name[:2] for name in parts.validation} == set()
        assert len(parts.validation) == 6
        assert len(parts.training) == 14


def test_paper_is_the_default() -> None:
    three = Unet3dTraining()
    assert (three.epochs, three.learning_rate, three.batch_size, three.patch_voxels) == (300, 3e-5, 4, (64, 64, 64))
    two = Unet2dTraining()
    assert (two.epochs, two.learning_rate, two.batch_size) == (500, 2e-4, 16)
    for options in (two, three):
        assert options.betas == (0.9, 0.999)
        assert options.loss == "dice"
        assert options.spacing_mm == (0.78, 0.78, 0.67)
        changes = options.augmentation
        assert min(changes.rotation_degrees, changes.translation_mm, changes.shear_factor, changes.scaling_factor) > 0


def test_options_are_shown_with_their_defaults() -> None:
    app = typer.Typer()
    app.command()(train_command.unet2d_multiaxial)
    shown = CliRunner().invoke(app, ["--options"])
    assert shown.exit_code == 0, shown.output
    assert "learning_rate  number, > 0; default 0.0002" in shown.output
    assert "augmentation.rotation_degrees  number, ≥ 0; default 15" in shown.output


def test_options_of_a_file_and_of_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "o.yaml"
    file.write_text("epochs: 7\nnetwork: {channels: [4, 8]}\npatch_voxels: [8, 8, 8]\nlabels: {2: rod}\n")
    options = read_options(OPTIONS["unet3d"], "train unet3d", file, ["epochs=9", "augmentation.flip_axes=[left-right]"])
    assert options.epochs == 9
    assert options.network.channels == (4, 8)
    assert options.labels == {2: "rod"}
    assert options.augmentation.flip_axes == ("left-right",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 7\n", r"o.yaml:1:1: train unet3d has no option 'epoch'; did you mean 'epochs'"),
        ("epochs: 1\nlearning_rate: fast\n", r"o.yaml:2:16"),
        ("patch_voxels: [60, 64, 64]\n", "must be multiples of 16, because the network has 5 levels"),
        ("network: {kind: basic, channels: [4, 8]}\n", "takes five `channels`"),
        ("window_hu: [300, 100]\n", "must ascend"),
        ("- epochs\n", "must be a mapping"),
    ],
)
def test_wrong_options_are_told_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "o.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_options(OPTIONS["unet3d"], "train unet3d", file, [])
