"""The stress-strain curve of femoral bone of Sas et al. 2020: plateau, softening, residual plateau, element size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culmann.data.arrays import BoolArray, FloatArray

#: Gauge lengths of the specimens behind the two branches, mm.
TRABECULAR_LENGTH_MM, CORTICAL_LENGTH_MM = 15.0, 5.0

#: From this ash density on, g/cm³, the plateau of the cortical branch has no length.
NO_PLATEAU_G_CM3 = 1.84

#: Where a plateau would have no length it gets this plastic strain, as points of a curve must not coincide.
_SHORTEST_PLATEAU = 1e-6


@dataclass(frozen=True, slots=True)
class SasCurve:
    """The curve of n cells.

    Parameters
    ----------
    youngs_modulus_mpa, plateau_mpa, residual_mpa
        (n,): E, S and sigma_min.
    plateau_strain
        (n,): eps_AB, strain from yield to the end of the first plateau.
    softening_mpa
        (n,): Ep < 0, slope of stress over strain after it.
    """

    youngs_modulus_mpa: FloatArray
    plateau_mpa: FloatArray
    residual_mpa: FloatArray
    plateau_strain: FloatArray
    softening_mpa: FloatArray

    @property
    def yield_strain(self) -> FloatArray:
        """(n,): eps_A."""
        return self.plateau_mpa / self.youngs_modulus_mpa

    @property
    def residual_strain(self) -> FloatArray:
        """(n,): eps_C, where the stress has come down to the residual one."""
        fallen = (self.residual_mpa - self.plateau_mpa) / self.softening_mpa
        return np.asarray(self.yield_strain + self.plateau_strain + fallen)

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Stresses and plastic strains (n, 3) as `Materials` has them: yield, end of the plateau, end of softening."""
        at_residual = self.residual_strain - self.residual_mpa / self.youngs_modulus_mpa
        stress = np.stack([self.plateau_mpa, self.plateau_mpa, self.residual_mpa], axis=1)
        return stress, np.stack([np.zeros_like(at_residual), self.plateau_strain, at_residual], axis=1)


def density_of_modulus(modulus_mpa: float) -> float:
    """The density in g/cm³ at which the law gives a modulus."""
    return float((modulus_mpa / 14900.0) ** (1 / 1.86))


def sas_curve(rho_g_cm3: FloatArray, cortical: BoolArray, length_mm: FloatArray, *, quoted_plateau: bool = False) -> SasCurve:
    """The curve for densities above 0.

    ::

        E = 14900 rho^1.86    S = 102 rho^1.80    sigma_min = 43.1 rho^1.81    (MPa)
        trabecular: L = 15 mm   eps_AB0 = 0.00189 + 0.0241 rho   Ep0 = -2080 rho^1.45 MPa
        cortical:   L =  5 mm   eps_AB0 = 0.0184  - 0.0100 rho   Ep0 = -1000 MPa
        eps_AB = eps_AB0 L / h      Ep = h E Ep0 / (L E - (L - h) Ep0)

    The last line keeps the elongation of a specimen of length L when what happens after yield gathers in one element of size h
    and the rest unloads elastically. With h = 3 mm it is the published law, with h = L that of the specimen.

    Parameters
    ----------
    rho_g_cm3
        (n,).
    cortical
        (n,): which branch.
    length_mm
        (n,): h.
    quoted_plateau
        Take eps_AB = -0.00315 + 0.0728 rho, at any h, which the literature quotes for this law and no source shows.

    References
    ----------
    Sas et al. 2020, Bone Rep., doi:10.1016/j.bonr.2020.100263, as coded by its authors in
    github.com/ameliesas/NonlinearRoutine, after Keyak et al. 2005, Clin. Orthop. Relat. Res. 437, 219-228.
    """
    rho, h = rho_g_cm3, length_mm
    modulus = 14900.0 * rho**1.86
    gauge = np.where(cortical, CORTICAL_LENGTH_MM, TRABECULAR_LENGTH_MM)
    plateau = np.where(cortical, 0.0184 - 0.0100 * rho, 0.00189 + 0.0241 * rho) * gauge / h
    if quoted_plateau:
        plateau = -0.00315 + 0.0728 * rho
    slope = np.where(cortical, -1000.0, -2080.0 * rho**1.45)
    return SasCurve(
        youngs_modulus_mpa=modulus,
        plateau_mpa=102.0 * rho**1.80,
        residual_mpa=43.1 * rho**1.81,
        plateau_strain=np.maximum(plateau, _SHORTEST_PLATEAU),
        softening_mpa=h * modulus * slope / (gauge * modulus - (gauge - h) * slope),
    )
