"""The steps of the Chebyshev smoother that every multigrid here uses (doi:10.1016/S0021-9991(03)00194-3)."""

from __future__ import annotations

import numpy as np


def chebyshev(largest: float, degree: int, ratio: float) -> list[tuple[np.float32, np.float32]]:
    """(keep, factor) of every step, for eigenvalues of D^-1 K between largest / ratio and largest.

    A step is d = keep d + factor D^-1 r, x += d.
    """
    theta = largest * (1 + 1 / ratio) / 2
    delta = largest * (1 - 1 / ratio) / 2
    sigma = theta / delta
    rho = 1 / sigma
    steps = [(0.0, 1 / theta)]
    for _ in range(degree - 1):
        new = 1 / (2 * sigma - rho)
        steps.append((new * rho, 2 * new / delta))
        rho = new
    return [(np.float32(a), np.float32(b)) for a, b in steps]
