"""The names behind the numbers of label maps that have no names of their own: VerSe's and TotalSegmentator's vertebrae."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from culmann.data import Labels

_SPINE = [*(f"C{n}" for n in range(1, 8)), *(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6))]


class Numbering(StrEnum):
    """Ways to number labels."""

    verse = "verse"
    totalsegmentator = "totalsegmentator"


#: VerSe 2020: 1 for C1 to 24 for L5, 25 for L6, 26 sacrum, 27 coccyx, 28 for T13. TotalSegmentator 2, task total: downwards.
NAMES: dict[Numbering, dict[int, str]] = {
    Numbering.verse: {**dict(enumerate(_SPINE, start=1)), 25: "L6", 26: "sacrum", 27: "coccyx", 28: "T13"},
    Numbering.totalsegmentator: {
        25: "sacrum",
        26: "S1",
        **{27 + n: name for n, name in enumerate(reversed(_SPINE))},
        75: "femur-left",
        76: "femur-right",
        77: "hip-left",
        78: "hip-right",
    },
}


def named(labels: Labels, names: Mapping[int, str], numbering: Numbering | None) -> Labels:
    """Labels with the names of their dataset, or else of a numbering, where the file has none of its own."""
    known = {} if numbering is None else NAMES[numbering]
    return replace(labels, names={**known, **names, **labels.names})
