"""Outcomes: the failure loads of many runs, each with its case, its variation, and what was varied."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.data.records import read_json, write_json


@dataclass(frozen=True, slots=True)
class Outcome:
    """One failure load of one run, or why there is none.

    Parameters
    ----------
    case, variation
        Which bone, and under which name it was varied.
    output
        The id of the failure load in the pipeline.
    numbers
        {name with unit: number}: `failure_load_n` among them where there is one.
    facts
        {name: text} of the case: its group, its side, …
    outcome
        `done`, or what became of it.
    problem
        Why there is no failure load.
    """

    case: str
    variation: str
    output: str = "strength"
    numbers: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "done"
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The failure loads of the runs of a study: one row for each case, variation and output.

    Parameters
    ----------
    rows
        In the order of the cases, then of the variations.
    factors
        {variation: {factor: its value}}, in the order of the design; empty where variations have names only.
    design
        How the variations were chosen, as plain JSON values: `use` names the design, `control` the variation that the others
        are compared with; other keys are those of the design.

    Raises
    ------
    ValueError
        When a case has the same variation and output twice.
    """

    rows: tuple[Outcome, ...]
    factors: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    design: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seen = [(row.case, row.variation, row.output) for row in self.rows]
        if len(set(seen)) < len(seen):
            twice = next(key for key in seen if seen.count(key) > 1)
            raise ValueError(f"the case {twice[0]!r} has the variation {twice[1]!r} ({twice[2]}) twice")

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the cases, in order."""
        return tuple(dict.fromkeys(row.case for row in self.rows))

    @property
    def variations(self) -> tuple[str, ...]:
        """Names of the variations: in the order of the design where there is one, else of the rows."""
        present = dict.fromkeys(row.variation for row in self.rows)
        return (*(name for name in self.factors if name in present), *(n for n in present if n not in self.factors))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Ids of the failure loads."""
        return tuple(dict.fromkeys(row.output for row in self.rows if row.output))

    def only(self, *, output: str | None = None, fact: tuple[str, str] | None = None) -> Outcomes:
        """The rows of one output, or of the cases with one fact. A run without a failure load counts for every output."""
        rows = [row for row in self.rows if output is None or row.output in {output, ""}]
        rows = [row for row in rows if fact is None or row.facts.get(fact[0], "") == fact[1]]
        return replace(self, rows=tuple(rows))

    def table(self, number: str, cases: Sequence[str], variations: Sequence[str]) -> FloatArray:
        """(cases, variations) of one number of the only output; NaN where there is none."""
        found = {(row.case, row.variation): row.numbers.get(number, math.nan) for row in self.rows}
        return np.array([[found.get((case, name), math.nan) for name in variations] for case in cases]).reshape(
            len(cases), len(variations)
        )

    def save(self, folder: Path) -> None:
        """Write `outcomes.csv` and `outcomes.json`."""
        facts = dict.fromkeys(name for row in self.rows for name in row.facts)
        numbers = dict.fromkeys(name for row in self.rows for name in row.numbers)
        names = dict.fromkeys(name for values in self.factors.values() for name in values)
        with (folder / "outcomes.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["case", "variation", "output", "outcome", *facts, *names, *numbers, "problem"])
            for row in self.rows:
                varied = self.factors.get(row.variation, {})
                cells = [row.case, row.variation, row.output, row.outcome, *(row.facts.get(name, "") for name in facts)]
                cells += [_cell(varied.get(name)) for name in names] + [_cell(row.numbers.get(name)) for name in numbers]
                table.writerow([*cells, " ".join(row.problem.split())])
        kept = {
            "facts": list(facts),
            "numbers": list(numbers),
            "factors": {name: dict(values) for name, values in self.factors.items()},
            "design": dict(self.design),
        }
        write_json(folder / "outcomes.json", kept)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        kept = read_json(folder / "outcomes.json")
        with (folder / "outcomes.csv").open(encoding="utf-8", newline="") as file:
            rows = [row_of(row, kept["numbers"], kept["facts"]) for row in csv.DictReader(file)]
        return cls(tuple(rows), kept["factors"], kept["design"])


def row_of(row: Mapping[str, str], numbers: Iterable[str], facts: Iterable[str]) -> Outcome:
    """An outcome from a line of a table; an empty cell is no number."""
    values = {name: float(row[name]) for name in numbers if row[name].strip()}
    told = {name: row[name] for name in facts}
    return Outcome(row["case"], row["variation"], row["output"], values, told, row["outcome"], row.get("problem", ""))


def _cell(value: float | str | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else f"{value:.12g}"
