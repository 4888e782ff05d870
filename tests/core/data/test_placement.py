"""Placements lead back to the patient, and data of different spaces are not mixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import DensityMap, Grid, InputError, Placement, average_over_cells
from culmann.data.placement import expect_one_space
from culmann.voxels import hexahedra

POINTS = np.array([[0.0, 0.0, 0.0], [10.0, -20.0, 30.0], [-250.0, 3.0, 999.0]])


def rigid(angles: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    matrix[:3, 3] = shift
    return matrix


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.stack([(matrix @ [*p, 1.0])[:3] for p in points])


def test_a_point_comes_back_through_mirror_and_registration() -> None:
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    move = rigid((10, -17, 30), (12.0, -40.0, 5.5))
    placement = Placement().moved(mirror, "mirror").moved(move, "register")
    there = apply(move, apply(mirror, POINTS))
    assert placement.point_to_patient(there) == pytest.approx(POINTS, abs=1e-9)
    assert placement.point_from_patient(POINTS) == pytest.approx(there, abs=1e-9)
    assert placement.describe() == "mirror, then register"


def test_mirrored_twice_is_the_same_place_though_not_the_same_history() -> None:
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    twice = Placement().moved(mirror, "mirror").moved(mirror, "mirror")
    assert twice.same_as(Placement())
    assert twice.to_patient == Placement().to_patient
    assert twice != Placement()
    assert not Placement().moved(mirror, "mirror").same_as(Placement())


def test_a_hundredth_of_a_millimetre_is_another_place() -> None:
    assert not Placement().moved(rigid((0, 0, 0), (0.01, 0, 0)), "shift").same_as(Placement())
    assert not Placement().moved(rigid((0, 0, 0.001), (0, 0, 0)), "turn").same_as(Placement())


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3).ravel(),
        np.diag([1.0, 1.0, 0.0, 1.0]).ravel(),
        np.vstack([np.eye(4)[:3], [0, 0, 1, 1]]).ravel(),
        np.diag([1.0, np.nan, 1.0, 1.0]).ravel(),
    ],
)
def test_what_is_no_way_back_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="placement"):
        Placement(tuple(float(v) for v in matrix))


def test_density_and_mesh_of_different_spaces_are_refused() -> None:
    grid = Grid((2, 2, 2), (1.0, 1.0, 1.0))
    mirrored = Placement().moved(np.diag([-1.0, 1.0, 1.0, 1.0]), "mirror: left to right")
    mesh = hexahedra(grid, np.ones(grid.shape, dtype=np.int64), {1: "bone"}, placement=mirrored)
    density = DensityMap(grid, np.full(grid.shape, 0.3, dtype=np.float32), "ash")
    with pytest.raises(InputError, match="different spaces") as refusal:
        average_over_cells(mesh, density, lambda r: r[:, None])
    assert "the mesh (mirror: left to right)" in str(refusal.value)
    assert "the density map (neither mirrored nor registered)" in str(refusal.value)
    assert refusal.value.hint
    expect_one_space({"one": mirrored, "other": mirrored})
