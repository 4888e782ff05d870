"""StressUpdate: the name of a law's own compiled function from strain to stress, and what it is given in every cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from culmann.data.arrays import FloatArray, expect_shape


@dataclass(frozen=True, slots=True)
class StressUpdate:
    """Behaviour that the other members of `Materials` cannot say; it concerns bone cells only, never `Mesh.solids`.

    The function is compiled with `numba.njit` and is called at every Gauss point, many times in an increment, as

        update(strain, state, parameters, new_state, stress, tangent)

    with arrays of float64. It reads `strain` (6,), the strain at the end of the increment, small and from the unloaded bone
    on: xx, yy, zz, xy, yz, zx along LPS, shear components doubled (γ = 2 ε); `state` (n_state,), what the last converged
    increment left, zeros at first; and `parameters` (p,), those of the cell. It writes `new_state` (n_state,), which comes as
    a copy of `state`; `stress` (6,) in MPa, in the same order; and `tangent` (6, 6), the derivative of that stress by the
    strain. Those two come as zeros. It must not change what it reads, and the same input must give the same output.

    `youngs_modulus_mpa`, `poisson_ratio` and `orthotropy` still hold the elasticity of the unloaded bone; the solver starts
    from it. The curve in `stress_mpa` does not count in these cells.

    Parameters
    ----------
    target
        `package.module:function`. The module must belong to a plugin, or be imported when the solver runs.
    parameters
        (n_cells, p); rows of cells that are not bone are not used.
    n_state
        Numbers of state at every Gauss point.

    Raises
    ------
    ValueError
        When the target names no function of a module, a parameter is not finite, or the state has a negative size.
    """

    target: str
    parameters: FloatArray
    n_state: int = 0

    def __post_init__(self) -> None:
        module, _, name = self.target.partition(":")
        if not module or not name.isidentifier():
            raise ValueError(f"the target {self.target!r} is not of the form package.module:function")
        expect_shape("stress_update.parameters", self.parameters, (None, None))
        if not np.isfinite(self.parameters).all():
            raise ValueError(
                f"a parameter of {self.target} is not finite in cell {np.argwhere(~np.isfinite(self.parameters))[0][0]}"
            )
        if self.n_state < 0:
            raise ValueError(f"n_state is {self.n_state}")

    @classmethod
    def of(cls, function: Callable[..., Any], parameters: FloatArray, n_state: int = 0) -> Self:
        """One for a function at hand, by the module and the name that it has."""
        return cls(f"{function.__module__}:{function.__name__}", parameters, n_state)
