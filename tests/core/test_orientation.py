"""Axes in the order of the patient: every voxel stays at its place, and the way back is exact."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from culmann.data import Grid
from culmann.orientation import as_it_lay, upright

TILT = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])
AXES = [np.eye(3)[:, list(p)] * s for p in permutations(range(3)) for s in product((1.0, -1.0), repeat=3)]


@pytest.mark.parametrize("tilt", [np.eye(3), TILT], ids=["straight", "tilted"])
@pytest.mark.parametrize("n", range(48))
def test_voxels_stay_at_their_places(n: int, tilt: np.ndarray) -> None:
    grid = Grid((3, 4, 5), (0.5, 1.5, 2.5), (-7.0, 11.0, 30.0), tuple((tilt @ AXES[n]).ravel()))
    array = np.arange(60).reshape(grid.shape)
    moved, new = upright(array, grid)
    assert moved.shape == new.shape
    assert (np.diag(new.axes) > 0.7).all()
    for value in (0, 7, 33, 59):
        before = grid.to_world(np.argwhere(array == value)[:, ::-1])
        after = new.to_world(np.argwhere(moved == value)[:, ::-1])
        assert after == pytest.approx(before)
    assert np.array_equal(as_it_lay(moved, grid), array)
