"""extend-density: bone's density is carried outwards, and nothing inside changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from label_shapes import ball, grid_around, labels_of

from culmann import DensityMap, Grid, InputError, Labels
from culmann_mesh.extend_density import ExtendDensityConfig, extend_density

LABELS = labels_of(ball(5), grid_around(10, (1.0, 1.0, 1.0)))


def density_of(labels: Labels, bone: float = 0.3, muscle: float = 0.05) -> DensityMap:
    values = np.where(labels.foreground, bone, muscle).astype(np.float32)
    return DensityMap(labels.grid, values, "qct-k2hpo4", {"method": "made up"})


def extended(density: DensityMap, labels: Labels = LABELS, **options: Any) -> DensityMap:
    return extend_density(density, labels, ExtendDensityConfig(**options))


def test_layers_around_the_bone_get_its_density_and_the_rest_keeps_its_own() -> None:
    density = density_of(LABELS)
    found = extended(density, layers=2)
    distance = np.linalg.norm(np.indices(LABELS.grid.shape) - 9.5, axis=0)
    assert np.allclose(found.g_cm3[distance < 6.0], 0.3, atol=1e-6)
    assert np.allclose(found.g_cm3[distance > 9.5], 0.05)
    assert np.array_equal(found.g_cm3[LABELS.foreground], density.g_cm3[LABELS.foreground])
    assert found.calibration["extended"] == "2 layers of voxels beyond the labels, 0 peeled off them first"
    assert found.kind == density.kind


def test_a_new_voxel_is_the_mean_of_its_neighbours_that_are_bone() -> None:
    label = np.zeros((5, 5, 5), dtype=np.int32)
    label[2, 2, 1:3] = 1
    labels = Labels(Grid((5, 5, 5), (1.0, 1.0, 1.0)), label)
    values = np.zeros(label.shape, dtype=np.float32)
    values[2, 2, 1], values[2, 2, 2] = 0.2, 0.8
    found = extended(DensityMap(labels.grid, values, "ash"), labels, layers=1).g_cm3
    assert found[1, 1, 0] == pytest.approx(0.2)
    assert found[1, 2, 1] == pytest.approx(0.5)
    assert found[2, 2, 3] == pytest.approx(0.8)
    assert found[2, 2, 4] == 0


def test_the_outermost_layer_of_bone_can_be_peeled_off_first() -> None:
    density = density_of(LABELS)
    rim = LABELS.foreground & (np.linalg.norm(np.indices(LABELS.grid.shape) - 9.5, axis=0) > 4.4)
    density.g_cm3[rim] = 0.1
    found = extended(density, peel_voxels=1, layers=1)
    assert np.allclose(found.g_cm3[LABELS.foreground], 0.3, atol=0.02)
    with pytest.raises(InputError, match="no labelled voxel is left"):
        extended(density, peel_voxels=9)


def test_labels_on_another_grid_are_refused() -> None:
    other = labels_of(ball(5), grid_around(10, (2.0, 1.0, 1.0)))
    with pytest.raises(InputError, match=r"the labels have .* and the density has") as caught:
        extended(density_of(LABELS), other)
    assert "resample-labels" in caught.value.hint
