"""Image files of the formats that SimpleITK reads, checked: bad files end in a sentence, good ones as arrays on a Grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from culmann.data import DensityMap, Grid, Labels, Scan
from culmann.data.images import to_image
from culmann.errors import InputError
from culmann.nifti_length import expect_whole
from culmann.whole import in_one_step

#: Endings of the image files that culmann reads.
SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")

#: No image of a bone is shorter or longer than this, whatever scanned it: its header is in another unit.
_LONGEST_SIDE_MM = (1.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """What an image file holds.

    Parameters
    ----------
    array
        (z, y, x), in the type of the file.
    grid
        Where the voxels are.
    header
        What else the file says, as text.
    """

    array: npt.NDArray[Any]
    grid: Grid
    header: Mapping[str, str]


@contextmanager
def quiet_itk() -> Iterator[None]:
    """ITK prints its warnings to stderr by itself; what matters of them is said here as errors."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def read_image_file(path: Path) -> ImageFile:
    """Read a 3-D image of one number a voxel.

    Parameters
    ----------
    path
        NIfTI, NRRD, MetaImage; the axes stay in the order and direction that they have in the file. ITK turns what is no
        finite number in a NIfTI file into 0.

    Raises
    ------
    InputError
        When there is no such file, it cannot be read, it is no 3-D image of real numbers, its axes are sheared, or a voxel
        is not a finite number.
    """
    return _read(path, layered=False)


def read_layers(path: Path) -> ImageFile:
    """Read a 3-D image that may have several numbers a voxel: its array is (z, y, x), or (z, y, x, layer).

    Raises
    ------
    InputError
        As `read_image_file`.
    """
    return _read(path, layered=True)


def _read(path: Path, *, layered: bool) -> ImageFile:
    with quiet_itk():
        reader = _opened(path, layered=layered)
        try:
            if path.name.lower().endswith((".nii", ".nii.gz")):
                expect_whole(path)
            image = reader.Execute()
        except RuntimeError as problem:
            raise _unreadable(path, str(problem)) from problem
    return ImageFile(
        _finite(path, np.asarray(sitk.GetArrayFromImage(image))),
        _grid(path, image),
        {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()},
    )


def read_image_grid(path: Path) -> Grid:
    """Where the voxels of an image file are, from its header alone; raises InputError as `read_image_file` does."""
    with quiet_itk():
        return _grid(path, _opened(path))


def _opened(path: Path, *, layered: bool = False) -> sitk.ImageFileReader:
    """A reader that has read the header of a 3-D image."""
    if not path.exists():
        raise InputError(f"there is no file {path}", hint="check the path; relative paths start at the folder you are in")
    if path.is_dir():
        raise InputError(f"{path} is a folder, and one image file is wanted", hint=f"give a file: {', '.join(SUFFIXES)}")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as problem:
        raise _unreadable(path, str(problem)) from problem
    _expect_plain_volume(path, reader, layered)
    return reader


def _expect_plain_volume(path: Path, reader: sitk.ImageFileReader, layered: bool) -> None:
    shape = " x ".join(str(n) for n in reader.GetSize())
    if reader.GetDimension() != 3:
        raise InputError(
            f"{path} is a {reader.GetDimension()}-D image ({shape} voxels); a 3-D image is wanted",
            hint="save the one volume that you mean as a file of its own",
        )
    if min(reader.GetSize()) < 1:
        raise InputError(f"{path} is empty: {shape} voxels")
    if reader.GetNumberOfComponents() != 1 and not layered:
        raise InputError(
            f"{path} holds {reader.GetNumberOfComponents()} numbers a voxel (a colour image, or overlapping segments); "
            "one number a voxel is wanted",
            hint="save it as a grey-value image; in 3D Slicer, export overlapping segments as one label map",
        )
    if reader.GetPixelID() in {sitk.sitkComplexFloat32, sitk.sitkComplexFloat64}:
        raise InputError(f"{path} holds complex numbers; real ones are wanted")


def _grid(path: Path, image: sitk.Image | sitk.ImageFileReader) -> Grid:
    try:
        sx, sy, sz = image.GetSpacing()
        ox, oy, oz = image.GetOrigin()
        i, j, k = image.GetSize()
        grid = Grid((i, j, k), (sx, sy, sz), (ox, oy, oz), tuple(image.GetDirection()))
    except ValueError as problem:
        raise InputError(f"{path}: {problem}", hint="resample the image onto a grid with axes at right angles") from problem
    _expect_millimetres(path, grid)
    return grid


