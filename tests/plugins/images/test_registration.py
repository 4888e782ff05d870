"""A known movement of a made-up body is found again, the same bits each time, and leads back to the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import Grid, InputError, Labels, Scan
from culmann.image_files import write_image_file
from culmann.journal import QuietJournal
from culmann_images.mirror import MirrorConfig, mirror
from culmann_images.register import RegisterConfig, register
from culmann_segment.pick import PickLabelsConfig, pick_labels

GRID = Grid((52, 44, 36), (2.5, 2.5, 3.0), (-60.0, -50.0, 200.0))
_RNG = np.random.default_rng(11)
CENTRES = np.array([5.0, 5.0, 253.0]) + _RNG.uniform(-42, 42, (14, 3))
WIDTHS, HEIGHTS = _RNG.uniform(6, 12, 14), _RNG.uniform(300, 1100, 14)


def body(points_mm: np.ndarray) -> np.ndarray:
    """Grey values of a lumpy body, which is not symmetric, at points (n, 3)."""
    hu = np.full(len(points_mm), 30.0)
    for centre, width, height in zip(CENTRES, WIDTHS, HEIGHTS, strict=True):
        hu += height * np.exp(-((points_mm - centre) ** 2).sum(axis=1) / (2 * width**2))
    return hu


def every_voxel(grid: Grid) -> np.ndarray:
    k, j, i = np.indices(grid.shape).reshape(3, -1)
    return grid.to_world(np.stack([i, j, k], axis=1))


def seen(grid: Grid, matrix: np.ndarray, noise: float = 10.0) -> Scan:
    """The body after its points were moved by a matrix: what stands at p was at the inverse of p."""
    back = np.linalg.inv(matrix)
    hu = body(every_voxel(grid) @ back[:3, :3].T + back[:3, 3]) + np.random.default_rng(4).normal(0, noise, np.prod(grid.shape))
    return Scan(grid, hu.reshape(grid.shape).astype(np.float32))


def movement(scale: tuple[float, float, float] = (1, 1, 1)) -> np.ndarray:
    matrix = np.eye(4)
    turn = Rotation.from_euler("xyz", (7, -10, 12), degrees=True).as_matrix()
    pivot = np.array([5.0, 5.0, 253.0])
    matrix[:3, :3] = turn @ np.diag(scale)
    matrix[:3, 3] = pivot + np.array([9.0, -7.0, 6.0]) - matrix[:3, :3] @ pivot
    return matrix


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reference") / "reference.nrrd"
    write_image_file(path, seen(GRID, np.eye(4)))
    return path


@pytest.mark.parametrize(("kind", "scale"), [("rigid", (1, 1, 1)), ("affine", (1.08, 0.95, 1.04))])
def test_a_known_movement_is_found(reference: Path, kind: str, scale: tuple[float, float, float]) -> None:
    matrix, journal = movement(scale), QuietJournal()
    options = RegisterConfig(reference=reference, kind=kind, start="as-they-lie")
    found = register(seen(GRID, matrix), options, journal)
    # The lumps of the reference, in the patient: there the movement put them.
    there = CENTRES @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.linalg.norm(found.placement.point_to_patient(CENTRES) - there, axis=1).max() < 0.5
    assert found.grid.same_as(GRID)
    middle = np.s_[10:-10, 12:-12, 12:-12]
    expected = body(every_voxel(GRID)).reshape(GRID.shape)
    assert np.abs(found.hu[middle] - expected[middle]).std() < 20
    assert journal.attachments["registration.png"].startswith(b"\x89PNG")
    stretched = [text for text in journal.warnings if "volume of the bone" in text]
    assert len(stretched) == (kind == "affine")


def test_two_runs_give_the_same_bits(reference: Path) -> None:
    options = RegisterConfig(reference=reference, start="as-they-lie")
    one, two = (register(seen(GRID, movement()), options, QuietJournal()) for _ in range(2))
    assert one.hu.tobytes() == two.hu.tobytes()
    assert one.placement == two.placement


def test_a_point_comes_back_to_the_patient_through_mirror_and_registration(reference: Path) -> None:
    # A patient's right side: the mirrored body, moved.
    reflection = np.diag([-1.0, 1.0, 1.0, 1.0])
    matrix = reflection @ movement()
    i, *_ = GRID.size
    right = Grid(GRID.size, GRID.spacing_mm, (-(GRID.origin_mm[0] + 2.5 * (i - 1)), *GRID.origin_mm[1:]))
    patient = seen(right, matrix)
    found = register(mirror(patient, MirrorConfig(side="right")), RegisterConfig(reference=reference), QuietJournal())
    there = CENTRES @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.linalg.norm(found.placement.point_to_patient(CENTRES) - there, axis=1).max() < 0.5
    assert found.placement.history[0].startswith("mirror")
    assert found.placement.history[1].startswith("register")
    # Labels of the patient follow: what was bright there is labelled where it is bright here.
    labels = Labels(right, (patient.hu > 400).astype(np.int32))
    followed = pick_labels(labels, PickLabelsConfig(), QuietJournal(), found).label > 0
    bright = found.hu > 400
    assert 2 * (followed & bright).sum() / (followed.sum() + bright.sum()) > 0.95


def test_a_mask_keeps_what_lies_outside_of_it_from_steering(reference: Path, tmp_path: Path) -> None:
    scan = seen(GRID, movement())
    inside = np.zeros(GRID.shape, dtype=np.int32)
    inside[8:-8, 9:-9, 9:-9] = 1
    write_image_file(tmp_path / "mask.nrrd", Labels(GRID, inside))
    options = RegisterConfig(reference=reference, mask=tmp_path / "mask.nrrd", start="as-they-lie")
    found = register(scan, options, QuietJournal())
    near = CENTRES[np.abs(CENTRES - [5, 5, 253]).max(axis=1) < 30]
    there = near @ movement()[:3, :3].T + movement()[:3, 3]
    assert np.linalg.norm(found.placement.point_to_patient(near) - there, axis=1).max() < 0.5


def test_what_does_not_fit_is_refused(reference: Path) -> None:
    noise = Scan(GRID, np.random.default_rng(8).normal(0, 300, GRID.shape).astype(np.float32))
    with pytest.raises(InputError, match=r"registration onto reference\.nrrd failed") as refusal:
        register(noise, RegisterConfig(reference=reference), QuietJournal())
    assert refusal.value.hint
    far = Scan(Grid(GRID.size, GRID.spacing_mm, (5000.0, 0.0, 0.0)), noise.hu)
    with pytest.raises(InputError, match="overlap"):
        register(far, RegisterConfig(reference=reference, start="as-they-lie"), QuietJournal())
    with pytest.raises(InputError, match="no file"):
        register(noise, RegisterConfig(reference=Path("absent.nii.gz")), QuietJournal())
