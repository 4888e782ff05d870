"""Names as keyword files take them: upper case, letters, digits and underscores, each name once."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Sets that the deck itself makes: these two, and HELD1, BIN1, ... with their numbers.
ALL_NODES, ALL_CELLS = "ALLNODES", "ALLCELLS"
_NUMBERED = re.compile(r"(HELD|BIN)\d+")
_LONGEST = 60


def keyword_names(names: Iterable[str]) -> dict[str, str]:
    """{name: name in the file} for names of any form; two that would become the same get numbers."""
    taken, result = {ALL_NODES, ALL_CELLS}, {}
    for name in names:
        plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:_LONGEST] or "SET"
        if not plain[0].isalpha() or _NUMBERED.fullmatch(plain):
            plain = f"S_{plain}"
        chosen, number = plain, 2
        while chosen in taken:
            chosen, number = f"{plain}_{number}", number + 1
        taken.add(chosen)
        result[name] = chosen
    return result
