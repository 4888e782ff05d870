"""Femoral heads in a CT: votes of the edges of bone for the centres of balls, then spheres fitted to the head's surface."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from culmann.data.arrays import FloatArray, IntArray
from culmann_segment.classical_femur_working import Image

#: What a head can measure: adults have radii of 20 to 28 mm; the search reaches a little further.
RADIUS_MM = (17.0, 32.0)

#: Hounsfield units are taken between these two, so that skin, gas, metal and thick cortex do not outvote a head.
WINDOW_HU = (40.0, 500.0)

#: How much a rise of 1 HU on the way counts against an edge, in HU per mm.
_CROSSED = 0.3

#: Steps along a ray, mm.
STEP_MM = 0.75


@dataclass(frozen=True, slots=True)
class Head:
    """A ball of bone that may be the head of a femur.

    Parameters
    ----------
    centre_mm
        (3,), LPS.
    radius_mm
        Of the fitted sphere.
    neck
        (3,): unit vector from the centre towards the neck, LPS.
    side
        `left` or `right`: the neck of a left femur runs to the patient's left.
    roundness
        Share of the directions away from the neck in which bone ends within 2 mm of the sphere, 0 to 1.
    neck_evidence
        How much speaks for a neck there: bone goes on, and the pelvis lies on the other side. About 1 for a hip.
    seen
        Share of the sphere's surface that lies in the image.
    """

    centre_mm: FloatArray
    radius_mm: float
    neck: FloatArray
    side: str
    roundness: float
    neck_evidence: float
    seen: float


@cache
def directions(refinements: int) -> tuple[FloatArray, IntArray]:
    """(n, 3) unit vectors spread evenly (an icosahedron, refined) and (m, 2) pairs of neighbours among them."""
    golden = (1 + 5**0.5) / 2
    points = np.array([[0, s, t * golden] for s in (-1, 1) for t in (-1, 1)], dtype=float)
    points = np.concatenate([np.roll(points, shift, axis=1) for shift in range(3)])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    for _ in range(refinements):
        ends = points[_edges(points)]
        points = np.concatenate([points, ends.mean(axis=1) / np.linalg.norm(ends.mean(axis=1), axis=1, keepdims=True)])
    return points, _edges(points)


def _edges(points: FloatArray) -> IntArray:
    corners = ConvexHull(points).simplices
    return np.unique(np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1), axis=0)


def candidates(image: Image, most: int = 24) -> FloatArray:
    """(n, 4): centres in mm, LPS, and radii of balls of bone, the ones with most votes first. `image` has 2 to 3 mm voxels.

    Every edge votes for the points at the radii of heads behind it, in the direction in which the image gets brighter.
    """
    spacing = image.grid.spacing_mm[0]
    hu = np.clip(ndimage.gaussian_filter(image.hu, 2.0 / spacing, mode="nearest"), *WINDOW_HU)
    gradient = np.stack([ndimage.sobel(hu, axis=a, mode="nearest") / (32 * spacing) for a in (2, 1, 0)], axis=-1)
    size = np.linalg.norm(gradient, axis=-1)
    edge = size > 12
    inwards = gradient[edge] / size[edge][:, None]
    weight = np.minimum(size[edge], 60.0)
    home = np.argwhere(edge)[:, ::-1]
    best, best_radius = np.zeros(image.grid.shape, np.float32), np.zeros(image.grid.shape, np.float32)
    for radius in np.arange(RADIUS_MM[0] + 1, RADIUS_MM[1], 2.0):
        at = np.rint(home + inwards * radius / spacing).astype(int)
        within = ((at >= 0) & (at < np.asarray(image.grid.size))).all(axis=1)
        flat = np.ravel_multi_index(tuple(at[within][:, ::-1].T), image.grid.shape)
        votes = np.bincount(flat, weights=weight[within], minlength=best.size).astype(np.float32).reshape(best.shape)
        votes = ndimage.gaussian_filter(votes, 4.0 / spacing)
        better = votes > best
        best[better], best_radius[better] = votes[better], radius
    peak = (best == ndimage.maximum_filter(best, size=2 * round(8 / spacing) + 1)) & (best > 0)
    k, j, i = np.nonzero(peak)
    order = np.argsort(-best[k, j, i], kind="stable")[:most]
    at_mm = image.grid.to_world(np.stack([i, j, k], axis=1)[order].astype(float))
    return np.column_stack([at_mm, best_radius[k, j, i][order]])


def fit(image: Image, centre_mm: FloatArray, side: str | None = None) -> Head | None:
    """The head near a guess: a sphere through where bone ends on rays from the centre; None when there is nothing like it.

    Several starts around the guess: the rims of the acetabulum and the trochanters end bone as steeply as the head does.
    """
    offsets = 5.0 * np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    starts = [(np.asarray(centre_mm) + offset, radius) for offset in offsets for radius in (20.5, 23.0, 26.0)]
    spheres = [sphere for start in starts if (sphere := _settle(image, *start, rays=directions(2)[0])) is not None]
    spheres = [sphere for sphere in spheres if np.linalg.norm(sphere[0] - centre_mm) < 20]
    if not spheres:
        return None
    # Around a head with a closed joint the far side of the acetabulum is a sphere too, a larger one.
    best = max(spheres, key=lambda sphere: sphere[2] - 0.005 * sphere[1])
    settled = _settle(image, best[0], best[1], rays=directions(3)[0])
    return None if settled is None else _head(image, settled[0], settled[1], side)


def _settle(image: Image, centre: FloatArray, radius: float, rays: FloatArray) -> tuple[FloatArray, float, float] | None:
    """The sphere that a start leads to, and the share of the rays on which bone ends at it."""
    share = 0.0
    for reach in (7.0, 6.0, 5.0, 4.0, 3.0, 3.0, 3.0):
        at, fall = edges_along(image, centre, rays, radius, reach)
        keep = (fall > 12) & (np.abs(at - radius) < reach)
        if keep.sum() < 0.3 * len(rays):
            return None
        share = float((keep & (np.abs(at - radius) < 1.5)).mean())
        if reach < 5 and share < 0.25:
            return None
        centre, radius = _sphere(centre + rays[keep] * at[keep][:, None])
        if not RADIUS_MM[0] <= radius <= RADIUS_MM[1]:
            return None
    return centre, radius, share


def edges_along(
    image: Image, centre: FloatArray, rays: FloatArray, radius: float, reach: float
) -> tuple[FloatArray, FloatArray]:
    """Where along each ray bone ends, near a radius, in mm, and how steeply, in HU per mm."""
    radii = np.arange(radius - reach - 1.5, radius + reach + 1.5, STEP_MM)
    fall, crossed = falls(image, centre, rays, radii)
    # Of two edges that are as steep, the one nearer to the sphere.
    top = np.argmax(fall - crossed - 20 * ((radii - radius) / reach) ** 2, axis=1)
    return radii[top], fall[np.arange(len(rays)), top]


def falls(image: Image, centre: FloatArray, rays: FloatArray, radii: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Along rays: how steeply the image falls, HU per mm, and a penalty in the same unit for having crossed a joint before.

    The plate of the acetabulum ends as steeply as the head does, often more so. What tells them apart is the dark joint in
    front of it: how far the image has risen on the way, from the darkest spot since 6 mm before the first radius.
    """
    lead = round(6 / STEP_MM)
    longer = np.concatenate([radii[0] - STEP_MM * np.arange(lead, 0, -1), radii])
    profile = np.clip(image.at(centre + rays[:, None, :] * longer[:, None]), *WINDOW_HU)
    rise = np.maximum.accumulate(profile - np.minimum.accumulate(profile, axis=1), axis=1)
    return -np.gradient(profile, STEP_MM, axis=1)[:, lead:], _CROSSED * rise[:, lead:]


