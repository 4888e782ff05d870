"""The step `nnunet` with a tiny network: pinned, safe to load, true to poses and numbers, and clear about bad input."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nnunet_models import drawn_weights, write_foreign, write_ours
from spheres import ball_case

from culmann.data import Grid, Labels, Scan
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.orientation import upright
from culmann.pipeline.digests import path_digest
from culmann_nnunet.model import expect_pinned, read_model
from culmann_nnunet.model_files import load_checkpoint, read_weights, write_weights
from culmann_nnunet.segment import NnunetConfig, nnunet

torch.set_num_threads(1)


def _segment(scan: Scan, model: Path, journal: QuietJournal | None = None, **options: Any) -> Labels:
    config = NnunetConfig(model=model, sha256=path_digest(model), device="cpu", **{"mirroring": False, **options})
    return nnunet(scan, config, journal or QuietJournal())


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ours(tmp_path_factory.mktemp("model") / "ours")


def test_an_unpinned_or_exchanged_model_is_not_loaded(ours: Path, tmp_path: Path) -> None:
    scan, _ = ball_case(0)
    with pytest.raises(InputError, match="are not pinned") as caught:
        nnunet(scan, NnunetConfig(model=ours, sha256=None, device="cpu"), QuietJournal())
    assert f"sha256: {path_digest(ours)}" in caught.value.hint
    model = shutil.copytree(ours, tmp_path / "model")
    pin = path_digest(model)
    expect_pinned(model, pin.upper())
    weights = bytearray((model / "fold_0.safetensors").read_bytes())
    weights[-1] ^= 1
    (model / "fold_0.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match="is not the one that was pinned"):
        nnunet(scan, NnunetConfig(model=model, sha256=pin, device="cpu"), QuietJournal())
    with pytest.raises(InputError, match="there is no model"):
        nnunet(scan, NnunetConfig(model=tmp_path / "none", sha256=pin, device="cpu"), QuietJournal())


def test_the_same_body_in_any_order_of_axes_gets_the_same_labels(ours: Path) -> None:
    scan, _ = ball_case(1)
    turned, grid = upright(scan.hu, scan.grid)
    assert grid.shape != scan.grid.shape
    first, second = _segment(scan, ours), _segment(Scan(grid, turned), ours)
    assert set(first.present()) <= {4, 9}
    assert first.names == {4: "head", 9: "shaft"}
    assert first.grid == scan.grid
    np.testing.assert_array_equal(upright(first.label, scan.grid)[0], second.label)
    assert len(np.unique(first.label)) > 1


def test_a_folder_of_nnunet_and_a_zip_of_it(tmp_path: Path) -> None:
    scan, _ = ball_case(0)
    foreign = write_foreign(tmp_path / "nnUNetTrainer__nnUNetPlans__3d_fullres", 2)
    labels = _segment(scan, foreign)
    assert labels.names == {1: "head", 2: "shaft"}
    archive = Path(shutil.make_archive(str(tmp_path / "model"), "zip", tmp_path, foreign.name))
    np.testing.assert_array_equal(_segment(scan, archive).label, labels.label)
    ours = write_ours(tmp_path / "ours", 2)
    np.testing.assert_array_equal(_segment(scan, ours).label, np.array([0, 4, 9])[labels.label])
    one = _segment(scan, foreign, folds=[1])
    assert (one.label != labels.label).any()
    with pytest.raises(InputError, match="has no fold 3; it has 0, 1"):
        _segment(scan, foreign, folds=[3])
    journal = QuietJournal()
    _segment(ball_case(1)[0], foreign, journal)
    assert any("does not say how its training images lay" in text for text in journal.warnings)


def test_probabilities_are_kept_and_agree_with_the_labels(ours: Path, tmp_path: Path) -> None:
    import SimpleITK as sitk

    scan, _ = ball_case(1)
    journal = QuietJournal()
    labels = _segment(scan, ours, journal, keep_probabilities=True)
    assert sorted(journal.attachments) == ["probability-head.nii.gz", "probability-shaft.nii.gz"]
    chance = {}
    for name, content in journal.attachments.items():
        (tmp_path / name).write_bytes(content)
        chance[name] = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name)))
    head, shaft = chance["probability-head.nii.gz"], chance["probability-shaft.nii.gz"]
    assert head.shape == scan.grid.shape
    sure = np.maximum(head, shaft) > 0.5
    np.testing.assert_array_equal(labels.label[sure], np.where(head > shaft, 4, 9)[sure])


def test_an_image_smaller_than_a_window(ours: Path) -> None:
    scan, _ = ball_case(0)
    small = Scan(Grid((7, 9, 6), (1.5, 1.6, 1.7)), scan.hu[10:16, 10:19, 10:17].copy())
    assert _segment(small, ours).label.shape == (6, 9, 7)


def test_only_the_largest_part_of_a_group_is_kept(tmp_path: Path) -> None:
    from nnunetv2.postprocessing.remove_connected_components import remove_all_but_largest_component_from_segmentation

    scan, _ = ball_case(0)
    plain = _segment(scan, write_ours(tmp_path / "plain"))
    model = write_ours(tmp_path / "model", largest=((1, 2), (2,)))
    cleaned = _segment(scan, model)
    expected = np.searchsorted([0, 4, 9], plain.label)
    for group in ([1, 2], 2):
        expected = remove_all_but_largest_component_from_segmentation(expected, group)
    np.testing.assert_array_equal(cleaned.label, np.array([0, 4, 9])[expected])
    assert (cleaned.label != plain.label).any()
    np.testing.assert_array_equal(_segment(scan, model, postprocess=False).label, plain.label)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda hu: hu + 1024, "go from .*Hounsfield units"),
        (lambda hu: (hu + 1024) / 3000, "go from .*Hounsfield units"),
        (lambda hu: hu * 0 - 5, "every voxel of the scan is -5"),
    ],
)
def test_a_scan_in_another_unit_is_told(change: Any, told: str, ours: Path) -> None:
    scan, _ = ball_case(0)
    with pytest.raises(InputError, match=told):
        _segment(Scan(scan.grid, change(scan.hu.clip(-900)).astype(np.float32)), ours)
    with pytest.raises(InputError, match="normalised"):
        _segment(Scan(scan.grid, scan.hu, intensity="normalised"), ours)


def test_a_scan_without_bone_is_warned_of(ours: Path) -> None:
    scan, _ = ball_case(0)
    journal = QuietJournal()
    _segment(Scan(scan.grid, np.minimum(scan.hu, 100)), ours, journal)
    assert any("no voxel of the scan is between 295 and 925 HU" in text for text in journal.warnings)


def test_nothing_found_is_told(tmp_path: Path) -> None:
    model = write_ours(tmp_path / "model")
    state = read_weights(model / "fold_0.safetensors")
    bias = next(name for name in state if name.endswith("seg_layers.0.bias"))
    state[bias] = torch.tensor([100.0, 0.0, 0.0])
    write_weights(model / "fold_0.safetensors", state)
    with pytest.raises(InputError, match="found none of head, shaft in the scan"):
        _segment(ball_case(0)[0], model)


def test_weights_of_another_architecture_are_told(tmp_path: Path) -> None:
    model = write_ours(tmp_path / "model", features=8)
    with pytest.raises(InputError, match=r"another architecture than its plans: .* have another shape, as "):
        _segment(ball_case(0)[0], model)
    state = drawn_weights(0)
    write_weights(model / "fold_0.safetensors", {"other": state.popitem()[1], **state})
    with pytest.raises(InputError, match=r"1 tensors are missing, .*1 belong to nothing, as other"):
        _segment(ball_case(0)[0], model)


class _Opens:
    """What a pickle of an attacker does when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    model = write_foreign(tmp_path / "model", logging=_Opens(tmp_path / "broken-in"))
    with pytest.raises(InputError, match="no checkpoint of nnU-Net that can be read safely"):
        _segment(ball_case(0)[0], model)
    assert not (tmp_path / "broken-in").exists()
    with (model / "fold_0" / "checkpoint_final.pth").open("wb") as file:
        pickle.dump(_Opens(tmp_path / "broken-in"), file)
    with pytest.raises(InputError, match="read safely"):
        load_checkpoint(model / "fold_0" / "checkpoint_final.pth")
    assert not (tmp_path / "broken-in").exists()


