"""The cohort folder: what is run in it, what became of every case, and a lock, so that one process at a time runs it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from culmann.cohort.case import Case
from culmann.cohort.record import Record, Records, write_whole
from culmann.errors import InputError
from culmann.home import from_home

KIND = "culmann cohort"
#: A lock of another machine that was not touched for so long is taken for left behind.
_STALE_S = 300.0


@dataclass(frozen=True, slots=True)
class Setup:
    """What every case of a cohort has in common.

    Parameters
    ----------
    pipeline, settings, variants, plugins
        As `culmann run` takes them.
    store
        The store of results.
    table, facts
        The table of cases and its columns that are carried along; None for cases that a program made.
    reports
        Whether each case gets its page `report.html`.
    """

    pipeline: Path
    store: Path
    settings: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()
    table: Path | None = None
    facts: tuple[str, ...] = ()
    reports: bool = True

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "pipeline": str(self.pipeline),
            "store": str(self.store),
            "settings": list(self.settings),
            "variants": list(self.variants),
            "plugins": [str(path) for path in self.plugins],
            "table": None if self.table is None else str(self.table),
            "facts": list(self.facts),
            "reports": self.reports,
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Self:
        """From what `as_dict` gave."""
        return cls(
            Path(facts["pipeline"]),
            Path(facts["store"]),
            tuple(facts["settings"]),
            tuple(facts["variants"]),
            tuple(Path(path) for path in facts["plugins"]),
            None if facts["table"] is None else Path(facts["table"]),
            tuple(facts["facts"]),
            facts["reports"],
        )


@dataclass(frozen=True, slots=True)
class CohortFolder:
    """A folder in which a cohort is run.

    Parameters
    ----------
    path
        Where it is.
    setup, cases
        What is run there.
    executor
        The executor that was used last, and its options: {"use": name, "with": {option: value}}.
    about
        {"pipeline": name, "about": text} of the pipeline, and the version of culmann.
    """

    path: Path
    setup: Setup
    cases: tuple[Case, ...]
    executor: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def records(self) -> Records:
        """What became of the cases."""
        return Records(self.path / "records")

    def by_case(self) -> dict[str, Record]:
        """{case: its record} of all that have one."""
        found = {case.id: self.records.read(case.id) for case in self.cases}
        return {name: record for name, record in found.items() if record is not None}

    def write(self) -> None:
        """Write `cohort.json`."""
        cases = [
            {
                "id": case.id,
                "inputs": {name: str(path) for name, path in case.inputs.items()},
                "settings": list(case.settings),
                "facts": dict(case.facts),
                "variants": list(case.variants),
            }
            for case in self.cases
        ]
        facts = {"kind": KIND, **self.about, "setup": self.setup.as_dict(), "executor": dict(self.executor), "cases": cases}
        write_whole(self.path / "cohort.json", facts)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The cohort in a folder. Raises InputError when there is none."""
        path = from_home(path).resolve()
        try:
            facts = json.loads((path / "cohort.json").read_text(encoding="utf-8"))
            if facts["kind"] != KIND:
                raise ValueError
            cases = tuple(
                Case(
                    case["id"],
                    {name: Path(file) for name, file in case["inputs"].items()},
                    tuple(case["settings"]),
                    case["facts"],
                    tuple(case["variants"]),
                )
                for case in facts["cases"]
            )
            about = {name: facts[name] for name in ("pipeline", "about", "culmann")}
            return cls(path, Setup.from_dict(facts["setup"]), cases, facts["executor"], about)
        except FileNotFoundError:
            raise InputError(
                f"there is no cohort in {path}", hint="name the folder that `culmann cohort TABLE PIPELINE --out` was given"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise InputError(f"{path / 'cohort.json'} cannot be read as that of a cohort") from problem


def check_place(out: Path) -> None:
    """Refuse a folder for a cohort that holds something else, or that a file is in the way of.

    Raises
    ------
    InputError
        Before anything is written.
    """
    above = out
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise InputError(f"the cohort folder {out} cannot be made: {above} is a file")
    if not os.access(above, os.W_OK):
        raise InputError(f"the cohort folder {out} cannot be written: no permission in {above}")
    if out.is_dir() and any(out.iterdir()) and not (out / "cohort.json").is_file():
        raise InputError(f"the folder {out} is not empty and holds no cohort", hint="name another folder with --out")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a cohort folder; InputError when another process that is alive runs it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, mine = folder / ".lock", {"where": socket.gethostname(), "pid": os.getpid()}
    for _ in range(3):
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump(mine, file)
            break
        except FileExistsError:
            holder = running_in(folder)
            if holder:
                raise InputError(
                    f"the cohort in {folder.parent} is being run by {holder}",
                    hint=f"`culmann cohort status {folder.parent}` shows it; end that process first to run it from here",
                ) from None
            path.unlink(missing_ok=True)
    else:
        raise InputError(f"the cohort in {folder.parent} is being run by another process that has just begun")
    over = threading.Event()
    threading.Thread(target=_keep_fresh, args=(path, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        path.unlink(missing_ok=True)


def _keep_fresh(lock: Path, over: threading.Event) -> None:
    """Say to other machines, which cannot see this process, that the cohort is still being run."""
    while not over.wait(_STALE_S / 5):
        with contextlib.suppress(OSError):
            os.utime(lock)


def running_in(folder: Path) -> str:
    """Which process runs the cohort with this folder of records; empty when none does."""
    path = folder / ".lock"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        where, pid = str(facts["where"]), int(facts["pid"])
        age_s = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError):
        return "" if _age_s(path) > 2 else "a process that has just begun"
    if where != socket.gethostname():
        return f"process {pid} on {where}" if age_s < _STALE_S else ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return f"process {pid}"


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")
