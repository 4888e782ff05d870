"""`results.csv` of a cohort: one row for each case, variant and failure load; written whole, and read back as typed rows."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from culmann.cohort.case import Case
from culmann.cohort.record import Record, Result
from culmann.errors import InputError
from culmann.whole import in_one_step

_NUMBERS = ("failure_load_n", "displacement_mm", "strain", "stiffness_n_mm")
_AFTER = (
    "variant",
    "output",
    *_NUMBERS,
    "criterion",
    "caveats",
    "caveat_text",
    "outcome",
    "seconds",
    "error",
)
#: Columns that every table of results has; facts and settings of the cases stand between `case` and the others.
OWN_COLUMNS = ("case", *_AFTER)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A row of `results.csv`.

    Parameters
    ----------
    case
        The id.
    carried
        {column: text} of facts and settings.
    result
        The failure load, or why there is none. Its outcome may also be one of the whole case (`died`, `refused`, `waiting`).
    seconds
        Of the whole case.
    """

    case: str
    carried: Mapping[str, str]
    result: Result
    seconds: float | None


def result_rows(cases: Sequence[Case], records: Mapping[str, Record]) -> Iterator[ResultRow]:
    """The rows of the table, in the order of the cases; a case without a record is `waiting`."""
    for case in cases:
        settings = dict(text.split("=", 1) for text in case.settings)
        carried = {**case.facts, **settings}
        record = records.get(case.id)
        if record is None:
            yield ResultRow(case.id, carried, Result(outcome="waiting"), None)
            continue
        alone = Result(outcome=record.outcome, error=record.error)
        for result in record.results or (alone,):
            yield ResultRow(case.id, carried, result, record.seconds)


def write_results(path: Path, cases: Sequence[Case], records: Mapping[str, Record]) -> None:
    """Write the table."""
    names = dict.fromkeys(name for case in cases for name in [*case.facts, *(s.partition("=")[0] for s in case.settings)])
    with in_one_step(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["case", *names, *_AFTER], restval="")
        table.writeheader()
        for row in result_rows(cases, records):
            numbers = {name: getattr(row.result, name) for name in (*_NUMBERS, "criterion", "variant", "output", "outcome")}
            told = {
                "caveats": len(row.result.caveats) if row.result.outcome in {"done", "incomplete"} else "",
                "caveat_text": " | ".join(row.result.caveats),
                "error": " ".join(row.result.error.split()),
                "seconds": row.seconds,
            }
            table.writerow({"case": row.case, **row.carried, **numbers, **told})


def read_results(path: Path) -> list[ResultRow]:
    """Read `results.csv`, of which a cohort folder may be given as well.

    Raises
    ------
    InputError
        When there is none, or it is something else.
    """
    path = path / "results.csv" if path.is_dir() else path
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file)
            missing = [name for name in OWN_COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise InputError(f"{path} is no table of results of a cohort: it has no column {missing[0]!r}")
            return [_row(row) for row in table]
    except OSError as problem:
        raise InputError(f"the results {path} cannot be read: {problem.strerror}") from problem
    except (UnicodeDecodeError, ValueError) as problem:
        raise InputError(f"{path} is no table of results of a cohort: {problem}") from problem


def _row(row: Mapping[str, str]) -> ResultRow:
    numbers = {name: float(row[name]) if row[name] else None for name in _NUMBERS}
    caveats = tuple(text for text in row["caveat_text"].split(" | ") if text)
    words = {name: row[name] for name in ("variant", "output", "outcome", "error", "criterion")}
    carried = {name: text for name, text in row.items() if name not in OWN_COLUMNS}
    seconds = float(row["seconds"]) if row["seconds"] else None
    return ResultRow(row["case"], carried, Result(**words, **numbers, caveats=caveats), seconds)  # type: ignore[arg-type]
