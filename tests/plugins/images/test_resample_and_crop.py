"""Resampling against SimpleITK, closed forms and exact volumes; cropping keeps voxels where they are."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError

from culmann import DensityMap, Grid, InputError, Labels, Scan
from culmann.data.images import to_image
from culmann.image_files import write_image_file
from culmann_images.cohort import median_spacing_mm
from culmann_images.crop import CropConfig, crop, crop_density, crop_labels
from culmann_images.resample import (
    ResampleConfig,
    ResampleLabelsConfig,
    resample,
    resample_density,
    resample_labels,
    with_spacing,
)

PERMUTATIONS = [np.eye(3)[list(p)] * s for p in permutations(range(3)) for s in product((1.0, -1.0), repeat=3)]
LPS = Grid((20, 18, 16), (1.0, 1.5, 2.0), (-9.0, 12.0, 100.0))


def noise(grid: Grid = LPS) -> Scan:
    return Scan(grid, np.random.default_rng(5).normal(0, 300, grid.shape).astype(np.float32), {"kvp": 120.0}, ("read",))


def turned(scan: Scan, axes: Any) -> Scan:
    """The same image in the patient with its axes in another order and direction (scan in plain LPS)."""
    source = [int(np.abs(axes[:, n]).argmax()) for n in range(3)]
    flip = [axes[source[n], n] < 0 for n in range(3)]
    array = scan.hu.transpose([2 - source[n] for n in (2, 1, 0)])
    array = np.flip(array, [a for a, n in enumerate((2, 1, 0)) if flip[n]])
    corner = np.zeros(3)
    for n in range(3):
        corner[source[n]] = scan.grid.size[source[n]] - 1 if flip[n] else 0
    grid = Grid(
        tuple(scan.grid.size[s] for s in source),
        tuple(scan.grid.spacing_mm[s] for s in source),
        tuple(scan.grid.to_world(corner[None])[0].tolist()),
        tuple(axes.ravel()),
    )
    return Scan(grid, np.ascontiguousarray(array), scan.acquisition, scan.history)


@pytest.mark.parametrize(("name", "theirs"), [("linear", sitk.sitkLinear), ("bspline", sitk.sitkBSpline3)])
@pytest.mark.parametrize("spacing", [0.7, (0.5, 1.0, 1.6)])
def test_interpolation_agrees_with_simpleitk(name: Any, theirs: int, spacing: Any) -> None:
    scan = noise(Grid((50, 40, 30), (1.0, 1.5, 2.0), (-9.0, 12.0, 100.0)))
    found = resample(scan, ResampleConfig(spacing_mm=spacing, interpolation=name))
    reference = to_image(found.hu, found.grid)
    expected = sitk.GetArrayFromImage(sitk.Resample(to_image(scan.hu, scan.grid), reference, sitk.Transform(), theirs, 0.0))
    # The two continue an image beyond its edge in different ways; a cubic spline feels that some voxels deep.
    voxels = 9 if name == "bspline" else 1
    margin = np.ceil(voxels * np.array(scan.grid.spacing_mm) / found.grid.spacing_mm)[::-1].astype(int)
    inner = tuple(slice(m, -m) for m in margin)
    assert np.abs(found.hu - expected)[inner].max() < (0.1 if name == "bspline" else 0.01)


def test_a_linear_field_stays_what_it_is() -> None:
    k, j, i = np.indices(LPS.shape)
    world = LPS.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*LPS.shape, 3)
    scan = Scan(LPS, (world @ [3.0, -2.0, 1.0]).astype(np.float32))
    for name in ("linear", "bspline"):
        found = resample(scan, ResampleConfig(spacing_mm=1.3, interpolation=name))
        k, j, i = np.indices(found.grid.shape)
        world = found.grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*found.grid.shape, 3)
        inner = (slice(4, -4),) * 3
        assert np.abs(found.hu - world @ [3.0, -2.0, 1.0])[inner].max() < 0.2


@pytest.mark.parametrize("axes", PERMUTATIONS[::5])
@pytest.mark.parametrize("name", ["linear", "bspline"])
def test_the_order_of_the_axes_in_the_file_does_not_matter(axes: Any, name: Any) -> None:
    scan = noise()
    config = ResampleConfig(spacing_mm=(1.7, 2.2, 0.9), interpolation=name)
    here, there = resample(scan, config), resample(turned(scan, axes), config)
    back = turned(here, axes)
    assert there.grid.same_as(back.grid)
    assert np.allclose(there.hu, back.hu, atol=0.02)


def test_centre_stays_and_extent_changes_by_less_than_a_voxel() -> None:
    for spacing in (0.4, 0.9, 1.7, 3.1):
        grid = with_spacing(LPS, spacing)
        (low, high), (a, b) = LPS.extent_mm(), grid.extent_mm()
        assert np.allclose(low + high, a + b)
        assert (np.abs(low - a) <= spacing / 4 + 1e-9).all()
    assert with_spacing(LPS, LPS.spacing_mm).same_as(LPS, 1e-9)


def test_blur_before_wider_voxels_has_the_stated_width() -> None:
    """A bright plane of 0.5 mm slices on 2 mm voxels: its profile is a Gaussian with a full width of sqrt(2² - 0.5²) mm."""
    grid = Grid((9, 9, 161), (1.0, 1.0, 0.5))
    hu = np.zeros(grid.shape, dtype=np.float32)
    hu[80] = 1000
    found = resample(Scan(grid, hu), ResampleConfig(spacing_mm=(1.0, 1.0, 2.0), interpolation="linear"))
    z = found.grid.to_world(np.stack([np.zeros(found.grid.size[2])] * 2 + [np.arange(found.grid.size[2])], 1))[:, 2] - 40.0
    sigma = np.sqrt(2.0**2 - 0.5**2) / np.sqrt(8 * np.log(2))
    expected = 1000 * 0.5 / (sigma * np.sqrt(2 * np.pi)) * np.exp(-(z**2) / (2 * sigma**2))
    assert np.abs(found.hu[:, 4, 4] - expected).max() < 4
    plain = resample(Scan(grid, hu), ResampleConfig(spacing_mm=(1.0, 1.0, 2.0), interpolation="linear", antialias=False))
    assert plain.hu.max() == 0, "without the blur the plane falls between the voxels"


def test_history_and_acquisition_go_along() -> None:
    found = resample(noise(), ResampleConfig(spacing_mm=2.0))
    assert found.history == ("read", "resample: 2 x 2 x 2 mm, bspline, blurred to the new voxels first")
    assert found.acquisition == {"kvp": 120.0}
    assert found.hu.dtype == np.float32


@pytest.mark.parametrize("spacing", [0, -1.0, [1.0, 2.0], [1.0, 0.0, 1.0], "wide"])
def test_a_spacing_that_is_none_is_refused(spacing: Any) -> None:
    with pytest.raises(ValidationError):
        ResampleConfig(spacing_mm=spacing)


def test_too_many_voxels_are_refused_before_they_are_made() -> None:
    with pytest.raises(InputError, match=r"makes 20000 x 27000 x 32000 voxels, too many"):
        resample(noise(), ResampleConfig(spacing_mm=0.001))


def boxes(grid: Grid = LPS) -> Labels:
    label = np.zeros(grid.shape, dtype=np.int32)
    label[3:13, 4:14, 2:10] = 22
    label[3:13, 4:14, 10:18] = 23
    return Labels(grid, label, {22: "L3"}, ("read",))


@pytest.mark.parametrize("spacing", [0.5, (2.0, 3.0, 4.0)])
@pytest.mark.parametrize("name", ["linear", "nearest"])
def test_boxes_that_fit_both_grids_keep_their_volume(spacing: Any, name: Any) -> None:
    label = np.zeros(LPS.shape, dtype=np.int32)
    label[4:12, 4:14, 2:10] = 22
    label[4:12, 4:14, 10:18] = 23
    found = resample_labels(Labels(LPS, label), ResampleLabelsConfig(spacing_mm=spacing, interpolation=name))
    for value in (22, 23):
        volume = (found.label == value).sum() * found.grid.voxel_volume_mm3
        assert volume == pytest.approx(8 * 10 * 8 * LPS.voxel_volume_mm3, rel=0.01)
    assert set(np.unique(found.label)) == {0, 22, 23}


def test_a_ball_keeps_its_volume_and_no_label_is_made_up() -> None:
    k, j, i = np.indices((40, 40, 40))
    ball = (i - 19.5) ** 2 + (j - 19.5) ** 2 + (k - 19.5) ** 2 < 15**2
    label = np.where(ball, np.where(i < 20, 3, 200), 0).astype(np.int32)
    labels = Labels(Grid((40, 40, 40), (1.0, 1.0, 1.0)), label)
    for spacing in (0.5, 1.7, 2.5):
        found = resample_labels(labels, ResampleLabelsConfig(spacing_mm=spacing))
        assert set(np.unique(found.label)) == {0, 3, 200}
        for value in (3, 200):
            volume = (found.label == value).sum() * found.grid.voxel_volume_mm3
            assert volume == pytest.approx((label == value).sum(), rel=0.01)


def test_a_label_that_would_vanish_is_named() -> None:
    labels = boxes()
    labels.label[0, 0, 0] = 7
    with pytest.raises(InputError, match=r"label 7 \(label-7\) vanishes on voxels of 6 x 6 x 6 mm"):
        resample_labels(labels, ResampleLabelsConfig(spacing_mm=6.0))


@pytest.mark.parametrize("margin", [0.0, 3.0, 500.0])
def test_crop_keeps_every_voxel_at_its_place(margin: float) -> None:
    scan, labels = noise(), boxes()
    a, b = crop(scan, labels, CropConfig(margin_mm=margin)), crop_labels(labels, CropConfig(margin_mm=margin))
    assert a.grid == b.grid
    for k, j, i in ((0, 0, 0), tuple(n - 1 for n in a.grid.shape), (2, 5, 4)):
        x, y, z = np.round(scan.grid.to_index(a.grid.to_world(np.array([[i, j, k]])))[0]).astype(int)
        assert a.hu[k, j, i] == scan.hu[z, y, x]
        assert b.label[k, j, i] == labels.label[z, y, x]
    assert (b.label == 22).sum() == (labels.label == 22).sum()
    low, high = labels.grid.part((slice(3, 13), slice(4, 14), slice(2, 18))).extent_mm()
    edges = np.maximum(low - margin, scan.grid.extent_mm()[0]), np.minimum(high + margin, scan.grid.extent_mm()[1])
    assert (a.grid.extent_mm()[0] <= edges[0] + 1e-9).all()
    assert (a.grid.extent_mm()[1] >= edges[1] - 1e-9).all()


def test_a_bone_within_the_image_never_touches_the_border_of_the_crop() -> None:
    label = crop_labels(boxes(), CropConfig(margin_mm=0)).label
    assert not any(label.take(n, axis=axis).any() for axis in range(3) for n in (0, -1))
    assert label.shape == (12, 12, 18)


@pytest.mark.parametrize("axes", PERMUTATIONS[::7])
def test_crop_of_a_scan_in_another_order_of_axes_takes_the_same_place(axes: Any) -> None:
    here = crop(noise(), boxes(), CropConfig(margin_mm=2.0))
    there = crop(turned(noise(), axes), boxes(), CropConfig(margin_mm=2.0))
    assert np.allclose(here.grid.extent_mm(), there.grid.extent_mm())
    assert here.hu.sum() == pytest.approx(there.hu.sum(), rel=1e-5)


def test_labels_elsewhere_are_told_with_both_extents() -> None:
    far = boxes(Grid(LPS.size, LPS.spacing_mm, (500.0, 12.0, 100.0)))
    with pytest.raises(InputError, match=r"L 501.5 to 517.5.* L -9.5 to 10.5"):
        crop(noise(), far, CropConfig())


def test_nothing_to_crop_to_is_refused() -> None:
    empty = Labels(LPS, np.zeros(LPS.shape, dtype=np.int32))
    with pytest.raises(InputError, match="no voxel is labelled"):
        crop_labels(empty, CropConfig())


def test_the_median_spacing_of_a_cohort_is_taken_along_the_axes_of_the_patient(tmp_path: Path) -> None:
    files = []
    for n, (spacing, direction) in enumerate(
        [
            ((0.7, 0.8, 5.0), (1, 0, 0, 0, 1, 0, 0, 0, 1)),
            ((0.9, 1.0, 1.25), (-1, 0, 0, 0, -1, 0, 0, 0, 1)),
            # i runs up, j to the left, k to the front: 3 mm up and down, 0.6 across, 2 front to back.
            ((3.0, 0.6, 2.0), (0, 1, 0, 0, 0, -1, 1, 0, 0)),
        ]
    ):
        files.append(tmp_path / f"{n}.nii.gz")
        write_image_file(files[-1], Scan(Grid((3, 3, 3), spacing, direction=direction), np.zeros((3, 3, 3), np.float32)))
    assert median_spacing_mm(files) == pytest.approx((0.7, 1.0, 3.0))
    scan = noise()
    found = resample(scan, ResampleConfig(cohort=tuple(files)))
    # NIfTI keeps spacings in 32 bits.
    assert found.hu == pytest.approx(resample(scan, ResampleConfig(spacing_mm=(0.7, 1.0, 3.0))).hu, abs=0.01)
    assert "the median of 3 images" in found.history[-1]
    with pytest.raises(InputError, match="no file"):
        resample(scan, ResampleConfig(cohort=(tmp_path / "absent.nii.gz",)))
    for options in ({}, {"spacing_mm": 1.0, "cohort": tuple(files)}):
        with pytest.raises(ValidationError, match="one of the two"):
            ResampleConfig(**options)


def test_a_density_map_is_resampled_and_cropped_like_a_scan() -> None:
    scan = noise()
    density = DensityMap(LPS, scan.hu, "ash", {"method": "made up"})
    options = ResampleConfig(spacing_mm=2.0)
    assert (resample_density(density, options).g_cm3 == resample(scan, options).hu).all()
    label = np.zeros(LPS.shape, dtype=np.int32)
    label[tuple(n // 2 for n in LPS.shape)] = 1
    labels = Labels(LPS, label)
    cut = crop_density(density, labels, CropConfig(margin_mm=2.0))
    assert (cut.g_cm3 == crop(scan, labels, CropConfig(margin_mm=2.0)).hu).all()
    assert cut.kind == "ash"
