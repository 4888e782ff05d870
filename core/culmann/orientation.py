"""Arrays with their axes in the order of the patient, and back: for what does not look at poses, such as a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from culmann.data import Grid

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """How the axes of an image are put in order and direction: x to the left, y to the back, z up, as nearly as they can be.

    Parameters
    ----------
    grid
        The image after it was turned.
    order
        (3,) the array axis that becomes z, y, x.
    flipped
        (3,) whether z, y, x run the other way then.
    """

    grid: Grid
    order: tuple[int, ...]
    flipped: tuple[bool, ...]

    def apply(self, array: Array) -> Array:
        """The array (z, y, x) of the image, turned; a view."""
        turned = array.transpose(self.order)
        return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)]

    def undo(self, array: Array) -> Array:
        """A turned array as it lay before; a view."""
        back = array[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)]
        return back.transpose(np.argsort(self.order))


def turn_of(grid: Grid) -> Turn:
    """How an image on a grid is turned. No voxel is interpolated: an oblique image stays as oblique as it is."""
    patient, image = optimize.linear_sum_assignment(-np.abs(grid.axes))
    image = image[np.argsort(patient)]
    sign = np.sign(grid.axes[np.arange(3), image])
    first = np.where(sign < 0, np.asarray(grid.size)[image] - 1, 0)
    index = np.zeros(3)
    index[image] = first
    x, y, z = (float(v) for v in grid.to_world(index[None])[0])
    direction = grid.axes[:, image] * sign[None, :]
    (i, j, k), (sx, sy, sz) = (int(grid.size[a]) for a in image), (float(grid.spacing_mm[a]) for a in image)
    turned = Grid((i, j, k), (sx, sy, sz), (x, y, z), tuple(float(v) for v in direction.ravel()))
    return Turn(turned, tuple(2 - int(a) for a in image[::-1]), tuple(bool(s < 0) for s in sign[::-1]))


def upright(array: Array, grid: Grid) -> tuple[Array, Grid]:
    """An array (z, y, x) with i running nearest to the patient's left, j to the back and k upwards, and its grid.

    Axes are swapped and turned round; no voxel changes its value or its place.
    """
    turn = turn_of(grid)
    return np.ascontiguousarray(turn.apply(array)), turn.grid


def as_it_lay(array: Array, grid: Grid) -> Array:
    """An array that `upright` gave, or one of its shape, back in the order of the axes of the grid that went in."""
    return np.ascontiguousarray(turn_of(grid).undo(array))
