"""Files of cases by a pattern: `{case}/ct.nii.gz` finds them, and says what each case is called."""

from __future__ import annotations

import re
from pathlib import Path

from culmann.errors import InputError
from culmann_datasets.laying import Found

_FIELDS = ("case", "patient", "side")


def find_pairs(folder: Path, scans: str, labels: str) -> list[Found]:
    """The cases whose scan and labels both patterns find.

    Parameters
    ----------
    scans, labels
        Paths in the folder, with `{case}` or `{patient}` and `{side}` where these stand, and `*` for anything within a name.
        What stands in place of a field names the case; with `{patient}` and `{side}` alone the case is `patient-side`.

    Raises
    ------
    InputError
        When a pattern names no case, nothing is found, labels have no scan, or two files belong to one case.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    found, drawn = _matches(folder, scans), _matches(folder, labels)
    if not drawn:
        raise InputError(
            f"no file in {folder} is like {labels}", hint="the pattern is a path in that folder, as {case}/labels.nii.gz"
        )
    cases = list[Found]()
    for key, mask in drawn.items():
        scan = found.get(key) or _shared(found, key)
        if scan is None:
            raise InputError(f"{mask} has no scan: nothing in {folder} that is like {scans} belongs to {_case(key)!r}")
        fields = dict(zip(_FIELDS, key, strict=True))
        cases.append(Found(_case(key), scan, mask, fields["patient"], _side(fields["side"], mask)))
    return cases


Key = tuple[str, str, str]


def _matches(folder: Path, pattern: str) -> dict[Key, Path]:
    expression = _expression(pattern)
    found = dict[Key, Path]()
    for path in sorted(folder.rglob("*")):
        match = expression.fullmatch(path.relative_to(folder).as_posix())
        if match is None or not (path.is_file() or path.is_dir()):
            continue
        fields = match.groupdict()
        key = (fields.get("case") or "", fields.get("patient") or "", fields.get("side") or "")
        if key in found:
            raise InputError(f"both {found[key]} and {path} are like {pattern}, for the case {_case(key)!r}")
        found[key] = path
    return found


def _expression(pattern: str) -> re.Pattern[str]:
    names = re.findall(r"\{([^{}]*)\}", pattern)
    strange = [name for name in names if name not in _FIELDS]
    if strange or not {"case", "patient"} & set(names):
        raise InputError(
            f"the pattern {pattern!r} names no case", hint="write {case}, or {patient} and {side}, where they stand"
        )
    parts = re.split(r"(\{[^{}]*\}|\*)", pattern)
    seen = set[str]()
    text = ""
    for part in parts:
        name = part.strip("{}")
        if part == "*":
            text += "[^/]*"
        elif part.startswith("{"):
            text += f"(?P={name})" if name in seen else f"(?P<{name}>[A-Za-z0-9][A-Za-z0-9._-]*?)"
            seen.add(name)
        else:
            text += re.escape(part)
    return re.compile(text)


def _shared(found: dict[Key, Path], key: Key) -> Path | None:
    """The scan of a patient that shows both sides: labels with a side, a scan without."""
    case, patient, _ = key
    return found.get((case, patient, ""))


def _case(key: Key) -> str:
    case, patient, side = key
    return case or "-".join(part for part in (patient, side) if part)


def _side(text: str, path: Path) -> str:
    sides = {"": "", "l": "left", "left": "left", "r": "right", "right": "right"}
    if text.lower() not in sides:
        raise InputError(f"{path}: the side is left or right (or l, r), and this is {text!r}")
    return sides[text.lower()]
