"""The axis of a vertebra from the normals of its surface: two opposite poles on the Gauss sphere."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from culmann.data.arrays import FloatArray

N_DIRECTIONS = 4000
#: Half-width in degrees of the caps that normals are counted in, first to find the poles and then to centre them.
SEARCH_DEG, CENTRE_DEG = 15.0, 25.0


def fibonacci_sphere(n: int) -> FloatArray:
    """(n, 3): unit vectors that cover the sphere evenly, the same each time. With each direction comes its opposite."""
    half = np.arange(n // 2) + 0.5
    z = half / (n // 2)
    turn = half * np.pi * (3 - np.sqrt(5))
    upper = np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
    return np.concatenate([upper, -upper])


def plate_axis(normals: FloatArray, area_mm2: FloatArray) -> FloatArray:
    """The direction that, with its opposite, most of the surface faces: the normal of two parallel plates.

    The areas are gathered on fixed directions over the sphere and smoothed; the pair of opposite directions of which the
    weaker one holds most is centred on the mean normal of each of its caps.

    Parameters
    ----------
    normals
        (n, 3) unit vectors.
    area_mm2
        (n,).

    Returns
    -------
    (3,) unit vector; its sign means nothing.
    """
    direction = fibonacci_sphere(N_DIRECTIONS)
    gauss_sphere = np.bincount(cKDTree(direction).query(normals)[1], weights=area_mm2, minlength=N_DIRECTIONS)
    width = 1 / (1 - np.cos(np.radians(SEARCH_DEG)))
    filled = gauss_sphere > 0
    density = np.exp(width * (direction @ direction[filled].T - 1)) @ gauss_sphere[filled]
    half = N_DIRECTIONS // 2
    first = direction[np.argmax(np.minimum(density[:half], density[half:]))]
    poles = []
    for pole in (first, -first):
        cap = normals @ pole > np.cos(np.radians(CENTRE_DEG))
        mean = (normals[cap] * area_mm2[cap, None]).sum(axis=0) if cap.any() else pole
        poles.append(mean / np.linalg.norm(mean))
    axis = poles[0] - poles[1]
    return np.asarray(axis / np.linalg.norm(axis))
