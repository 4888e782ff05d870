"""Where the head of a femur ends: the best closed surface on rays from its centre, found exactly as a minimum cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, maximum_flow
from scipy.spatial import cKDTree

from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann_segment.classical_femur_head import STEP_MM, Head, directions, falls
from culmann_segment.classical_femur_working import Image

#: How far the surface may lie inside and outside of the fitted sphere.
_INSIDE_MM, _OUTSIDE_MM = 6.0, 3.0

#: By how many steps of a ray the surface may change from one ray to its neighbours, 4 degrees away.
_LARGEST_CHANGE = 1

#: How much bone beyond the surface counts as the acetabulum, and how much darker the joint between has to be, HU.
_FACING_HU, _GAP_HU = 150.0, 40.0


@dataclass(frozen=True, slots=True)
class HeadSurface:
    """The surface of the head, one radius a ray.

    Parameters
    ----------
    rays
        (n, 3): unit vectors.
    radius_mm
        (n,): where the head ends on each; of no meaning towards the neck.
    neighbourhood
        To find the rays next to a direction.
    covered
        (n,): whether other bone lies within 8 mm beyond the surface.
    in_contact
        (n,): whether it is covered and no darker gap lies between.
    """

    rays: FloatArray
    radius_mm: FloatArray
    neighbourhood: cKDTree
    covered: BoolArray
    in_contact: BoolArray

    def radius_towards(self, direction: FloatArray) -> FloatArray:
        """(n,): radius in directions (n, 3), weighted between the three nearest rays."""
        distance, nearest = self.neighbourhood.query(direction, k=3)
        weight = 1 / (np.asarray(distance) + 1e-3)
        return np.asarray((self.radius_mm[nearest] * weight).sum(axis=1) / weight.sum(axis=1))


def head_surface(image: Image, head: Head) -> HeadSurface:
    """The surface near the fitted sphere at which the image falls most steeply outwards, with bounded change between rays.

    Optimal surface detection after Li, Wu, Chen and Sonka (doi:10.1109/TPAMI.2006.19): every position on every ray is a node
    whose weight is its cost less that of the position before it; arcs without limit of capacity keep the surface
    continuous, and the minimum closed set is a minimum cut.
    """
    rays, pairs = directions(4)
    radii = np.arange(head.radius_mm - _INSIDE_MM, head.radius_mm + _OUTSIDE_MM + STEP_MM / 2, STEP_MM)
    fall, crossed = falls(image, head.centre_mm, rays, radii)
    away = np.abs(radii - head.radius_mm)
    cost = 4.0 * away[None, :] ** 2 - np.clip(fall, -40, 120) + crossed
    at = _optimal_surface(cost, pairs)
    radius = radii[at]
    covered, in_contact = _acetabulum(image, head, rays, radius)
    return HeadSurface(rays, radius, cKDTree(rays), covered, in_contact)


def _optimal_surface(cost: FloatArray, pairs: IntArray) -> IntArray:
    """(rays,): the position on each ray of the surface of least total cost."""
    n, m = cost.shape
    weight = np.diff(cost, axis=1, prepend=0)
    # The lowest position of each ray always belongs to the closed set, or the empty set would be the cheapest.
    weight[:, 0] = -1e4
    scaled = np.rint(weight * 100).astype(np.int64)
    node = np.arange(n * m).reshape(n, m)
    source, sink = n * m, n * m + 1
    endless = 2**30
    both = np.concatenate([pairs, pairs[:, ::-1]])
    lower = np.maximum(np.arange(m) - _LARGEST_CHANGE, 0)
    tail = [node[:, 1:].ravel(), node[both[:, 0]].ravel()]
    head = [node[:, :-1].ravel(), node[both[:, 1]][:, lower].ravel()]
    gain, loss = node[scaled < 0], node[scaled > 0]
    rows = np.concatenate([*tail, np.full(gain.size, source), loss])
    columns = np.concatenate([*head, gain, np.full(loss.size, sink)])
    arcs = sum(len(t) for t in tail)
    capacity = np.concatenate([np.full(arcs, endless), -scaled[scaled < 0], scaled[scaled > 0]])
    graph = sparse.csr_array((capacity.astype(np.int32), (rows, columns)), shape=(n * m + 2, n * m + 2))
    left_over = sparse.coo_array(graph - maximum_flow(graph, source, sink).flow)
    open_arc = left_over.data > 0
    ends = (left_over.row[open_arc], left_over.col[open_arc])
    residual = sparse.csr_array((left_over.data[open_arc], ends), shape=graph.shape)
    reached = np.zeros(n * m + 2, dtype=bool)
    reached[breadth_first_order(residual, source, return_predecessors=False)] = True
    return np.asarray(reached[: n * m].reshape(n, m).sum(axis=1) - 1)


def _acetabulum(image: Image, head: Head, rays: FloatArray, radius: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Whether other bone lies beyond the surface, and whether it touches it."""
    beyond = np.arange(0.0, 8.0, STEP_MM)
    hu = image.at(head.centre_mm + rays[:, None, :] * (radius[:, None] + beyond)[..., None])
    # The surface of the head itself is bright: look at the brightest spot after the darkest one.
    lowest = np.minimum.accumulate(hu, axis=1)
    rise = hu - lowest
    top = np.argmax(rise, axis=1)
    row = np.arange(len(rays))
    away = rays @ head.neck < np.cos(np.radians(55))
    gap = rise[row, top] > _GAP_HU
    covered = away & ((gap & (hu[row, top] > _FACING_HU)) | (~gap & (hu[:, beyond < 5].min(axis=1) > _FACING_HU)))
    return covered, covered & ~gap
