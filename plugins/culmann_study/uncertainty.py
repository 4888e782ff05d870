"""uncertainty: what the errors of the inputs leave open of each failure load, as an interval."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import numpy as np
from pydantic import Field
from scipy import stats

from culmann.config import Config
from culmann.data import Outcomes, Report
from culmann.data.arrays import FloatArray
from culmann.drawing import png
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_study.against_control import chosen_output
from culmann_study.group_comparison import LOAD

#: An interval from fewer drawn runs than that is told with a warning: its ends rest on one or two of them.
_FEW = 40


class UncertaintyConfig(Config):
    """Options of `uncertainty`."""

    output: str | None = Field(None, description="The id of the failure load, where the pipeline has several.")
    coverage: float = Field(0.95, gt=0, lt=1, description="Share of the distribution that the interval holds.")


def uncertainty(outcomes: Outcomes, config: UncertaintyConfig, journal: Journal) -> Report:
    """Tell mean, SD and interval of each failure load, given the distributions of the factors.

    Of runs drawn at random, the interval lies between quantiles. Of Gauss points, mean and SD are weighted sums, and the
    interval is that of a normal distribution. It holds what the factors leave open and nothing else, such as the error of the
    model.

    Raises
    ------
    InputError
        When the outcomes are of another design, or no case has two failure loads.
    """
    outcomes = chosen_output(outcomes, config.output)
    use = str(outcomes.design.get("use", ""))
    if use not in {"random", "quadrature"}:
        raise InputError(
            f"uncertainty takes the runs of the designs random or quadrature, and these are {use or 'of none'}",
            hint="give the study `factors` with distributions, and one of these designs",
        )
    names = list(outcomes.factors)
    rows: dict[str, dict[str, float]] = {}
    loads: dict[str, FloatArray] = {}
    for case in outcomes.cases:
        load = outcomes.table(LOAD, [case], names)[0]
        there = np.isfinite(load)
        if use == "quadrature" and not there.all():
            journal.warn(f"{case}: {int((~there).sum())} of {len(load)} Gauss points have no failure load, and all are needed")
        elif there.sum() < 2:
            journal.warn(f"{case}: fewer than two runs have a failure load")
        else:
            loads[case] = load[there]
            weights: Mapping[str, float] = outcomes.design.get("weights", {})
            rows[case] = _interval(load[there], [weights[name] for name in names] if weights else None, config.coverage)
            if not there.all():
                journal.warn(f"{case}: {int((~there).sum())} of {len(load)} runs have no failure load and were left out")
    if not rows:
        raise InputError("no case has the failure loads that an interval needs: too many runs failed")
    if use == "random" and max(len(load) for load in loads.values()) < _FEW:
        journal.warn(f"an interval from fewer than {_FEW} runs is rough: take more `samples`, or the design quadrature")
    return Report(
        {
            "uncertainty.csv": _csv(rows).encode(),
            "uncertainty.txt": _text(rows, config.coverage, outcomes).encode(),
            "uncertainty.png": _picture(rows, loads),
        }
    )


def _interval(load: FloatArray, weights: list[float] | None, coverage: float) -> dict[str, float]:
    if weights is None:
        mean, sd = float(load.mean()), float(load.std(ddof=1))
        low, high = (float(np.quantile(load, q)) for q in ((1 - coverage) / 2, (1 + coverage) / 2))
    else:
        w = np.asarray(weights) / np.sum(weights)
        mean = float(w @ load)
        sd = float(np.sqrt(max(w @ (load - mean) ** 2, 0.0)))
        z = float(stats.norm.ppf((1 + coverage) / 2))
        low, high = mean - z * sd, mean + z * sd
    cv = 100 * sd / mean
    return {"mean_n": mean, "sd_n": sd, "cv_percent": cv, "low_n": low, "high_n": high, "runs": float(len(load))}


def _csv(rows: Mapping[str, Mapping[str, float]]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["case", *next(iter(rows.values()))])
    table.writerows([case, *(f"{value:.10g}" for value in row.values())] for case, row in rows.items())
    return text.getvalue()


def _text(rows: Mapping[str, Mapping[str, float]], coverage: float, outcomes: Outcomes) -> str:
    told = [f"factors: {', '.join(outcomes.design['factors'])}; design {outcomes.design['use']}"]
    for case, row in rows.items():
        interval = f"{100 * coverage:g} % interval {row['low_n']:.0f} to {row['high_n']:.0f} N"
        told.append(
            f"{case}: {row['mean_n']:.0f} ± {row['sd_n']:.0f} N (SD, {row['cv_percent']:.1f} %), {interval}, "
            f"{row['runs']:.0f} runs"
        )
    return "\n".join([*told, "It holds what these factors leave open, not the error of the model.", ""])


def _picture(rows: Mapping[str, Mapping[str, float]], loads: Mapping[str, FloatArray]) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 1.3 + 0.45 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for n, (case, row) in enumerate(rows.items()):
        axes.plot(loads[case] / 1000, [n] * len(loads[case]), "|", color="#8d949d", markersize=10)
        axes.plot(
            [row["low_n"] / 1000, row["high_n"] / 1000], [n, n], color="#1f5a8c", linewidth=4, alpha=0.6, solid_capstyle="butt"
        )
        axes.plot(row["mean_n"] / 1000, n, "o", color="#1f5a8c")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("failure load (kN): runs, mean and interval")
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)
