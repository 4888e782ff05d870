"""A one-file plugin for the tests of the pipeline: numbers and words flow, and every call is written to `LAB_CALLS`."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from culmann import Config, InputError, Journal, Report, Step, Strength, hookimpl

api = 1


@hookimpl
def culmann_readers():
    yield Step("read-number", "lab_steps:read_number", summary="A number.", suffixes=(".txt", ".num.gz"))
    yield Step("read-word", "lab_steps:read_word", summary="A word.", suffixes=(".word", "/"))
    yield Step("read-shout", "lab_steps:read_shout", summary="A word in capitals.", suffixes=(".word.txt",))


@hookimpl
def culmann_preprocessors():
    yield Step("add", "lab_steps:add", summary="Adds.", cite=("doi:10.1000/add",))
    yield Step("halves", "lab_steps:halves", summary="Two numbers.")
    yield Step("sum", "lab_steps:total", summary="Adds two.")
    yield Step("count", "lab_steps:count", summary="Number of letters.")
    yield Step("spell", "lab_steps:spell", summary="A number as a word.")
    yield Step("echo", "lab_steps:echo", summary="A word into a word.")
    yield Step("between", "lab_steps:between", summary="A number between two.")
    yield Step("table", "lab_steps:table", summary="A number from a file.")
    yield Step("needs-torch", "lab_missing:thing", summary="Not there.")


@hookimpl
def culmann_solvers():
    yield Step("fail", "lab_steps:fail", summary="Raises.")
    yield Step("liar", "lab_steps:liar", summary="Returns another type.")
    yield Step("slow", "lab_steps:slow", summary="Waits for a file.")


@hookimpl
def culmann_failure_criteria():
    yield Step("judge", "lab_steps:judge", summary="A strength.")


@hookimpl
def culmann_reporters():
    yield Step("page", "lab_steps:page", summary="A report.")


@dataclass(frozen=True)
class Number:
    value: float

    def save(self, folder: Path) -> None:
        (folder / "number.txt").write_text(repr(self.value))

    @classmethod
    def load(cls, folder: Path) -> Number:
        called("load")
        return cls(float((folder / "number.txt").read_text()))


@dataclass(frozen=True)
class Word:
    value: str

    def save(self, folder: Path) -> None:
        (folder / "word.txt").write_text(self.value)

    @classmethod
    def load(cls, folder: Path) -> Word:
        return cls((folder / "word.txt").read_text())


class Halves(NamedTuple):
    low: Number
    high: Number


class ReadConfig(Config):
    scale: float = Field(1.0, gt=0, description="Factor.")


class AddConfig(Config):
    amount: float = Field(..., ge=-1000, description="What is added.")
    mode: Literal["plain", "twice"] = Field("plain", description="How often.")
    weights: float | tuple[float, float] = Field(1.0, description="One or two.")
    exact: bool = Field(True, description="A switch.")


class TableConfig(Config):
    path: Path = Field(..., description="The file.")
    scratch: Path = Field(Path("none"), exclude=True, description="A place that no result depends on.")


class BetweenConfig(Config):
    low: float = Field(0.0, description="The least.")
    high: float = Field(1.0, description="The most.")
    labels: tuple[int, ...] = Field((1,), description="Labels.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"a low of {self.low:g} is above {self.high:g}")
        return self


class FailConfig(Config):
    how: Literal["input", "bug", "exit", "interrupt", "halfway"] = Field("bug", description="In which way.")


class WaitConfig(Config):
    until: str = Field(..., description="Name of the file that is waited for.")


def called(name: str) -> None:
    if "LAB_CALLS" in os.environ:
        with Path(os.environ["LAB_CALLS"]).open("a") as file:
            file.write(name + "\n")


def read_number(path: Path, config: ReadConfig, journal: Journal) -> Number:
    called("read-number")
    value = float(path.read_text())
    if value > 50:
        journal.warn(f"{value:g} is a large number")
    return Number(value * config.scale)


def read_word(path: Path) -> Word:
    called("read-word")
    return Word(path.read_text() if path.is_file() else "".join(sorted(p.read_text() for p in path.iterdir())))


def read_shout(path: Path) -> Word:
    return Word(path.read_text().upper())


def add(number: Number, config: AddConfig, journal: Journal) -> Number:
    called("add")
    journal.progress("adding", 0.5)
    if config.amount < 0:
        journal.warn(f"{config.amount:g} is negative")
        journal.attach("sign.txt", b"minus")
    return Number(number.value + config.amount * (2 if config.mode == "twice" else 1))


def halves(number: Number) -> Halves:
    called("halves")
    return Halves(Number(number.value / 2), Number(number.value / 2 + 1))


def total(left: Number, right: Number) -> Number:
    called("sum")
    return Number(left.value + right.value)


def count(word: Word) -> Number:
    return Number(float(len(word.value)))


def spell(number: Number, word: Word | None = None) -> Word:
    return Word(f"{word.value if word else 'nothing'} {number.value:g}")


def echo(word: Word) -> Word:
    return word


def table(number: Number, config: TableConfig) -> Number:
    called("table")
    return Number(number.value + float(config.path.read_text()))


def between(number: Number, config: BetweenConfig) -> Number:
    return Number(min(max(number.value, config.low), config.high))


def fail(number: Number, config: FailConfig, journal: Journal) -> Number:
    called("fail")
    if config.how == "input":
        raise InputError("the number is odd", hint="use another")
    if config.how == "exit":
        raise SystemExit(7)
    if config.how == "interrupt":
        raise KeyboardInterrupt
    if config.how == "halfway":
        if not os.environ.get("LAB_IN_FULL"):
            journal.incomplete("stopped halfway")
            return Number(number.value / 2)
        return number
    return Number(1 / 0)


def liar(number: Number) -> Word:
    return number


def slow(number: Number, config: WaitConfig) -> Number:
    called("slow")
    while not Path(config.until).exists():
        time.sleep(0.01)
    return number


def judge(number: Number, journal: Journal) -> Strength:
    called("judge")
    journal.warn("judged quickly")
    return Strength(number.value, "the number", 1.0, 0.1, 2.0, ("my own caveat",))


def page(number: Number) -> Report:
    return Report({"page.html": f"<p>{number.value:g}</p>".encode()})
