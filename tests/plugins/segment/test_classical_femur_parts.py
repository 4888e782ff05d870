"""Parts of the classical femur segmenter against brute force and shapes that are known by formula."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from culmann import Grid
from culmann_segment.classical_femur_filling import enclosure, hollow_share, solid
from culmann_segment.classical_femur_head import directions, fit
from culmann_segment.classical_femur_joint import _optimal_surface
from culmann_segment.classical_femur_working import Image, resampled, turned, turned_back


@pytest.mark.parametrize("seed", range(8))
def test_the_minimum_cut_is_the_cheapest_surface_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.normal(0, 50, (5, 4)).round(1)
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [0, 4]])
    smooth = [s for s in product(range(4), repeat=5) if all(abs(s[a] - s[b]) <= 1 for a, b in pairs)]
    best = min(sum(cost[ray, at] for ray, at in enumerate(s)) for s in smooth)
    found = _optimal_surface(cost, pairs)
    assert (np.abs(found[pairs[:, 0]] - found[pairs[:, 1]]) <= 1).all()
    assert cost[np.arange(5), found].sum() == pytest.approx(best)


def test_directions_are_even() -> None:
    rays, pairs = directions(3)
    assert len(rays) == 642
    assert np.allclose(np.linalg.norm(rays, axis=1), 1)
    assert np.bincount(pairs.ravel()).tolist().count(5) == 12  # an icosahedron has twelve corners with five neighbours
    angle = np.degrees(np.arccos((rays[pairs[:, 0]] * rays[pairs[:, 1]]).sum(axis=1)))
    assert angle.max() / angle.min() < 1.25


@pytest.mark.parametrize("off", [(0, 0, 0), (6, -4, 5), (-7, 3, 3)])
def test_a_sphere_is_fitted_from_a_poor_guess(off: Any) -> None:
    centre, radius = np.array([3.3, -2.1, 1.7]), 24.2
    image = ball_image(Grid((56, 56, 56), (1.5, 1.5, 1.5), (-40.0, -43.0, -40.0)), centre, radius)
    head = fit(image, centre + np.asarray(off))
    assert head is not None
    assert head.centre_mm == pytest.approx(centre, abs=0.3)
    assert head.radius_mm == pytest.approx(radius, abs=0.4)
    assert head.roundness > 0.95


def ball_image(grid: Grid, centre: Any, radius: float) -> Image:
    k, j, i = np.indices(grid.shape)
    p = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*grid.shape, 3)
    distance = np.linalg.norm(p - centre, axis=-1)
    return Image(grid, (50 + 300 / (1 + np.exp((distance - radius) / 0.5))).astype(np.float32))


def tube(shape: tuple[int, int, int], radius: float, wall: float) -> Any:
    """Image and bone of a tube along z that the image cuts at both ends, and the solid rod that it encloses."""
    _, j, i = np.indices(shape)
    from_axis = np.hypot(i - shape[2] / 2, j - shape[1] / 2)
    bone = (from_axis < radius) & (from_axis > radius - wall)
    hu = np.where(bone, 600, np.where(from_axis < radius, -30, 50)).astype(np.float32)
    return Image(Grid(shape[::-1], (1.0, 1.0, 1.0)), hu), bone, from_axis < radius


def test_the_marrow_of_a_tube_that_the_image_cuts_is_filled() -> None:
    image, bone, rod = tube((30, 44, 44), 14, 3)
    nothing = np.zeros(bone.shape, dtype=bool)
    found = solid(image, bone, nothing, nothing)
    assert (found & rod).sum() / (found | rod).sum() > 0.97
    assert found[0, 22, 22]
    assert found[-1, 22, 22]


def test_a_window_in_the_cortex_lets_nothing_in() -> None:
    image, bone, rod = tube((40, 44, 44), 14, 2)
    window = (slice(16, 22), slice(18, 26), slice(30, None))
    image.hu[window] = np.minimum(image.hu[window], 50)
    bone[window] = False
    nothing = np.zeros(bone.shape, dtype=bool)
    found = solid(image, bone, nothing, nothing)
    assert (found & rod).sum() / rod.sum() > 0.96
    assert found[18, 22, 22:28].all()
    assert (ndimage.binary_fill_holes(found) == found).all()


def test_a_hollow_of_the_surface_stays_open() -> None:
    image, bone, _ = tube((30, 44, 60), 9, 3)
    second = np.roll(bone, 18, axis=2)
    third = np.zeros_like(bone)
    third[:, 10:13, 30:50] = True  # joins both on one side: an open U in axial slices
    nothing = np.zeros(bone.shape, dtype=bool)
    whole = bone | second | third
    hu = np.where(whole, 600, 50).astype(np.float32)
    found = solid(Image(image.grid, hu), whole, nothing, nothing)
    assert not found[15, 30, 39]


def test_keep_out_is_kept_out() -> None:
    image, bone, _ = tube((30, 44, 44), 14, 3)
    barred = np.zeros(bone.shape, dtype=bool)
    barred[:, :, :15] = True
    found = solid(image, bone & ~barred, barred, np.zeros(bone.shape, dtype=bool))
    assert not (found & barred).any()


def test_hollows_are_measured() -> None:
    *_, rod = tube((60, 60, 60), 18, 3)
    assert hollow_share(rod, 1.0) == 0
    empty = ndimage.binary_erosion(rod, iterations=3, border_value=1)
    assert hollow_share(rod & ~empty, 1.0) == pytest.approx(empty.sum() / (rod & ~empty).sum(), rel=0.1)


def test_enclosure_is_what_looking_along_every_direction_tells() -> None:
    bone = np.random.default_rng(5).random((9, 10, 11)) < 0.04
    seen = enclosure(bone, 1.0)
    for at in [(4, 5, 5), (1, 2, 9), (7, 0, 3)]:
        hits = 0
        for d in product((-1, 0, 1), repeat=3):
            if not any(d):
                continue
            place = np.array(at)
            while ((place >= 0) & (place < bone.shape)).all():
                if bone[tuple(place)]:
                    hits += 1
                    break
                place = place + d
        assert seen[at] == pytest.approx(hits / 26)


def test_turning_loses_nothing() -> None:
    rng = np.random.default_rng(1)
    axes = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]], dtype=float)
    grid = Grid((5, 6, 7), (1.0, 2.0, 3.0), (10.0, 20.0, 30.0), tuple(axes.ravel()))
    values = rng.normal(size=grid.shape).astype(np.float32)
    image = turned(grid, values)
    assert np.allclose(image.grid.axes, np.eye(3))
    assert (turned_back(image.hu, grid) == values).all()
    where = np.array([[1, 4, 2], [4, 0, 6]])
    at = image.grid.to_index(grid.to_world(where)).round().astype(int)
    assert (image.hu[at[:, 2], at[:, 1], at[:, 0]] == values[where[:, 2], where[:, 1], where[:, 0]]).all()


def test_resampling_keeps_places() -> None:
    grid = Grid((30, 28, 20), (1.2, 1.3, 2.5), (-4.0, 5.0, 60.0))
    k, j, i = np.indices(grid.shape)
    p = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3))
    image = resampled(Image(grid, (p @ [1.0, 2.0, 3.0]).reshape(grid.shape).astype(np.float32)), 1.5)
    inner = np.array([[0.0, 20.0, 80.0], [20.0, 30.0, 90.0]])
    assert image.at(inner) == pytest.approx(inner @ [1.0, 2.0, 3.0], abs=0.5)
    assert image.grid.spacing_mm == (1.5, 1.5, 1.5)
