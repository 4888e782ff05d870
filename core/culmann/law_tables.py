"""Tables of published laws: data files of density-modulus formulas, read, described in words and made into materials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import Field

from culmann.data import DensityKind, DensityMap, Materials, Mesh
from culmann.data.arrays import FloatArray
from culmann.data.materials import Criterion
from culmann.journal import Journal
from culmann.laws import DensityLawConfig, Elastoplastic, density_law


@dataclass(frozen=True, slots=True)
class Piece:
    """a rho^b + c up to a density, that one included."""

    a: float
    b: float
    c: float = 0.0
    upto: float = np.inf


@dataclass(frozen=True, slots=True)
class TabulatedLaw:
    """An entry of such a file.

    Parameters
    ----------
    takes
        Kind of density.
    modulus
        Pieces of E in MPa over rho in g/cm³, in rising order.
    source
        Where the numbers were read.
    strength
        Pieces of the yield stress in MPa; None where `strain` says it, or nothing does.
    strain
        Strain at yield.
    criterion
        Which equivalent stress the yield stress is of.
    range_g_cm3
        Densities that the law was measured in; None where the source gives none.
    rate_exponent
        The modulus is multiplied by the strain rate in 1/s to this power.
    kind_stated
        Whether the source says which density it takes; where not, every use of it warns.
    verified
        Whether the numbers were read somewhere; where not, every use of them warns.
    """

    takes: DensityKind
    modulus: tuple[Piece, ...]
    source: str
    strength: tuple[Piece, ...] | None = None
    strain: float | None = None
    criterion: Criterion = "von-mises"
    range_g_cm3: tuple[float, float] | None = None
    rate_exponent: float = 0.0
    kind_stated: bool = True
    verified: bool = True


class TabulatedLawConfig(DensityLawConfig):
    """Options that every law of a table has."""

    yield_strain: float | None = Field(
        None,
        gt=0,
        le=0.1,
        description="A cell yields at this strain. null takes what the law says; a law that gives a modulus only is given a "
        "usual strain, with a caveat.",
    )
    modulus_floor_mpa: float = Field(0.01, gt=0, description="Lowest modulus, given to marrow and fat.")


def read_laws(path: Path) -> dict[str, TabulatedLaw]:
    """{name: law} of a YAML file whose entries have the fields of `TabulatedLaw`."""

    def law(entry: dict[str, Any]) -> TabulatedLaw:
        facts = dict(entry)
        for key in facts.keys() & {"modulus", "strength"}:
            facts[key] = tuple(Piece(**piece) for piece in entry[key])
        if "range_g_cm3" in facts:
            facts["range_g_cm3"] = tuple(entry["range_g_cm3"])
        return TabulatedLaw(**facts)

    return {name: law(entry) for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items()}


def in_words(laws: dict[str, TabulatedLaw]) -> str:
    """All laws of a table, two lines each."""
    lines = []
    for name, law in laws.items():
        line = f"E = {formula(law.modulus)}"
        line += f", times (strain rate)^{law.rate_exponent:g}" if law.rate_exponent else ""
        line += f"; strength {formula(law.strength)}" if law.strength else ""
        line += f"; yields at {law.strain:g}" if law.strain else ""
        line += "; Tresca" if law.criterion == "tresca" else ""
        line += "; measured from {:g} to {:g}".format(*law.range_g_cm3) if law.range_g_cm3 else ""
        lines += [f"{name}: {law.takes}, {law.source}", f"    {line}"]
    return "\n".join(lines)


def formula(pieces: tuple[Piece, ...]) -> str:
    """The pieces in words."""
    said = []
    for piece in pieces:
        power = "rho" if piece.b == 1 else f"rho^{piece.b:g}"
        line = f"{piece.a:g} {power}" + (f" {'+' if piece.c > 0 else '-'} {abs(piece.c):g}" if piece.c else "")
        said.append(line if np.isinf(piece.upto) else f"{line} up to {piece.upto:g}")
    return ", ".join(said)


def tabulated(
    name: str,
    law: TabulatedLaw,
    mesh: Mesh,
    density: DensityMap,
    config: TabulatedLawConfig,
    journal: Journal,
    *,
    usual_yield_strain: float,
    strain_rate_per_s: float = 1.0,
) -> Materials:
    """Elastic, perfectly plastic bone after one law of a table, with the checks of every law of density.

    Parameters
    ----------
    name
        Its name in the table.
    usual_yield_strain
        For a law that gives a modulus only, where the options state none.

    Raises
    ------
    InputError
        As `density_law` does.
    """
    if not law.verified:
        journal.warn(f"{name}: its numbers ({law.source}) were not checked against their source")
    if not law.kind_stated:
        journal.warn(f"{name}: its source ({law.source}) does not say which density it takes; {law.takes} is an assumption")
    if config.yield_strain is None and law.strain is None and law.strength is None:
        journal.warn(
            f"{name} gives no strength: it is taken to yield at a strain of {100 * usual_yield_strain:g} %; "
            "state `yield_strain`"
        )

    def curve(rho_g_cm3: FloatArray, config: TabulatedLawConfig) -> Elastoplastic:
        return curve_of(law, rho_g_cm3, config, usual_yield_strain, strain_rate_per_s)

    valid = law.range_g_cm3 or (-np.inf, np.inf)
    step = density_law(density_kind=law.takes, valid_g_cm3=valid, criterion=law.criterion)(curve)
    return replace(step(mesh, density, config, journal), law=name)


def curve_of(
    law: TabulatedLaw,
    rho_g_cm3: FloatArray,
    config: TabulatedLawConfig,
    usual_yield_strain: float,
    strain_rate_per_s: float = 1.0,
) -> Elastoplastic:
    """What a law says of densities (n,); negative ones count as zero."""
    rho = np.maximum(rho_g_cm3, 0.0)
    raw = _evaluate(law.modulus, rho) * strain_rate_per_s**law.rate_exponent
    modulus = np.maximum(raw, config.modulus_floor_mpa)
    if config.yield_strain is None and law.strength is not None:
        strength = _evaluate(law.strength, rho)
        return Elastoplastic(modulus, np.maximum(strength, usual_yield_strain * config.modulus_floor_mpa))
    strain = config.yield_strain or law.strain or usual_yield_strain
    return Elastoplastic(modulus, strain * modulus)


def _evaluate(pieces: tuple[Piece, ...], rho: FloatArray) -> FloatArray:
    ends = np.array([piece.upto for piece in pieces])
    which = np.searchsorted(ends, rho)
    a, b, c = np.array([(piece.a, piece.b, piece.c) for piece in pieces]).T
    return np.asarray(a[which] * rho ** b[which] + c[which])
