"""Moduli that fall along each cell's curve and never recover, whatever the cells are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from culmann.data import Materials
from culmann.data.arrays import FloatArray, IntArray
from culmann_fem.kernels import fast_kernel


@fast_kernel
def _stress_on_curve(e, modulus, stress, plastic_strain, out):
    """Stress at the total strain e on each cell's curve."""
    for m in range(e.shape[0]):
        points = stress.shape[1]
        x, y = 0.0, 0.0
        value = stress[m, points - 1]
        for p in range(points):
            nx, ny = plastic_strain[m, p] + stress[m, p] / modulus[m], stress[m, p]
            if e[m] < nx:
                value = y + (ny - y) * (e[m] - x) / (nx - x)
                break
            x, y = nx, ny
        out[m] = value


class FallingModuli:
    """Of cells in the order of the solver: their moduli and curves, and how far down these they are."""

    def __init__(self, materials: Materials, order: IntArray) -> None:
        self._initial = materials.youngs_modulus_mpa[order]
        self._stress = np.ascontiguousarray(materials.stress_mpa[order])
        self._plastic = np.ascontiguousarray(materials.plastic_strain[order])
        #: (n,): those of the state.
        self.now = self._initial.copy()
        self._reached = np.zeros(len(order))

    def softened(self, e: FloatArray) -> FloatArray:
        """(n,): the secant moduli at effective strains e; none above the present one."""
        stress = np.empty_like(e)
        _stress_on_curve(e, self._initial, self._stress, self._plastic, stress)
        secant = np.divide(stress, e, out=self._initial.copy(), where=e > 0)
        return np.minimum(self.now, secant)

    def commit(self, modulus: FloatArray, e: FloatArray) -> None:
        """Make moduli the state, and remember how far each cell was strained."""
        self.now = modulus.copy()
        self._reached = np.maximum(self._reached, e)

    def n_softened(self) -> int:
        """Cells below their initial modulus."""
        return int((self.now < self._initial * (1 - 1e-12)).sum())

    def columns_later(self) -> Callable[[FloatArray], tuple[FloatArray, ...]]:
        """Of the present state, whatever it is by then, once its strains e are at hand.

        Effective strain, what of it is not elastic, stress, and the piece of the curve.
        """
        modulus, reached = self.now, self._reached

        def columns(e: FloatArray) -> tuple[FloatArray, ...]:
            stress = modulus * e
            ends = self._plastic + self._stress / self._initial[:, None]
            return e, e - stress / self._initial, stress, (reached[:, None] > ends).sum(axis=1).astype(float)

        return columns
