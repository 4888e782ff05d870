"""Voxel meshes against brute force and closed forms, whatever the order of the axes; what is dropped is told."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culmann import Grid, InputError, Labels, Mesh
from culmann.journal import QuietJournal
from culmann.voxels import region_map
from culmann_mesh.voxel_mesh import VoxelMeshConfig, voxel_mesh

PERMUTATIONS = [np.eye(3)[list(p)] * s for p in permutations(range(3)) for s in product((1.0, -1.0), repeat=3)]
GRID = Grid((14, 13, 12), (0.7, 1.1, 1.6), (-30.0, 50.0, 400.0))
BORDER = "field-of-view-border"


def ball(grid: Grid = GRID, radius_mm: float = 4.6) -> Labels:
    """A ball of two labels around the centre of the grid."""
    k, j, i = np.indices(grid.shape)
    world = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*grid.shape, 3)
    from_centre = world - sum(grid.extent_mm()) / 2
    inside = (from_centre**2).sum(axis=-1) < radius_mm**2
    label = np.where(inside, np.where(from_centre[..., 2] > 0.3, 50, 49), 0).astype(np.int32)
    return Labels(grid, label, {49: "shell", 50: "core"}, ("read",))


def turned(labels: Labels, axes: Any) -> Labels:
    """The same labels in the patient with the axes of the array in another order and direction."""
    source = [int(np.abs(axes[:, n]).argmax()) for n in range(3)]
    flip = [axes[source[n], n] < 0 for n in range(3)]
    array = labels.label.transpose([2 - source[n] for n in (2, 1, 0)])
    array = np.flip(array, [a for a, n in enumerate((2, 1, 0)) if flip[n]])
    corner = np.zeros(3)
    for n in range(3):
        corner[source[n]] = labels.grid.size[source[n]] - 1 if flip[n] else 0
    grid = Grid(
        tuple(labels.grid.size[s] for s in source),
        tuple(labels.grid.spacing_mm[s] for s in source),
        tuple(labels.grid.to_world(corner[None])[0].tolist()),
        tuple(axes.ravel()),
    )
    return replace(labels, grid=grid, label=np.ascontiguousarray(array))


def build(labels: Labels, **options: Any) -> Mesh:
    return voxel_mesh(labels, VoxelMeshConfig(**options), QuietJournal())


def by_place(mesh: Mesh) -> dict[tuple[float, ...], int]:
    """{centre of a cell: its region}."""
    return {tuple(c): int(r) for c, r in zip(mesh.cell_centres_mm().round(5) + 0.0, mesh.region, strict=True)}


def volumes(mesh: Mesh) -> Any:
    """Signed volumes of parallelepipeds, from three edges at the first corner."""
    corner = mesh.points_mm[mesh.cells]
    a, b, c = (corner[:, n] - corner[:, 0] for n in (1, 3, 4))
    return np.einsum("nx,nx->n", np.cross(a, b), c)


def test_without_a_size_every_labelled_voxel_is_a_cell_in_its_place() -> None:
    labels = ball()
    mesh = build(labels)
    k, j, i = np.nonzero(labels.label)
    centres = GRID.to_world(np.stack([i, j, k], axis=1)).round(5) + 0.0
    assert by_place(mesh) == {tuple(c): int(v) for c, v in zip(centres, labels.label[k, j, i], strict=True)}
    assert np.allclose(volumes(mesh), GRID.voxel_volume_mm3)
    assert mesh.region_names == {49: "shell", 50: "core"}
    assert mesh.history[0] == "read"
    assert mesh.lattice is not None
    assert (region_map(mesh) != 0).sum() == mesh.n_cells


def test_the_size_of_the_voxels_gives_the_same_mesh_as_none() -> None:
    labels = ball(Grid((14, 13, 12), (1.5, 1.5, 1.5), (3.0, 4.0, 5.0)), radius_mm=7.0)
    assert by_place(build(labels, size_mm=1.5)) == by_place(build(labels))


@pytest.mark.parametrize("size_mm", [None, 0.9, 1.37, 2.2])
@pytest.mark.parametrize("n", range(0, 48, 3))
def test_the_order_and_direction_of_the_axes_do_not_matter(size_mm: float | None, n: int) -> None:
    labels = ball()
    labels.label[0:4, 4:9, 4:10] = 49  # touches one side of the image
    here, there = build(labels, size_mm=size_mm), build(turned(labels, PERMUTATIONS[n]), size_mm=size_mm)
    assert by_place(here) == by_place(there)
    assert (volumes(there) > 0).all()
    marked = [{tuple(p) for p in m.points_mm[m.node_sets[BORDER]].round(5) + 0.0} for m in (here, there)]
    assert marked[0] == marked[1]
    assert marked[0]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.sampled_from([2, 3, 5, 6, 7, 9]), st.sampled_from([0.25, 0.5, 0.8]))
def test_cells_of_another_size_are_those_of_brute_force(seed: int, quarters: int, fill: float) -> None:
    """Each voxel cut into 8 x 8 x 8 parts; a cell of so many quarters of a voxel counts the parts in it."""
    rng = np.random.default_rng(seed)
    size = rng.integers(4, 8, 3)
    grid = Grid(tuple(int(n) for n in size), (1.0, 1.0, 1.0))
    label = rng.integers(0, 3, grid.shape).astype(np.int32)
    parts = label
    for axis in range(3):
        parts = parts.repeat(8, axis=axis)
    n_cells, step = -(-4 * size // quarters), 2 * quarters
    over = n_cells * step - 8 * size  # parts by which the lattice reaches beyond the image, the same on both sides
    parts = np.pad(parts, [(int(o) // 2, int(o) // 2) for o in over[::-1]])
    expected = {}
    for k, j, i in product(*(range(int(n)) for n in n_cells[::-1])):
        inside = parts[k * step : (k + 1) * step, j * step : (j + 1) * step, i * step : (i + 1) * step]
        counts = [int((inside == v).sum()) for v in (1, 2)]
        if sum(counts) >= fill * step**3 - 1e-6:
            expected[i, j, k] = 1 if counts[0] >= counts[1] else 2
    labels, options = Labels(grid, label), {"size_mm": quarters / 4, "fill_fraction": fill}
    if not expected:
        with pytest.raises(InputError, match="is filled to"):
            build(labels, **options)
        return
    mesh = build(labels, **options)
    place = (mesh.cell_centres_mm() + 0.5 + over / 16) / (quarters / 4) - 0.5
    assert np.allclose(place, place.round(), atol=1e-6)
    found = {(int(i), int(j), int(k)): int(r) for (i, j, k), r in zip(place.round(), mesh.region, strict=True)}
    kept = parts_by_walking(set(expected))
    assert len(found) == max(map(len, kept))
    assert any(found == {cell: expected[cell] for cell in part} for part in kept)


def parts_by_walking(left: set[tuple[int, int, int]]) -> list[set[tuple[int, int, int]]]:
    """The parts that faces connect, found by walking from cell to cell."""
    parts = []
    while left:
        front, part = [left.pop()], set()
        while front:
            i, j, k = cell = front.pop()
            part.add(cell)
            near = {(i - 1, j, k), (i + 1, j, k), (i, j - 1, k), (i, j + 1, k), (i, j, k - 1), (i, j, k + 1)} & left
            left -= near
            front += near
        parts.append(part)
    return parts


def test_a_ball_keeps_its_volume_at_every_size() -> None:
    labels = ball(Grid((40, 40, 40), (1.0, 1.0, 1.0)), radius_mm=15.0)
    for size in (0.8, 1.3, 2.2, 3.1):
        assert volumes(build(labels, size_mm=size)).sum() == pytest.approx(labels.foreground.sum(), rel=0.05)


@pytest.mark.parametrize(("thick", "per_cent", "warned"), [(5, "120", True), (6, "100", False)])
def test_a_mesh_of_another_volume_than_the_labels_says_so(thick: int, per_cent: str, warned: bool) -> None:
    """A plate of five voxels on cells of two: the half-filled last layer counts whole."""
    label = np.zeros((12, 12, 12), dtype=np.int32)
    label[2 : 2 + thick, 2:10, 2:10] = 1
    journal = QuietJournal()
    mesh = voxel_mesh(Labels(Grid((12, 12, 12), (1.0, 1.0, 1.0)), label), VoxelMeshConfig(size_mm=2.0), journal)
    assert f"its volume is {per_cent} % of the labelled one" in mesh.history[-1]
    assert [f"{per_cent} % of the labelled volume" in w for w in journal.warnings] == [True] * warned


def two_boxes(gap: str) -> Labels:
    label = np.zeros((12, 12, 12), dtype=np.int32)
    label[1:7, 1:7, 1:7] = 1
    corner = {"apart": (8, 8, 8), "by a corner": (7, 7, 7), "by an edge": (7, 7, 4), "by a face": (7, 4, 4)}[gap]
    k, j, i = corner
    label[k : k + 2, j : j + 2, i : i + 2] = 1
    return Labels(Grid((12, 12, 12), (1.0, 1.0, 1.0)), label, {1: "bone"})


@pytest.mark.parametrize("gap", ["apart", "by a corner", "by an edge"])
def test_parts_that_no_face_connects_are_dropped_and_reported(gap: str) -> None:
    journal = QuietJournal()
    mesh = voxel_mesh(two_boxes(gap), VoxelMeshConfig(), journal)
    assert mesh.n_cells == 6**3
    assert "dropped 8 cells" in mesh.history[-1]
    assert len(journal.warnings) == 1
    assert "dropped 8 cells, 3.6 % of the volume" in journal.warnings[0]
    assert mesh.n_points == 7**3, "points of the dropped cells are gone too"


def test_a_face_connects() -> None:
    journal = QuietJournal()
    assert voxel_mesh(two_boxes("by a face"), VoxelMeshConfig(), journal).n_cells == 6**3 + 8
    assert journal.warnings == []


def test_a_few_lost_voxels_are_told_in_the_history_only() -> None:
    labels = ball(Grid((40, 40, 40), (1.0, 1.0, 1.0)), radius_mm=15.0)
    labels.label[0, 0, 0] = 49
    journal = QuietJournal()
    mesh = voxel_mesh(labels, VoxelMeshConfig(), journal)
    assert "dropped 1 cell, " in mesh.history[-1]
    assert journal.warnings == []


def test_two_labels_that_touch_are_one_part() -> None:
    assert set(np.unique(build(ball()).region)) == {49, 50}


@pytest.mark.parametrize("size_mm", [None, 1.0, 1.7])
def test_only_points_at_a_side_that_cuts_the_labels_are_marked(size_mm: float | None) -> None:
    """A bar that the image cuts at its lower end, and that ends a voxel before the upper end."""
    label = np.zeros((10, 9, 9), dtype=np.int32)
    label[0:9, 2:7, 2:7] = 1
    mesh = build(Labels(Grid((9, 9, 10), (1.0, 1.0, 1.0)), label), size_mm=size_mm)
    size = size_mm or 1.0
    z = mesh.points_mm[:, 2]
    assert set(mesh.node_sets[BORDER]) == set(np.flatnonzero(z <= -0.5 + size / 2 + 1e-9))
    assert len(np.unique(z[mesh.node_sets[BORDER]])) == 1
    inner = label.copy()
    inner[0] = 0
    assert len(build(Labels(Grid((9, 9, 10), (1.0, 1.0, 1.0)), inner), size_mm=size_mm).node_sets[BORDER]) == 0


@pytest.mark.parametrize(
    ("labels", "options", "says"),
    [
        (Labels(GRID, np.zeros(GRID.shape, dtype=np.int32)), {}, "no voxel is labelled"),
        (ball(), {"max_cells": 100}, r"about \d{3} cells of 0.7 x 1.1 x 1.6 mm, and 100 are allowed"),
        (ball(), {"size_mm": 0.001}, r"about \d{3},\d{3},\d{3},\d{3} cells of 0.001 x 0.001 x 0.001 mm, and 5,000,000"),
        (ball(), {"size_mm": 30.0}, r"no cell of 30 mm is filled to 50 %; the fullest one has [\d.]+ %"),
    ],
)
def test_what_makes_no_mesh_is_refused_with_numbers(labels: Labels, options: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        build(labels, **options)
    assert caught.value.hint


def test_a_mesh_survives_saving(tmp_path: Path) -> None:
    mesh = build(ball(), size_mm=1.37)
    mesh.save(tmp_path)
    again = Mesh.load(tmp_path)
    assert by_place(again) == by_place(mesh)
    assert again.lattice is not None
    assert mesh.lattice is not None
    assert again.lattice.grid == mesh.lattice.grid


@pytest.mark.parametrize(("size_mm", "warned"), [(None, False), (0.9, False), (0.79, True)])
def test_cells_much_finer_than_the_voxels_are_told(size_mm: float | None, warned: bool) -> None:
    journal = QuietJournal()
    voxel_mesh(ball(), VoxelMeshConfig(size_mm=size_mm), journal)
    assert any("less than half as long as the voxels of 0.7 x 1.1 x 1.6 mm" in text for text in journal.warnings) is warned
