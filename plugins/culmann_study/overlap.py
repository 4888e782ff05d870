"""Two masks of one object compared: overlap, volumes, and distances of their surfaces in mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data.arrays import BoolArray, FloatArray

#: Rounding of the distance transform must not decide whether a voxel lies within a tolerance, mm.
_ROUNDING_MM = 1e-6


@dataclass(frozen=True, slots=True)
class Metrics:
    """How a predicted mask compares with a reference. Distances are NaN where one of the masks is empty.

    Parameters
    ----------
    dice
        Twice the common volume over the sum of the volumes; 1 for two empty masks.
    hausdorff_mm
        The greatest distance between the sets of surface voxels, in both directions.
    hausdorff_foreground_mm
        The same between the sets of all voxels of the masks, as ITK has it.
    hd95_mm
        The greater of both directed 95th percentiles between surface voxels.
    assd_mm
        Mean distance over the surface voxels of both masks together.
    surface_dice
        Share of the surface voxels of both masks that lie within the tolerance of the other surface.
    reference_mm3, prediction_mm3
        The volumes.
    """

    dice: float
    hausdorff_mm: float
    hausdorff_foreground_mm: float
    hd95_mm: float
    assd_mm: float
    surface_dice: float
    reference_mm3: float
    prediction_mm3: float

    @property
    def difference_mm3(self) -> float:
        """Prediction less reference."""
        return self.prediction_mm3 - self.reference_mm3

    @property
    def difference_percent(self) -> float:
        """Prediction less reference, of the reference; NaN where that is empty."""
        return 100 * self.difference_mm3 / self.reference_mm3 if self.reference_mm3 > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two masks cut to the box around both, with what their comparison rests on.

    Parameters
    ----------
    reference, prediction
        (z, y, x), with a margin of one voxel of background.
    box
        Where that is in the arrays that they were cut from; it may reach one voxel beyond.
    spacing_mm
        (z, y, x).
    reference_surface, prediction_surface
        Voxels of a mask with a face towards the background; beyond the image lies background.
    to_reference_mm, to_prediction_mm
        Distance of every voxel of the box to the nearest surface voxel of that mask; infinite where it is empty.
    """

    reference: BoolArray
    prediction: BoolArray
    box: tuple[slice, slice, slice]
    spacing_mm: FloatArray
    reference_surface: BoolArray
    prediction_surface: BoolArray
    to_reference_mm: FloatArray
    to_prediction_mm: FloatArray


def pair_of(reference: BoolArray, prediction: BoolArray, spacing_mm: FloatArray) -> Pair | None:
    """Two masks (z, y, x) of one grid with their surfaces and distances; None when both are empty."""
    either = ndimage.find_objects((reference | prediction).astype(np.uint8))
    if not either:
        return None
    box = tuple(slice(side.start - 1, side.stop + 1) for side in either[0])
    cut = [np.pad(mask[either[0]], 1) for mask in (reference, prediction)]
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in cut]
    away = [
        ndimage.distance_transform_edt(~surface, sampling=spacing_mm) if surface.any() else np.full(surface.shape, np.inf)
        for surface in surfaces
    ]
    return Pair(cut[0], cut[1], (box[0], box[1], box[2]), spacing_mm, surfaces[0], surfaces[1], away[0], away[1])


def compare(pair: Pair | None, tolerance_mm: float, within: BoolArray | None = None) -> Metrics:
    """The metrics of two masks, or of the part of them that lies `within` a region of their box.

    Of a region, the voxels of one mask that lie in it are compared with the whole of the other one: the planes that bound it
    are no surfaces.
    """
    if pair is None:
        return _overlap_only(1.0, 0.0, 0.0)
    where = np.ones(pair.reference.shape, dtype=bool) if within is None else within
    reference, prediction = pair.reference & where, pair.prediction & where
    voxel_mm3 = float(np.prod(pair.spacing_mm))
    volumes = float(reference.sum()) * voxel_mm3, float(prediction.sum()) * voxel_mm3
    both = float((reference & prediction).sum()) * voxel_mm3
    dice = 2 * both / sum(volumes) if sum(volumes) > 0 else 1.0
    there = pair.to_prediction_mm[pair.reference_surface & where]
    back = pair.to_reference_mm[pair.prediction_surface & where]
    if not (len(there) and len(back) and np.isfinite(there).all() and np.isfinite(back).all()):
        return _overlap_only(dice, *volumes)
    near = (there <= tolerance_mm + _ROUNDING_MM).sum() + (back <= tolerance_mm + _ROUNDING_MM).sum()
    outside = np.concatenate(
        # The voxel of a mask that is nearest to a place outside of it is one of its surface: one transform serves both sets.
        [pair.to_prediction_mm[reference & ~pair.prediction], pair.to_reference_mm[prediction & ~pair.reference], [0.0]]
    )
    return Metrics(
        dice,
        hausdorff_mm=float(max(there.max(), back.max())),
        hausdorff_foreground_mm=float(outside.max()),
        hd95_mm=float(max(np.quantile(there, 0.95), np.quantile(back, 0.95))),
        assd_mm=float((there.sum() + back.sum()) / (len(there) + len(back))),
        surface_dice=float(near / (len(there) + len(back))),
        reference_mm3=volumes[0],
        prediction_mm3=volumes[1],
    )


def _overlap_only(dice: float, reference_mm3: float, prediction_mm3: float) -> Metrics:
    """Where one of the surfaces is not there."""
    none = float("nan")
    return Metrics(dice, none, none, none, none, none, reference_mm3, prediction_mm3)


def signed_distance_mm(mask: BoolArray, spacing_mm: FloatArray) -> npt.NDArray[np.float64]:
    """Distance of voxel centres to a mask: positive outside, negative inside, with its zero half-way between the two."""
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing_mm)
    inside = ndimage.distance_transform_edt(mask, sampling=spacing_mm)
    return np.asarray(outside - inside)
