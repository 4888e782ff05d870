"""Designs: which values the factors of a study take together, from one at a time to Sobol's."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field
from scipy import stats

from culmann.config import Config
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann_study.variations import Factor, Value, Variation, as_yaml, folder_names, short

#: What is run as the pipeline says, nothing changed.
BASE = "base"
#: Morris moves a normal factor between mean less and plus so many SD.
_MORRIS_SD = 2.0


class OneAtATimeConfig(Config):
    """Options of the design `one-at-a-time`."""

    points: int = Field(5, ge=2, le=101, description="Into how many values a range is cut. A normal factor takes mean ± 1 SD.")


class GridConfig(OneAtATimeConfig):
    """Options of the design `grid`."""


class MorrisConfig(Config):
    """Options of the design `morris`."""

    trajectories: int = Field(6, ge=2, le=1000, description="Each takes one run more than there are factors.")
    levels: int = Field(4, ge=2, le=20, description="Levels of the grid, an even number.")
    seed: int = Field(0, ge=0, description="What the draw begins with.")


class SobolConfig(Config):
    """Options of the design `sobol`."""

    samples: int = Field(16, ge=2, le=65536, description="A power of two; each takes two runs more than there are factors.")
    seed: int = Field(0, ge=0, description="What the draw begins with.")


class RandomConfig(Config):
    """Options of the design `random`."""

    samples: int = Field(32, ge=2, le=100_000, description="How many runs a case, drawn as a Latin hypercube.")
    seed: int = Field(0, ge=0, description="What the draw begins with.")


class QuadratureConfig(Config):
    """Options of the design `quadrature`."""

    points: int = Field(3, ge=2, le=15, description="Gauss points for each factor; their product is the number of runs.")


@dataclass(frozen=True, slots=True)
class Design:
    """Variations, and what an analysis needs to know of how they were chosen, as plain JSON values."""

    variations: tuple[Variation, ...]
    facts: Mapping[str, Any]


def one_at_a_time(factors: Sequence[Factor], config: OneAtATimeConfig) -> Design:
    """The pipeline as it is, and every value of every factor alone."""
    settings = [{}, *({factor.option: value} for factor in factors for value in _values(factor, config.points))]
    names = [BASE, *(_name(options) for options in settings[1:])]
    return Design(
        _named(names, settings), {"use": "one-at-a-time", "factors": [factor.option for factor in factors], "base": BASE}
    )


def grid(factors: Sequence[Factor], config: GridConfig) -> Design:
    """All combinations of all values."""
    sets = [_values(factor, config.points) for factor in factors]
    settings = [dict(zip([f.option for f in factors], chosen, strict=True)) for chosen in itertools.product(*sets)]
    return Design(
        _named([_name(options) for options in settings], settings), {"use": "grid", "factors": [f.option for f in factors]}
    )


def morris(factors: Sequence[Factor], config: MorrisConfig) -> Design:
    """Trajectories of Morris (SALib): which factors matter, from few runs."""
    from SALib.sample import morris as sampler

    if config.levels % 2:
        raise InputError(f"Morris' grid has an even number of levels, and `levels` is {config.levels}")
    problem = _problem(factors)
    at = sampler.sample(problem, config.trajectories, num_levels=config.levels, seed=config.seed)
    return _sampled(factors, np.asarray(at), {"use": "morris", "levels": config.levels, "seed": config.seed}, bounded=True)


def sobol(factors: Sequence[Factor], config: SobolConfig) -> Design:
    """Saltelli's sample for the first order and total indices of Sobol (SALib)."""
    from SALib.sample import sobol as sampler

    if config.samples & (config.samples - 1):
        raise InputError(f"Sobol's sequence takes a power of two, and `samples` is {config.samples}")
    at = sampler.sample(_problem(factors), config.samples, calc_second_order=False, seed=config.seed)
    return _sampled(factors, np.asarray(at), {"use": "sobol", "samples": config.samples, "seed": config.seed})


def random(factors: Sequence[Factor], config: RandomConfig) -> Design:
    """A Latin hypercube of the distributions of the factors."""
    at = stats.qmc.LatinHypercube(len(factors), seed=config.seed).random(config.samples)
    return _sampled(factors, np.asarray(at), {"use": "random", "samples": config.samples, "seed": config.seed})


