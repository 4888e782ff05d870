"""The outline of a femur: one smoothed solid from its labels, its surface as weighted points, and plane sections through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid, Labels
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.errors import InputError

#: A second part with more than this share of the largest one's volume is another bone, or a broken one.
_SECOND_PART = 0.1

#: The map is blurred by at least this many voxels, or the steps between them would pass for the shape.
_LEAST_BLUR = 0.7

#: Distance of the samples of a plane section, mm.
_STEP_MM = 1.0

#: A hair above 1/2: where voxels are inside or outside and the blur is even, whole planes lie at 1/2, and rounding would
#: decide.
_LEVEL = 0.5 + 1e-4


@dataclass(frozen=True, slots=True)
class Outline:
    """The solid of a femur.

    Parameters
    ----------
    grid, field
        The solid on its own box, (z, y, x): above 1/2 is inside.
    points_mm, normals, area_mm2
        (n, 3), (n, 3) and (n,): its surface where it crosses the lines between voxels, with the area that each point stands
        for. What lies at a side of the image is left out: there the image ends and not the bone.
    image
        The grid of the labels.
    inertia_axes
        (3, 3): rows are the principal axes of the solid. They turn and mirror with it; their signs mean nothing.
    dropped_share
        The share of the labelled volume that no face connects to the solid.
    """

    grid: Grid
    field: npt.NDArray[np.float32]
    points_mm: FloatArray
    normals: FloatArray
    area_mm2: FloatArray
    image: Grid
    inertia_axes: FloatArray
    dropped_share: float

    @property
    def voxel_mm(self) -> float:
        """The longest side of a voxel."""
        return max(self.grid.spacing_mm)

    def inside(self, points_mm: FloatArray) -> BoolArray:
        """(n,): whether places (n, 3) lie within the solid."""
        return np.asarray(self._sample(points_mm) > _LEVEL)

    def outside_image(self, points_mm: FloatArray, margin_mm: float = 0.0) -> BoolArray:
        """(n,): whether places (n, 3) lie outside of the image, or no further in than the margin."""
        index = self.image.to_index(points_mm)
        margin = margin_mm / np.asarray(self.image.spacing_mm) - 0.5
        return np.asarray(((index < margin) | (index > np.asarray(self.image.size) - 1 - margin)).any(axis=1))

    def section(self, centre_mm: FloatArray, normal: FloatArray, half_width_mm: float) -> Section | None:
        """The section of the solid with a plane: the part of it that holds the centre or lies next to it.

        The samples lie symmetrically about the centre along axes that turn and mirror with the solid, so that a mirrored solid
        has the mirrored section.
        """
        most_across = self.inertia_axes[int(np.argmin(np.abs(self.inertia_axes @ normal)))]
        u = most_across - normal * (most_across @ normal)
        u = u / np.linalg.norm(u)
        v = np.cross(normal, u)
        n = int(half_width_mm / _STEP_MM)
        ticks = _STEP_MM * np.arange(-n, n + 1)
        places = centre_mm + ticks[:, None, None] * u + ticks[None, :, None] * v
        filled = self.inside(places.reshape(-1, 3)).reshape(places.shape[:2])
        part, count = ndimage.label(filled)
        if count == 0:
            return None
        away = np.where(filled, np.hypot(*np.meshgrid(ticks, ticks)), np.inf)
        mine = part == part.flat[int(np.argmin(away))]
        depth = ndimage.distance_transform_edt(np.pad(mine, 1))[1:-1, 1:-1]
        core = depth >= 0.9 * depth.max()
        return Section(
            area_mm2=float(mine.sum()) * _STEP_MM**2,
            centroid_mm=places[mine].mean(axis=0),
            core_mm=places[core].mean(axis=0),
            core_radius_mm=float(depth.max()) * _STEP_MM,
        )

    def solid_mm(self) -> FloatArray:
        """(n, 3): the voxel centres within the solid, LPS."""
        return self.grid.to_world(np.argwhere(self.field > _LEVEL)[:, ::-1])

    def _sample(self, points_mm: FloatArray) -> FloatArray:
        index = self.grid.to_index(points_mm)[:, ::-1].T
        return np.asarray(ndimage.map_coordinates(self.field, index, order=1, mode="constant", cval=0.0))


@dataclass(frozen=True, slots=True)
class Section:
    """A plane section.

    Parameters
    ----------
    area_mm2
        Its area.
    centroid_mm
        (3,): its centroid.
    core_mm, core_radius_mm
        Centre (3,) and radius of the largest circle in it: a bump on one side moves it less than the centroid.
    """

    area_mm2: float
    centroid_mm: FloatArray
    core_mm: FloatArray
    core_radius_mm: float


def outline_of(labels: Labels, smoothing_mm: float) -> Outline:
    """The outline of the one bone in a label map, all labels taken together and holes inside closed.

    Raises
    ------
    InputError
        When nothing is labelled, or there are two large parts.
    """
    if not labels.foreground.any():
        raise InputError("no voxel is labelled: there is no femur", hint="check which labels are picked before the landmarks")
    part, _ = ndimage.label(labels.foreground)
    voxels = np.bincount(part.ravel())[1:]
    largest = int(voxels.argmax())
    refuse_two_parts(labels, part, voxels)
    solid = part == largest + 1
    window = ndimage.find_objects(solid.astype(np.uint8))[0]
    spacing = np.asarray(labels.grid.spacing_mm)[::-1]
    sigma = np.maximum(smoothing_mm / spacing, _LEAST_BLUR)
    margin = np.ceil(4 * sigma).astype(int) + 2
    box = tuple(slice(w.start - m, w.stop + m) for w, m in zip(window, margin, strict=True))
    filled = np.pad(ndimage.binary_fill_holes(solid[window]), [(m, m) for m in margin])
    blurred = ndimage.gaussian_filter(filled.astype(np.float32), sigma)
    grid = labels.grid.part(box)
    index, gradient = _crossings(blurred)
    normals_ijk = -(gradient / spacing)[:, ::-1]
    normals_ijk /= np.maximum(np.linalg.norm(normals_ijk, axis=1, keepdims=True), 1e-30)
    points = grid.to_world(index[:, ::-1])
    inner = ~_at_cut(points, labels, solid, np.maximum(1.5 * smoothing_mm, np.asarray(labels.grid.spacing_mm)))
    h = np.asarray(grid.spacing_mm)
    # A surface of area A with normal n crosses A (|n_i|/(h_j h_k) + ...) lines of the lattice.
    crossings_per_mm2 = np.abs(normals_ijk) @ (h / np.prod(h))
    if not inner.any():
        raise InputError("the labels fill the image from side to side: no surface of a femur is in it")
    if float(blurred.max()) <= 0.5:
        raise InputError("what is labelled is thinner than the smoothing everywhere: this is no femur")
    centred = grid.to_world(np.argwhere(filled)[:, ::-1])
    centred = centred - centred.mean(axis=0)
    return Outline(
        grid=grid,
        field=blurred,
        points_mm=points[inner],
        normals=(normals_ijk @ grid.axes.T)[inner],
        area_mm2=1 / crossings_per_mm2[inner],
        image=labels.grid,
        inertia_axes=np.linalg.eigh(centred.T @ centred)[1].T,
        dropped_share=1 - float(voxels[largest] / voxels.sum()),
    )


def refuse_two_parts(labels: Labels, part: npt.NDArray[np.integer], voxels: IntArray) -> None:
    """Refuse labels that fall into two large parts."""
    order = np.argsort(-voxels, kind="stable")
    if len(order) < 2 or voxels[order[1]] < _SECOND_PART * voxels[order[0]]:
        return
    volumes = [voxels[n] * labels.grid.voxel_volume_mm3 / 1000 for n in order[:2]]
    middles = labels.grid.to_world(np.array(ndimage.center_of_mass(part > 0, part, 1 + order[:2]))[:, ::-1])
    places = [", ".join(f"{name} {value:.0f}" for name, value in zip("LPS", at, strict=True)) for at in middles]
    raise InputError(
        f"the labels fall into two large parts, of {volumes[0]:.0f} cm3 around ({places[0]}) mm and of {volumes[1]:.0f} cm3 "
        f"around ({places[1]}) mm: landmarks are those of one femur",
        hint="pick the label of one side before; if the bone is broken, or the segmentation is, mend the labels first",
    )


def _crossings(field: npt.NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    """Where the level 1/2 crosses the lines between neighbours: indices (n, 3), z, y, x, and the gradient there per voxel."""
    above = field > 0.5
    gradient = np.stack(list(np.gradient(field)), axis=-1)
    places, slopes = [], []
    for axis in range(3):
        low = tuple(slice(0, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        at = np.argwhere(above[low] != above[high])
        step = np.eye(3, dtype=int)[axis]
        one, two = field[tuple(at.T)].astype(float), field[tuple((at + step).T)].astype(float)
        share = ((0.5 - one) / (two - one))[:, None]
        places.append(at + share * step)
        slopes.append((1 - share) * gradient[tuple(at.T)] + share * gradient[tuple((at + step).T)])
    return np.concatenate(places), np.concatenate(slopes)


def _at_cut(points_mm: FloatArray, labels: Labels, solid: BoolArray, reach_mm: FloatArray) -> BoolArray:
    """(n,): whether places lie near a side of the image at which the solid ends."""
    index = labels.grid.to_index(points_mm)
    cut = np.zeros(len(points_mm), dtype=bool)
    for along, axis in enumerate((2, 1, 0)):
        reach = reach_mm[along] / labels.grid.spacing_mm[along]
        n = labels.grid.size[along]
        if solid.take(0, axis=axis).any():
            cut |= index[:, along] <= -0.5 + reach
        if solid.take(n - 1, axis=axis).any():
            cut |= index[:, along] >= n - 0.5 - reach
    return cut
