"""Case: one patient, bone or setting of a cohort, with its files, its settings and the facts that are carried along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+ -]{0,99}")
#: What a cohort folder holds beside the folders of its cases.
RESERVED = ("records", "cohort.json", "cohort.html", "results.csv")


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a cohort.

    Parameters
    ----------
    id
        Its name, and that of its run folder.
    inputs
        {input of the pipeline: file or folder}; an input that is left out has the path of the pipeline file.
    settings
        Options, each `step.option=value` with the value as in YAML.
    facts
        What is known of it and no step needs: patient, side, group, …
    variants
        The variants to run; all of them when none is named.
    """

    id: str
    inputs: Mapping[str, Path] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[str, ...] = ()


def wrong_id(name: str) -> str:
    """Why a text cannot be the id of a case; empty when it can. It becomes the name of a folder on any system."""
    if not name:
        return "the case has no id"
    if not _ID.fullmatch(name) or name.endswith((".", " ")):
        return (
            f"{name!r} cannot be the id of a case: use at most 100 letters, digits, - _ . + and blanks, a letter or digit first"
        )
    if name.lower() in RESERVED:
        return f"{name!r} cannot be the id of a case: the cohort folder has a file or folder of that name"
    return ""
