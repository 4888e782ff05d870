"""The model zoo: which models there are, where their files lie, and the SHA-256 that pins each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from culmann.errors import InputError


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of the zoo."""

    name: str
    sha256: str
    folder: Path

    def here(self) -> Path:
        """The folder of the model."""
        return self.folder


def entries() -> Mapping[str, Entry]:
    """{name: model}."""
    return {}


def find_entry(name: str) -> Entry:
    """The model of a name; raises InputError when there is none."""
    raise InputError(f"the zoo has no model {name!r}", hint="`culmann models list` shows what there is")
