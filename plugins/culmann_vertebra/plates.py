"""One endplate on a surface: the outermost plane of one side, and the patch of surface that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components

from culmann.data.arrays import BoolArray, FloatArray
from culmann.surface import Surface

BIN_MM = 0.25
ROUNDS = 6
#: Pixels of the outline of a plate: small beside a pedicle, whatever the size of the cells.
PIXEL_MM = 1.0


@dataclass(frozen=True, slots=True)
class Facing:
    """What it takes for a triangle to belong to an endplate.

    Parameters
    ----------
    height_mm
        How far below the plane of the endplate its surface may lie.
    angle_deg
        How far its normal may turn away from that of the plane.
    largest_only
        Whether only the largest connected patch counts.
    neck
        What hangs on the patch by a neck narrower than this share of the patch's width is cut off; 0 cuts nothing.
    """

    height_mm: float
    angle_deg: float
    largest_only: bool
    neck: float


@dataclass(frozen=True, slots=True)
class Plate:
    """An endplate.

    Parameters
    ----------
    triangle
        (n,): which triangles of the surface belong to it.
    normal
        (3,): outward normal of the plane through them.
    centre_mm
        (3,): their centroid.
    area_mm2
        Their area, projected onto the plane.
    """

    triangle: BoolArray
    normal: FloatArray
    centre_mm: FloatArray
    area_mm2: float


def find_plate(surface: Surface, outward: FloatArray, facing: Facing) -> Plate:
    """The plate of the surface on the side `outward`: its plane and its patch, found in turns.

    Over the height along the normal, the projected area of what faces outwards is greatest at the plate. What lies above that
    height less `height_mm` is a candidate; the largest connected patch of it gives the next plane. The normal never leaves
    the cone of 30 degrees around `outward`.
    """
    normal = outward
    plate = patch_facing(surface, normal, facing)
    for _ in range(ROUNDS):
        following = _towards(plate.normal, outward, limit_deg=30.0)
        done = float(following @ normal) > np.cos(np.radians(0.05))
        normal = following
        plate = patch_facing(surface, normal, facing)
        if done:
            break
    return plate


def patch_facing(surface: Surface, normal: FloatArray, facing: Facing) -> Plate:
    """The plate that is found with one given normal; its own normal is that of the plane through it."""
    centres, vectors = surface.centres_mm(), surface.area_vectors_mm2()
    height, projected = centres @ normal, vectors @ normal
    area = np.linalg.norm(vectors, axis=1)
    faces_out = projected > area * np.cos(np.radians(facing.angle_deg))
    threshold = _plane_height(height[faces_out], projected[faces_out]) - facing.height_mm
    member = faces_out & (height >= threshold - 1e-6)
    if facing.largest_only:
        member = _largest_patch(surface, member, projected)
        if facing.neck > 0:
            member = _largest_patch(surface, _without_appendages(surface, member, normal, facing.neck), projected)
    weight = area[member] / area[member].sum()
    centre = weight @ centres[member]
    offset = (centres[member] - centre) * np.sqrt(weight)[:, None]
    plane_normal = np.linalg.eigh(offset.T @ offset)[1][:, 0]
    plane_normal = plane_normal * np.sign(plane_normal @ normal)
    return Plate(member, plane_normal, centre, float(projected[member].sum()))


def _plane_height(height: FloatArray, projected: FloatArray) -> float:
    """Where the most area lies, over a window of about 2 mm; the outermost of equals."""
    low = height.min() - 4.0
    count = int((height.max() + 4.0 - low) / BIN_MM) + 1
    histogram = np.bincount(((height - low) / BIN_MM).astype(int), weights=projected, minlength=count)
    smooth = ndimage.gaussian_filter1d(histogram, 1.0 / BIN_MM)
    best = np.flatnonzero(smooth >= smooth.max() * (1 - 1e-9))[-1]
    return float(low + (best + 0.5) * BIN_MM)


def _largest_patch(surface: Surface, member: BoolArray, projected: FloatArray) -> BoolArray:
    """Of the member triangles, those of the connected patch with the greatest projected area."""
    index = np.flatnonzero(member)
    corner = surface.triangles[index]
    owner = np.repeat(np.arange(len(index)), 3)
    incidence = sparse.csr_array((np.ones(corner.size), (owner, corner.ravel())), shape=(len(index), len(surface.points_mm)))
    _, patch = connected_components(incidence @ incidence.T, directed=False)
    best = np.argmax(np.bincount(patch, weights=projected[index]))
    result = np.zeros_like(member)
    result[index[patch == best]] = True
    return result


def _without_appendages(surface: Surface, member: BoolArray, normal: FloatArray, neck: float) -> BoolArray:
    """The member triangles less those outside of the opening of the patch's outline.

    A pedicle leads from the rim of the endplate to the articular process, often at the same height. In the plane of the
    patch, an opening by a disc of `neck` times the largest inscribed circle cuts it off; what the opening takes from the
    corners is then mostly given back by growing inside of the outline.
    """
    frame = np.linalg.svd(normal[None, :])[2][1:]
    corners = surface.corners_mm()[member] @ frame.T
    low = corners.reshape(-1, 2).min(axis=0) - 3 * PIXEL_MM
    marked = np.zeros(((corners.reshape(-1, 2).max(axis=0) - low) / PIXEL_MM + 4).astype(int), dtype=bool)
    marked[tuple(((_points_within(corners) - low) / PIXEL_MM).astype(int).T)] = True
    outline = ndimage.binary_fill_holes(ndimage.binary_closing(marked))
    inside = ndimage.distance_transform_edt(outline)
    radius = neck * float(inside.max())
    opened = ndimage.distance_transform_edt(inside <= radius) <= radius
    grown = ndimage.binary_dilation(opened, iterations=max(1, round(0.2 * radius)), mask=outline)
    centre = ((surface.centres_mm()[member] @ frame.T - low) / PIXEL_MM).astype(int)
    result = np.zeros_like(member)
    result[np.flatnonzero(member)[grown[tuple(centre.T)]]] = True
    return result


def _points_within(corners: FloatArray) -> FloatArray:
    """(m, 2): points all over triangles (n, 3, 2), no further than half a pixel apart."""
    longest = float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max())
    parts = max(1, int(np.ceil(2 * longest / PIXEL_MM)))
    i, j = (n.ravel() for n in np.indices((parts + 1, parts + 1)))
    inside = i + j <= parts
    weight = np.stack([i, j, parts - i - j])[:, inside] / parts
    return np.asarray(np.einsum("cp,ncx->npx", weight, corners).reshape(-1, 2))


def _towards(wanted: FloatArray, centre: FloatArray, limit_deg: float) -> FloatArray:
    """The direction nearest to `wanted` within a cone around `centre`."""
    cosine, limit = float(wanted @ centre), np.radians(limit_deg)
    if cosine >= np.cos(limit):
        return wanted
    across = wanted - cosine * centre
    across = across / np.linalg.norm(across)
    return np.asarray(np.cos(limit) * centre + np.sin(limit) * across)
