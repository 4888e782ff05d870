"""The comparison with the control: what is in its tables, which cases count where, and the step in a pipeline of its own."""

from __future__ import annotations

import csv
import io
import math
import sys
from pathlib import Path

import pytest

from culmann import InputError, Outcome, Outcomes
from culmann.journal import QuietJournal
from culmann.pipeline import read_pipeline, run
from culmann.plugins import load_catalogue
from culmann_study.against_control import AgainstControlConfig, against_control

VARIATIONS = {"manual": 0.0, "minus": -0.2, "plus": 0.05}


def outcomes(missing: tuple[tuple[str, str], ...] = (), cases: int = 8) -> Outcomes:
    rows = []
    for n in range(cases):
        group = "femurs" if n < cases // 2 else "vertebrae"
        for name, factor in VARIATIONS.items():
            gone = (f"c{n}", name) in missing
            numbers = {} if gone else {"failure_load_n": 4000 * (1 + factor) + 100 * n, "dice": 1 + factor / 2}
            done, problem = ("failed", "the mesh, it is empty") if gone else ("done", "")
            rows.append(Outcome(f"c{n}", name, "" if gone else "strength", numbers, {"group": group}, done, problem))
    return Outcomes(tuple(rows), design={"control": "manual"})


def tables(report) -> dict[str, list[dict[str, str]]]:
    return {
        name: list(csv.DictReader(io.StringIO(text.decode()))) for name, text in report.files.items() if name.endswith(".csv")
    }


def test_table_3_has_the_columns_of_the_paper() -> None:
    report = against_control(outcomes(), AgainstControlConfig(), QuietJournal())
    found = tables(report)
    rows = {(r["group"], r["spread"], r["row"]): r for r in found["table_3.csv"]}
    assert list(found["table_3.csv"][0]) == ["group", "spread", "row", "minus", "plus"]
    assert rows["femurs", "sd", "|ΔF| with control (N)"]["minus"] == "800 ± 0"
    assert rows["femurs", "sd", "DSC"]["plus"] == "1.025 ± 0.000"
    percent = [100 * 200 / (4000 + 100 * n) for n in range(4)]
    assert rows["femurs", "sd", "|ΔF| with control (%)"]["plus"].startswith(f"{sum(percent) / 4:.2f} ±")
    assert rows["vertebrae", "se", "cases"]["plus"] == "4"
    assert report.files["failure_loads.png"].startswith(b"\x89PNG")
    assert b"<svg" in report.files["failure_loads.svg"]
    assert "Friedman: chi² 8" in report.files["comparison.txt"].decode()


def test_a_case_without_every_failure_load_counts_for_what_it_has() -> None:
    journal = QuietJournal()
    report = against_control(outcomes((("c1", "plus"),)), AgainstControlConfig(), journal)
    found = tables(report)
    counted = {(r["group"], r["variant"]): r["cases"] for r in found["agreement.csv"]}
    assert counted == {
        ("femurs", "minus"): "4",
        ("femurs", "plus"): "3",
        ("vertebrae", "minus"): "4",
        ("vertebrae", "plus"): "4",
    }
    tests = {(r["group"], r["test"]): r for r in found["tests.csv"]}
    assert tests["femurs", "friedman"]["complete_cases"] == "3"
    assert journal.warnings == ["femurs: 1 of 4 cases have not every failure load"]
    assert "left out of the tests, because a failure load is missing: c1" in report.files["comparison.txt"].decode()


def test_too_few_cases_have_no_tests_and_the_table_stands() -> None:
    report = against_control(outcomes(cases=4), AgainstControlConfig(), QuietJournal())
    assert "no tests: Friedman's test needs at least 3 cases" in report.files["comparison.txt"].decode()
    assert tables(report)["tests.csv"] == []
    assert len(tables(report)["agreement.csv"]) == 4


def test_wrong_names_are_told() -> None:
    with pytest.raises(InputError, match="no variation 'expert' to compare with; there is manual, minus, plus"):
        against_control(outcomes(), AgainstControlConfig(control="expert"), QuietJournal())
    with pytest.raises(InputError, match="no failure load 'force'; there is strength"):
        against_control(outcomes(), AgainstControlConfig(output="force"), QuietJournal())
    alone = Outcomes(tuple(row for row in outcomes().rows if row.variation == "manual"))
    with pytest.raises(InputError, match="which variation"):
        against_control(alone, AgainstControlConfig(), QuietJournal())
    with pytest.raises(InputError, match="it is the only variation"):
        against_control(alone, AgainstControlConfig(control="manual"), QuietJournal())


def test_outcomes_come_back_from_their_files(tmp_path: Path) -> None:
    made = outcomes((("c1", "plus"),))
    made.save(tmp_path)
    back = Outcomes.load(tmp_path)
    assert back == made
    assert back.cases == tuple(f"c{n}" for n in range(8))
    assert math.isnan(back.only(output="strength").table("failure_load_n", ["c1"], ["plus"])[0, 0])


def test_failure_loads_of_others_are_compared_by_a_pipeline(tmp_path: Path) -> None:
    """Table in, statistics out, without a run of ours."""
    table = tmp_path / "loads.csv"
    rows = [
        f"bone {n},{name},{1000 + 100 * n + shift},left" for n in range(5) for name, shift in (("a", 0), ("b", 50), ("c", -9))
    ]
    table.write_text("\n".join(["case,variation,failure_load_n,side", *rows]) + "\n")
    pipeline = tmp_path / "statistics.yaml"
    pipeline.write_text(
        "name: statistics\ninputs:\n  loads: {type: Outcomes, path: loads.csv}\n"
        "steps:\n  compared: {use: against-control, with: {control: a}}\noutputs: [compared]\n"
    )
    graph = read_pipeline(pipeline, load_catalogue())
    run(graph, out=tmp_path / "out", store=tmp_path / "store")
    found = list(csv.DictReader((tmp_path / "out" / "agreement.csv").open()))
    assert [(row["variant"], row["bias_n"], row["cases"]) for row in found] == [("b", "50.0", "5"), ("c", "-9.0", "5")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,variation\na,b\n", "no column 'failure_load_n'"),
        ("case,variation,failure_load_n\na,b,much\n", "holds something that is no number"),
        ("case,variation,failure_load_n\na,b,1\na,b,2\n", "has the variation 'b' .* twice"),
        ("case,variation,failure_load_n\na,b\n", "more or fewer cells"),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, text: str, said: str) -> None:
    from culmann_study.outcomes_file import read_outcomes

    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_outcomes(tmp_path / "t.csv")


def test_without_the_extra_the_other_tests_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scikit_posthocs", None)
    report = against_control(outcomes(), AgainstControlConfig(), QuietJournal())
    assert "note: Conover's test needs scikit-posthocs: pip install 'culmann[study]'" in report.files["comparison.txt"].decode()
    found = {row["test"] for row in tables(report)["tests.csv"]}
    assert found == {"friedman", "dunn-all-pairs", "dunn-against-control", "wilcoxon-holm"}