def quadrature(factors: Sequence[Factor], config: QuadratureConfig) -> Design:
    """Gauss points of the distributions: mean and SD from few runs, where the failure load varies smoothly."""
    rules = [_rule(factor, config.points) for factor in factors]
    settings, weights = [], []
    for chosen in itertools.product(*rules):
        settings.append({factor.option: value for factor, (value, _) in zip(factors, chosen, strict=True)})
        weights.append(math.prod(weight for _, weight in chosen))
    names = [f"point {n}" for n in range(1, len(settings) + 1)]
    facts = {"use": "quadrature", "factors": [f.option for f in factors], "weights": dict(zip(names, weights, strict=True))}
    return Design(_named(names, settings), facts)


#: {design: its function and the model of its options}.
DESIGNS: Mapping[str, tuple[Callable[[Sequence[Factor], Any], Design], type[Config]]] = {
    "one-at-a-time": (one_at_a_time, OneAtATimeConfig),
    "grid": (grid, GridConfig),
    "morris": (morris, MorrisConfig),
    "sobol": (sobol, SobolConfig),
    "random": (random, RandomConfig),
    "quadrature": (quadrature, QuadratureConfig),
}
#: Designs that draw from distributions: a list of values is drawn from evenly.
DRAWN = ("morris", "sobol", "random")


def _values(factor: Factor, points: int) -> list[Value]:
    if factor.kind == "values":
        return list(factor.values)
    first, second = factor.numbers()
    if factor.kind == "normal":
        return [first - second, first, first + second]
    return [float(f"{value:.12g}") for value in np.linspace(first, second, points)]


def _rule(factor: Factor, points: int) -> list[tuple[float, float]]:
    """(value, weight) of Gauss' rule for a factor; the weights add up to 1."""
    if factor.kind == "values":
        raise InputError(
            f"factor {factor.option!r}: a list of values has no Gauss points; give {{from: , to: }} or {{mean: , sd: }}"
        )
    first, second = factor.numbers()
    if factor.kind == "normal":
        node, weight = np.polynomial.hermite_e.hermegauss(points)
        return [(float(first + second * x), float(w / np.sqrt(2 * np.pi))) for x, w in zip(node, weight, strict=True)]
    node, weight = np.polynomial.legendre.leggauss(points)
    return [(float((first + second) / 2 + (second - first) / 2 * x), float(w / 2)) for x, w in zip(node, weight, strict=True)]


def _problem(factors: Sequence[Factor]) -> dict[str, Any]:
    """SALib's way to say that all factors lie between 0 and 1."""
    return {"num_vars": len(factors), "names": [f.option for f in factors], "bounds": [[0.0, 1.0]] * len(factors)}


def _sampled(factors: Sequence[Factor], at: FloatArray, facts: dict[str, Any], *, bounded: bool = False) -> Design:
    settings = [{f.option: _drawn(f, float(x), bounded) for f, x in zip(factors, row, strict=True)} for row in at]
    names = [f"run {n}" for n in range(1, len(settings) + 1)]
    places = [{f.option: float(x) for f, x in zip(factors, row, strict=True)} for row in at]
    return Design(_named(names, settings, places), {**facts, "factors": [f.option for f in factors], "at": at.tolist()})


def _drawn(factor: Factor, at: float, bounded: bool) -> Value:
    """The value of a factor at a place between 0 and 1 of its distribution."""
    if factor.kind == "values":
        return factor.values[min(int(at * len(factor.values)), len(factor.values) - 1)]
    first, second = factor.numbers()
    if factor.kind == "range":
        return first + at * (second - first)
    if bounded:
        return first + second * _MORRIS_SD * (2 * at - 1)
    return float(stats.norm.ppf(min(max(at, 1e-6), 1 - 1e-6), first, second))


def _name(options: Mapping[str, Value]) -> str:
    return ", ".join(f"{option} = {as_yaml(value)}" for option, value in options.items())


def _named(
    names: Sequence[str], settings: Sequence[Mapping[str, Value]], places: Sequence[Mapping[str, float]] | None = None
) -> tuple[Variation, ...]:
    places = places or [{} for _ in names]
    return tuple(
        Variation(name, folder, {}, options, {option: short(value) for option, value in options.items()}, at)
        for name, folder, options, at in zip(names, folder_names(names), settings, places, strict=True)
    )
