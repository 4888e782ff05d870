"""Candidates for the axis of a vertebra from the normals of its surface: opposite poles on the Gauss sphere."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from culmann.data.arrays import FloatArray

N_DIRECTIONS = 4000
#: Half-width in degrees of the caps that normals are counted in, first to find the poles and then to centre them.
SEARCH_DEG, CENTRE_DEG = 15.0, 25.0
#: Two candidates for the axis are at least this far apart.
APART_DEG = 30.0


def fibonacci_sphere(n: int) -> FloatArray:
    """(n, 3): unit vectors that cover the sphere evenly, the same each time. With each direction comes its opposite."""
    half = np.arange(n // 2) + 0.5
    z = half / (n // 2)
    turn = half * np.pi * (3 - np.sqrt(5))
    upper = np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
    return np.concatenate([upper, -upper])


def pole_axes(normals: FloatArray, area_mm2: FloatArray, count: int) -> FloatArray:
    """Directions that, with their opposites, much of the surface faces: the normals of pairs of parallel plates.

    The areas are gathered on fixed directions over the sphere and smoothed. Pairs of opposite directions are taken by what the
    weaker of the two holds, the best first, none near to a better one; each is then centred on the mean normals of its caps.

    Parameters
    ----------
    normals
        (n, 3) unit vectors.
    area_mm2
        (n,).
    count
        How many at most.

    Returns
    -------
    (m, 3) unit vectors, 1 <= m <= count; their signs mean nothing.
    """
    direction = fibonacci_sphere(N_DIRECTIONS)
    gauss_sphere = np.bincount(cKDTree(direction).query(normals)[1], weights=area_mm2, minlength=N_DIRECTIONS)
    width = 1 / (1 - np.cos(np.radians(SEARCH_DEG)))
    filled = gauss_sphere > 0
    density = np.exp(width * (direction @ direction[filled].T - 1)) @ gauss_sphere[filled]
    half = N_DIRECTIONS // 2
    weaker = np.minimum(density[:half], density[half:])
    axes: list[FloatArray] = []
    while len(axes) < count and weaker.max() > 0:
        first = direction[np.argmax(weaker)]
        weaker[np.abs(direction[:half] @ first) > np.cos(np.radians(APART_DEG))] = 0
        axes.append(_centred(first, normals, area_mm2))
    return np.stack(axes)


def _centred(axis: FloatArray, normals: FloatArray, area_mm2: FloatArray) -> FloatArray:
    poles = []
    for pole in (axis, -axis):
        cap = normals @ pole > np.cos(np.radians(CENTRE_DEG))
        mean = (normals[cap] * area_mm2[cap, None]).sum(axis=0) if cap.any() else pole
        poles.append(mean / np.linalg.norm(mean))
    centred = poles[0] - poles[1]
    return np.asarray(centred / np.linalg.norm(centred))
