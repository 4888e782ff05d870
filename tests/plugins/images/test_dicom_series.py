"""A DICOM folder becomes a scan that lies where its slices say, and folders that hold no regular stack are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from culmann import InputError, Scan
from culmann.journal import QuietJournal
from culmann_images.readers import ReadScanConfig, read_scan

UID = "1.2.826.0.1.3680043.2.1125"
AXIAL = np.eye(3)
#: Columns: along a row, down a column, from slice to slice. A coronal stack, and one turned about two axes.
CORONAL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_A, _B = np.cos(0.4), np.sin(0.4)
OBLIQUE = np.array([[1, 0, 0], [0, _A, -_B], [0, _B, _A]]) @ np.array([[_A, -_B, 0], [_B, _A, 0], [0, 0, 1]])


def write_series(
    folder: Path,
    *,
    series: str = "1",
    axes: Any = AXIAL,
    positions: Any = None,
    shape: tuple[int, int] = (5, 4),
    spacing: tuple[float, float] = (0.8, 0.6),
    intercept: int = -1024,
    change: Callable[[int], dict[str, str]] = lambda _: {},
    prefix: str = "IM",
) -> Any:
    """Write slices in shuffled file names; gives their stored values (slice, row, column) and their positions (n, 3)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    if positions is None:
        positions = np.array([-20.0, 35.0, 410.0]) + np.outer(np.arange(7) * 2.5, axes[:, 2])
    stored = rng.integers(0, 3000, (len(positions), *shape)).astype(np.int16)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for n, file in enumerate(rng.permutation(len(positions))):
        image = sitk.GetImageFromArray((stored[n] + intercept).astype(np.int16))
        image.SetSpacing(spacing)
        tags = {
            "0008|0060": "CT",
            "0008|0016": "1.2.840.10008.5.1.4.1.1.2",
            "0008|0018": f"{UID}.{series}.{n + 1}",
            "0020|000d": f"{UID}.9",
            "0020|000e": f"{UID}.{series}",
            "0008|103e": f"series {series}",
            "0018|0060": "120",
            "0018|1210": "Br64",
            "0008|0070": "ACME",
            "0018|1130": "161.5",
            "0018|0050": "3.0",
            "0020|0032": "\\".join(f"{v:.6f}" for v in positions[n]),
            "0020|0037": "\\".join(f"{v:.9f}" for v in (*axes[:, 0], *axes[:, 1])),
            "0028|1052": str(intercept),
            "0028|1053": "1",
        } | change(n)
        for key, value in tags.items():
            image.SetMetaData(key, value)
        writer.SetFileName(str(folder / f"{prefix}{file:03d}.dcm"))
        writer.Execute(image)
    return stored, np.asarray(positions)


def read(folder: Path, series_uid: str | None = None) -> Scan:
    return read_scan(folder, ReadScanConfig(series_uid=series_uid), QuietJournal())


@pytest.mark.parametrize("axes", [AXIAL, CORONAL, OBLIQUE], ids=["axial", "coronal", "oblique"])
@pytest.mark.parametrize("backwards", [False, True])
def test_every_pixel_lies_where_its_slice_says(axes: Any, backwards: bool, tmp_path: Path) -> None:
    positions = np.array([-20.0, 35.0, 410.0]) + np.outer(np.arange(7) * 2.5, axes[:, 2])
    stored, positions = write_series(tmp_path, axes=axes, positions=positions[::-1] if backwards else positions)
    scan = read(tmp_path)
    assert scan.grid.size == (4, 5, 7)
    assert np.allclose(scan.grid.spacing_mm, (0.8, 0.6, 2.5))
    for n, row, column in ((0, 0, 0), (2, 4, 1), (6, 3, 3)):
        # PS3.3 C.7.6.2.1.1: position + column step along the row direction + row step along the column direction.
        point = positions[n] + axes[:, 0] * 0.8 * column + axes[:, 1] * 0.6 * row
        i, j, k = np.round(scan.grid.to_index(point[None])[0], 4).astype(int)
        assert np.allclose(scan.grid.to_world(np.array([[i, j, k]]))[0], point, atol=1e-4)
        assert scan.hu[k, j, i] == stored[n, row, column] - 1024


