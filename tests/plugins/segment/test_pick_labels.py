"""Labels by number and name, on the grid of the scan, and what is said when they are absent or elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from culmann import Grid, InputError, Labels, Scan
from culmann.image_files import write_image_file
from culmann.journal import QuietJournal
from culmann_segment.pick import LabelsFromFileConfig, PickLabelsConfig, labels_from_file, listed, pick_labels

GRID = Grid((12, 11, 10), (1.0, 1.0, 1.0), (10.0, 20.0, 30.0))


def three_boxes(grid: Grid = GRID) -> Labels:
    label = np.zeros(grid.shape, dtype=np.int32)
    label[2:8, 2:9, 1:4], label[2:8, 2:9, 4:8], label[2:8, 2:9, 8:11] = 21, 22, 23
    return Labels(grid, label, {21: "L2", 22: "L3"}, ("read",))


def scan_on(grid: Grid) -> Scan:
    return Scan(grid, np.zeros(grid.shape, dtype=np.float32))


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [([22], {22: "L3"}), (["L3"], {22: "L3"}), (["L2", 23], {21: "L2", 23: "label-23"}), (["label-23"], {23: "label-23"}),
     (None, {21: "L2", 22: "L3", 23: "label-23"})],
)  # fmt: skip
def test_labels_are_picked_by_number_or_name(wanted: Any, kept: dict[int, str]) -> None:
    picked = pick_labels(three_boxes(), PickLabelsConfig(labels=wanted), QuietJournal())
    assert picked.present() == kept
    for value in kept:
        assert np.array_equal(picked.label == value, three_boxes().label == value)
    assert picked.history[0] == "read"


def test_picked_labels_become_one() -> None:
    picked = pick_labels(three_boxes(), PickLabelsConfig(labels=[22, "L2"], merge_as="bone"), QuietJournal())
    assert picked.present() == {1: "bone"}
    assert np.array_equal(picked.foreground, np.isin(three_boxes().label, [21, 22]))


def test_absent_labels_are_named_all_at_once_with_what_is_present() -> None:
    with pytest.raises(InputError, match=r"no label L33, 99; present are 21 \(L2\), 22 \(L3\), 23(?!\w| \()") as caught:
        pick_labels(three_boxes(), PickLabelsConfig(labels=["L33", 22, 99]), QuietJournal())
    assert caught.value.hint == "did you mean L3?"


@pytest.mark.parametrize(
    ("numbers", "names", "said"),
    [
        ([*range(27, 34), 75, 76], {}, "27 to 33, 75 to 76"),
        ([1, 2, 3, 5], {2: "spleen"}, "1, 2 (spleen), 3, 5"),
        ([4], {4: "label-4"}, "4"),
        ([1, 3, 4, 5], {1: "a", 5: "b"}, "1 (a), 3 to 4, 5 (b)"),
    ],
)
def test_labels_are_listed_in_few_words(numbers: list[int], names: dict[int, str], said: str) -> None:
    label = np.zeros(GRID.shape, dtype=np.int32)
    label.ravel()[: len(numbers)] = numbers
    assert listed(Labels(GRID, label, names).present()) == said


def test_an_empty_map_has_nothing_to_pick() -> None:
    empty = replace(three_boxes(), label=np.zeros(GRID.shape, dtype=np.int32))
    with pytest.raises(InputError, match="no voxel of the label map is labelled"):
        pick_labels(empty, PickLabelsConfig(), QuietJournal())


def test_the_same_grid_changes_nothing() -> None:
    picked = pick_labels(three_boxes(), PickLabelsConfig(labels=[22]), QuietJournal(), scan_on(GRID))
    assert np.array_equal(picked.label == 22, three_boxes().label == 22)
    assert picked.grid == GRID


AXES = {
    "permuted": np.eye(3)[[2, 0, 1]],
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "mirrored": np.eye(3)[[1, 0, 2]],
}


@pytest.mark.parametrize("turn", sorted(AXES))
@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_labels_come_onto_a_scan_with_other_axes_voxel_by_voxel(turn: str, interpolation: Any) -> None:
    """The scan has the same voxels in another order, and a few more around: each keeps the label of its place."""
    axes = AXES[turn]
    size = np.abs(axes.T @ GRID.size).astype(int) + 4
    low, high = GRID.extent_mm()
    corner = np.where(axes.sum(axis=1) > 0, low - 1.5, high + 1.5)
    grid = Grid(tuple(size.tolist()), (1.0, 1.0, 1.0), tuple(corner.tolist()), tuple(axes.ravel()))
    journal = QuietJournal()
    picked = pick_labels(three_boxes(), PickLabelsConfig(interpolation=interpolation), journal, scan_on(grid))
    assert picked.grid == grid
    labelled = three_boxes()
    for value in (21, 22, 23):
        here = GRID.to_world(np.argwhere(labelled.label == value)[:, ::-1]).round(6)
        there = grid.to_world(np.argwhere(picked.label == value)[:, ::-1]).round(6)
        assert {tuple(p) for p in here} == {tuple(p) for p in there}
    assert journal.warnings == []


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_labels_on_a_turned_grid_lie_where_the_boxes_are(interpolation: Any) -> None:
    """Brute force: a voxel whose centre is well inside of a box has its label, and one well outside has none."""
    a, b = np.cos(0.5), np.sin(0.5)
    axes = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, a, -b], [0, b, a]])
    grid = Grid((40, 40, 40), (0.6, 0.5, 0.7), (12.0, 10.0, 28.0), tuple(axes.ravel()))
    picked = pick_labels(three_boxes(), PickLabelsConfig(interpolation=interpolation), QuietJournal(), scan_on(grid))
    k, j, i = np.indices(grid.shape)
    index = GRID.to_index(grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)))
    found = picked.label.ravel()
    seen = 0
    for value, (x0, x1) in {21: (1, 4), 22: (4, 8), 23: (8, 11)}.items():
        low, high = np.array([x0, 2, 2]) - 0.5, np.array([x1, 9, 8]) - 0.5
        inside = ((index > low + 0.55) & (index < high - 0.55)).all(axis=1)
        outside = ((index < low - 0.55) | (index > high + 0.55)).any(axis=1)
        seen += inside.sum()
        assert (found[inside] == value).all()
        assert not (found[outside] == value).any()
    assert seen > 500


def test_labels_elsewhere_are_told_with_both_extents() -> None:
    far = Grid((5, 5, 5), (1.0, 1.0, 1.0), (400.0, 20.0, 30.0))
    with pytest.raises(
        InputError, match=r"nothing labelled lies in the scan: .* L 10.5 to 20.5, .* L 399.5 to 404.5"
    ) as caught:
        pick_labels(three_boxes(), PickLabelsConfig(), QuietJournal(), scan_on(far))
    assert "same patient" in caught.value.hint


def test_labels_that_the_scan_cuts_are_warned_of() -> None:
    journal = QuietJournal()
    half = GRID.part((slice(0, 5), slice(0, 11), slice(0, 12)))
    pick_labels(three_boxes(), PickLabelsConfig(), journal, scan_on(half))
    assert len(journal.warnings) == 1
    assert "50 % of the labelled volume lies outside of the scan" in journal.warnings[0]


def test_labels_from_a_file(tmp_path: Path) -> None:
    write_image_file(tmp_path / "labels.nii.gz", three_boxes())
    config = LabelsFromFileConfig(path=tmp_path / "labels.nii.gz", labels=[22], merge_as="bone")
    labels = labels_from_file(scan_on(GRID), config, QuietJournal())
    assert np.array_equal(labels.foreground, three_boxes().label == 22)
    assert labels.history[0] == "read: labels.nii.gz"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"path": "none.nii.gz"}, "there is no file .*none.nii.gz"),
        ({"labels": [5]}, "labels.nii.gz has no label 5; present are 21"),
    ],
)
def test_bad_files_and_absent_labels_are_told_with_the_file(options: Any, says: str, tmp_path: Path) -> None:
    write_image_file(tmp_path / "labels.nii.gz", three_boxes())
    path = tmp_path / options.pop("path", "labels.nii.gz")
    with pytest.raises(InputError, match=says):
        labels_from_file(scan_on(GRID), LabelsFromFileConfig(path=path, **options), QuietJournal())
