"""Morphology against brute force over all pairs of voxels, and its rules for several labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from culmann import Grid, InputError, Labels
from culmann_segment.morphology import (
    DilateLabelsConfig,
    ErodeLabelsConfig,
    KeepLargestConfig,
    dilate_labels,
    erode_labels,
    fill_holes,
    keep_largest,
)

GRID = Grid((9, 8, 7), (0.8, 1.1, 2.5))


def blobs(seed: int, labels: int = 3) -> Labels:
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(GRID.shape) < 0.12, rng.integers(1, labels + 1, GRID.shape), 0)
    return Labels(GRID, label.astype(np.int32), {1: "one"}, ("read",))


def solid(seed: int) -> Labels:
    """Mostly labelled, so that something is left after an erosion."""
    rng = np.random.default_rng(seed)
    return Labels(GRID, np.where(rng.random(GRID.shape) < 0.03, 0, rng.integers(1, 3, GRID.shape)).astype(np.int32))


def distances(config: DilateLabelsConfig) -> Any:
    """(n, n): distance of every voxel from every other, in the measure of the options."""
    index = np.argwhere(np.ones(GRID.shape, dtype=bool)).astype(float)
    apart = np.abs(index[:, None, :] - index[None, :, :])
    if config.radius_mm is not None:
        return np.linalg.norm(apart * np.array(GRID.spacing_mm)[::-1], axis=2)
    return apart.sum(axis=2) if config.shape == "faces" else np.linalg.norm(apart, axis=2)


MEASURES = [
    {"voxels": 1, "shape": "faces"},
    {"voxels": 2, "shape": "faces"},
    {"voxels": 2},
    {"radius_mm": 1.2},
    {"radius_mm": 2.6},
]


@pytest.mark.parametrize("options", MEASURES, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_dilation_is_what_brute_force_makes_of_it(options: Any, seed: int) -> None:
    labels, config = blobs(seed), DilateLabelsConfig(**options)
    reach = config.voxels or config.radius_mm or 0.0
    apart, flat = distances(config), labels.label.ravel()
    expected = flat.copy()
    for n in np.flatnonzero(flat == 0):
        near = {v: apart[n][flat == v].min() for v in (1, 2, 3)}
        nearest = min(near.values())
        if nearest <= reach + 1e-9:
            expected[n] = min(v for v, d in near.items() if d < nearest + 1e-9)
    assert np.array_equal(dilate_labels(labels, config).label.ravel(), expected)


@pytest.mark.parametrize("options", MEASURES, ids=str)
@pytest.mark.parametrize("of", ["foreground", "each-label"])
def test_erosion_is_what_brute_force_makes_of_it(options: Any, of: Any) -> None:
    labels, config = solid(2), ErodeLabelsConfig(**options, of=of)
    reach = config.voxels or config.radius_mm or 0.0
    apart, flat = distances(config), labels.label.ravel()
    expected = flat.copy()
    for n in np.flatnonzero(flat):
        outside = flat == 0 if of == "foreground" else flat != flat[n]
        if (apart[n][outside] <= reach + 1e-9).any():
            expected[n] = 0
    if not expected.any():
        with pytest.raises(InputError, match="leaves nothing"):
            erode_labels(labels, config)
    else:
        assert np.array_equal(erode_labels(labels, config).label.ravel(), expected)


def test_dilation_never_overwrites_a_label() -> None:
    labels = blobs(1)
    grown = dilate_labels(labels, DilateLabelsConfig(voxels=3))
    assert np.array_equal(grown.label[labels.foreground], labels.label[labels.foreground])
    assert grown.history[-1].startswith("dilate-labels by 3 voxels (ball)")


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("options", MEASURES, ids=str)
def test_a_flipped_image_gives_flipped_labels(axis: int, options: Any) -> None:
    labels = blobs(3)
    flipped = Labels(GRID, np.flip(labels.label, axis).copy())
    for change in (lambda x: dilate_labels(x, DilateLabelsConfig(**options)), fill_holes):
        assert np.array_equal(np.flip(change(labels).label, axis), change(flipped).label)


def test_a_full_image_erodes_nothing() -> None:
    full = Labels(GRID, np.ones(GRID.shape, dtype=np.int32))
    assert erode_labels(full, ErodeLabelsConfig(radius_mm=5.0)).foreground.all()


def test_an_erosion_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="erode-labels by 9 mm leaves nothing"):
        erode_labels(solid(0), ErodeLabelsConfig(radius_mm=9.0))


@pytest.mark.parametrize(
    "options", [{}, {"voxels": 1, "radius_mm": 1.0}, {"radius_mm": 1.0, "shape": "faces"}, {"voxels": 0}, {"radius_mm": -1.0}]
)
def test_how_far_must_be_said_once(options: Any) -> None:
    with pytest.raises(ValidationError):
        DilateLabelsConfig(**options)


def test_the_largest_part_by_faces_is_kept() -> None:
    label = np.zeros(GRID.shape, dtype=np.int32)
    label[1:4, 1:4, 1:4] = 1
    label[1:4, 1:4, 4:6] = 2  # touches label 1 by faces
    label[4, 4, 6] = 2  # touches by a corner only
    label[6, 7, 8] = 1  # an island
    kept = keep_largest(Labels(GRID, label), KeepLargestConfig())
    expected = label.copy()
    expected[4, 4, 6] = expected[6, 7, 8] = 0
    assert np.array_equal(kept.label, expected)
    assert "dropped 2 voxels" in kept.history[-1]


def test_the_largest_part_of_each_label_is_kept() -> None:
    label = np.zeros(GRID.shape, dtype=np.int32)
    label[0, 0, 0:3], label[0, 0, 3:5], label[0, 0, 5] = 1, 2, 1
    label[0, 2, 0:4] = 2
    kept = keep_largest(Labels(GRID, label), KeepLargestConfig(of="each-label")).label
    assert kept[0, 0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert kept[0, 2].tolist() == [2, 2, 2, 2, 0, 0, 0, 0, 0]


def test_nothing_has_no_largest_part() -> None:
    with pytest.raises(InputError, match="no voxel is labelled"):
        keep_largest(Labels(GRID, np.zeros(GRID.shape, dtype=np.int32)), KeepLargestConfig())


def test_cavities_are_filled_and_tunnels_are_not() -> None:
    label = np.zeros(GRID.shape, dtype=np.int32)
    label[1:6, 1:7, 1:4], label[1:6, 1:7, 4:8] = 1, 2
    label[3, 3, 2] = label[3, 3, 5] = 0  # two cavities, one in each label
    label[:, 5, 6] = 0  # a tunnel through to the outside
    filled = fill_holes(Labels(GRID, label)).label
    assert (filled[3, 3, 2], filled[3, 3, 5]) == (1, 2)
    assert (filled[:, 5, 6] == 0).all()
    assert ((filled != label).sum()) == 2
