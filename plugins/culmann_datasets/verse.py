"""VerSe 2019 and 2020: scans in `rawdata`, masks in `derivatives`, names as in BIDS, one table of labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from culmann.dataset import NewCase
from culmann.errors import InputError
from culmann.image_files import read_label_file
from culmann_datasets.laying import Found, Tell, case_of

#: The label table of the data set: 26 and 27, sacrum and coccyx, are not labelled in it; L6 and T13 are transitional.
LABELS = {
    **{f"C{n}": n for n in range(1, 8)},
    **{f"T{n}": 7 + n for n in range(1, 13)},
    **{f"L{n}": 19 + n for n in range(1, 7)},
    "T13": 28,
}

_MASK = re.compile(r"(?P<case>sub-(?P<subject>[A-Za-z0-9]+)(?:_[A-Za-z]+-[A-Za-z0-9]+)*)_seg-vert_msk\.nii(\.gz)?")
_SCAN = re.compile(r"(?P<case>sub-[A-Za-z0-9]+(?:_[A-Za-z]+-[A-Za-z0-9]+)*)_ct\.nii(\.gz)?")
_PART = re.compile(r"(training|validation|test)$")


def find_verse(folder: Path) -> list[Found]:
    """The scans with masks in a folder of VerSe, which may hold several of its parts (training, validation, test).

    Raises
    ------
    InputError
        When there is none, a mask has no scan, or a name occurs twice.
    """
    masks, scans = _named(folder, _MASK, "masks"), _named(folder, _SCAN, "scans")
    if not masks:
        raise InputError(
            f"there is no mask of VerSe in {folder}",
            hint="they end with _seg-vert_msk.nii.gz; for other layouts there is `culmann dataset import folder`",
        )
    found = list[Found]()
    for case, mask in sorted(masks.items()):
        if case not in scans:
            raise InputError(f"the mask {mask} has no scan: there is no {case}_ct.nii.gz in {folder}")
        match = _MASK.fullmatch(mask.name)
        assert match is not None
        parts = [part[1] for name in mask.relative_to(folder).parts if (part := _PART.search(name))]
        found.append(Found(case, scans[case], mask, match["subject"], "", parts[0] if parts else ""))
    return found


def verse_cases(found: list[Found], labels: dict[str, int], tell: Tell, *, without_t13: bool = False) -> Iterator[NewCase]:
    """The cases, one after the other; every vertebra that occurs is added to `labels`.

    Parameters
    ----------
    without_t13
        Leave out the scans that show a thirteenth thoracic vertebra, as Saillard et al. 2024 do.

    Raises
    ------
    InputError
        When a mask cannot be read, has a label that is not in the table of VerSe, or lies outside of its scan.
    """
    names = {number: name for name, number in LABELS.items()}
    for entry in found:
        read = read_label_file(entry.labels)
        present = set(read.present())
        if present - set(names):
            strange = ", ".join(map(str, sorted(present - set(names))))
            raise InputError(f"{entry.labels} has label {strange}, which the table of VerSe does not name")
        if without_t13 and LABELS["T13"] in present:
            tell(f"case {entry.case} is left out: it shows T13")
            continue
        labels |= {names[number]: number for number in sorted(present)}
        yield case_of(entry, replace(read, names=names), tell, unchanged=True)


def _named(folder: Path, pattern: re.Pattern[str], what: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    found = dict[str, Path]()
    for path in sorted(folder.rglob("*.nii*")):
        match = pattern.fullmatch(path.name)
        if match is None:
            continue
        if match["case"] in found:
            raise InputError(f"two {what} of {match['case']}: {found[match['case']]} and {path}", hint="remove one of them")
        found[match["case"]] = path
    return found
