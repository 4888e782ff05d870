"""sas-femur: the material law of the voxel femur of Sas et al. 2020, which Saillard et al. 2024 took over."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Materials, Mesh
from culmann.data.arrays import BoolArray, FloatArray
from culmann.data.density import DensityMap
from culmann.data.materials import Unloading
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.law_checks import check_range, checked_cell_density
from culmann.solids import with_solids
from culmann_femur.averaging import neighbour_mean
from culmann_femur.cortex import cell_size_mm, cortical_cells
from culmann_femur.law_picture import law_picture
from culmann_femur.sas_curve import CORTICAL_LENGTH_MM, NO_PLATEAU_G_CM3, density_of_modulus, sas_curve

#: What the two presets differ in: the kind of density, and the width of the Gaussian mean in mm (0 for none).
_PRESETS: dict[str, tuple[Literal["ash", "qct-k2hpo4"], float]] = {"sas": ("ash", 3.0), "paper": ("qct-k2hpo4", 0.0)}

#: Ash densities that the law is quoted for, g/cm³; the range was not checked against its source.
_QUOTED_RANGE_G_CM3 = (0.09, 1.2)


class SasFemurConfig(Config):
    """Options of the law."""

    preset: Literal["sas", "paper"] = Field(
        "sas",
        description="`sas`, as in Sas et al. 2020: ash density, averaged over 3 mm. `paper`, as Saillard et al. 2024 write it: "
        "density of quantitative CT as it is, not averaged. `density_kind` and `averaging_fwhm_mm` set either by itself.",
    )
    density_kind: Literal["ash", "qct-k2hpo4", "qct-ha"] | None = Field(
        None, description="Kind of density that is put into the law; null is what the preset says: ash, or qct-k2hpo4."
    )
    averaging_fwhm_mm: float | None = Field(
        None,
        ge=0,
        description="Width at half maximum of the Gaussian mean of densities over neighbouring bone cells of a voxel mesh; 0 "
        "does not average, null is what the preset says: 3, or 0.",
    )
    isotropic_window: bool = Field(
        False,
        description="Sas et al. cut that mean off one cell away along the long axis of the patient, and ceil((6 - size) / 4) "
        "cells away across it; true takes that number along all axes. Cells of 2 mm or more make no difference.",
    )
    constitutive_length_mm: float | None = Field(
        3.0,
        gt=0,
        le=CORTICAL_LENGTH_MM,
        description="Element size that plateau and softening are scaled to: 3 mm in Sas et al., whatever the mesh. null takes "
        "the size of each cell, so that a band of one element dissipates the same in any mesh.",
    )
    cortical_above_g_cm3: float | None = Field(
        0.6,
        ge=0,
        description="A cell is cortical when its own density, before averaging, is above this and what the next option asks "
        "for holds; null asks for no density. Sas et al. took a mask, and how they drew it is not known; 0.6 is where the "
        "piecewise modulus of Keyak et al. 1998 changes.",
    )
    cortical_within_mm: float | None = Field(
        None,
        gt=0,
        description="A cortical cell has its centre at most this deep under the surface of the bone, cut ends included; null "
        "asks for no depth. With this and the option above null, all bone is trabecular.",
    )
    cortical_regions: tuple[str, ...] = Field(
        (), description="Names of the regions of the mesh that are cortical; where given, they alone decide."
    )
    variant: Literal["softening", "perfectly-plastic"] = Field(
        "softening",
        description="`perfectly-plastic` leaves the softening out. Its failure load is an upper bound for the other's, and the "
        "split into cortical and trabecular bone plays no part in it.",
    )
    unloading: Unloading = Field(
        "secant",
        description="`secant`: the modulus of a cell falls with its strain, as Sas et al. have it. `plastic`: von Mises "
        "plasticity with the same curve, as in Ansys; it is stronger where bone is confined.",
    )
    plateau: Literal["sas", "quoted-unverified"] = Field(
        "sas",
        description="Length of the first plateau. `quoted-unverified` is -0.00315 + 0.0728 rho at any size, as quoted in the "
        "literature; no source of it was found.",
    )
    poisson_ratio: float = Field(0.3, gt=-1, lt=0.5, description="Poisson's ratio of every cell.")
    modulus_floor_mpa: float = Field(
        0.01, gt=0, le=100, description="Densities of marrow and fat are raised to the one where the law gives this modulus."
    )
    largest_share_outside: float = Field(
        0.9,
        gt=0,
        le=1,
        description="A bone with a larger share of its cells outside of 0.09 to 1.2 g/cm3, the densities that the law is "
        "quoted for, is refused. From 0.1 on there is a caveat. 1 accepts any.",
    )


def sas_femur(mesh: Mesh, density: DensityMap, config: SasFemurConfig, journal: Journal) -> Materials:
    """Elastic bone with a plateau at yield, linear softening and a residual plateau, isotropic, after von Mises.

    ::

        E = 14900 rho^1.86     S = 102 rho^1.80     sigma_min = 43.1 rho^1.81        MPa, rho in g/cm³
        sigma = E e                       up to eps_A = S / E
              = S                         up to eps_B = eps_A + eps_AB
              = S + Ep (e - eps_B)        up to eps_C, where sigma_min is reached
              = sigma_min                 from there on

    e is the equivalent stress over the present modulus. eps_AB and Ep depend on whether a cell is trabecular or cortical and on
    `constitutive_length_mm`; for 3 mm and 0.5 g/cm³ they are 6.97 % and -132.6 MPa (trabecular), 2.23 % and -546.7 MPa
    (cortical). E, S and sigma_min are common to both, so that the split concerns only what follows the plateau.

    What rho is, is the largest open question of this law: Sas et al. take ash density, Saillard et al. write rho_QCT. At
    0.15 g/cm³ of K2HPO4 the ash density is 0.198 and gives a modulus 67 % higher. So a preset takes one kind only, and
    `convert-density` stands in between where it is to be converted. The density of a cell is that of its volume, averaged over
    its neighbours as `averaging_fwhm_mm` says; cells with a material of their own (`Mesh.solids`) take no part.

    Raises
    ------
    InputError
        When the density is of another kind or unit, a cortical region does not exist, an average is asked for on a mesh that is
        not of voxels, or cells are too large for the law to be scaled to them.

    References
    ----------
    Sas, Ohs, Tanck, van Lenthe 2020, Bone Rep., doi:10.1016/j.bonr.2020.100263, as coded by its authors
    (github.com/ameliesas/NonlinearRoutine), after Keyak et al. 2005, Clin. Orthop. Relat. Res. 437, 219-228. Saillard et al.
    2024, doi:10.1038/s41598-024-66934-w.
    """
    preset_kind, preset_fwhm_mm = _PRESETS[config.preset]
    kind = preset_kind if config.density_kind is None else config.density_kind
    fwhm_mm = preset_fwhm_mm if config.averaging_fwhm_mm is None else config.averaging_fwhm_mm
    bone = mesh.part(mesh.is_bone)
    own = checked_cell_density(bone, density, kind)
    averaged = _averaged(bone, own, fwhm_mm, config)
    check_range(averaged, _QUOTED_RANGE_G_CM3, config.largest_share_outside, journal, what="is quoted for")
    cortical = cortical_cells(
        bone,
        own,
        above_g_cm3=config.cortical_above_g_cm3,
        within_mm=config.cortical_within_mm,
        regions=config.cortical_regions,
    )
    floor = density_of_modulus(config.modulus_floor_mpa)
    rho = np.maximum(averaged, floor)
    size = _sizes(bone, config)
    curve = sas_curve(rho, cortical, size, quoted_plateau=config.plateau == "quoted-unverified")
    softens = config.variant == "softening"
    stress, plastic = curve.points()
    journal.progress(
        f"{bone.n_cells} cells of bone, {100 * cortical.mean():.3g} % cortical, {int((averaged <= floor).sum())} raised to "
        f"the floor of {config.modulus_floor_mpa:g} MPa; mean density {own.mean():.4g} g/cm³, E from "
        f"{curve.youngs_modulus_mpa.min():.3g} to {curve.youngs_modulus_mpa.max():.5g} MPa"
    )
    if softens:
        _tell_of_the_plateau(rho, cortical, config, journal)
    journal.attach("law.png", law_picture(bone, averaged, cortical, kind))
    materials = Materials(
        youngs_modulus_mpa=curve.youngs_modulus_mpa,
        poisson_ratio=np.full(bone.n_cells, config.poisson_ratio),
        stress_mpa=stress if softens else stress[:, :1].copy(),
        plastic_strain=plastic if softens else plastic[:, :1].copy(),
        density_g_cm3=averaged,
        criterion="von-mises",
        unloading=config.unloading,
        characteristic_length_mm=float(np.median(size)) if softens else None,
        law="sas-femur",
    )
    return with_solids(mesh, materials)


def _averaged(bone: Mesh, rho: FloatArray, fwhm_mm: float, config: SasFemurConfig) -> FloatArray:
    if fwhm_mm == 0:
        return rho
    if bone.lattice is None:
        raise InputError(
            f"the density is to be averaged over {fwhm_mm:g} mm, which is done over the cells of a voxel mesh only",
            hint="use `voxel-mesh`, or set `averaging_fwhm_mm: 0`",
        )
    return neighbour_mean(bone.lattice.grid, bone.lattice.cell_index, rho, fwhm_mm, isotropic=config.isotropic_window)


def _sizes(bone: Mesh, config: SasFemurConfig) -> FloatArray:
    if config.constitutive_length_mm is not None:
        return np.full(bone.n_cells, config.constitutive_length_mm)
    size = cell_size_mm(bone)
    if size.max() > CORTICAL_LENGTH_MM and config.variant == "softening":
        raise InputError(
            f"the largest cell is as large as a cube of {size.max():.3g} mm; the law can be scaled up to "
            f"{CORTICAL_LENGTH_MM:g} mm, the length of its cortical specimens",
            hint="build a finer mesh, or state `constitutive_length_mm`",
        )
    return size


def _tell_of_the_plateau(rho: FloatArray, cortical: BoolArray, config: SasFemurConfig, journal: Journal) -> None:
    if config.plateau == "quoted-unverified":
        journal.warn(
            "sas-femur: the length of the plateau, -0.00315 + 0.0728 rho, is quoted in the literature without a source"
        )
        return
    beyond = int((cortical & (rho >= NO_PLATEAU_G_CM3)).sum())
    if beyond:
        journal.warn(
            f"{beyond} cortical cells are denser than {NO_PLATEAU_G_CM3:g} g/cm³, where the law has no plateau left: they "
            "soften as soon as they yield. Look for metal or an unsuitable calibration"
        )
