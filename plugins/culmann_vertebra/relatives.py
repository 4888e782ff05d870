"""vertebra-law: the other published laws of vertebral bone, from a table, elastic and perfectly plastic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from culmann.data import DensityMap, Materials, Mesh
from culmann.data.materials import Criterion
from culmann.journal import Journal
from culmann.law_tables import TabulatedLawConfig, in_words, read_laws, tabulated
from culmann_vertebra.directions import OrthotropicBone, with_directions

#: Strain at yield for laws that give a modulus only: the default of MekAnOs, where it goes with Kopperdahl's line.
USUAL_YIELD_STRAIN = 0.007

LAWS = read_laws(Path(__file__).with_name("laws.yaml"))

if TYPE_CHECKING:
    LawName = str
else:
    LawName = Literal[*LAWS]


class VertebraLawConfig(TabulatedLawConfig):
    """Options of the law."""

    law: LawName = Field(description="Which law, of those in the table above.")
    yield_strain: float | None = Field(
        None,
        gt=0,
        le=0.1,
        description="A cell yields at this strain. null takes what the law says; a law that gives a modulus only is given "
        "0.007, with a caveat: the default of MekAnOs.",
    )
    criterion: Criterion | None = Field(
        None, description="Which equivalent stress yields: `von-mises` or `tresca`; null is that of the law."
    )
    orthotropic: OrthotropicBone | None = Field(
        None,
        description="Bone that is less stiff across the axis of the vertebra than along it; `{}` takes ratios as those of "
        "Crawford et al. 2003, null is isotropic.",
    )


def vertebra_law(mesh: Mesh, density: DensityMap, config: VertebraLawConfig, journal: Journal) -> Materials:
    """Elastic, perfectly plastic bone after one of the published laws.

    E and strength in MPa, rho in g/cm³::

        {table}

    Each law takes one kind of density; `convert-density` stands in between where the map has another kind. Densities below
    that of `modulus_floor_mpa` give that modulus. Outside of the range of a law its formula is carried on, with a caveat from a
    tenth of the cells on. Yield is after von Mises but where the table says Tresca, alike in tension and compression.

    Raises
    ------
    InputError
        When the density is of another kind or unit, nearly all cells lie outside of the range of the law, or the mesh has no
        axis for `orthotropic` bone.

    References
    ----------
    As in the table. FEA_bone and MekAnOs are github.com/ValKanAll/FEA_bone and MekAnOs, Ogo is github.com/Bonelab/Ogo,
    parosol-py is github.com/wallematthias/parosol-py.
    """
    law = LAWS[config.law]
    materials = tabulated(config.law, law, mesh, density, config, journal, usual_yield_strain=USUAL_YIELD_STRAIN)
    if config.criterion is not None:
        materials = replace(materials, criterion=config.criterion)
    return with_directions(mesh, materials, config.orthotropic, journal)


vertebra_law.__doc__ = str(vertebra_law.__doc__).replace("{table}", in_words(LAWS).replace("\n", "\n" + 8 * " "))
