"""Trilinear interpolation as a dense matrix, for checks on small lattices."""

from __future__ import annotations

import numpy as np


def interpolation(shape, place):
    """From coarse nodes at even places (n, 3) to all nodes of a lattice of so many cells, three components each."""
    nodes = np.argwhere(np.ones([n + 1 for n in shape]))
    distance = np.abs(nodes[:, None, :] - 2 * place[None, :, :]) / 2
    weight = np.prod(np.clip(1 - distance, 0, None), axis=2)
    return np.kron(weight, np.eye(3))
