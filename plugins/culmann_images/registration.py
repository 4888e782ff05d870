"""The rigid or affine movement of one CT onto another, found with SimpleITK, the same bits each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from culmann.data import Grid, Scan
from culmann.data.arrays import BoolArray, FloatArray
from culmann.data.images import to_image
from culmann.errors import InputError
from culmann.image_files import quiet_itk
from culmann.regridding import antialias_sigma_voxels, index_map, inside, sample

Kind = Literal["rigid", "affine"]

#: Steps of the pyramid: voxels in mm, and the width of the Gaussian in mm.
_PYRAMID = ((8.0, 6.0), (4.0, 3.0), (2.0, 0.0))

#: The first step of the optimiser in voxels of a level. Longer steps of an affine movement shear the image out of sight.
_FIRST_STEP: dict[Kind, float] = {"rigid": 0.5, "affine": 0.1}

#: Samples of a level, and the seed of their choice.
_SAMPLES, _SEED = 60_000, 20261


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a scan lies on a reference.

    Parameters
    ----------
    correlation
        Of the grey values where both images reach; 0 where there is no contrast.
    covered
        Share of the reference's voxels that the scan reaches.
    """

    correlation: float
    covered: float

    def describe(self) -> str:
        """In words."""
        return f"correlation {self.correlation:.3f}, {100 * self.covered:.0f} % of the reference covered"


def starting_move(scan: Grid, reference: Grid, start: Literal["centres", "as-they-lie"]) -> FloatArray:
    """(4, 4): the first guess of where the points of the reference lie in the scan."""
    move = np.eye(4)
    if start == "centres":
        move[:3, 3] = np.mean(scan.extent_mm(), axis=0) - np.mean(reference.extent_mm(), axis=0)
    return move


def find_move(
    scan: Scan, reference: Scan, kind: Kind, start: FloatArray, window_hu: tuple[float, float], mask: BoolArray | None
) -> FloatArray:
    """(4, 4) matrix that takes points of the reference to where they lie in the scan, mm, LPS.

    Mattes' mutual information of the grey values in a window, over three levels of a pyramid, by regular steps down the
    gradient; for an affine movement, a rigid one is found first. One thread and a fixed choice of samples make it the same
    bits each time.

    Parameters
    ----------
    scan, reference
        The image that moves, and the one that stays.
    kind
        `rigid` keeps lengths, `affine` does not.
    start
        (4, 4): the first guess.
    window_hu
        Grey values beyond its ends count as its ends.
    mask
        (z, y, x) of the reference: where to compare. None for everywhere.

    Raises
    ------
    InputError
        When the images do not overlap enough to be compared.
    """
    centre = np.mean(reference.grid.extent_mm(), axis=0)
    transform = sitk.Euler3DTransform()
    transform.SetCenter(centre.tolist())
    transform.SetTranslation(start[:3, 3].tolist())
    found = _descend(scan, reference, transform, "rigid", window_hu, mask)
    if kind == "affine":
        affine = sitk.AffineTransform(3)
        affine.SetCenter(found.GetCenter())
        affine.SetMatrix(found.GetMatrix())
        affine.SetTranslation(found.GetTranslation())
        found = _descend(scan, reference, affine, "affine", window_hu, mask)
    move = np.eye(4)
    linear, pivot = np.array(found.GetMatrix()).reshape(3, 3), np.array(found.GetCenter())
    move[:3, :3] = linear
    move[:3, 3] = pivot + np.array(found.GetTranslation()) - linear @ pivot
    return move


def _descend(
    scan: Scan,
    reference: Scan,
    transform: sitk.Transform,
    kind: Kind,
    window_hu: tuple[float, float],
    mask: BoolArray | None,
) -> sitk.Transform:
    for voxel_mm, blur_mm in _PYRAMID if kind == "rigid" else _PYRAMID[1:]:
        fixed, moving = (_level(image, voxel_mm, blur_mm, window_hu) for image in (reference, scan))
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=48)
        n_fixed = int(np.prod(fixed.GetSize()))
        if n_fixed > _SAMPLES:
            method.SetMetricSamplingStrategy(method.RANDOM)
            method.SetMetricSamplingPercentage(_SAMPLES / n_fixed, seed=_SEED)
        if mask is not None:
            method.SetMetricFixedMask(to_image(mask.astype(np.uint8), reference.grid))
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=_FIRST_STEP[kind] * voxel_mm, minStep=0.002 * voxel_mm, numberOfIterations=200, relaxationFactor=0.6
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, inPlace=True)
        try:
            with quiet_itk(), _one_thread():
                method.Execute(fixed, moving)
        except RuntimeError as problem:
            raise InputError(
                "the scan and the reference do not overlap enough to be registered",
                hint="do they show the same bone? crop both to it, and bring both to the same side with `mirror`",
            ) from problem
    return transform


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over several threads differ in their last bits from run to run; the registration itself has no say in it."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def _level(scan: Scan, voxel_mm: float, blur_mm: float, window_hu: tuple[float, float]) -> sitk.Image:
    """A scan blurred and thinned out, along each axis to every n-th voxel."""
    spacing = np.asarray(scan.grid.spacing_mm)
    hu = np.clip(scan.hu, np.float32(window_hu[0]), np.float32(window_hu[1]))
    step = np.maximum(1, np.floor(voxel_mm / spacing + 1e-6)).astype(int)
    width = np.maximum(blur_mm, np.where(step > 1, step * spacing, 0.0))
    hu = ndimage.gaussian_filter(hu, (width / np.sqrt(8 * np.log(2)) / spacing)[::-1], mode="nearest")
    thin = tuple(slice(None, None, int(s)) for s in step[::-1])
    hu = np.ascontiguousarray(hu[thin])
    size = (int(hu.shape[2]), int(hu.shape[1]), int(hu.shape[0]))
    sx, sy, sz = (float(s) for s in step * spacing)
    return to_image(hu, Grid(size, (sx, sy, sz), scan.grid.origin_mm, scan.grid.direction))


def moved_onto(scan: Scan, target: Grid, move: FloatArray, order: Literal[1, 3]) -> tuple[npt.NDArray[np.float32], BoolArray]:
    """Grey values (z, y, x) of a scan on the voxels of a grid, and where the scan reaches them; blurred where they are wider.

    `move` is as of `find_move`. Voxels that the scan does not reach are air.
    """
    sigma = antialias_sigma_voxels(scan.grid, target, move)
    hu = ndimage.gaussian_filter(scan.hu, sigma, mode="nearest") if sigma.any() else scan.hu
    matrix, offset = index_map(scan.grid, target, move)
    reached = inside(scan.grid, target, move)
    values = sample(hu, matrix, offset, target.shape, order)
    return np.where(reached, values, -1024).astype(np.float32), reached


def fit(scan: Scan, reference: Scan, move: FloatArray, window_hu: tuple[float, float], mask: BoolArray | None) -> Fit:
    """How well a scan lies on a reference after a movement, by linear interpolation on the reference's voxels."""
    moved, reached = moved_onto(scan, reference.grid, move, 1)
    covered = float(reached.mean())
    counted = reached if mask is None else reached & mask
    if counted.sum() < 2:
        return Fit(0.0, covered)
    one, other = (np.clip(image[counted], *window_hu).astype(np.float64) for image in (moved, reference.hu))
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return Fit(float(one @ other) / size if size > 0 else 0.0, covered)