def _expect_millimetres(path: Path, grid: Grid) -> None:
    longest_mm = max(n * s for n, s in zip(grid.size, grid.spacing_mm, strict=True))
    least, most = _LONGEST_SIDE_MM
    if not least <= longest_mm <= most:
        unit, factor = ("metres", "1000") if longest_mm < least else ("micrometres", "0.001")
        raise InputError(
            f"the longest side of {path} is {longest_mm:.3g} mm: its spacing is probably in {unit}, and millimetres are wanted",
            hint=f"correct the header; with SimpleITK: image.SetSpacing([{factor} * s for s in image.GetSpacing()])",
        )


def _finite(path: Path, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not np.issubdtype(array.dtype, np.floating):
        return array
    bad = ~np.isfinite(array)
    if bad.any():
        k, j, i = (int(n) for n in np.argwhere(bad)[0])
        raise InputError(
            f"{path}: {int(bad.sum())} voxels are not finite numbers, the first at (i, j, k) = ({i}, {j}, {k})",
            hint="fill them before: with -1024 in a CT, with 0 in a label map",
        )
    return array


def _unreadable(path: Path, problem: str) -> InputError:
    if "orthonormal" in problem:
        return InputError(
            f"{path}: the axes of the image are not at right angles, or its header is damaged",
            hint="resample the image onto a grid with axes at right angles, or save it again with the program it comes from",
        )
    if "Unable to determine ImageIO" in problem:
        return InputError(f"{path} is no image that can be read", hint=f"readable are {', '.join(SUFFIXES)}")
    last = problem.strip().splitlines()[-1].removeprefix("sitk::ERROR: ").removeprefix("ITK ERROR: ")
    return InputError(f"{path} cannot be read: {last}", hint="the file may be cut off or damaged; copy it again")


def read_label_file(path: Path, *, may_be_empty: bool = False) -> Labels:
    """Read a label map, with the names of the segments when the file has them (3D Slicer's `.seg.nrrd`).

    Raises
    ------
    InputError
        As `read_image_file`, and when a value is no whole number of at least 0, or no voxel is labelled and that may not be;
        of a segmentation of 3D Slicer as `read_segmentation`, which refuses segments that overlap.
    """
    from culmann.slicer_segments import is_segmentation, read_segmentation  # here: it reads its files by this module

    file = read_layers(path)
    if is_segmentation(file.header) and path.name.lower().endswith(".nrrd"):
        return read_segmentation(path, may_be_empty=may_be_empty)
    if file.array.ndim == 4:
        file = read_image_file(path)  # which refuses it in its words
    values = file.array
    wrong = (values < 0) | (values > np.iinfo(np.int32).max)
    if np.issubdtype(values.dtype, np.floating):
        wrong |= values != np.round(values)
    if wrong.any():
        k, j, i = (int(n) for n in np.argwhere(wrong)[0])
        raise InputError(
            f"{path} is no label map: {int(wrong.sum())} voxels are not whole numbers from 0 up, the first is "
            f"{values[k, j, i]:.6g} at (i, j, k) = ({i}, {j}, {k})",
            hint="is it the CT, a probability map, or a mask that was resampled with interpolation?",
        )
    if not values.any() and not may_be_empty:
        raise InputError(f"{path}: no voxel is labelled, all are 0")
    return Labels(file.grid, values.astype(np.int32), {}, (f"read: {path.name}",))


def write_image_file(path: Path, data: Scan | Labels | DensityMap) -> None:
    """Write the voxels of a scan, a label map or a density map in the format of the file's ending, whole or not at all.

    Raises
    ------
    InputError
        When the ending is none of `SUFFIXES`, or the file cannot be written.
    """
    suffix = next((s for s in SUFFIXES if path.name.lower().endswith(s)), None)
    if suffix is None or suffix in {".nhdr", ".mhd"}:
        raise InputError(f"cannot tell the format of {path.name}", hint="use .nii.gz, .nii, .nrrd or .mha")
    array: npt.NDArray[Any] = data.hu if isinstance(data, Scan) else data.label if isinstance(data, Labels) else data.g_cm3
    try:
        with in_one_step(path, f".part{suffix}") as part:
            sitk.WriteImage(to_image(array, data.grid), str(part), True)
    except (RuntimeError, OSError) as problem:
        raise InputError(f"{path} cannot be written", hint="does the folder exist, and is there room?") from problem
