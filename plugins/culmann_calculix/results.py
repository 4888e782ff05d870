"""What CalculiX wrote: increments from .sta, and from .dat the reactions, displacements, stresses and plastic strains."""

from __future__ import annotations

import mmap
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.errors import SolverError

_HEADER = re.compile(
    rb"^ *(total force|displacements|stresses|equivalent plastic strain) *\([^)]*\) *for set (\S+) and time +(\S+) *$",
    re.MULTILINE,
)
#: Fortran drops the E of an exponent with three digits: 0.123456-100.
_NO_E = re.compile(rb"(\d)([+-]\d{3})\b")


@dataclass(slots=True)
class Moment:
    """Where the blocks of one converged increment lie in the .dat.

    Parameters
    ----------
    time
        The share of the full displacement.
    reactions_n
        {set in the deck: (3,)}, LPS.
    blocks
        {what: (start, end)} of the tables, in bytes.
    """

    time: float
    reactions_n: dict[str, FloatArray] = field(default_factory=dict)
    blocks: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Increment:
    """A line of the .sta."""

    step: int
    converged: bool
    iterations: int
    time: float


def read_status(path: Path) -> list[Increment]:
    """The increments that CalculiX tells of so far; a line that is half written is left out."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        parts = line.split()
        try:
            step, iterations, time = int(parts[0]), int(parts[3]), float(parts[4])
        except (ValueError, IndexError):
            continue
        if len(parts) == 7:
            found.append(Increment(step, not parts[2].endswith("U"), iterations, time))
    return found


class Results:
    """A .dat, indexed: the tables themselves are read when they are asked for.

    Parameters
    ----------
    path
        The file.
    sets
        Sets of the deck whose reactions are in it.
    tables
        {what: number of rows and columns} that an increment must have to count; a file that ends in the middle of one, because
        CalculiX died, is read up to the increment before.
    """

    def __init__(self, path: Path, sets: tuple[str, ...], tables: Mapping[str, tuple[int, int]]) -> None:
        self._path, self._tables = path, dict(tables)
        self.moments: list[Moment] = []
        if not path.is_file() or path.stat().st_size == 0:
            return
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            found = list(_HEADER.finditer(text))
            ends = [*(match.start() for match in found[1:]), len(text)]
            for match, end in zip(found, ends, strict=False):
                try:
                    self._add(match, text[match.end() : min(end, match.end() + 200)], end)
                except ValueError:
                    break  # garbage, or the end of a file that was being written
        whole = [m for m in self.moments if set(m.reactions_n) == set(sets) and self._is_whole(m)]
        self.moments = whole

    def _add(self, match: re.Match[bytes], beginning: bytes, end: int) -> None:
        what, name, time = match[1].decode(), match[2].decode("ascii", "replace"), float(match[3])
        if not self.moments or self.moments[-1].time != time:
            self.moments.append(Moment(time))
        if what != "total force":
            self.moments[-1].blocks[what] = (match.end(), end)
            return
        force = np.array(_NO_E.sub(rb"\1E\2", beginning).split()[:3], dtype=float)
        if force.shape != (3,):
            raise ValueError("a total force has three components")
        self.moments[-1].reactions_n[name] = force

    def _is_whole(self, moment: Moment) -> bool:
        # The last row of each table must be there; the file ends with it and a line break.
        if set(moment.blocks) != set(self._tables):
            return False
        if moment is not self.moments[-1]:
            return True
        return all(self._table(moment, what) is not None for what in self._tables)

    def _table(self, moment: Moment, what: str) -> FloatArray | None:
        start, end = moment.blocks[what]
        with self._path.open("rb") as file:
            file.seek(start)
            text = _NO_E.sub(rb"\1E\2", file.read(end - start))
        rows, columns = self._tables[what]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", DeprecationWarning)  # numpy's way to say that not all of it was read
                values = np.fromstring(text, sep=" ")
        except (ValueError, DeprecationWarning):
            return None
        if values.size != rows * columns or not text.endswith(b"\n"):
            return None
        return values.reshape(rows, columns)

    def table(self, moment: Moment, what: str) -> FloatArray:
        """A table with its leading columns of numbers.

        Raises
        ------
        SolverError
            When it does not have the size that the model asks for, or something in it is not a number.
        """
        table = self._table(moment, what)
        if table is None or not np.isfinite(table).all():
            raise SolverError(
                f"CalculiX wrote {what} at {100 * moment.time:.4g} % of the load that cannot be read, or are not numbers",
                hint="look for cells with next to no stiffness under the load, and at the deck",
            )
        return table
