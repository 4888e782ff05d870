"""SNOMED CT codes of bones by the names of labels, where these leave no doubt; the codes are pydicom's, from the standard."""

from __future__ import annotations

import re

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

_LEVEL = re.compile(r"(?:^|[^a-z0-9])([ctl])(\d{1,2})(?:$|[^a-z0-9])")
_LEVELS = {"c": 7, "t": 12, "l": 5}
_WHOLE = {"femur": "Femur", "vertebra": "Vertebra", "sacrum": "Sacrum"}


def structure(name: str) -> Code | None:
    """The code of the bone that a name stands for: `L3`, `vertebrae_L3`, `femur_left`, `sacrum`. None for any other name."""
    text = name.lower()
    level = _LEVEL.search(text)
    if level and 1 <= int(level[2]) <= _LEVELS[level[1]] and "disc" not in text:
        return _code(f"{level[1].upper()}{int(level[2])}Vertebra")
    words = re.split(r"[^a-z]+", text)
    found = [code for word, code in _WHOLE.items() if word in words]
    return _code(found[0]) if len(found) == 1 and not {"disc", "head", "neck", "shaft"} & set(words) else None


def side(name: str) -> Code | None:
    """The code of `left` or `right`, where the name has one of them."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    sides = [code for word, code in (("left", "Left"), ("right", "Right")) if word in words]
    return _code(sides[0]) if len(sides) == 1 else None


def any_structure() -> Code:
    """The code for a structure of the body that is not said more closely."""
    return _code("AnatomicalStructure")


def _code(name: str) -> Code:
    return Code(*getattr(codes.SCT, name))
