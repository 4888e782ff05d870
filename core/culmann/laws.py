"""The short way to write a material law: a function from density to a curve becomes a step, with the usual checks."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import DensityKind, DensityMap, Materials, Mesh
from culmann.data.arrays import FloatArray
from culmann.data.materials import Criterion, Unloading
from culmann.errors import PluginError
from culmann.journal import Journal
from culmann.law_checks import check_range, checked_cell_density
from culmann.mapping import Interpolation, average_over_cells
from culmann.solids import with_solids


class DensityLawConfig(Config):
    """Options that every law of density has."""

    poisson_ratio: float = Field(0.3, gt=-1, lt=0.5, description="Poisson's ratio of every cell.")
    averaging: Literal["modulus", "density"] = Field(
        "modulus",
        description="What is averaged over a cell: the law's results at every voxel (`modulus`, as in Bonemat V3), or the "
        "density, to which the law is then applied (`density`).",
    )
    interpolation: Interpolation = Field(
        "linear",
        description="Density between voxel centres, for cells that do not lie along the voxels: `linear`, or that of the "
        "`nearest` voxel, as QCTMA has it.",
    )
    largest_share_outside: float = Field(
        0.9,
        gt=0,
        le=1,
        description="A bone with a larger share of its cells outside of the densities that the law was measured in is refused: "
        "nothing of the kind was ever measured. From 0.1 on there is a caveat. 1 accepts any.",
    )


@dataclass(frozen=True, slots=True)
class Elastoplastic:
    """What a law says of n densities.

    Parameters
    ----------
    youngs_modulus_mpa
        (n,).
    stress_mpa
        (n,) for a perfectly plastic material, (n, k) for a curve of k points that starts at yield, (n, 0) for a linear one.
    plastic_strain
        (n, k), starting at 0; may be left out for a perfectly plastic material.
    """

    youngs_modulus_mpa: FloatArray
    stress_mpa: FloatArray
    plastic_strain: FloatArray | None = field(default=None)

    def columns(self) -> FloatArray:
        """(n, 1 + 2 k): modulus, stresses, plastic strains."""
        modulus = np.asarray(self.youngs_modulus_mpa, dtype=float)[:, None]
        stress = np.asarray(self.stress_mpa, dtype=float).reshape(len(modulus), -1)
        strain = np.zeros_like(stress) if self.plastic_strain is None else np.asarray(self.plastic_strain, dtype=float)
        return np.concatenate([modulus, stress, strain.reshape(stress.shape)], axis=1)


@dataclass(frozen=True, slots=True)
class LawFacts:
    """What a law states about itself; the conformance kit holds it to them."""

    density_kind: DensityKind
    valid_g_cm3: tuple[float, float]
    softens: bool
    curve: Callable[[FloatArray, Any], Elastoplastic]


C = TypeVar("C", bound=DensityLawConfig)
LawStep = Callable[[Mesh, DensityMap, C, Journal], Materials]


def density_law(
    *,
    density_kind: DensityKind,
    valid_g_cm3: tuple[float, float],
    softens: bool = False,
    criterion: Criterion = "von-mises",
    unloading: Unloading = "plastic",
) -> Callable[[Callable[[FloatArray, C], Elastoplastic]], LawStep[C]]:
    """Turn `(rho_g_cm3, config) -> Elastoplastic` into a material law step `(mesh, density, config, journal) -> Materials`.

    The step refuses a density of another kind or in another unit, averages over the cells as `config.averaging` says, warns
    when more than a tenth of the cells lie outside of the range that the law was measured in, and refuses a bone when more than
    `config.largest_share_outside` of them do.

    Parameters
    ----------
    density_kind
        The density that the law takes.
    valid_g_cm3
        The range in which the law was measured.
    softens
        Whether stresses may fall along the curve.
    criterion, unloading
        As in `Materials`.

    Raises
    ------
    PluginError
        At once, when there is no such kind of density, or the function has no parameter `config` that is annotated with its
        class.
    """
    kinds = get_args(DensityKind)
    if density_kind not in kinds:
        close = difflib.get_close_matches(str(density_kind), kinds, n=1, cutoff=0.5)
        guess = f"; did you mean {close[0]!r}?" if close else ""
        raise PluginError(
            f"density_law: there is no density of kind {density_kind!r}{guess}",
            hint=f"the kinds are {', '.join(kinds)}: state the one that the law was measured over",
        )

    def decorate(curve: Callable[[FloatArray, C], Elastoplastic]) -> LawStep[C]:
        @functools.wraps(curve)
        def step(mesh: Mesh, density: DensityMap, config: C, journal: Journal) -> Materials:
            bone = mesh.part(mesh.is_bone)
            rho = checked_cell_density(bone, density, density_kind, config.interpolation)
            check_range(rho, valid_g_cm3, config.largest_share_outside, journal)
            if config.averaging == "modulus":
                table = average_over_cells(bone, density, lambda r: curve(r, config).columns(), config.interpolation)
            else:
                table = curve(rho, config).columns()
            k = (table.shape[1] - 1) // 2
            materials = Materials(
                youngs_modulus_mpa=table[:, 0].copy(),
                poisson_ratio=np.full(bone.n_cells, config.poisson_ratio),
                stress_mpa=table[:, 1 : 1 + k].copy(),
                plastic_strain=table[:, 1 + k :].copy(),
                density_g_cm3=rho,
                criterion=criterion,
                unloading=unloading,
                law=curve.__name__.replace("_", "-"),
            )
            return with_solids(mesh, materials)

        step.__annotations__ = {
            "mesh": Mesh,
            "density": DensityMap,
            "config": _config_class(curve),
            "journal": Journal,
            "return": Materials,
        }
        del step.__dict__["__wrapped__"]  # the step's own signature is the one to read
        step.__dict__["culmann_law"] = LawFacts(density_kind, valid_g_cm3, softens, curve)
        return step

    return decorate


def _config_class(curve: Callable[..., Any]) -> Any:
    try:
        return get_type_hints(curve)["config"]
    except KeyError:
        raise PluginError(
            f"the law {curve.__name__!r}: annotate `config` with its Config class, "
            f"as in `def {curve.__name__}(rho_g_cm3, config: DensityLawConfig)`"
        ) from None
