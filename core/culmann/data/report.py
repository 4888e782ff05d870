"""Report: files made for the eye: pictures, tables, pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self


@dataclass(frozen=True, slots=True)
class Report:
    """Files by name.

    Parameters
    ----------
    files
        {name: content}. A name is a file name without folders.

    Raises
    ------
    ValueError
        When a name is not a plain file name.
    """

    files: Mapping[str, bytes]

    def __post_init__(self) -> None:
        for name in self.files:
            if PurePosixPath(name).name != name or "\\" in name or name in {"", ".", ".."}:
                raise ValueError(f"{name!r} is not a plain file name")

    def save(self, folder: Path) -> None:
        """Write the files."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read every file of the folder."""
        return cls({path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()})
