"""The law of Kopperdahl et al. 2002 for vertebral trabecular bone, with the yield rules that later models combine it with."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.data import DensityMap, Materials, Mesh
from culmann.data.arrays import FloatArray
from culmann.data.materials import Criterion
from culmann.journal import Journal
from culmann.laws import DensityLawConfig, Elastoplastic, density_law
from culmann_vertebra.directions import OrthotropicBone, with_directions


class KopperdahlConfig(DensityLawConfig):
    """Options of the law."""

    modulus: Literal["linear", "power"] = Field(
        "linear", description="Modulus over density: E = -34.7 + 3230 rho (`linear`) or E = 2980 rho^1.05 (`power`), MPa."
    )
    strength: Literal["yield-strain", "kopperdahl-linear", "kopperdahl-power", "elastic"] = Field(
        "yield-strain",
        description="Yield stress in MPa: yield_strain times E (`yield-strain`, as Saillard et al. 2024), -0.75 + 24.9 rho "
        "(`kopperdahl-linear`) or 37.4 rho^1.39 (`kopperdahl-power`). `elastic` bone never yields.",
    )
    yield_strain: float = Field(
        0.015,
        gt=0,
        le=0.1,
        description="Strain at which a cell yields, for `strength: yield-strain`. 0.015 is 1.5 %; MekAnOs also offers 0.007, "
        "its default, 0.008, 0.01, 0.012 and 0.02.",
    )
    criterion: Criterion = Field("von-mises", description="Which equivalent stress yields.")
    orthotropic: OrthotropicBone | None = Field(
        None,
        description="Bone that is less stiff across the axis of the vertebra than along it; `{}` takes ratios as those of "
        "Crawford et al. 2003, null is isotropic.",
    )
    modulus_floor_mpa: float = Field(
        0.01,
        gt=0,
        description="Lowest modulus, given to marrow and fat where the line falls below it. The authors of Saillard et al. "
        "2024 use 0.01 MPa, the native solver needs no more; with 1 MPa the failure load of the shipped L3 rises by 0.4 %.",
    )


@density_law(density_kind="qct-k2hpo4", valid_g_cm3=(0.09, 0.38))
def _isotropic(rho_g_cm3: FloatArray, config: KopperdahlConfig) -> Elastoplastic:
    rho = np.maximum(rho_g_cm3, 0.0)
    line = -34.7 + 3230.0 * rho if config.modulus == "linear" else 2980.0 * rho**1.05
    modulus = np.maximum(line, config.modulus_floor_mpa)
    if config.strength == "elastic":
        return Elastoplastic(modulus, np.zeros((len(modulus), 0)))
    if config.strength == "yield-strain":
        return Elastoplastic(modulus, config.yield_strain * modulus)
    strength = -0.75 + 24.9 * rho if config.strength == "kopperdahl-linear" else 37.4 * rho**1.39
    return Elastoplastic(modulus, np.maximum(strength, config.yield_strain * config.modulus_floor_mpa))


def kopperdahl(mesh: Mesh, density: DensityMap, config: KopperdahlConfig, journal: Journal) -> Materials:
    """Elastic, perfectly plastic vertebral bone.

    ::

        modulus: linear              E = max(-34.7 + 3230 rho, modulus_floor_mpa)
        modulus: power               E = max(2980 rho^1.05, modulus_floor_mpa)
        strength: yield-strain       sigma_y = yield_strain E
        strength: kopperdahl-linear  sigma_y = -0.75 + 24.9 rho
        strength: kopperdahl-power   sigma_y = 37.4 rho^1.39
        strength: elastic            never yields

    rho is the K2HPO4-equivalent density of quantitative CT in g/cm³, E and sigma_y are in MPa. Negative densities (fat) count
    as zero. The yield stress never falls below `yield_strain` times `modulus_floor_mpa`. Yield is alike in tension and
    compression, without hardening. With `orthotropic: {}`, E is the modulus along the axis of the vertebra, and across it::

        E_x = E_y = E / 3    G_xy = 0.121 E    G_xz = G_yz = 0.157 E    nu = 0.11

    The line was measured between 0.09 and 0.38 g/cm³ (76 specimens, R² = 0.91); it reaches zero at 0.0107 g/cm³. A yield strain
    of 1.5 % gives yield stresses of 2.1 to 2.5 times those that Kopperdahl measured: it belongs to the vertebra model of
    Saillard et al. 2024 as a whole, not to the tissue. The Bonelab benchmark combines the two power laws with `criterion:
    tresca`; von Mises's is up to 15 % stronger in shear. The ratios of orthotropic bone are those of MekAnOs, after Crawford et
    al. 2003.

    Raises
    ------
    InputError
        When the density is of another kind or unit, nearly all cells lie outside of the range of the law, or the mesh has no
        axis for `orthotropic` bone.

    References
    ----------
    Kopperdahl, Morgan, Keaveny. Quantitative computed tomography estimates of the mechanical properties of human vertebral
    trabecular bone. J. Orthop. Res. 20(4), 801-805 (2002). Yield strain of 1.5 %: Saillard et al. 2024,
    doi:10.1038/s41598-024-66934-w.

    Examples
    --------
    >>> import numpy as np
    >>> bone = kopperdahl.culmann_law.curve(np.array([0.10, 0.20]), KopperdahlConfig())
    >>> bone.youngs_modulus_mpa.round(1).tolist(), bone.stress_mpa.round(4).tolist()
    ([288.3, 611.3], [4.3245, 9.1695])
    """
    materials = _isotropic(mesh, density, config, journal)
    return with_directions(mesh, replace(materials, law="kopperdahl", criterion=config.criterion), config.orthotropic, journal)


kopperdahl.__dict__["culmann_law"] = _isotropic.__dict__["culmann_law"]
