"""The readers: files into scans, label maps and density maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import DensityKind, DensityMap, Labels, Scan
from culmann.densities import DensityUnit, in_g_cm3
from culmann.errors import InputError
from culmann.image_files import ImageFile, read_image_file, read_label_file
from culmann.journal import Journal
from culmann_images.dicom import read_series

#: Thicker slices are worth a warning, mm.
_THICK_MM = 3.0


class ReadScanConfig(Config):
    """Options of `read-scan`."""

    series_uid: str | None = Field(
        None, description="Which DICOM series to read, by its UID, or by the end of it, when the folder holds several."
    )


class ReadLabelsConfig(Config):
    """Options of `read-labels`."""

    names: dict[int, str] = Field(
        default_factory=dict, description="Names of labels, as `{22: L3}`; they replace the names in the file."
    )


class ReadDensityConfig(Config):
    """Options of `read-density`."""

    kind: DensityKind = Field(description="Which density the map holds: it decides which laws and conversions take it.")
    unit: DensityUnit = Field(description="Unit of the values in the file.")


def read_scan(path: Path, config: ReadScanConfig, journal: Journal) -> Scan:
    """Read a CT in Hounsfield units from an image file, or from a folder that holds a DICOM series.

    The axes keep the order and direction that they have in the file. Voxels longer than 3 mm are warned of.

    Raises
    ------
    InputError
        When there is nothing there, it cannot be read, it is no 3-D image, its axes are sheared, or all voxels are equal.
        For a folder, when it holds no series or several, or slices are missing, double, tilted or of mixed geometry.
    """
    if path.is_dir():
        return _warned(read_series(path, config.series_uid), journal)
    if config.series_uid is not None:
        raise InputError(f"`series_uid` chooses a DICOM series in a folder, and {path} is no folder")
    file = _varied(path)
    return _warned(Scan(file.grid, file.array.astype(np.float32), {}, (f"read: {path.name}",)), journal)


def _warned(scan: Scan, journal: Journal) -> Scan:
    """The scan, after a warning of thick slices."""
    thickness = scan.acquisition.get("slice_thickness_mm")
    longest = max(scan.grid.spacing_mm)
    if isinstance(thickness, float) and thickness > max(longest, _THICK_MM):
        longest = thickness
    if longest > _THICK_MM:
        journal.warn(
            f"the slices are {longest:.3g} mm thick: cortical bone is thinner, so that its density is smeared; the failure "
            f"load is less certain than that of a scan of at most {_THICK_MM:g} mm"
        )
    return scan


def read_labels(path: Path, config: ReadLabelsConfig) -> Labels:
    """Read a label map; `.seg.nrrd` files of 3D Slicer bring the names of their segments.

    Raises
    ------
    InputError
        When there is nothing there, it cannot be read, it is no 3-D image, its axes are sheared, a value is no whole number,
        no voxel is labelled, or a name is given to 0, the background.
    """
    unnamable = [value for value in config.names if value < 1]
    if unnamable:
        raise InputError(f"label {unnamable[0]} cannot have a name: labels are numbers from 1 up, 0 is the background")
    labels = read_label_file(path)
    return Labels(labels.grid, labels.label, {**labels.names, **config.names}, labels.history)


def read_density(path: Path, config: ReadDensityConfig) -> DensityMap:
    """Read a map of densities that is calibrated already.

    Raises
    ------
    InputError
        As for a scan, and when the values can hardly be in the stated unit.
    """
    file = _varied(path)
    g_cm3 = in_g_cm3(file.array, config.unit, str(path))
    return DensityMap(file.grid, g_cm3, config.kind, {"method": "read from a file", "file": path.name, "unit": config.unit})


def _varied(path: Path) -> ImageFile:
    file = read_image_file(path)
    lowest = file.array.min()
    if lowest == file.array.max():
        raise InputError(f"{path}: every voxel is {lowest:g}, there is nothing in the image")
    return file
