"""The laws that work point by point, whatever the elements: what they hold of each cell, and which kernel answers for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.linalg

from culmann.data import Materials
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.data.orthotropy import PAIRS
from culmann.errors import PluginError
from culmann_fem import mises, tresca, update
from culmann_fem.gauss_points import GaussPoints

#: (6, 6): q² = σ' P σ is the square of von Mises's stress; P σ / q is the direction of flow, with doubled shear.
MISES = scipy.linalg.block_diag(1.5 * (np.eye(3) - 1 / 3), 3 * np.eye(3))


class PointLaw(Protocol):
    """Some cells that may do other than their elasticity says."""

    @property
    def cells(self) -> IntArray:
        """Which ones, in the order of the solver."""

    @property
    def elasticity(self) -> FloatArray:
        """(6, 6): theirs, for E = 1."""

    def respond(self, e: FloatArray, lost: FloatArray, tangent: FloatArray, active: BoolArray, *, keep: bool) -> None:
        """Fill in what is lost of elastic stress and stiffness at the strains e; with `keep`, make them the state.

        Shapes are (cells, points, …) over all cells of the model, see `tresca.respond`.
        """

    def plastic_strain(self, inelastic: FloatArray) -> FloatArray:
        """(n, points): equivalent plastic strain of the state.

        `inelastic` (n, points, 6) is the strain less that which the stress would need in the unloaded bone.
        """

    def phase(self, kappa: FloatArray) -> FloatArray:
        """(n, points): the piece of the curve that a plastic strain has reached."""


class CurveLaw:
    """Von Mises or Tresca along a curve. See `PointLaw`.

    Parameters
    ----------
    cells
        (n,): which ones, in the order of the solver.
    elasticity
        (6, 6) for E = 1; Hooke's law for Tresca.
    """

    def __init__(self, points: GaussPoints, cells: IntArray, materials: Materials, elasticity: FloatArray) -> None:
        n, per_cell = len(cells), points.shape[1]
        source = points.source[cells]
        self.cells, self.elasticity = cells, elasticity
        self._slabs, self._begin = points.slabs, points.begin(cells)
        modulus = materials.youngs_modulus_mpa[source]
        self._strain = np.ascontiguousarray(materials.plastic_strain[source])
        curve = (np.ascontiguousarray(materials.stress_mpa[source]), self._strain)
        self._kappa = np.zeros((n, per_cell))
        state = (np.zeros((n, per_cell, 6)), self._kappa)
        self._kernel: Callable[..., None]
        self._data: tuple[Any, ...]
        if materials.criterion == "tresca":
            self._kernel, self._data = tresca.respond, (modulus * elasticity[3, 3], *curve, *state)
        else:
            root, basis = scipy.linalg.eigh(MISES, np.linalg.inv(elasticity))
            basis, root = np.ascontiguousarray(basis), np.clip(root, 0, None)
            self._kernel, self._data = mises.respond, (modulus, elasticity, basis, root, *curve, *state)

    def respond(self, e: FloatArray, lost: FloatArray, tangent: FloatArray, active: BoolArray, *, keep: bool) -> None:
        """See `PointLaw`."""
        self._slabs.run(self._kernel, self.cells, self._begin, e, lost, tangent, active, *self._data, keep)

    def plastic_strain(self, inelastic: FloatArray) -> FloatArray:
        """See `PointLaw`."""
        del inelastic
        return self._kappa

    def phase(self, kappa: FloatArray) -> FloatArray:
        """See `PointLaw`."""
        passed = (self._strain[:, None, 1:] <= kappa[:, :, None]).sum(axis=2)
        return np.where(kappa > 0, 1.0 + passed, 0.0)


class UpdateLaw:
    """A law's own stress update. See `PointLaw`.

    Parameters
    ----------
    function
        As `culmann.StressUpdate` describes it.
    """

    def __init__(
        self,
        points: GaussPoints,
        cells: IntArray,
        materials: Materials,
        elasticity: FloatArray,
        function: Callable[..., None],
    ) -> None:
        assert materials.stress_update is not None
        source = points.source[cells]
        self.cells, self.elasticity = cells, elasticity
        self._slabs, self._begin = points.slabs, points.begin(cells)
        parameters = np.ascontiguousarray(materials.stress_update.parameters[source])
        state = np.zeros((len(cells), points.shape[1], materials.stress_update.n_state))
        modulus = materials.youngs_modulus_mpa[source]
        self._pointer = _tried(function, materials.stress_update.target, parameters[0], state[0, 0])
        self._data = (modulus, elasticity, turning(points.axes), parameters, state, 1e-10)

    def respond(self, e: FloatArray, lost: FloatArray, tangent: FloatArray, active: BoolArray, *, keep: bool) -> None:
        """See `PointLaw`."""
        self._slabs.run(update.respond, self._pointer, self.cells, self._begin, e, lost, tangent, active, *self._data, keep)

    def plastic_strain(self, inelastic: FloatArray) -> FloatArray:
        """See `PointLaw`. The state is the law's own affair, so that the strain without stress stands for it."""
        normal = inelastic[..., :3] - inelastic[..., :3].mean(axis=-1, keepdims=True)
        return np.asarray(np.sqrt((2 * (normal**2).sum(axis=-1) + (inelastic[..., 3:] ** 2).sum(axis=-1)) / 3))

    def phase(self, kappa: FloatArray) -> FloatArray:
        """See `PointLaw`."""
        return np.where(kappa > 1e-10, 1.0, 0.0)