def _changed(folder: Path, file: str, change: Any) -> Path:
    facts = json.loads((folder / file).read_text(encoding="utf-8"))
    change(facts)
    (folder / file).write_text(json.dumps(facts), encoding="utf-8")
    return folder


def _architecture(facts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = facts["configurations"]["3d_fullres"]["architecture"]
    return found


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        (
            "plans.json",
            lambda f: _architecture(f).update(network_class_name="os.system"),
            "names 'os.system', which is no network",
        ),
        ("plans.json", lambda f: _architecture(f)["arch_kwargs"].update(nonlin="subprocess.Popen"), "names 'subprocess.Popen'"),
        ("plans.json", lambda f: f["configurations"].clear(), "no configuration '3d_fullres'"),
        ("dataset.json", lambda f: f["labels"].update(whole=[1, 2]), "whole is a region"),
        ("dataset.json", lambda f: f.pop("labels"), "names no labels"),
        ("model.json", lambda f: f.update(format="other"), "no description of a model"),
    ],
)
def test_models_that_are_not_loaded(file: str, change: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        read_model(_changed(write_ours(tmp_path / "model"), file, change), None)


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no model of nnU-Net"):
        read_model(tmp_path, None)
    write_ours(tmp_path / "a")
    write_ours(tmp_path / "b")
    with pytest.raises(InputError, match="holds 2 models"):
        read_model(tmp_path, None)
    (tmp_path / "a" / "fold_0.safetensors").write_bytes(b"cut off")
    with pytest.raises(InputError, match="cannot be read"):
        read_model(tmp_path / "a", None)


def test_shared_tensors_are_written_once_and_come_back(tmp_path: Path) -> None:
    state = drawn_weights(0)
    write_weights(tmp_path / "a.safetensors", state)
    again = read_weights(tmp_path / "a.safetensors")
    assert again.keys() == state.keys()
    assert all(torch.equal(again[name], state[name]) for name in state)
    unique = sum(t.numel() * 4 for t in {t.data_ptr(): t for t in state.values()}.values())
    assert (tmp_path / "a.safetensors").stat().st_size < unique + 20_000
