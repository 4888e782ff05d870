"""read-outcomes: failure loads from a CSV table, so that the analyses of a study can be done on those of anybody."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path

from culmann.data import Outcomes
from culmann.data.outcomes import row_of
from culmann.errors import InputError

#: Columns of the table that are neither facts nor numbers.
_FIXED = ("case", "variation", "output", "outcome", "problem")


def read_outcomes(path: Path) -> Outcomes:
    """Read a table of failure loads that anybody made: `case`, `variation`, and numbers with their units in their names.

    A column whose cells are all numbers, or empty, is one of numbers; any other is a fact.

    Raises
    ------
    InputError
        When the columns are not there, a case has a variation twice, or there is no failure load.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InputError(f"{path} is no CSV table in UTF-8: {problem}") from problem
    names = [name for name in (rows[0] if rows else {}) if isinstance(name, str)]
    for name in ("case", "variation", "failure_load_n"):
        if name not in names:
            hint = "its header needs at least `case,variation,failure_load_n`"
            raise InputError(f"{path} has no column {name!r}; it has {', '.join(names) or 'no rows'}", hint=hint)
    if any(None in row or None in row.values() for row in rows):
        raise InputError(f"{path}: a row has more or fewer cells than the header")
    numbers = [name for name in names if name not in _FIXED and _are_numbers(row[name] for row in rows)]
    if "failure_load_n" not in numbers:
        raise InputError(f"{path}: the column 'failure_load_n' holds something that is no number, or nothing")
    facts = [name for name in names if name not in {*_FIXED, *numbers}]
    try:
        return Outcomes(tuple(row_of({"output": "strength", "outcome": "done", **row}, numbers, facts) for row in rows))
    except ValueError as problem:
        raise InputError(f"{path}: {problem}") from problem


def _are_numbers(cells: Iterable[str]) -> bool:
    try:
        return any(list(map(math.isfinite, map(float, filter(str.strip, cells)))))
    except ValueError:
        return False
