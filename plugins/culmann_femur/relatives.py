"""femur-law: the other published laws of femoral bone, from a table, elastic and perfectly plastic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import yaml
from pydantic import Field

from culmann.data import DensityKind, DensityMap, Materials, Mesh
from culmann.data.arrays import FloatArray
from culmann.journal import Journal
from culmann.laws import DensityLawConfig, Elastoplastic, density_law

#: Strain at yield for laws that give a modulus only: that of the femoral neck in compression in parosol-py's preset.
_USUAL_YIELD_STRAIN = 0.0085


@dataclass(frozen=True, slots=True)
class Piece:
    """a rho^b + c up to a density, that one included."""

    a: float
    b: float
    c: float = 0.0
    upto: float = np.inf


@dataclass(frozen=True, slots=True)
class FemurLaw:
    """An entry of `laws.yaml`, which says what the fields are."""

    takes: DensityKind
    modulus: tuple[Piece, ...]
    source: str
    strength: tuple[Piece, ...] | None = None
    strain: float | None = None
    range_g_cm3: tuple[float, float] | None = None
    rate_exponent: float = 0.0
    verified: bool = True


def _read(path: Path) -> dict[str, FemurLaw]:
    def law(entry: dict[str, Any]) -> FemurLaw:
        facts = dict(entry)
        for key in facts.keys() & {"modulus", "strength"}:
            facts[key] = tuple(Piece(**piece) for piece in entry[key])
        if "range_g_cm3" in facts:
            facts["range_g_cm3"] = tuple(entry["range_g_cm3"])
        return FemurLaw(**facts)

    return {name: law(entry) for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items()}


LAWS = _read(Path(__file__).with_name("laws.yaml"))

if TYPE_CHECKING:
    LawName = str
else:
    LawName = Literal[*LAWS]


def formula(pieces: tuple[Piece, ...]) -> str:
    """The pieces in words."""
    said = []
    for piece in pieces:
        power = "rho" if piece.b == 1 else f"rho^{piece.b:g}"
        line = f"{piece.a:g} {power}" + (f" + {piece.c:g}" if piece.c else "")
        said.append(line if np.isinf(piece.upto) else f"{line} up to {piece.upto:g}")
    return ", ".join(said)


def table() -> str:
    """All laws in words, two lines each."""
    lines = []
    for name, law in LAWS.items():
        line = f"E = {formula(law.modulus)}"
        line += f", times (strain rate)^{law.rate_exponent:g}" if law.rate_exponent else ""
        line += f"; strength {formula(law.strength)}" if law.strength else ""
        line += f"; yields at {law.strain:g}" if law.strain else ""
        line += "; measured from {:g} to {:g}".format(*law.range_g_cm3) if law.range_g_cm3 else ""
        lines += [f"{name}: {law.takes}, {law.source}", f"    {line}"]
    return "\n".join(lines)


class FemurLawConfig(DensityLawConfig):
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
    modulus_floor_mpa: float = Field(0.01, gt=0, description="Lowest modulus, given to marrow and fat.")


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
    if not law.verified:
        journal.warn(f"{config.law}: its numbers ({law.source}) were not checked against their source")
    if config.yield_strain is None and law.strain is None and law.strength is None:
        journal.warn(
            f"{config.law} gives no strength: it is taken to yield at a strain of {100 * _USUAL_YIELD_STRAIN:g} %; "
            "state `yield_strain`"
        )
    if law.rate_exponent and "strain_rate_per_s" not in config.model_fields_set:
        journal.warn(f"{config.law} depends on the strain rate, and {config.strain_rate_per_s:g}/s is assumed")

    def curve(rho_g_cm3: FloatArray, config: FemurLawConfig) -> Elastoplastic:
        return curve_of(law, rho_g_cm3, config)

    step = density_law(density_kind=law.takes, valid_g_cm3=law.range_g_cm3 or (-np.inf, np.inf))(curve)
    return replace(step(mesh, density, config, journal), law=config.law)


def curve_of(law: FemurLaw, rho_g_cm3: FloatArray, config: FemurLawConfig) -> Elastoplastic:
    """What a law says of densities (n,)."""
    rho = np.maximum(rho_g_cm3, 0.0)
    raw = _evaluate(law.modulus, rho) * config.strain_rate_per_s**law.rate_exponent
    modulus = np.maximum(raw, config.modulus_floor_mpa)
    if config.yield_strain is None and law.strength is not None:
        strength = _evaluate(law.strength, rho)
        return Elastoplastic(modulus, np.maximum(strength, _USUAL_YIELD_STRAIN * config.modulus_floor_mpa))
    strain = config.yield_strain or law.strain or _USUAL_YIELD_STRAIN
    return Elastoplastic(modulus, strain * modulus)


def _evaluate(pieces: tuple[Piece, ...], rho: FloatArray) -> FloatArray:
    ends = np.array([piece.upto for piece in pieces])
    which = np.searchsorted(ends, rho)
    a, b, c = np.array([(piece.a, piece.b, piece.c) for piece in pieces]).T
    return np.asarray(a[which] * rho ** b[which] + c[which])


femur_law.__doc__ = str(femur_law.__doc__).replace("{table}", table().replace("\n", "\n" + 8 * " "))