def test_the_rescale_of_each_slice_is_applied_to_its_stored_values(tmp_path: Path) -> None:
    """Against the bytes of the files: 16-bit little-endian pixels are the last thing in an uncompressed file."""
    write_series(tmp_path, intercept=-1000)
    scan = read(tmp_path)
    seen = set()
    for path in tmp_path.iterdir():
        raw = np.frombuffer(path.read_bytes()[-2 * 20 :], dtype="<i2").reshape(5, 4)
        found = [k for k in range(7) if np.array_equal(scan.hu[k], raw - 1000.0)]
        assert len(found) == 1
        seen.add(found[0])
    assert seen == set(range(7))


def test_the_acquisition_is_kept(tmp_path: Path) -> None:
    write_series(tmp_path)
    scan = read(tmp_path)
    assert scan.acquisition == {
        "series_uid": f"{UID}.1",
        "series_description": "series 1",
        "kvp": 120.0,
        "kernel": "Br64",
        "manufacturer": "ACME",
        "table_height_mm": 161.5,
        "slice_thickness_mm": 3.0,
    }
    assert scan.history == (f"read: DICOM series {UID}.1 of 7 slices from {tmp_path.name}",)


def test_other_files_in_the_folder_are_passed_over(tmp_path: Path) -> None:
    write_series(tmp_path)
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "inner").mkdir()
    assert read(tmp_path).grid.size == (4, 5, 7)


def test_positions_rounded_to_a_tenth_are_a_regular_stack(tmp_path: Path) -> None:
    z = (np.arange(9) * 0.75).round(1)
    write_series(tmp_path, positions=np.stack([0 * z, 0 * z, z], axis=1))
    assert read(tmp_path).grid.spacing_mm[2] == pytest.approx(0.75)


def test_several_series_are_listed_and_chosen_by_uid_or_its_end(tmp_path: Path) -> None:
    write_series(tmp_path, series="17")
    z = np.arange(3.0)
    write_series(tmp_path, series="28", prefix="B", positions=np.stack([z, 0 * z, 0 * z], axis=1)[:, ::-1])
    with pytest.raises(InputError, match="holds 2 DICOM series") as caught:
        read(tmp_path)
    assert f"{UID}.17: series 17, 7 slices" in caught.value.message
    assert f"{UID}.28: series 28, 3 slices" in caught.value.message
    assert "series_uid" in caught.value.hint
    assert read(tmp_path, f"{UID}.28").grid.size[2] == 3
    assert read(tmp_path, ".17").grid.size[2] == 7
    with pytest.raises(InputError, match=r"no DICOM series 99; it holds\n(.*\n)?.*series 17, 7 slices"):
        read(tmp_path, "99")


def line(z: Any) -> Any:
    z = np.asarray(z, dtype=float)
    return np.stack([0 * z, 0 * z, z], axis=1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"positions": line([0, 2, 4, 8, 10])}, r"a gap of 4.00 mm between IM\d+.dcm \(4.00 mm\) and IM\d+.dcm \(8.00 mm\)"),
        ({"positions": line([0, 2, 4, 6, 8.7, 11.4, 14.1])}, r"unevenly spaced: 2.00 to 2.70 mm"),
        ({"positions": line([0, 2, 2, 4, 4, 6])}, r"slices at the same position: .* at 2.00 mm, 2 in all"),
        ({"positions": line(np.arange(6) * 2.0) + np.outer(np.arange(6), [0, 0.5, 0])}, r"gantry tilted by 14.0 degrees"),
        ({"change": lambda n: {"0020|0037": "1\\0\\0\\0\\0\\-1"} if n == 2 else {}}, r"another orientation: .*1 of 7|6 of 7"),
        ({"change": lambda _: {"0008|0060": "MR"}}, "modality MR"),
        ({"positions": line([0.0])}, "one slice"),
    ],
    ids=["gap", "uneven", "double", "tilt", "orientation", "modality", "single"],
)
def test_what_is_no_regular_stack_of_ct_is_refused(options: Any, says: str, tmp_path: Path) -> None:
    write_series(tmp_path, **options)
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path)
    assert str(tmp_path) in caught.value.message


