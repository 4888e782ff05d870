"""offset-labels against SciPy's and ITK's morphology, and in the plane that it names whatever the order of the voxels."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from culmann import Grid, InputError, Labels
from culmann_segment.offset import OffsetLabelsConfig, offset_labels


def blob(axes=(1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), size: int = 24) -> Labels:
    noise = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((size, size, size)), 3)
    return Labels(Grid((size, size, size), (1.0, 0.7, 2.0), (0.0, 0.0, 0.0), axes), (noise > 0.02).astype(np.int32))


@pytest.mark.parametrize("voxels", [-2, -1, 1, 2])
@pytest.mark.parametrize(("element", "connectivity"), [("faces", 1), ("cube", 3)])
def test_is_scipys_iterated_morphology(voxels: int, element: str, connectivity: int) -> None:
    labels = blob()
    found = offset_labels(labels, OffsetLabelsConfig(voxels=voxels, element=element))
    structure = ndimage.generate_binary_structure(3, connectivity)
    if voxels > 0:
        expected = ndimage.binary_dilation(labels.foreground, structure, iterations=voxels)
    else:
        expected = ndimage.binary_erosion(labels.foreground, structure, iterations=-voxels, border_value=1)
    assert (found.foreground == expected).all()


@pytest.mark.parametrize("voxels", [-1, 1])
def test_is_itks_cross(voxels: int) -> None:
    labels = blob()
    image = sitk.GetImageFromArray(labels.label.astype(np.uint8))
    work = sitk.BinaryDilate if voxels > 0 else sitk.BinaryErode
    expected = sitk.GetArrayFromImage(work(image, (1, 1, 1), sitk.sitkCross))
    found = offset_labels(labels, OffsetLabelsConfig(voxels=voxels)).label
    inner = (slice(1, -1),) * 3  # ITK has its own way at the border
    assert (found[inner] == expected[inner]).all()


@pytest.mark.parametrize(("within", "axis"), [("axial", 2), ("coronal", 1), ("sagittal", 0)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_slices_are_those_of_the_patient(within: str, axis: int, order: tuple[int, int, int]) -> None:
    """Axis n of the voxels points along axis order[n] of the patient."""
    axes = np.eye(3)[:, list(order)]
    label = np.zeros((9, 9, 9), dtype=np.int32)
    label[4, 4, 4] = 1
    labels = Labels(Grid((9, 9, 9), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(axes.ravel().tolist())), label)
    grown = offset_labels(labels, OffsetLabelsConfig(voxels=2, within=within))
    world = grown.grid.to_world(np.argwhere(grown.label)[:, ::-1])
    assert np.ptp(world[:, axis]) == 0
    assert sorted(np.ptp(world, axis=0).tolist()) == [0, 4, 4]
    assert int(grown.label.sum()) == 13  # a diamond of radius 2


def test_labels_never_grow_over_each_other_and_recede_alone_or_together() -> None:
    label = np.zeros((3, 5, 12), dtype=np.int32)
    label[:, :, 2:6] = 1
    label[:, :, 6:10] = 2
    labels = Labels(Grid((12, 5, 3), (1.0, 1.0, 1.0)), label)
    grown = offset_labels(labels, OffsetLabelsConfig(voxels=1)).label[1, 2]
    assert grown.tolist() == [0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 0]
    together = offset_labels(labels, OffsetLabelsConfig(voxels=-1)).label[1, 2]
    assert together.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0]
    apart = offset_labels(labels, OffsetLabelsConfig(voxels=-1, of="each-label")).label[1, 2]
    assert apart.tolist() == [0, 0, 0, 1, 1, 0, 0, 2, 2, 0, 0, 0]


def test_zero_changes_nothing_and_nothing_left_is_told() -> None:
    labels = blob()
    assert offset_labels(labels, OffsetLabelsConfig()) is labels
    with pytest.raises(InputError, match="offset-labels by -50 voxels leaves nothing"):
        offset_labels(labels, OffsetLabelsConfig(voxels=-50))
    assert "offset-labels by +1 voxels" in offset_labels(labels, OffsetLabelsConfig(voxels=1)).history[-1]
