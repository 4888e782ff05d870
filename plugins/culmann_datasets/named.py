"""Cases whose labels go by name, as those of 3D Slicer and DICOM do: one number for each name over all cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from culmann.data import Labels
from culmann.dataset import NewCase
from culmann.errors import InputError
from culmann_datasets.laying import Found, Tell, case_of

Read = Callable[[Path], Labels]


def named_cases(
    found: list[Found], read: Read, wanted: Mapping[str, int], labels: dict[str, int], tell: Tell
) -> Iterator[NewCase]:
    """The cases, one after the other; every name that occurs is added to `labels`.

    Parameters
    ----------
    wanted
        {name: number}; when it is not empty, segments of other names are left out. Otherwise a name gets the number that it has
        in the first file, or the next free one.

    Raises
    ------
    InputError
        When a file cannot be read, has none of the wanted names, or lies outside of its scan.
    """
    labels |= wanted
    for entry in found:
        drawn = read(entry.labels)
        label = np.zeros_like(drawn.label)
        left_out = list[str]()
        for number, name in drawn.present().items():
            if wanted and name not in wanted:
                left_out.append(name)
                continue
            if name not in labels:
                _warn_of_likeness(name, labels, entry, tell)
                labels[name] = number if number not in labels.values() else max(labels.values()) + 1
            label[drawn.label == number] = labels[name]
        if not label.any():
            has = ", ".join(drawn.present().values())
            raise InputError(f"case {entry.case!r}: {entry.labels} has none of the wanted segments; it has {has}")
        if left_out:
            tell(f"case {entry.case}: left out {', '.join(left_out)}")
        names = {number: name for name, number in labels.items()}
        yield case_of(entry, replace(drawn, label=label, names=names), tell, unchanged=bool((label == drawn.label).all()))


def _warn_of_likeness(name: str, labels: Mapping[str, int], entry: Found, tell: Tell) -> None:
    """`Femur` beside `femur` is a slip more often than a second label."""
    plain = {_plain(other): other for other in labels}
    if _plain(name) in plain:
        tell(f"case {entry.case}: the segment {name!r} is another label than {plain[_plain(name)]!r}; is it meant so?")


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
