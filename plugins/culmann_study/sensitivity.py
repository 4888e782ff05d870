"""sensitivity: how much each factor moves the failure load, from one-at-a-time, Morris' or Sobol's runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Outcomes, Report
from culmann.data.arrays import FloatArray
from culmann.errors import InputError, PluginError
from culmann.journal import Journal
from culmann_study.against_control import chosen_output
from culmann_study.group_comparison import LOAD
from culmann_study.tornado import one_at_a_time_plot, tornado


class SensitivityConfig(Config):
    """Options of `sensitivity`."""

    output: str | None = Field(None, description="The id of the failure load, where the pipeline has several.")
    seed: int = Field(0, ge=0, description="For the confidence intervals of Morris and Sobol, which are drawn.")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a factor does to the failure load of a case: numbers by name."""

    case: str
    factor: str
    numbers: Mapping[str, float]


def sensitivity(outcomes: Outcomes, config: SensitivityConfig, journal: Journal) -> Report:
    """Tell how much each factor moves the failure load of each case.

    One at a time and grids: the lowest and the highest failure load over the values of the factor, and the elasticity (relative
    change of the load over that of the factor, the slope of a straight line through the runs). Morris: mu* (mean absolute
    effect over the whole range of the factor, N) and sigma. Sobol: shares of the variance, of first order and total.

    Raises
    ------
    InputError
        When the outcomes are of another design, or no case has the runs that it needs.
    """
    outcomes = chosen_output(outcomes, config.output)
    use = str(outcomes.design.get("use", ""))
    if use in {"one-at-a-time", "grid"}:
        effects = [effect for case in outcomes.cases for effect in _ranges(outcomes, case)]
        columns: tuple[str, ...] = ("lowest_n", "highest_n", "range_percent", "elasticity")
    elif use in {"morris", "sobol"}:
        effects = [effect for case in outcomes.cases for effect in _by_salib(outcomes, case, use, config.seed, journal)]
        columns = ("mu_star_n", "mu_star_percent", "mu_n", "sigma_n", "confidence_n")
        columns = columns if use == "morris" else ("first", "first_confidence", "total", "total_confidence")
    else:
        raise InputError(
            f"sensitivity takes the runs of the designs one-at-a-time, grid, morris or sobol, and these are {use or 'of none'}",
            hint="give the study `factors` and a `design`",
        )
    if not effects:
        raise InputError("no case has the failure loads that its sensitivity needs: too many runs failed")
    files = {"sensitivity.csv": _csv(effects, columns).encode(), "sensitivity.txt": _text(effects, columns).encode()}
    files["tornado.png"] = tornado(effects, use)
    if use == "one-at-a-time":
        files["curves.png"] = one_at_a_time_plot(outcomes)
    return Report(files)


def _ranges(outcomes: Outcomes, case: str) -> list[Effect]:
    loads = {row.variation: row.numbers[LOAD] for row in outcomes.rows if row.case == case and LOAD in row.numbers}
    base = loads.get(str(outcomes.design.get("base", "")))
    found = []
    for factor in outcomes.design["factors"]:
        moved = [
            (outcomes.factors[name][factor], load) for name, load in loads.items() if factor in outcomes.factors.get(name, {})
        ]
        values = [load for _, load in moved] + ([base] if base is not None else [])
        if not moved or len(values) < 2:
            continue
        middle = base if base is not None else float(np.mean(values))
        numbers = {
            "lowest_n": min(values),
            "highest_n": max(values),
            "range_percent": 100 * (max(values) - min(values)) / middle,
        }
        slope = _elasticity(moved)
        found.append(Effect(case, factor, numbers | ({"elasticity": slope} if slope is not None else {})))
    return found


def _elasticity(moved: Sequence[tuple[float | str, float]]) -> float | None:
    """(dF / F) / (dx / x) of a straight line through the runs, at their middle; None where it is not defined."""
    x = np.array([value if isinstance(value, float | int) else np.nan for value, _ in moved], dtype=float)
    load = np.array([load for _, load in moved])
    if not np.isfinite(x).all() or len(x) < 2 or np.ptp(x) == 0 or x.mean() == 0 or (x.min() < 0 < x.max()):
        return None
    return float(np.polyfit(x, load, 1)[0] * x.mean() / load.mean())


def _by_salib(outcomes: Outcomes, case: str, use: str, seed: int, journal: Journal) -> list[Effect]:
    """Indices of a case by SALib; it needs every run, so that a case with a gap has none."""
    try:
        from SALib.analyze import morris, sobol
    except ModuleNotFoundError as missing:
        raise PluginError(f"the indices of {use} need SALib", hint="pip install 'culmann[study]'") from missing
    names = list(outcomes.factors)
    load = outcomes.table(LOAD, [case], names)[0]
    if not np.isfinite(load).all():
        journal.warn(f"{case}: {int((~np.isfinite(load)).sum())} of {len(load)} runs have no failure load, and {use} needs all")
        return []
    factors = list(outcomes.design["factors"])
    problem: dict[str, Any] = {"num_vars": len(factors), "names": factors, "bounds": [[0.0, 1.0]] * len(factors)}
    if np.ptp(load) == 0:
        journal.warn(f"{case}: no factor moves the failure load")
    at: FloatArray = np.asarray(outcomes.design["at"])
    if use == "morris":
        got = morris.analyze(problem, at, load, num_levels=outcomes.design["levels"], seed=seed)
        parts = {"mu_star_n": "mu_star", "mu_n": "mu", "sigma_n": "sigma", "confidence_n": "mu_star_conf"}
    else:
        got = sobol.analyze(problem, load, calc_second_order=False, seed=seed)
        parts = {"first": "S1", "first_confidence": "S1_conf", "total": "ST", "total_confidence": "ST_conf"}
    found = []
    for n, factor in enumerate(factors):
        numbers = {name: float(got[key][n]) for name, key in parts.items()}
        if use == "morris":
            numbers["mu_star_percent"] = 100 * numbers["mu_star_n"] / float(load.mean())
        found.append(Effect(case, factor, numbers))
    return found


def _csv(effects: Sequence[Effect], columns: Sequence[str]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["case", "factor", *columns])
    table.writerows([at.case, at.factor, *(_cell(at.numbers.get(name)) for name in columns)] for at in effects)
    return text.getvalue()


def _text(effects: Sequence[Effect], columns: Sequence[str]) -> str:
    rows = [["case", "factor", *columns]]
    rows += [[at.case, at.factor, *(_cell(at.numbers.get(name), 4) or "-" for name in columns)] for at in effects]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if n < 2 else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(value: float | None, digits: int = 10) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.{digits}g}"
