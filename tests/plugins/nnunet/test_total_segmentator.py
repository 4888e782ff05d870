"""The step `totalsegmentator` against a stand-in with the signature of TotalSegmentator 2.18; its networks never ran here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from spheres import ball_case

from culmann.errors import InputError, PluginError
from culmann.journal import QuietJournal
from culmann.orientation import upright
from culmann_nnunet.total_segmentator import BONES, TotalSegmentatorConfig, total_segmentator

#: What the stand-in was called with, and the folder of weights that it saw.
Calls = list[dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """A stand-in: it labels what is denser than 150 HU as a left femur, denser than 600 HU as L3, and something as a liver."""
    found: Calls = []
    api, libs, top = (ModuleType(f"totalsegmentator{rest}") for rest in (".python_api", ".libs", ""))

    def totalsegmentator(
        input: Any,  # noqa: A002 (its name there)
        output: Any = None, ml: bool = False, nr_thr_resamp: int = 1, nr_thr_saving: int = 6,
        fast: bool = False, nora_tag: str = "None", preview: bool = False, task: str = "total", roi_subset: Any = None,
        statistics: Any = False, radiomics: bool = False, crop_path: Any = None, body_seg: bool = False,
        force_split: bool = False, output_type: str = "nifti", quiet: bool = False, verbose: bool = False, test: int = 0,
        skip_saving: bool = False, device: str = "gpu", license_number: Any = None,
        statistics_exclude_masks_at_border: bool = True, no_derived_masks: bool = False, v1_order: bool = False,
        fastest: bool = False, roi_subset_robust: Any = None, stats_aggregation: str = "mean", remove_small_blobs: bool = False,
        statistics_normalized_intensities: bool = False, robust_crop: bool = False,
        higher_order_resampling_LEGACY: bool = False, higher_order_resampling: bool = False, save_probabilities: Any = None,
        debug: bool = False, report: Any = None, statistics_extra: bool = False, save_lowres: bool = False,
        resampling_order: int = 1, plans: str = "nnUNetPlans", model_size: str = "big",
    ) -> None:  # fmt: skip
        print("TotalSegmentator talks")
        weights = os.environ.get("TOTALSEG_WEIGHTS_PATH")
        os.environ["nnUNet_results"] = str(weights)  # noqa: SIM112 (as it does)
        found.append({"fast": fast, "roi_subset": roi_subset, "device": device, "ml": ml, "task": task, "weights": weights})
        image = sitk.ReadImage(str(input))
        hu = sitk.GetArrayFromImage(image)
        found[-1]["direction"] = image.GetDirection()
        if weights and not (Path(weights) / "Dataset291").exists():
            libs.download_url_and_unpack("https://example.org/v2/Dataset291_part1.zip", Path(weights))  # type: ignore[attr-defined]
        api.send_usage_stats({}, {})  # type: ignore[attr-defined]
        label = np.where(hu > 600, 29, np.where(hu > 150, 75, 0)).astype(np.uint8)
        label[0, 0, 0] = 5
        written = sitk.GetImageFromArray(label)
        written.CopyInformation(image)
        sitk.WriteImage(written, str(output))

    def never(*_: Any) -> None:
        raise AssertionError("the network was used")

    api.totalsegmentator, api.send_usage_stats = totalsegmentator, never  # type: ignore[attr-defined]
    libs.download_url_and_unpack = never  # type: ignore[attr-defined]
    for module in (top, api, libs):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    top.python_api, top.libs = api, libs  # type: ignore[attr-defined]
    return found


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "results" / "Dataset291").mkdir(parents=True)
    return tmp_path / "results"


def test_labels_come_back_under_our_names_in_the_pose_of_the_scan(calls: Calls, weights: Path, capfd: Any) -> None:
    scan, _ = ball_case(1)
    before = dict(os.environ)
    labels = total_segmentator(scan, TotalSegmentatorConfig(weights_folder=weights, fast=True, device="cpu"), QuietJournal())
    assert dict(os.environ) == before
    assert labels.present() == {29: "L3", 75: "femur left"}
    assert labels.grid == scan.grid
    assert np.array_equal(labels.label == 29, scan.hu > 600)
    (call,) = calls
    assert (call["fast"], call["device"], call["ml"], call["task"]) == (True, "cpu", True, "total")
    assert call["weights"] == str(weights)
    assert np.allclose(np.array(call["direction"]).reshape(3, 3), upright(scan.hu, scan.grid)[1].axes, atol=1e-5)
    assert len(call["roi_subset"]) == len(BONES) == 29
    assert {"femur_left", "vertebrae_L3", "vertebrae_C1", "vertebrae_T12", "sacrum", "hip_right"} <= set(call["roi_subset"])
    assert "talks" not in capfd.readouterr().out


def test_fewer_labels_are_asked_for_by_our_names(calls: Calls, weights: Path) -> None:
    scan, _ = ball_case(0)
    config = TotalSegmentatorConfig(weights_folder=weights, labels=["femur left", "hip left"])
    assert total_segmentator(scan, config, QuietJournal()).present() == {75: "femur left"}
    assert calls[0]["roi_subset"] == ["femur_left", "hip_left"]
    with pytest.raises(InputError, match="has no label femur_left here"):
        total_segmentator(scan, TotalSegmentatorConfig(weights_folder=weights, labels=["femur_left"]), QuietJournal())
    with pytest.raises(InputError, match="found none of C1 in the scan"):
        total_segmentator(scan, TotalSegmentatorConfig(weights_folder=weights, labels=["C1"]), QuietJournal())


def test_nothing_is_downloaded_unless_it_may_be(calls: Calls, weights: Path, tmp_path: Path) -> None:
    scan, _ = ball_case(0)
    with pytest.raises(InputError, match="downloads its weights when it first runs"):
        total_segmentator(scan, TotalSegmentatorConfig(), QuietJournal())
    with pytest.raises(InputError, match="there are no weights of TotalSegmentator in"):
        total_segmentator(scan, TotalSegmentatorConfig(weights_folder=tmp_path), QuietJournal())
    assert not calls
    (weights / "Dataset291").rename(weights / "Dataset292")
    with pytest.raises(InputError, match=r"the weights Dataset291_part1 are not in .*, and nothing is downloaded"):
        total_segmentator(scan, TotalSegmentatorConfig(weights_folder=weights), QuietJournal())
    allowed = total_segmentator(scan, TotalSegmentatorConfig(allow_download=True), QuietJournal())
    assert allowed.present()
    assert calls[-1]["weights"] is None


def test_what_fails_is_told(calls: Calls, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan, _ = ball_case(0)
    config = TotalSegmentatorConfig(weights_folder=weights)

    def fails(*_: Any, **__: Any) -> None:
        print("the license is missing")
        sys.exit(1)

    monkeypatch.setattr("totalsegmentator.python_api.totalsegmentator", fails)
    with pytest.raises(PluginError, match="TotalSegmentator failed: the license is missing"):
        total_segmentator(scan, config, QuietJournal())
    monkeypatch.setattr("totalsegmentator.python_api.totalsegmentator", lambda *_, **__: None)
    with pytest.raises(PluginError, match="wrote no labels"):
        total_segmentator(scan, config, QuietJournal())
    monkeypatch.setitem(sys.modules, "totalsegmentator.python_api", None)
    with pytest.raises(PluginError, match=r"cannot be imported") as caught:
        total_segmentator(scan, config, QuietJournal())
    assert "pip install 'culmann[totalsegmentator]'" in caught.value.hint
    assert not calls
