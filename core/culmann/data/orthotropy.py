"""Orthotropy: elastic constants along three axes, as ratios to the Young's modulus of a cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from culmann.data.arrays import FloatArray, expect_shape

Triple = tuple[float, float, float]

#: Which axes a component of a stress or of a strain belongs to: xx, yy, zz, xy, yz, zx.
PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))


@dataclass(frozen=True, slots=True)
class Orthotropy:
    """The elasticity of bone whose stiffness depends on direction; one for all bone cells of a mesh.

    With x, y, z for the rows of `axes` and E for a cell's `youngs_modulus_mpa`: `E_x = e_ratio[0] E` and `G_xy = g_ratio[0] E`.
    ν_xy is the contraction along y over the extension along x when x is pulled, so that `ν_xy / E_x = ν_yx / E_y`.

    Parameters
    ----------
    e_ratio
        E_x, E_y, E_z over E.
    g_ratio
        G_xy, G_yz, G_zx over E.
    poisson
        ν_xy, ν_yz, ν_zx. Other programs ask for ν_xz (PRXZ in Ansys, ν_13 in Abaqus and CalculiX), which is ν_zx E_x / E_z.
    axes
        (3, 3): the axes x, y, z of the material as rows, unit vectors in LPS.

    Raises
    ------
    ValueError
        When a ratio is not positive, the axes are not at right angles or not of unit length, or the constants would let a
        deformation set energy free.
    """

    e_ratio: Triple
    g_ratio: Triple
    poisson: Triple
    axes: FloatArray = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        expect_shape("axes", self.axes, (3, 3))
        for name in ("e_ratio", "g_ratio", "poisson"):
            values = np.asarray(getattr(self, name), dtype=float)
            expect_shape(name, values, (3,))
            if not np.isfinite(values).all() or (name != "poisson" and not (values > 0).all()):
                raise ValueError(f"{name} is {values.tolist()}: " + ("not finite" if name == "poisson" else "must be above 0"))
        if not np.allclose(self.axes @ self.axes.T, np.eye(3), atol=1e-9):
            raise ValueError("the axes of orthotropy must be unit vectors at right angles")
        if np.linalg.eigvalsh(self._compliance())[0] <= 0:
            raise ValueError(
                f"Poisson's ratios {tuple(self.poisson)} do not go with these moduli: energy could come from nothing"
            )

    def _compliance(self) -> FloatArray:
        S = np.diag(1 / np.concatenate([self.e_ratio, self.g_ratio]))
        for nu, (c, d) in zip(self.poisson, PAIRS[3:], strict=True):
            S[c, d] = S[d, c] = -nu / self.e_ratio[c]
        return S

    def stiffness(self, axes: FloatArray | None = None) -> FloatArray:
        """(6, 6): stress over strain for E = 1 MPa, components xx, yy, zz, xy, yz, zx, shear strains doubled (γ = 2 ε).

        Parameters
        ----------
        axes
            (3, 3): rows are the axes in which the components are wanted, in LPS; None for the material's own.
        """
        C = np.linalg.inv(self._compliance())
        if axes is None:
            return np.asarray((C + C.T) / 2)
        # Stress transforms with T, engineering strain with the inverse of its transpose: C' = T C T'.
        turn = axes @ self.axes.T
        T = np.zeros((6, 6))
        for row, (a, b) in enumerate(PAIRS):
            for column, (c, d) in enumerate(PAIRS):
                T[row, column] = turn[a, c] * turn[b, d] + (turn[a, d] * turn[b, c] if c != d else 0)
        C = T @ C @ T.T
        return np.asarray((C + C.T) / 2)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "e_ratio": list(self.e_ratio),
            "g_ratio": list(self.g_ratio),
            "poisson": list(self.poisson),
            "axes": self.axes.tolist(),
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Self:
        """From what `as_dict` gave."""

        def triple(name: str) -> Triple:
            x, y, z = facts[name]
            return float(x), float(y), float(z)

        return cls(triple("e_ratio"), triple("g_ratio"), triple("poisson"), np.array(facts["axes"], dtype=float))
