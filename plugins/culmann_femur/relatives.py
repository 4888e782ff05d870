"""femur-law: the other published laws of femoral bone, from a table, elastic and perfectly plastic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from culmann.data import DensityMap, Materials, Mesh
from culmann.journal import Journal
from culmann.law_tables import TabulatedLawConfig, in_words, read_laws, tabulated

#: Strain at yield for laws that give a modulus only: that of the femoral neck in compression in parosol-py's preset.
_USUAL_YIELD_STRAIN = 0.0085

LAWS = read_laws(Path(__file__).with_name("laws.yaml"))

if TYPE_CHECKING:
    LawName = str
else:
    LawName = Literal[*LAWS]


class FemurLawConfig(TabulatedLawConfig):
    """Options of the law."""

    law: LawName = Field(
        description="Which law, of those in the table above. Names that end in -unverified hold numbers that were not checked "
        "against their source."
    )
    yield_strain: float | None = Field(
        None,
        gt=0,
        le=0.1,
        description="A cell yields at this strain. null takes what the law says; a law that gives a modulus only is given "
        "0.0085, with a caveat: the strain of the femoral neck in compression in parosol-py's preset.",
    )
    strain_rate_per_s: float = Field(
        0.01, gt=0, description="Strain rate, 1/s, for laws that depend on it. 0.01 is a choice of ours, for a slow test."
    )


def femur_law(mesh: Mesh, density: DensityMap, config: FemurLawConfig, journal: Journal) -> Materials:
    """Elastic, perfectly plastic bone after one of the published laws, isotropic, with the criterion of von Mises.

    E and strength in MPa, rho in g/cm³::

        {table}

    Each law takes one kind of density, ash or apparent; `convert-density` stands in between where the map has another kind.
    Densities below that of `modulus_floor_mpa` give that modulus. Outside of the range of a law its formula is carried on, with
    a caveat from a tenth of the cells on.

    Raises
    ------
    InputError
        When the density is of another kind or unit, or nearly all cells lie outside of the range of the law.

    References
    ----------
    As in the table; FEA_bone is github.com/ValKanAll/FEA_bone.
    """
    law = LAWS[config.law]
    if law.rate_exponent and "strain_rate_per_s" not in config.model_fields_set:
        journal.warn(f"{config.law} depends on the strain rate, and {config.strain_rate_per_s:g}/s is assumed")
    return tabulated(
        config.law,
        law,
        mesh,
        density,
        config,
        journal,
        usual_yield_strain=_USUAL_YIELD_STRAIN,
        strain_rate_per_s=config.strain_rate_per_s,
    )


femur_law.__doc__ = str(femur_law.__doc__).replace("{table}", in_words(LAWS).replace("\n", "\n" + 8 * " "))
