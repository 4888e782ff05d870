"""The femoral head: the sphere that most of its surface lies on, found without chance and without knowing how the bone lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from culmann.data.arrays import BoolArray, FloatArray
from culmann.errors import InputError
from culmann_femur.outline import Outline

#: Radii of human femoral heads lie well inside, and so do those of large animals' bones.
_RADII_MM = (8.0, 45.0)

#: How far from the sphere its points may lie: first, in between and at last, in mm; the last is at least 0.8 voxels.
_WIDTHS_MM = (5.0, 3.5, 2.5, 1.8, 1.4)

#: A point of the sphere faces outwards along the radius, within about 45 degrees.
_FACING = 0.7

#: The surface within this angle of the neck's axis is not the head's.
_NECK_DEG = 60.0

_N_SEEDS, _SEED_APART_MM, _N_DIRECTIONS = 12, 8.0, 1000

#: A sphere with less of its surface on the bone is no femoral head, nor is one with less of it in the image.
_LEAST_COVER, _LEAST_IN_IMAGE = 0.4, 0.4


@dataclass(frozen=True, slots=True)
class Head:
    """The sphere of a femoral head.

    Parameters
    ----------
    centre_mm
        (3,), LPS.
    radius_mm
        Its radius.
    towards_neck
        (3,): unit vector from the centre to where the bone goes on.
    dome_share
        The share of the half of the sphere away from the neck, as far as it is well in the image, with bone surface near to it.
    outside_share
        The share of that half which lies outside of the image.
    missing
        (3,): mean direction of what the dome lacks; zero where it lacks nothing.
    rms_mm
        Root mean square distance of the head's surface from the sphere.
    """

    centre_mm: FloatArray
    radius_mm: float
    towards_neck: FloatArray
    dome_share: float
    outside_share: float
    missing: FloatArray
    rms_mm: float


def sphere_directions(n: int) -> FloatArray:
    """(n, 3): unit vectors that cover the sphere evenly, the same each time."""
    z = 1 - (2 * np.arange(n) + 1) / n
    turn = np.arange(n) * np.pi * (3 - np.sqrt(5))
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)


def find_head(outline: Outline) -> Head:
    """Find the sphere of the head.

    Seeds are the deepest places of the solid, far from each other. From each, a sphere is fitted to the surface around it by
    least squares with Tukey's weights, narrower from round to round. The head is the sphere of which most lies on the surface:
    no other part of a femur is as round. Then the surface near the neck's axis is left out and the fit is done again.

    Raises
    ------
    InputError
        When no sphere has enough of its surface on the bone.
    """
    directions = sphere_directions(_N_DIRECTIONS)
    tree = cKDTree(outline.points_mm)
    best: tuple[float, FloatArray, float] | None = None
    for seed, depth in _seeds(outline):
        fit = _fit(outline, seed, depth, np.ones(len(outline.points_mm), dtype=bool), _WIDTHS_MM)
        if fit is None:
            continue
        places = fit[0] + fit[1] * directions
        # What the image cuts off a head is told later; here it must not make another part of the bone look rounder.
        within = max(float((~outline.outside_image(places)).mean()), _LEAST_IN_IMAGE)
        cover = float(_near(outline, tree, places, directions).mean()) / within
        if best is None or cover > best[0] + 1e-9:
            best = (cover, *fit)
    if best is None or best[0] < _LEAST_COVER:
        raise InputError(
            "no femoral head was found: "
            + ("nothing on this bone is near to a sphere" if best is None else f"of the best sphere {100 * best[0]:.0f} % ")
            + ("" if best is None else "lies on the surface of the bone, and of a whole head about two thirds do"),
            hint="look at the labels: is it a femur, and is its head in them?",
        )
    _, centre, radius = best
    neck = _towards_bone(outline, centre, radius, directions)
    for _ in range(3):
        from_centre = outline.points_mm - centre
        angle = from_centre @ neck / np.maximum(np.linalg.norm(from_centre, axis=1), 1e-12)
        fit = _fit(outline, centre, radius, angle < np.cos(np.radians(_NECK_DEG)), _WIDTHS_MM[-1:])
        centre, radius = fit or (centre, radius)
        neck = _towards_bone(outline, centre, radius, directions)
    return _described(outline, tree, centre, radius, neck, directions)


def _seeds(outline: Outline) -> list[tuple[FloatArray, float]]:
    """Places of the solid, the deepest first, none near to a deeper one, with their depths in mm."""
    spacing = np.asarray(outline.grid.spacing_mm)[::-1]
    depth = ndimage.distance_transform_edt(outline.field > 0.5, sampling=spacing)
    around = tuple(int(n) for n in 2 * np.maximum(1, np.rint(0.5 * _SEED_APART_MM / spacing)).astype(int) + 1)
    peak = (depth == ndimage.maximum_filter(depth, size=around)) & (depth > 0.6 * _RADII_MM[0])
    at = np.argwhere(peak)
    value = depth[peak]
    places = outline.grid.to_world(at[:, ::-1])
    seeds: list[tuple[FloatArray, float]] = []
    for n in np.argsort(-value, kind="stable"):
        if all(np.linalg.norm(places[n] - other) > _SEED_APART_MM for other, _ in seeds):
            seeds.append((places[n], float(value[n])))
            if len(seeds) == _N_SEEDS:
                break
    return seeds


def _fit(
    outline: Outline, centre: FloatArray, radius: float, allowed: BoolArray, widths_mm: tuple[float, ...]
) -> tuple[FloatArray, float] | None:
    """Gauss-Newton from a first sphere, with weights that fall to nought at the width; None where it runs away."""
    points, normals, area = outline.points_mm[allowed], outline.normals[allowed], outline.area_mm2[allowed]
    start = centre
    for width in widths_mm:
        reach = max(width, 0.8 * outline.voxel_mm)
        for _ in range(30):
            from_centre = points - centre
            distance = np.maximum(np.linalg.norm(from_centre, axis=1), 1e-9)
            ray = from_centre / distance[:, None]
            residual = distance - radius
            weight = area * np.clip(1 - (residual / reach) ** 2, 0, None) ** 2 * (np.einsum("ij,ij->i", ray, normals) > _FACING)
            if weight.sum() < 0.05 * 4 * np.pi * radius**2:
                return None
            rows = np.column_stack([ray, np.ones(len(ray))])
            matrix = (rows * weight[:, None]).T @ rows
            # A small patch of a sphere tells little of its centre across: without this the fit would wander off.
            step = np.linalg.solve(matrix + 1e-3 * np.trace(matrix) / 4 * np.eye(4), rows.T @ (weight * residual))
            centre, radius = centre + step[:3], radius + float(step[3])
            if not _RADII_MM[0] < radius < _RADII_MM[1] or np.linalg.norm(centre - start) > _RADII_MM[1]:
                return None
            if np.abs(step).max() < 1e-7:
                break
    return centre, radius


def _near(outline: Outline, tree: cKDTree, places: FloatArray, outward: FloatArray) -> BoolArray:
    """(n,): whether the surface is near to places on a sphere and faces as the sphere does."""
    distance, nearest = tree.query(places)
    facing = np.einsum("ij,ij->i", outline.normals[nearest], outward)
    return np.asarray((distance < max(2.0, outline.voxel_mm)) & (facing > 0.5))


def _towards_bone(outline: Outline, centre: FloatArray, radius: float, directions: FloatArray) -> FloatArray:
    """Mean direction in which there is bone beyond the sphere; the mean of the solid itself makes it turn with the bone."""
    axes = outline.inertia_axes
    # The directions are laid along the axes of the solid and mirrored along each, so that the mean mirrors with it.
    total = np.zeros(3)
    for signs in np.array(np.meshgrid([1, -1], [1, -1], [1, -1])).reshape(3, -1).T:
        ray = (directions * signs) @ axes
        for beyond in (1.2, 1.35, 1.5):
            total += ray[outline.inside(centre + beyond * radius * ray)].sum(axis=0)
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise InputError(
            "nothing goes on beyond the femoral head: this is a ball without a neck",
            hint="the labels hold the head only, or another round bone; the femur must go on below the lesser trochanter",
        )
    return total / length


def _described(
    outline: Outline, tree: cKDTree, centre: FloatArray, radius: float, neck: FloatArray, directions: FloatArray
) -> Head:
    dome = directions[directions @ neck < 0]
    places = centre + radius * dome
    found = _near(outline, tree, places, dome)
    outside = outline.outside_image(places)
    # Near a side of the image there is no surface to be found; what lies beyond counts as cut and not as missing.
    clear = ~outline.outside_image(places, max(4.0, 2 * outline.voxel_mm))
    missing = dome[outside].mean(axis=0) if outside.any() else (dome[~found].mean(axis=0) if (~found).any() else np.zeros(3))
    distance = np.linalg.norm(outline.points_mm - centre, axis=1)
    on_dome = ((outline.points_mm - centre) @ neck < 0) & (np.abs(distance - radius) < 0.15 * radius)
    rms = (
        float(np.sqrt(np.average((distance[on_dome] - radius) ** 2, weights=outline.area_mm2[on_dome])))
        if on_dome.any()
        else 0.0
    )
    return Head(centre, radius, neck, float(found[clear].mean()) if clear.any() else 0.0, float(outside.mean()), missing, rms)
