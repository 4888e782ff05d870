"""Who a run belongs to, in the words of BIDS: subject, session and description, and the names of files made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from culmann.csv_tables import read_table
from culmann.errors import InputError
from culmann.pipeline.problems import Problems
from culmann_interchange.cases import Case

Facts = Mapping[str, Mapping[str, str]]

_ENTITY = re.compile(r"(?:^|_)(sub|ses)-([0-9A-Za-z]+)(?=_|\.|$)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a case go.

    Parameters
    ----------
    subject, session
        Letters and digits; the session may be empty.
    description
        What tells several results of one session apart: the pipeline, and the variant where there is one.
    facts
        What a table of cases says of the case.
    """

    subject: str
    session: str
    description: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """`sub-…/ses-…`."""
        return f"sub-{self.subject}" + (f"/ses-{self.session}" if self.session else "")

    def file(self, suffix: str, *entities: str) -> str:
        """`sub-…_ses-…_<entities>_desc-…_<suffix>`."""
        return "_".join([self.folder.replace("/", "_"), *entities, f"desc-{self.description}", suffix])


def places(cases: Iterable[Case], subject: str | None, session: str | None, facts: Facts) -> list[tuple[Place, Case]]:
    """Where each case goes: as is said, else by the table of cases, else by the name of its scan, else of its folder.

    Raises
    ------
    InputError
        When a name is not made of letters and digits, or two cases would go to one place.
    """
    found = list[tuple[Place, Case]]()
    for case in cases:
        known, named = facts.get(case.name, {}), _entities(case)
        place = Place(
            _checked(subject, "--subject") or _plain(known.get("patient", "")) or named.get("sub", "") or _plain(case.name),
            _checked(session, "--session") or _plain(known.get("session", "")) or named.get("ses", ""),
            _camel(*dict.fromkeys([case.manifest["pipeline"], known.get("side", ""), case.variant])),
            known,
        )
        if not place.subject:
            raise InputError(f"the run {case.title} has no letter or digit in its name", hint="say --subject")
        for other, earlier in found:
            if other.file("") == place.file(""):
                raise InputError(
                    f"the runs {earlier.title} and {case.title} would both be {place.folder} with desc-{place.description}",
                    hint="tell them apart by --table with the columns case, patient and session, or export them one by one",
                )
        found.append((place, case))
    return found


def read_facts(table: Path) -> Facts:
    """{case: {column: text}} of a table of cases.

    Raises
    ------
    InputError, PipelineError
        When it cannot be read or has no column `case`, or a case stands in it twice.
    """
    problems = Problems()
    found: dict[str, dict[str, str]] = {}
    for row in read_table(table, problems, needed=("case",)).rows:
        if row["case"].text in found:
            problems.add(row["case"].mark, f"the case {row['case'].text!r} stands here for a second time")
        found[row["case"].text] = {name: cell.text for name, cell in row.items()}
    problems.stop_if_any()
    return found


def _entities(case: Case) -> dict[str, str]:
    """`sub` and `ses` from the name of the scan's file, where it has them."""
    scan = case.scan_id()
    return dict(_ENTITY.findall(Path(case.manifest["inputs"][scan]["path"]).name)) if scan else {}


def _checked(text: str | None, option: str) -> str:
    if text is None:
        return ""
    bare = text.removeprefix("sub-").removeprefix("ses-")
    if not re.fullmatch(r"[0-9A-Za-z]+", bare):
        raise InputError(
            f"{option} {text!r}: BIDS wants letters and digits only", hint=f"for example {option} {_plain(text) or '01'}"
        )
    return bare


def _plain(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", text)


def _camel(*texts: str) -> str:
    """`femurSasLeft` of `femur-sas` and `left`."""
    words = [word for text in texts for word in re.split(r"[^0-9A-Za-z]+", text) if word]
    return "".join([words[0], *(word[:1].upper() + word[1:] for word in words[1:])])
