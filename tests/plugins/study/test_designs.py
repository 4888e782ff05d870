"""Designs and what is made of them, against closed forms: linear models have known effects, indices and intervals."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from culmann import InputError, Outcome, Outcomes
from culmann.journal import QuietJournal
from culmann_study import designs
from culmann_study.operators import OperatorsConfig, operators
from culmann_study.sensitivity import SensitivityConfig, sensitivity
from culmann_study.tornado import curves
from culmann_study.uncertainty import UncertaintyConfig, uncertainty
from culmann_study.variations import Factor, as_yaml, folder_names

A = Factor("a.x", "range", (0.0, 2.0))
B = Factor("b.y", "normal", (10.0, 0.5))
C = Factor("c.z", "values", (-1, 0, 1))


def outcomes_of(design: designs.Design, load, gaps: int = 0) -> Outcomes:
    """Failure loads of one bone, as a function of the factors."""
    rows = [
        Outcome("bone", v.name, "strength", {"failure_load_n": float(load(dict(v.factors)))}) for v in design.variations[gaps:]
    ]
    return Outcomes(tuple(rows), {v.name: dict(v.factors) for v in design.variations}, design.facts)


def table(report, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report.files[name].decode())))


def test_one_at_a_time_moves_one_factor_from_the_base() -> None:
    design = designs.one_at_a_time([A, B, C], designs.OneAtATimeConfig(points=3))
    assert [dict(v.options) for v in design.variations] == [
        {}, {"a.x": 0.0}, {"a.x": 1.0}, {"a.x": 2.0}, {"b.y": 9.5}, {"b.y": 10.0}, {"b.y": 10.5},
        {"c.z": -1}, {"c.z": 0}, {"c.z": 1},
    ]  # fmt: skip
    assert len({v.folder for v in design.variations}) == 10
    load = {"a.x": 1.0, "b.y": 10.0, "c.z": 0.0}
    report = sensitivity(
        outcomes_of(design, lambda f: 100 * (load | f)["a.x"] + 50 * (load | f)["b.y"] + 400),
        SensitivityConfig(),
        QuietJournal(),
    )
    rows = {row["factor"]: row for row in table(report, "sensitivity.csv")}
    assert float(rows["a.x"]["range_percent"]) == pytest.approx(100 * 200 / 1000)
    assert float(rows["a.x"]["elasticity"]) == pytest.approx(0.1)  # 100 N of 1000 N at x = 1
    assert float(rows["b.y"]["elasticity"]) == pytest.approx(0.5)
    assert float(rows["c.z"]["range_percent"]) == 0
    assert rows["c.z"]["elasticity"] == ""  # a value that passes 0 has none
    assert report.files["tornado.png"].startswith(b"\x89PNG")


def test_every_curve_lies_in_its_panel() -> None:
    design = designs.one_at_a_time([A, B, C, Factor("law.use", "values", ("one", "two"))], designs.OneAtATimeConfig())
    outcomes = outcomes_of(design, lambda f: 1000 + 900 * f.get("a.x", 0) + 40 * f.get("b.y", 1))
    panels = [axes for axes in curves(outcomes).axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in panels] == ["a.x", "b.y", "c.z", "law.use"]
    for axes in panels:
        for line in axes.lines:
            assert axes.get_ylim()[0] == 0
            assert max(line.get_ydata()) < axes.get_ylim()[1]


def test_grid_is_every_combination() -> None:
    design = designs.grid([A, C], designs.GridConfig(points=2))
    assert [tuple(v.options.values()) for v in design.variations] == [(x, z) for x in (0.0, 2.0) for z in (-1, 0, 1)]


def test_morris_finds_the_slopes_of_a_line() -> None:
    pytest.importorskip("SALib")
    design = designs.morris([A, B], designs.MorrisConfig(trajectories=4, seed=3))
    assert len(design.variations) == 4 * 3
    report = sensitivity(
        outcomes_of(design, lambda f: 70 * f["a.x"] - 30 * f["b.y"] + 900), SensitivityConfig(), QuietJournal()
    )
    rows = {row["factor"]: row for row in table(report, "sensitivity.csv")}
    assert float(rows["a.x"]["mu_star_n"]) == pytest.approx(70 * 2)  # over the whole range
    assert float(rows["b.y"]["mu_star_n"]) == pytest.approx(30 * 4 * 0.5)  # mean - 2 SD to mean + 2 SD
    assert float(rows["b.y"]["mu_n"]) == pytest.approx(-30 * 4 * 0.5)
    assert float(rows["a.x"]["sigma_n"]) == pytest.approx(0, abs=1e-9)


def test_sobol_finds_the_shares_of_the_variance() -> None:
    pytest.importorskip("SALib")
    first, second = Factor("a.x", "range", (0.0, 1.0)), Factor("b.y", "range", (0.0, 1.0))
    design = designs.sobol([first, second], designs.SobolConfig(samples=256, seed=1))
    assert len(design.variations) == 256 * 4
    report = sensitivity(
        outcomes_of(design, lambda f: 300 * f["a.x"] + 100 * f["b.y"] + 50), SensitivityConfig(), QuietJournal()
    )
    rows = {row["factor"]: row for row in table(report, "sensitivity.csv")}
    assert float(rows["a.x"]["first"]) == pytest.approx(0.9, abs=0.03)
    assert float(rows["b.y"]["total"]) == pytest.approx(0.1, abs=0.03)


def test_a_gap_in_morris_runs_is_told() -> None:
    pytest.importorskip("SALib")
    design = designs.morris([A, B], designs.MorrisConfig())
    journal = QuietJournal()
    with pytest.raises(InputError, match="too many runs failed"):
        sensitivity(outcomes_of(design, lambda f: f["a.x"], gaps=1), SensitivityConfig(), journal)
    assert "1 of 18 runs have no failure load" in journal.warnings[0]


def test_quadrature_is_exact_for_a_line() -> None:
    """A normal and a uniform factor: means add up, variances too."""
    design = designs.quadrature([A, B], designs.QuadratureConfig(points=3))
    assert len(design.variations) == 9
    assert sum(design.facts["weights"].values()) == pytest.approx(1)
    report = uncertainty(outcomes_of(design, lambda f: 100 * f["a.x"] + 40 * f["b.y"]), UncertaintyConfig(), QuietJournal())
    row = table(report, "uncertainty.csv")[0]
    sd = np.sqrt((100 * 2) ** 2 / 12 + (40 * 0.5) ** 2)
    assert float(row["mean_n"]) == pytest.approx(500)
    assert float(row["sd_n"]) == pytest.approx(sd)
    assert float(row["low_n"]) == pytest.approx(500 - 1.959964 * sd)
    with pytest.raises(InputError, match="a list of values has no Gauss points"):
        designs.quadrature([C], designs.QuadratureConfig())


def test_drawn_runs_have_the_quantiles_of_their_distribution() -> None:
    design = designs.random([B], designs.RandomConfig(samples=400, seed=5))
    again = designs.random([B], designs.RandomConfig(samples=400, seed=5))
    assert design == again
    assert design != designs.random([B], designs.RandomConfig(samples=400, seed=6))
    report = uncertainty(outcomes_of(design, lambda f: 1000 * f["b.y"]), UncertaintyConfig(), QuietJournal())
    row = table(report, "uncertainty.csv")[0]
    assert float(row["mean_n"]) == pytest.approx(10_000, rel=1e-3)
    assert float(row["sd_n"]) == pytest.approx(500, rel=0.02)
    assert float(row["high_n"]) == pytest.approx(10_000 + 1.96 * 500, rel=0.01)
    few = QuietJournal()
    uncertainty(outcomes_of(designs.random([B], designs.RandomConfig(samples=8)), lambda f: f["b.y"]), UncertaintyConfig(), few)
    assert "is rough" in few.warnings[0]


def test_an_analysis_of_another_design_is_refused() -> None:
    design = designs.grid([A], designs.GridConfig())
    with pytest.raises(InputError, match="random or quadrature, and these are grid"):
        uncertainty(outcomes_of(design, lambda f: f["a.x"]), UncertaintyConfig(), QuietJournal())
    with pytest.raises(InputError, match="and these are of none"):
        sensitivity(Outcomes((Outcome("a", "b", numbers={"failure_load_n": 1.0}),)), SensitivityConfig(), QuietJournal())


def test_operators_have_the_icc_of_shrout_and_fleiss() -> None:
    rated = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    rows = [
        Outcome(f"bone {n}", f"operator {k}", numbers={"failure_load_n": 1000.0 * value})
        for n, row in enumerate(rated)
        for k, value in enumerate(row)
    ]
    journal = QuietJournal()
    report = operators(Outcomes(tuple(rows[:-1])), OperatorsConfig(), journal)  # the last case has a gap
    assert "1 of 6 cases" in journal.warnings[0]
    report = operators(Outcomes(tuple(rows)), OperatorsConfig(), QuietJournal())
    assert "ICC(2,1), one operator, agreement    0.290" in report.files["operators.txt"].decode()
    assert len(table(report, "pairs.csv")) == 6
    with pytest.raises(InputError, match="no variation 'x'"):
        operators(Outcomes(tuple(rows)), OperatorsConfig(leave_out=["x"]), QuietJournal())


def test_values_are_written_as_yaml_and_names_as_folders() -> None:
    assert [as_yaml(v) for v in (1e-05, [0, 0.5], "no", None, True, "a: b")] == [
        "1.0e-05",
        "[0, 0.5]",
        "'no'",
        "null",
        "true",
        "'a: b'",
    ]
    assert folder_names(["erosion 2", "erosion-2", "Erosion 2", "±"]) == ["erosion-2", "erosion-2-2", "Erosion-2-3", "v"]
