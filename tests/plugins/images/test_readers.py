"""The readers of scans, labels and densities: values, names, units, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from culmann import Grid, InputError, Labels, Scan
from culmann.image_files import write_image_file
from culmann.journal import QuietJournal
from culmann_images.readers import (
    ReadDensityConfig,
    ReadLabelsConfig,
    ReadScanConfig,
    read_density,
    read_labels,
    read_scan,
)

GRID = Grid((4, 3, 2), (1.0, 2.0, 3.0), (5.0, 6.0, 7.0), (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0))


def image(folder: Path, values: Any, name: str = "image.nrrd") -> Path:
    write_image_file(folder / name, Scan(GRID, np.broadcast_to(np.float32(values), GRID.shape).astype(np.float32)))
    return folder / name


def ramp(low: float, high: float) -> Any:
    return np.linspace(low, high, 24).reshape(GRID.shape)


def test_a_scan_keeps_the_axes_of_its_file(tmp_path: Path) -> None:
    scan = read_scan(image(tmp_path, ramp(-1000, 2000)), ReadScanConfig(), QuietJournal())
    assert scan.grid == GRID
    assert scan.hu.dtype == np.float32
    assert np.array_equal(scan.hu, ramp(-1000, 2000).astype(np.float32))
    assert scan.history == ("read: image.nrrd",)


def test_an_image_of_one_value_is_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="every voxel is -1024, there is nothing in the image"):
        read_scan(image(tmp_path, -1024), ReadScanConfig(), QuietJournal())


def test_a_series_is_not_chosen_in_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        read_scan(image(tmp_path, ramp(0, 1)), ReadScanConfig(series_uid="1.2"), QuietJournal())


def labels_file(folder: Path) -> Path:
    label = np.zeros(GRID.shape, dtype=np.int32)
    label[0, 0, :3] = 21, 22, 22
    write_image_file(folder / "labels.nii.gz", Labels(GRID, label))
    return folder / "labels.nii.gz"


def test_labels_get_the_names_of_the_options(tmp_path: Path) -> None:
    labels = read_labels(labels_file(tmp_path), ReadLabelsConfig(names={22: "L3", 30: "absent"}))
    assert labels.present() == {21: "label-21", 22: "L3"}


def test_the_background_has_no_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="label 0 cannot have a name"):
        read_labels(labels_file(tmp_path), ReadLabelsConfig(names={0: "air"}))


@pytest.mark.parametrize(("unit", "factor"), [("mg/cm3", 1e-3), ("g/cm3", 1.0)])
def test_densities_come_out_in_g_cm3(unit: Any, factor: float, tmp_path: Path) -> None:
    values = ramp(-0.1, 1.5) / factor
    density = read_density(image(tmp_path, values), ReadDensityConfig(kind="qct-ha", unit=unit))
    assert np.allclose(density.g_cm3, ramp(-0.1, 1.5), atol=1e-6)
    assert density.kind == "qct-ha"
    assert density.calibration["unit"] == unit


@pytest.mark.parametrize(
    ("unit", "values", "says"),
    [
        ("g/cm3", ramp(-100, 1500), r"highest density is 1500, which can hardly be g/cm3"),
        ("mg/cm3", ramp(-0.1, 1.5), r"highest density is 1.5, which can hardly be mg/cm3"),
        ("g/cm3", ramp(-2, -1), "no density is above 0"),
    ],
)
def test_densities_in_another_unit_are_refused(unit: Any, values: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_density(image(tmp_path, values), ReadDensityConfig(kind="ash", unit=unit))
    assert "image.nrrd" in caught.value.message


def test_kind_and_unit_of_a_density_must_be_said() -> None:
    with pytest.raises(ValidationError, match="kind") as caught:
        ReadDensityConfig()  # type: ignore[call-arg]
    assert caught.value.error_count() == 2


def test_a_folder_is_no_label_map(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        read_labels(tmp_path, ReadLabelsConfig())
