"""Variations and factors: what a study changes in a pipeline, under which names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import yaml

Value = bool | int | float | str | list["Value"] | None


@dataclass(frozen=True, slots=True)
class Variation:
    """One way to run every case.

    Parameters
    ----------
    name
        For the eye and for tables.
    folder
        The end of the names of its run folders.
    columns
        {input of the pipeline: column of the table of cases that holds its file}.
    options
        {`step.option`: value}.
    factors
        {factor: its value as a number or text}, of designs.
    at
        {factor: its place in its range, 0 to 1}, of designs that need it.
    """

    name: str
    folder: str
    columns: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Value] = field(default_factory=dict)
    factors: Mapping[str, float | str] = field(default_factory=dict)
    at: Mapping[str, float] = field(default_factory=dict)

    def settings(self) -> tuple[str, ...]:
        """Its options as `--set` takes them."""
        return tuple(f"{option}={as_yaml(value)}" for option, value in self.options.items())


@dataclass(frozen=True, slots=True)
class Factor:
    """An option that a design moves.

    Parameters
    ----------
    option
        `step.option`.
    kind
        `values` (a list of any), `range` (uniform between two numbers) or `normal` (a mean and an SD).
    values
        The list; for a range the two ends; for a normal distribution mean and SD.
    """

    option: str
    kind: Literal["values", "range", "normal"]
    values: tuple[Value, ...]

    def numbers(self) -> tuple[float, float]:
        """The ends of a range, or mean and SD."""
        first, second = (float(value) for value in self.values if isinstance(value, int | float))
        return first, second


def as_yaml(value: Value) -> str:
    """A value in one line, as in YAML."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def short(value: Value) -> float | str:
    """A value for a table: numbers as they are, anything else as text."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else as_yaml(value).strip("'\"")


def folder_names(names: Sequence[str]) -> list[str]:
    """A different name of a folder for each name."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).strip("-. ")[:50] or "v"
        unique, n = plain, 2
        while unique.lower() in [other.lower() for other in found]:
            unique, n = f"{plain}-{n}", n + 1
        found.append(unique)
    return found
