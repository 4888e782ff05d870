"""The laboratory's law."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from culmann import DensityLawConfig, Elastoplastic, density_law


class HardeningConfig(DensityLawConfig):
    """Options of the law."""

    stiffness_mpa: float = Field(12000.0, gt=0, description="Young's modulus at a density of 1 g/cm³.")
    hardening: float = Field(0.05, ge=0, lt=1, description="Slope of the curve after yield over the slope before it.")


@density_law(density_kind="qct-k2hpo4", valid_g_cm3=(0.05, 0.5))
def hardening_bone(rho_g_cm3: npt.NDArray[np.float64], config: HardeningConfig) -> Elastoplastic:
    """Young's modulus grows with the square of the density; after a strain of 0.9 % the curve goes on less steeply.

    E = stiffness_mpa rho^2 + 5 MPa, sigma_y = 0.009 E, and a slope of `hardening` E up to 10 % of plastic strain.
    """
    modulus = config.stiffness_mpa * np.clip(rho_g_cm3, 0, None) ** 2 + 5
    plastic = np.tile([0.0, 0.1], (len(modulus), 1))
    slope = modulus * config.hardening / (1 - config.hardening)
    return Elastoplastic(modulus, 0.009 * modulus[:, None] + slope[:, None] * plastic, plastic)