def _head(image: Image, centre: FloatArray, radius: float, known_side: str | None) -> Head:
    rays, _ = directions(3)
    at, fall = edges_along(image, centre, rays, radius, 3.0)
    neck, side, density = neck_of(image, centre, radius, known_side)
    away = rays @ neck < np.cos(np.radians(60))
    close = (fall > 8) & (np.abs(at - radius) < 2)
    seen = image.holds(centre + rays * radius)
    # Of a head that the image cuts, what is in view tells whether it is one.
    away &= seen | (seen.mean() < 0.6)
    return Head(centre, radius, neck, side, float(close[away].mean()), density, float(seen.mean()))


def _sphere(points: FloatArray) -> tuple[FloatArray, float]:
    """Centre and radius of the sphere through points, least squares of the algebraic distance."""
    middle = points.mean(axis=0)
    local = points - middle
    solution, *_ = np.linalg.lstsq(np.column_stack([2 * local, np.ones(len(local))]), (local**2).sum(axis=1), rcond=None)
    return solution[:3] + middle, float(np.sqrt(max(solution[3] + solution[:3] @ solution[:3], 0.0)))


def neck_of(image: Image, centre: FloatArray, radius: float, side: str | None = None) -> tuple[FloatArray, str, float]:
    """The direction in which bone goes on out of the head without a gap, outwards and down: its side, and the evidence for it.

    With a side, only necks to that side are looked at.
    """
    rays, _ = directions(3)
    radii = np.arange(0.6 * radius, 1.7 * radius, STEP_MM)
    bright = np.clip((image.at(centre + rays[:, None, :] * radii[:, None]) - 60) / 120, 0, 1)
    # A gap of a joint is a dark spot on a ray: the lowest value tells it, the mean tells bone that is there.
    solid = 0.5 * (bright.mean(axis=1) + bright.min(axis=1))
    in_cone = (rays @ rays.T > np.cos(np.radians(25))).astype(float)
    mean = in_cone @ solid / in_cone.sum(axis=1)
    # The pelvis lies on the other side than the neck, beside and above the head.
    shell = image.at(centre + rays[:, None, :] * np.arange(radius + 2, radius + 14, 2 * STEP_MM)[:, None]).max(axis=1) > 200
    best: tuple[FloatArray, str, float] | None = None
    for name, x in (("left", 1.0), ("right", -1.0)):
        if side not in (None, name):
            continue
        usual = np.array([0.72 * x, 0.20, -0.66])
        allowed = rays @ (usual / np.linalg.norm(usual)) > np.cos(np.radians(35))
        score = np.where(allowed, mean, -1.0)
        top = int(np.argmax(score))
        beside = rays @ (np.array([x, 0.0, 0.3]) / np.hypot(1.0, 0.3)) > np.cos(np.radians(50))
        opposite = rays @ (np.array([-x, 0.0, 0.3]) / np.hypot(1.0, 0.3)) > np.cos(np.radians(50))
        score += float(shell[opposite].mean() - shell[beside].mean())
        if best is None or score[top] > best[2]:
            near = (in_cone[top] > 0) & allowed
            axis = (rays[near] * solid[near][:, None] ** 2).sum(axis=0)
            length = float(np.linalg.norm(axis))
            best = (axis / length if length > 0 else rays[top], name, float(score[top]))
    assert best is not None
    return best
