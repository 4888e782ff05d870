"""The outcome of a run with variants as a table: a row for each failure load, and one for each variant that gave none."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from culmann.errors import CulmannError, InputError
from culmann.pipeline.graph import Graph
from culmann.pipeline.work import Work

COLUMNS = (
    "variant",
    "outcome",
    "value",
    "failure_load_n",
    "displacement_mm",
    "strain",
    "stiffness_n_mm",
    "body_weights",
    "criterion",
    "cautions",
    "problem",
)


def outcome(problem: CulmannError) -> str:
    """`skipped` where the data do not serve a variant (a bone that the image cuts, say), `failed` for anything else."""
    return "skipped" if isinstance(problem, InputError) else "failed"


def reached(work: Work | None) -> str:
    """What to call a variant without a problem: `not run` came after one that was stopped by hand."""
    if work is None:
        return "not run"
    return "incomplete" if work.incomplete else "done"


def write_summary(path: Path, graph: Graph, works: Mapping[str, Work], problems: Mapping[str, CulmannError]) -> None:
    """Write the table, in the order of the variants."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for name in graph.variants:
            if name in works:
                table.writerows({"variant": name, "outcome": reached(works[name]), **row} for row in _rows(works[name]))
            elif name in problems:
                told = " ".join(problems[name].message.split())
                table.writerow({"variant": name, "outcome": outcome(problems[name]), "problem": told})
            else:
                table.writerow({"variant": name, "outcome": reached(None)})


def _rows(work: Work) -> Iterator[dict[str, object]]:
    from culmann.data import Strength

    types = work.graph.types()
    kept = [output.value for output in work.graph.outputs if types[output.value] is Strength]
    for value in kept:
        found: Strength = work.value(value)
        row = {name: getattr(found, name) for name in COLUMNS if hasattr(found, name)}
        yield {**row, "value": value, "cautions": " | ".join(found.caveats)}
    if not kept:
        yield {}
