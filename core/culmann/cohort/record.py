"""Record: what became of a case; a small JSON file in the cohort folder, written whole when the case is over."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from culmann.whole import in_one_step

#: `done`: every result is there. `failed`: a step raised. `died`: its process was killed or crashed. `refused`: the table or a
#: file is wrong, and nothing was run. `interrupted`: it was stopped by hand and will be run again.
Outcome = Literal["done", "failed", "died", "refused", "interrupted"]
FAILED: tuple[Outcome, ...] = ("failed", "died")


@dataclass(frozen=True, slots=True)
class Result:
    """One failure load of a case, or why one of its variants has none.

    Parameters
    ----------
    variant
        Empty where the pipeline has no variants.
    output
        The id of the value in the pipeline; empty where there is no failure load.
    outcome
        `done`, `incomplete` (it was stopped by hand), `skipped` (the data do not serve this variant) or `failed`.
    error
        Why there is no failure load.
    failure_load_n, displacement_mm, strain, stiffness_n_mm, criterion, caveats
        As in `culmann.Strength`.
    """

    variant: str = ""
    output: str = ""
    outcome: str = "done"
    error: str = ""
    failure_load_n: float | None = None
    displacement_mm: float | None = None
    strain: float | None = None
    stiffness_n_mm: float | None = None
    criterion: str = ""
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parts:
    """What the results of a case depend on, each as sha256, so that a change can be told by its name.

    Parameters
    ----------
    files
        {input: sha256 of its content}.
    steps
        The pipeline with its options.
    code
        culmann and the plugins.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    steps: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a case.

    Parameters
    ----------
    case, outcome
        Which, and what.
    parts
        What its results depend on.
    files
        {input: [path, state of the file as the file system has it]}: while that is the same, its content is not read again.
    results
        A row for each failure load, and for each variant without one.
    seconds, peak_memory_mb
        Of the process, for this case.
    error
        Why it has no results.
    log
        The file with what the process wrote, relative to the cohort folder; empty where there is none.
    steps_computed, steps_from_store
        How many inputs and steps were computed, and how many were served from the store.
    where, when
        The machine, and the end of the work.
    """

    case: str
    outcome: Outcome
    parts: Parts = field(default_factory=Parts)
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    seconds: float = 0.0
    peak_memory_mb: float | None = None
    error: str = ""
    log: str = ""
    steps_computed: int = 0
    steps_from_store: int = 0
    where: str = field(default_factory=socket.gethostname)
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Self:
        """From what `as_dict` gave."""
        rows = tuple(Result(**{**row, "caveats": tuple(row["caveats"])}) for row in facts["results"])
        files = {name: (str(path), str(state)) for name, (path, state) in facts["files"].items()}
        return cls(**{**facts, "parts": Parts(**facts["parts"]), "files": files, "results": rows})


@dataclass(frozen=True, slots=True)
class Now:
    """What a running case does at this moment; gone when its record is there."""

    case: str
    step: str
    started: str
    where: str
    pid: int

    @property
    def seconds(self) -> float:
        """Since it started."""
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(self.started)).total_seconds())


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a cohort folder; any process may read them at any time."""

    folder: Path

    def write(self, record: Record) -> None:
        """Put a record in the place of an earlier one, in one step."""
        write_whole(self._place(record.case, "json"), record.as_dict())
        self._place(record.case, "now").unlink(missing_ok=True)

    def read(self, case: str) -> Record | None:
        """The record of a case, None when there is none that can be read."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return Record.from_dict(json.loads(self._place(case, "json").read_text(encoding="utf-8")))
        return None

    def forget(self, case: str) -> None:
        """Take the record of a case away: it is to be run."""
        for ending in ("json", "now"):
            self._place(case, ending).unlink(missing_ok=True)

    def tell_now(self, now: Now) -> None:
        """Write what a running case does."""
        write_whole(self._place(now.case, "now"), asdict(now))

    def now(self) -> Iterator[Now]:
        """What is running, as far as anybody has written it."""
        for path in sorted(self.folder.glob("*.now")):
            with contextlib.suppress(OSError, ValueError, TypeError):
                yield Now(**json.loads(path.read_text(encoding="utf-8")))

    def now_of(self, case: str) -> Now | None:
        """What a case was doing when it was last heard of."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Now(**json.loads(self._place(case, "now").read_text(encoding="utf-8")))
        return None

    def log(self, case: str) -> Path:
        """Where the process of a case writes what its libraries print."""
        return self._place(case, "log")

    def _place(self, case: str, ending: str) -> Path:
        return self.folder / f"{case}.{ending}"


def write_whole(path: Path, facts: Mapping[str, Any]) -> None:
    """Write JSON under another name and rename it, so that a reader finds all of it or the one before."""
    with in_one_step(path) as beside:
        beside.write_text(json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