def test_a_file_of_many_frames_is_refused(tmp_path: Path) -> None:
    frames = sitk.GetImageFromArray(np.zeros((4, 5, 6), dtype=np.int16))
    frames.SetMetaData("0008|0060", "CT")
    sitk.WriteImage(frames, str(tmp_path / "all.dcm"))
    with pytest.raises(InputError, match=r"all\.dcm is a multi-frame DICOM file") as caught:
        read(tmp_path)
    assert "dcm2niix" in caught.value.hint


@pytest.mark.parametrize(
    ("step_mm", "thickness_mm", "warned"), [(2.5, "2.5", ""), (2.5, "5.0", "5 mm thick"), (3.2, "2.0", "3.2 mm thick")]
)
def test_thick_slices_are_warned_of(step_mm: float, thickness_mm: str, warned: str, tmp_path: Path) -> None:
    write_series(tmp_path, positions=line(np.arange(6) * step_mm), change=lambda _: {"0018|0050": thickness_mm})
    journal = QuietJournal()
    read_scan(tmp_path, ReadScanConfig(), journal)
    assert [warned in text for text in journal.warnings] == ([True] if warned else [])


def test_a_tilt_in_the_header_is_told(tmp_path: Path) -> None:
    tilted = line(np.arange(6) * 2.0) + np.outer(np.arange(6), [0, 0.5, 0])
    write_series(tmp_path, positions=tilted, change=lambda _: {"0018|1120": "14.0"})
    with pytest.raises(InputError, match=r"the header says 14\.0"):
        read(tmp_path)


@pytest.mark.parametrize("other", [{"shape": (6, 4)}, {"spacing": (0.8, 0.7)}])
def test_slices_of_another_size_are_refused(other: Any, tmp_path: Path) -> None:
    write_series(tmp_path)
    write_series(tmp_path, prefix="B", positions=line(np.arange(3) + 500.0), **other)
    with pytest.raises(InputError, match=r"mixes slices of another .* of 10 slices differ"):
        read(tmp_path)


def test_a_slice_without_a_position_is_named(tmp_path: Path) -> None:
    write_series(tmp_path)
    image = sitk.GetImageFromArray(np.zeros((5, 4), dtype=np.int16))
    for key, value in {"0008|0060": "CT", "0020|000e": f"{UID}.1", "0008|0016": "1.2.840.10008.5.1.4.1.1.7"}.items():
        image.SetMetaData(key, value)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetFileName(str(tmp_path / "scout.dcm"))
    writer.Execute(image)
    with pytest.raises(InputError, match=r"scout\.dcm"):
        read(tmp_path)


def test_a_folder_without_images_says_where_there_may_be_some(tmp_path: Path) -> None:
    write_series(tmp_path / "series")
    with pytest.raises(InputError, match="no DICOM image in") as caught:
        read(tmp_path)
    assert "series" in caught.value.hint


@pytest.mark.parametrize("missing", [1, 17, 3000, 8500])
def test_a_slice_that_is_cut_off_is_named(missing: int, tmp_path: Path) -> None:
    write_series(tmp_path, shape=(64, 64))
    path = tmp_path / "IM003.dcm"
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(InputError, match=r"IM003\.dcm"):
        read(tmp_path)


def test_a_real_series_of_another_maker() -> None:
    folder = Path(__file__).parents[4] / "shared" / "data" / "trunk_dicom"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data")
    scan = read(folder)
    assert scan.grid.size == (512, 512, 20)
    assert np.allclose(scan.grid.spacing_mm, (0.9765625, 0.9765625, 2.0))
    assert scan.acquisition["kvp"] == 120.0
    # What ITK's own series reader makes of the same files in the order of their positions.
    names = sorted(folder.iterdir(), key=lambda p: float(sitk.ReadImage(str(p)).GetOrigin()[2]))
    theirs = sitk.ReadImage([str(p) for p in names])
    assert np.array_equal(sitk.GetArrayFromImage(theirs).astype(np.float32), scan.hu)
    assert np.allclose(theirs.TransformIndexToPhysicalPoint((5, 6, 7)), scan.grid.to_world(np.array([[5, 6, 7]]))[0], atol=1e-3)
