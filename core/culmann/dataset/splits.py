"""Splits of a dataset into training, validation and test cases, by patient, drawn with a seed and kept in a file."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culmann.dataset.model import Dataset
from culmann.errors import InputError
from culmann.whole import in_one_step

#: The name of the file of splits beside a dataset's table.
SPLITS = "splits.json"

_PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Fold:
    """Names of the cases to train with, to choose and stop with, and to judge with."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Splits:
    """Folds of a dataset.

    Parameters
    ----------
    dataset
        Its name.
    how
        How they were made, in words.
    seed
        What the draw began with.
    folds
        One or more.
    """

    dataset: str
    how: str
    seed: int
    folds: tuple[Fold, ...]


def split_k_fold(dataset: Dataset, folds: int = 5, seed: int = 0) -> Splits:
    """Every case is held out (for validation) in exactly one fold; the cases of a patient are held out together.

    Raises
    ------
    InputError
        When there are fewer patients than folds, or fewer than two folds.
    """
    patients = _patients(dataset)
    if folds < 2:
        raise InputError(f"{folds} folds hold nothing out", hint="use at least 2")
    if len(patients) < folds:
        raise InputError(
            f"{folds} folds need at least {folds} patients, and {dataset.name!r} has {len(patients)}",
            hint=f"use at most {len(patients)} folds" if len(patients) > 1 else "one patient cannot be split",
        )
    held = [list[str]() for _ in range(folds)]
    for cases in sorted(_shuffled(patients, seed), key=len, reverse=True):  # large ones first: the folds come out even
        min(held, key=len).extend(cases)
    return Splits(
        dataset.name,
        f"{folds}-fold, by patient",
        seed,
        tuple(
            Fold(_ordered(dataset, (c for other in held if other is not part for c in other)), _ordered(dataset, part))
            for part in held
        ),
    )


def split_by_counts(dataset: Dataset, train: int, validation: int, test: int, *, folds: int = 1, seed: int = 0) -> Splits:
    """Draw so many cases for training, validation and test, as often as there are folds; no patient is in two parts.

    No case is tested in two folds. Cases that are left over are in no part.

    Raises
    ------
    InputError
        When there are too few cases, or patients with several cases make the counts impossible.
    """
    wanted = (train, validation, test)
    if train < 1 or min(wanted) < 0 or folds < 1:
        raise InputError("a split needs at least one case for training, no count below 0, and at least one fold")
    if sum(wanted) > len(dataset.cases):
        raise InputError(f"{train} + {validation} + {test} cases are wanted, and {dataset.name!r} has {len(dataset.cases)}")
    patients = _patients(dataset)
    tested = set[str]()
    drawn = list[Fold]()
    for fold in range(folds):
        rest = _shuffled(patients, f"{seed}-{fold}")
        parts = dict[str, list[str]]()
        for part, count in (("test", test), ("validation", validation), ("train", train)):
            allowed = [cases for cases in rest if part != "test" or not tested & set(cases)]
            chosen = _exactly(count, allowed)
            if chosen is None:
                raise InputError(
                    f"fold {fold + 1}: no choice of patients gives {count} cases for the {part} part "
                    f"(they have {', '.join(map(str, sorted(map(len, allowed))))} cases)",
                    hint="change the counts, or ask for fewer folds: no patient is divided, and no case is tested twice",
                )
            rest = [cases for cases in rest if cases not in chosen]
            parts[part] = [case for cases in chosen for case in cases]
        tested |= set(parts["test"])
        drawn.append(Fold(*(_ordered(dataset, parts[part]) for part in _PARTS)))
    return Splits(dataset.name, f"{train}/{validation}/{test} for train/validation/test, by patient", seed, tuple(drawn))


def write_splits(splits: Splits, path: Path) -> None:
    """Write a file that `read_splits` reads."""
    folds = [{part: list(getattr(fold, part)) for part in _PARTS} for fold in splits.folds]
    facts = {"dataset": splits.dataset, "how": splits.how, "seed": splits.seed, "folds": folds}
    try:
        with in_one_step(path) as part:
            part.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror}") from problem


def read_splits(path: Path, dataset: Dataset) -> Splits:
    """Read splits and check them against their dataset.

    Raises
    ------
    InputError
        When the file is none of splits, names a case that the dataset does not have, a case stands in two parts of a fold, or a
        patient is in two of them.
    """
    try:
        facts = json.loads(Path(path).read_text(encoding="utf-8"))
        folds = tuple(Fold(*(tuple(map(str, _list(fold, part))) for part in _PARTS)) for fold in facts["folds"])
        splits = Splits(str(facts["dataset"]), str(facts["how"]), int(facts["seed"]), folds)
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}", hint="`culmann dataset split` makes it") from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(f"{path} is no file of splits", hint="`culmann dataset split` makes one") from problem
    if not folds or any(not fold.train for fold in folds):
        raise InputError(f"{path}: a fold without training cases")
    patient = {case.case: case.patient for case in dataset.cases}
    for number, fold in enumerate(folds):
        _check(f"{path}: fold {number}", fold, patient, dataset)
    return splits


def _list(fold: Mapping[str, Any], part: str) -> list[Any]:
    entries = fold[part]
    if not isinstance(entries, list):
        raise TypeError(part)
    return entries


def _check(where: str, fold: Fold, patient: Mapping[str, str], dataset: Dataset) -> None:
    seen, whose = dict[str, str](), dict[str, str]()
    for part in _PARTS:
        for case in getattr(fold, part):
            if case not in patient:
                raise InputError(
                    f"{where}: the dataset {dataset.name!r} has no case {case!r}", hint="split again, the dataset has changed"
                )
            if case in seen:
                raise InputError(f"{where}: the case {case!r} stands in {seen[case]} and in {part}", hint="split again")
            seen[case] = part
            if whose.setdefault(patient[case], part) != part:
                raise InputError(
                    f"{where}: the patient {patient[case]!r} is in {whose[patient[case]]} and, with {case!r}, in {part}",
                    hint="a network that has seen one side of a person is not judged by the other; split again",
                )


def _patients(dataset: Dataset) -> list[list[str]]:
    """The cases of every patient."""
    found = dict[str, list[str]]()
    for case in dataset.cases:
        found.setdefault(case.patient, []).append(case.case)
    return list(found.values())


def _shuffled(patients: Sequence[list[str]], seed: int | str) -> list[list[str]]:
    order = list(patients)
    random.Random(f"culmann-{seed}").shuffle(order)  # seeded by text: the same on every machine and version
    return order


def _exactly(count: int, patients: Sequence[list[str]]) -> list[list[str]] | None:
    """The first patients, in their order, whose cases add up to the count; None when none do."""
    reached: dict[int, list[list[str]]] = {0: []}
    for cases in patients:
        for total, chosen in list(reached.items()):
            reached.setdefault(total + len(cases), [*chosen, cases])
        if count in reached:
            return reached[count]
    return reached.get(count)


def _ordered(dataset: Dataset, names: Iterable[str]) -> tuple[str, ...]:
    wanted = set(names)
    return tuple(case.case for case in dataset.cases if case.case in wanted)
