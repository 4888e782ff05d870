"""Cleaning of label maps: what is an island, whose a speck is, which bridge is cut, and what is told of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from culmann.data import Grid, Labels
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann_segment.cleaning import CleanLabelsConfig, clean_labels

GRID = Grid((24, 20, 16), (0.5, 1.0, 2.0))


def _two_vertebrae() -> Labels:
    """Two blocks above each other, 1 and 2, without faults."""
    label = np.zeros(GRID.shape, dtype=np.int32)
    label[2:7, 4:16, 4:20] = 1
    label[9:14, 4:16, 4:20] = 2
    return Labels(GRID, label, {1: "L3", 2: "L2"})


def _clean(labels: Labels, journal: QuietJournal | None = None, **options: Any) -> Labels:
    return clean_labels(labels, CleanLabelsConfig(**options), journal or QuietJournal())


def _changed(*changes: tuple[tuple[Any, ...], int]) -> Labels:
    labels = _two_vertebrae()
    for where, value in changes:
        labels.label[where] = value
    return labels


def test_what_is_clean_stays() -> None:
    cleaned = _clean(_two_vertebrae())
    assert np.array_equal(cleaned.label, _two_vertebrae().label)
    assert cleaned.history == ("clean-labels: nothing to do (voxels)",)


def test_islands_specks_and_holes() -> None:
    island = np.s_[14:16, 0:2, 0:2], 1
    speck = np.s_[10:12, 6:8, 6:8], 1  # of L3 within L2
    hole = np.s_[4:5, 8:10, 8:10], 0
    rough = _changed(island, speck, hole)
    assert np.array_equal(_clean(rough).label, _two_vertebrae().label)
    apart = _clean(rough, give_to_neighbour=False, fill_holes=False)
    assert not apart.label[10:12, 6:8, 6:8].any()
    assert not apart.label[4:5, 8:10, 8:10].any()
    assert not apart.label[14:16, 0:2, 0:2].any()


def test_a_part_on_the_border_of_another_label_goes_where_most_of_it_touches() -> None:
    lying = np.s_[14:15, 4:16, 4:20], 1  # a sheet of L3 that lies upon L2: less than half of its faces touch it
    assert not _clean(_changed(lying)).label[14].any()
    sunk = np.s_[13:14, 6:14, 6:18], 1  # a sheet that is sunk into L2: one side is free
    assert (_clean(_changed(sunk)).label[13, 6:14, 6:18] == 2).all()


def test_small_parts_go_and_large_ones_stay() -> None:
    small, large = (np.s_[0:1, 0:1, 0:2], 1), (np.s_[15:16, 0:2, 0:10], 1)
    rough = _changed(small, large)
    cleaned = _clean(rough, largest_only=False, minimal_part_mm3=5.0)  # a voxel is 1 mm3
    assert not cleaned.label[small[0]].any()
    assert (cleaned.label[large[0]] == 1).all()
    alone = _clean(rough, largest_only=False)
    assert np.array_equal(alone.label, rough.label)


def test_a_bridge_is_cut_before_the_largest_part_is_taken() -> None:
    gap, bridge, blob = (np.s_[2:7, 12:16], 0), (np.s_[4:5, 12:16, 10:11], 1), (np.s_[2:7, 16:20, 8:13], 1)
    rough = _changed(gap, bridge, blob)
    assert (_clean(rough).label[blob[0]] == 1).all()
    cut = _clean(rough, opening_voxels=1)
    assert not cut.label[blob[0]].any()
    assert cut.label[bridge[0]].sum() == 1  # the voxel that lies upon the block
    kept = (cut.label[:, :12] == 1).sum() / (rough.label[:, :12] == 1).sum()
    assert 0.8 < kept < 1  # the edges of the block are rounded


def test_the_border_of_the_image_is_no_surface() -> None:
    label = np.zeros(GRID.shape, dtype=np.int32)
    label[0:3] = 1
    cleaned = _clean(Labels(GRID, label), opening_voxels=1)
    assert np.array_equal(cleaned.label, label)


def test_labels_that_are_too_small_go_and_are_told_of() -> None:
    crumb = np.s_[15:16, 18:20, 20:24], 5
    journal = QuietJournal()
    cleaned = _clean(_changed(crumb), journal, minimal_label_mm3=20.0)
    assert cleaned.present() == {1: "L3", 2: "L2"}
    assert journal.warnings == ["cleaning took all of label-5 away (8 mm3): is it one bone, and well segmented?"]
    assert cleaned.history == ("clean-labels: label-5 -8 +0 (voxels)",)
    with pytest.raises(InputError, match="leaves nothing"):
        _clean(_two_vertebrae(), minimal_label_mm3=1e6)
    with pytest.raises(InputError, match="nothing to clean"):
        _clean(Labels(GRID, np.zeros(GRID.shape, dtype=np.int32)))
