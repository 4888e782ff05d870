"""Hexahedra of a label map: the array must be on its grid."""

from __future__ import annotations

import numpy as np
import pytest

from culmann.data import Grid
from culmann.voxels import hexahedra


def test_an_array_in_another_order_is_refused():
    grid = Grid((3, 4, 5), (1.0, 1.0, 1.0))
    region = np.ones(grid.shape, dtype=int)
    assert hexahedra(grid, region, {1: "bone"}).n_cells == 60
    with pytest.raises(ValueError, match=r"region has shape \(3, 4, 5\), wanted 5 x 4 x 3"):
        hexahedra(grid, region.transpose(), {1: "bone"})
