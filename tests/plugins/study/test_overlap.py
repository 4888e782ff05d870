"""Metrics of masks: closed forms, brute force, and three other programs (MONAI, surface-distance, ITK)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import cdist

from culmann_study.overlap import Metrics, compare, pair_of, signed_distance_mm

#: z, y, x.
SPACING = np.array([2.5, 0.7, 1.1])


def metrics(reference, prediction, spacing=SPACING, tolerance=1.0) -> Metrics:
    return compare(pair_of(reference, prediction, np.asarray(spacing)), tolerance)


def blob(seed: int, shape=(14, 22, 18), fill: float = 0.5):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 2)
    return noise > np.quantile(noise, 1 - fill)


def surface(mask):
    """Voxels with a face towards the background, counted one by one."""
    padded = np.pad(mask, 1)
    faces = [np.roll(padded, shift, axis) for axis in range(3) for shift in (1, -1)]
    return mask & ~np.all(faces, axis=0)[1:-1, 1:-1, 1:-1]


@pytest.mark.parametrize("seed", range(4))
def test_equals_brute_force(seed: int) -> None:
    one, two = blob(seed), blob(seed + 100, fill=0.4)
    found = metrics(one, two, tolerance=2.0)
    a, b = np.argwhere(surface(one)) * SPACING, np.argwhere(surface(two)) * SPACING
    away = cdist(a, b)
    there, back = away.min(axis=1), away.min(axis=0)
    full = cdist(np.argwhere(one) * SPACING, np.argwhere(two) * SPACING)
    assert found.hausdorff_mm == pytest.approx(max(there.max(), back.max()))
    assert found.hausdorff_foreground_mm == pytest.approx(max(full.min(axis=1).max(), full.min(axis=0).max()))
    assert found.hd95_mm == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    assert found.assd_mm == pytest.approx(np.concatenate([there, back]).mean())
    assert found.surface_dice == pytest.approx((np.concatenate([there, back]) <= 2 + 1e-6).mean())
    assert found.dice == pytest.approx(2 * (one & two).sum() / (one.sum() + two.sum()))
    assert found.reference_mm3 == pytest.approx(one.sum() * SPACING.prod())


@pytest.mark.parametrize("seed", range(3))
def test_equals_monai(seed: int) -> None:
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.metrics")
    one, two = np.pad(blob(seed), 2), np.pad(blob(seed + 50, fill=0.45), 2)
    found = metrics(one, two, tolerance=1.5)
    tensors = {name: torch.from_numpy(mask[None, None]) for name, mask in (("y_pred", two), ("y", one))}
    spacing = SPACING.tolist()
    assert found.hausdorff_mm == pytest.approx(float(monai.compute_hausdorff_distance(**tensors, spacing=spacing)), rel=1e-5)
    hd95 = monai.compute_hausdorff_distance(**tensors, spacing=spacing, percentile=95)
    assert found.hd95_mm == pytest.approx(float(hd95), rel=1e-5)
    assd = monai.compute_average_surface_distance(**tensors, spacing=spacing, symmetric=True)
    assert found.assd_mm == pytest.approx(float(assd), rel=1e-5)
    share = monai.compute_surface_dice(**tensors, class_thresholds=[1.5], spacing=spacing, include_background=True)
    assert found.surface_dice == pytest.approx(float(share), rel=1e-5)
    assert found.dice == pytest.approx(float(monai.compute_dice(**tensors)), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_surface_distance_to_half_a_voxel(seed: int) -> None:
    """Its surface runs between the voxels, in pieces weighted by their area; ours is the voxels themselves."""
    theirs = pytest.importorskip("surface_distance")
    one, two = np.pad(blob(seed), 2), np.pad(ndimage.binary_dilation(blob(seed)), 2)
    distances = theirs.compute_surface_distances(one, two, SPACING.tolist())
    found = metrics(one, two)
    assert found.dice == pytest.approx(theirs.compute_dice_coefficient(one, two))
    half = float(SPACING.max()) / 2
    assert found.hausdorff_mm == pytest.approx(theirs.compute_robust_hausdorff(distances, 100), abs=half)
    assert found.hd95_mm == pytest.approx(theirs.compute_robust_hausdorff(distances, 95), abs=half)
    assert found.assd_mm == pytest.approx(np.mean(theirs.compute_average_surface_distance(distances)), abs=half / 2)


@pytest.mark.parametrize("seed", range(3))
def test_foreground_convention_is_that_of_itk(seed: int) -> None:
    one, two = blob(seed), blob(seed + 7)
    images = []
    for mask in (one, two):
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        image.SetSpacing(SPACING[::-1].tolist())
        images.append(image)
    measured = sitk.HausdorffDistanceImageFilter()
    measured.Execute(*images)
    assert metrics(one, two).hausdorff_foreground_mm == pytest.approx(measured.GetHausdorffDistance(), rel=1e-5)


def test_the_two_conventions_differ_where_a_cavity_is_filled() -> None:
    whole = np.zeros((21, 21, 21), dtype=bool)
    whole[2:19, 2:19, 2:19] = True
    hollow = whole.copy()
    hollow[10, 10, 10] = False
    found = metrics(whole, hollow, (1, 1, 1))
    assert found.hausdorff_foreground_mm == 1
    assert found.hausdorff_mm == 7  # from the wall of the cavity to the outer surface


def test_balls_have_their_closed_form() -> None:
    k, j, i = np.indices((61, 61, 61)) - 30
    far = np.sqrt(k**2 + j**2 + i**2) * 0.5
    found = metrics(far <= 10, far <= 12, (0.5, 0.5, 0.5))
    assert found.dice == pytest.approx(2 * 10**3 / (10**3 + 12**3), rel=0.01)
    assert found.hausdorff_mm == pytest.approx(2, abs=0.5)
    assert found.assd_mm == pytest.approx(2, abs=0.2)
    assert found.difference_percent == pytest.approx(100 * (1.2**3 - 1), rel=0.02)


def test_empty_masks() -> None:
    empty, full = np.zeros((3, 4, 5), dtype=bool), np.ones((3, 4, 5), dtype=bool)
    both = metrics(empty, empty)
    assert both.dice == 1
    assert math.isnan(both.hausdorff_mm)
    none = metrics(full, empty)
    assert (none.dice, none.difference_percent) == (0, -100)
    assert math.isnan(none.hausdorff_mm)
    assert math.isnan(none.surface_dice)
    assert math.isnan(metrics(empty, full).difference_percent)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3), st.integers(0, 2))
def test_depends_neither_on_the_order_of_the_masks_nor_on_where_they_lie(seed: int, shift: int, axis: int) -> None:
    one, two = blob(seed, (8, 9, 10)), blob(seed + 1, (8, 9, 10), 0.3)
    here, turned = metrics(one, two), metrics(two, one)
    for name in ("dice", "hausdorff_mm", "hausdorff_foreground_mm", "hd95_mm", "assd_mm", "surface_dice"):
        assert getattr(here, name) == pytest.approx(getattr(turned, name))
    around = [(0, 0)] * 3
    around[axis] = (shift, 5 - shift)
    assert metrics(np.pad(one, around), np.pad(two, around)) == here


def test_regions_are_no_surfaces() -> None:
    """A bar cut into halves: the plane between them is not taken for its surface."""
    bar = np.zeros((40, 12, 12), dtype=bool)
    bar[2:38, 2:10, 2:10] = True
    longer = bar.copy()
    longer[38] = bar[37]
    pair = pair_of(bar, longer, np.ones(3))
    assert pair is not None
    low = np.zeros(pair.reference.shape, dtype=bool)
    low[:20] = True
    assert compare(pair, 1.0, low).hausdorff_mm == 0
    assert compare(pair, 1.0, ~low).hausdorff_mm == 1
    assert compare(pair, 1.0, ~low).dice < compare(pair, 1.0).dice < compare(pair, 1.0, low).dice == 1


def test_signed_distance_is_zero_half_way() -> None:
    mask = np.zeros((1, 1, 10), dtype=bool)
    mask[..., :5] = True
    away = signed_distance_mm(mask, np.array([1.0, 1.0, 2.0]))[0, 0]
    assert away.tolist()[3:7] == [-4, -2, 2, 4]