def _tried(function: Callable[..., None], target: str, parameters: FloatArray, state: FloatArray) -> Any:
    """The address of an update, after a call of it for an unloaded cell: where it cannot work, its reason is told here."""
    try:
        function(np.zeros(6), state.copy(), parameters.copy(), state.copy(), np.zeros(6), np.zeros((6, 6)))
        return update.pointer(function)
    except Exception as problem:
        told = next((line for line in str(problem).splitlines() if line.strip()), "")
        raise PluginError(
            f"the stress update {target} fails for an unloaded cell: {type(problem).__name__}: {told}",
            hint="call it in Python with the arrays that `culmann.StressUpdate` describes",
        ) from problem


def turning(axes: FloatArray) -> FloatArray:
    """(6, 6): stress in LPS to stress along `axes` (3, 3), whose rows are in LPS."""
    T = np.zeros((6, 6))
    for row, (a, b) in enumerate(PAIRS):
        for column, (c, d) in enumerate(PAIRS):
            T[row, column] = axes[a, c] * axes[b, d] + (axes[a, d] * axes[b, c] if c != d else 0)
    return T


def equivalent_stress(stress: FloatArray, criterion: str) -> FloatArray:
    """(…) from stresses (…, 6), in the sense of the criterion."""
    if criterion == "von-mises":
        return np.asarray(np.sqrt(np.maximum(np.einsum("...a,ab,...b->...", stress, MISES, stress, optimize=True), 0)))
    # 2 sqrt(J2) cos(Lode's angle): many times faster than principal stresses.
    mean = stress[..., :3].mean(axis=-1)
    x, y, z = (stress[..., c] - mean for c in range(3))
    xy, yz, zx = (stress[..., 3 + c] for c in range(3))
    second = (x * x + y * y + z * z) / 2 + xy * xy + yz * yz + zx * zx
    third = x * y * z + 2 * xy * yz * zx - x * yz * yz - y * zx * zx - z * xy * xy
    size = np.sqrt(second)
    sine = np.divide(-1.5 * np.sqrt(3) * third, size**3, out=np.zeros_like(size), where=size > 0)
    return np.asarray(2 * size * np.cos(np.arcsin(np.clip(sine, -1, 1)) / 3))
