"""Mirrored twice is the scan again, the placement leads back, and a scan of both sides is cut in its middle."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import DensityMap, Grid, InputError, Labels, Scan
from culmann.journal import QuietJournal
from culmann_images.crop import CropConfig, crop
from culmann_images.mirror import MirrorConfig, mirror, mirror_density, mirror_labels
from culmann_images.side import KeepSideConfig, keep_side
from culmann_segment.pick import PickLabelsConfig, pick_labels

_TURN = Rotation.from_euler("xyz", [10, -17, 25], degrees=True).as_matrix()
GRIDS = {
    "straight": Grid((7, 5, 6), (0.7, 0.9, 2.5), (-33.3, 12.1, 400.7)),
    "flipped": Grid((7, 5, 6), (0.7, 0.9, 2.5), (-33.3, 12.1, 400.7), (-1, 0, 0, 0, -1, 0, 0, 0, 1)),
    "permuted": Grid((7, 5, 6), (0.7, 0.9, 2.5), (-33.3, 12.1, 400.7), (0, 0, -1, 1, 0, 0, 0, -1, 0)),
    "left-handed": Grid((7, 5, 6), (0.7, 0.9, 2.5), (-33.3, 12.1, 400.7), (-1, 0, 0, 0, 1, 0, 0, 0, 1)),
    "turned": Grid((7, 5, 6), (0.7, 0.9, 2.5), (-33.3, 12.1, 400.7), tuple(float(v) for v in _TURN.ravel())),
}


def made_up(grid: Grid) -> Scan:
    return Scan(grid, np.random.default_rng(1).normal(0, 300, grid.shape).astype(np.float32))


def every_voxel(grid: Grid) -> np.ndarray:
    k, j, i = np.indices(grid.shape).reshape(3, -1)
    return grid.to_world(np.stack([i, j, k], axis=1))


@pytest.mark.parametrize("name", GRIDS)
def test_every_voxel_goes_to_its_reflection_and_knows_the_way_back(name: str) -> None:
    scan = made_up(GRIDS[name])
    mirrored = mirror(scan, MirrorConfig())
    assert np.linalg.det(mirrored.grid.axes) == pytest.approx(np.linalg.det(scan.grid.axes))
    there = every_voxel(mirrored.grid)
    # The patient's voxels, found again by their position alone.
    index = scan.grid.to_index(there * [-1, 1, 1])
    assert index == pytest.approx(index.round(), abs=1e-9)
    i, j, k = index.round().astype(int).T
    assert (scan.hu[k, j, i] == mirrored.hu.ravel()).all()
    assert mirrored.placement.point_to_patient(there) == pytest.approx(there * [-1, 1, 1], abs=1e-12)


@pytest.mark.parametrize("name", GRIDS)
def test_mirrored_twice_gives_the_same_bits(name: str) -> None:
    scan = made_up(GRIDS[name])
    twice = mirror(mirror(scan, MirrorConfig()), MirrorConfig())
    assert twice.hu.tobytes() == scan.hu.tobytes()
    assert twice.grid.same_as(scan.grid, tolerance_mm=1e-9)
    assert twice.placement.same_as(scan.placement)
    assert len(twice.history) == 2


def test_a_side_that_is_the_wanted_one_already_stays() -> None:
    scan = made_up(GRIDS["flipped"])
    assert mirror(scan, MirrorConfig(side="left")) is scan
    assert mirror(scan, MirrorConfig(side="left", to_side="right")).placement.history
    assert mirror(scan, MirrorConfig(side="right")).placement.history


def test_labels_and_densities_go_where_the_scan_goes() -> None:
    scan = made_up(GRIDS["permuted"])
    label = (scan.hu > 0).astype(np.int32)
    labels, density = Labels(scan.grid, label, {1: "bone"}), DensityMap(scan.grid, scan.hu / 1000, "ash", {"method": "made up"})
    mirrored = mirror(scan, MirrorConfig())
    other = mirror_labels(labels, MirrorConfig())
    assert ((mirrored.hu > 0) == (other.label > 0)).all()
    assert other.names == {1: "bone"}
    dense = mirror_density(density, MirrorConfig())
    assert (dense.g_cm3 == mirrored.hu / 1000).all()
    assert other.grid == dense.grid == mirrored.grid
    assert other.placement == dense.placement == mirrored.placement
    assert "mirror" in str(dense.calibration["since then"])


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
@pytest.mark.parametrize("name", GRIDS)
def test_labels_of_the_patient_follow_a_mirrored_scan(name: str, interpolation: str) -> None:
    scan = made_up(GRIDS[name])
    labels = Labels(scan.grid, (scan.hu > 0).astype(np.int32))
    mirrored = mirror(scan, MirrorConfig())
    journal = QuietJournal()
    followed = pick_labels(labels, PickLabelsConfig(interpolation=interpolation), journal, mirrored)
    assert (followed.label == mirror_labels(labels, MirrorConfig()).label).all()
    assert followed.placement == mirrored.placement
    assert not journal.warnings


def test_a_scan_is_not_cropped_to_labels_of_another_space() -> None:
    scan = made_up(GRIDS["straight"])
    labels = Labels(scan.grid, (scan.hu > 0).astype(np.int32))
    with pytest.raises(InputError, match="different spaces"):
        crop(mirror(scan, MirrorConfig()), labels, CropConfig())


def pelvis(middle_mm: float = 6.0, seed: int = 2) -> Scan:
    """Two thighs with bones, unlike in detail, about a plane that is not the middle of the image."""
    grid = Grid((120, 60, 10), (3.0, 3.0, 6.0), (-190.0, -80.0, 0.0))
    x, y, _ = every_voxel(grid).T
    hu = np.full(grid.shape, -1000.0)
    for side, bone in ((-1, 95.0), (1, 101.0)):
        centre = middle_mm + side * 90
        hu.ravel()[((x - centre) / 92) ** 2 + (y / 75) ** 2 < 1] = 40
        hu.ravel()[np.hypot(x - middle_mm - side * bone, y + 8) < 24] = 600
        hu.ravel()[np.hypot(x - middle_mm - side * bone, y + 8) < 15] = 150
    return Scan(grid, (hu + np.random.default_rng(seed).normal(0, 25, grid.shape)).astype(np.float32))


@pytest.mark.parametrize("middle_mm", [6.0, -21.0])
def test_the_two_halves_are_the_scan_and_meet_in_its_middle(middle_mm: float) -> None:
    scan, journal = pelvis(middle_mm), QuietJournal()
    left = keep_side(scan, KeepSideConfig(side="left"), journal)
    right = keep_side(scan, KeepSideConfig(side="right"), journal)
    assert left.grid.extent_mm()[0][0] == pytest.approx(middle_mm, abs=5)
    assert right.grid.extent_mm()[1][0] == pytest.approx(middle_mm, abs=5)
    assert (np.concatenate([right.hu, left.hu], axis=2)[..., -left.grid.size[0] :] == scan.hu[..., -left.grid.size[0] :]).all()
    assert left.grid.size[0] + right.grid.size[0] - scan.grid.size[0] in {0, 1}
    assert left.placement == scan.placement
    assert journal.attachments["sides.png"].startswith(b"\x89PNG")


def test_left_is_left_of_the_patient_whatever_the_axes_of_the_file() -> None:
    scan = pelvis()
    turned = np.ascontiguousarray(scan.hu[:, ::-1, ::-1])
    x, y, z = (float(v) for v in scan.grid.to_world(np.array([[119, 59, 0]]))[0])
    other = Scan(Grid(scan.grid.size, scan.grid.spacing_mm, (x, y, z), (-1, 0, 0, 0, -1, 0, 0, 0, 1)), turned)
    options = KeepSideConfig(side="left")
    one, two = keep_side(scan, options, QuietJournal()), keep_side(other, options, QuietJournal())
    assert np.array(one.grid.extent_mm()) == pytest.approx(np.array(two.grid.extent_mm()))
    assert (one.hu == two.hu[:, ::-1, ::-1]).all()


def test_a_scan_of_one_side_is_not_cut() -> None:
    half = keep_side(pelvis(), KeepSideConfig(side="right"), QuietJournal())
    with pytest.raises(InputError, match="no two sides") as refusal:
        keep_side(half, KeepSideConfig(side="right"), QuietJournal())
    assert "at_mm" in refusal.value.hint


def test_the_plane_can_be_given() -> None:
    scan = pelvis()
    left = keep_side(scan, KeepSideConfig(side="left", at_mm=30.0), QuietJournal())
    assert left.grid.extent_mm()[0][0] == pytest.approx(30.0, abs=1.5)
    with pytest.raises(InputError, match="outside of the scan"):
        keep_side(scan, KeepSideConfig(side="left", at_mm=500.0), QuietJournal())
