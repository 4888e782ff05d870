"""What a store holds, how much of it, when each result was last used, and how results are taken away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from culmann.pipeline.store import Store

_KEY = re.compile(r"[0-9a-f]{64}")
_LOG = re.compile(r"[0-9]{8}T[0-9]{12}-.*\.log")


@dataclass(frozen=True, slots=True)
class Kept:
    """A result in a store.

    Parameters
    ----------
    key
        Its name there.
    size_bytes
        Of all its files.
    used_s
        When it was stored or last served, in seconds since 1970.
    """

    key: str
    size_bytes: int
    used_s: float

    @property
    def idle_days(self) -> float:
        """For how long it was not used."""
        return (time.time() - self.used_s) / 86400


def kept(folder: Path) -> list[Kept]:
    """The results in the folder of a store, the longest unused first. Everything else that lies there is left out."""
    found = list[Kept]()
    for home in folder.glob("[0-9a-f][0-9a-f]/*"):
        if _KEY.fullmatch(home.name) and home.name.startswith(home.parent.name):
            try:
                size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
                manifest = home / "manifest.json"
                used = (manifest if manifest.exists() else home).stat().st_mtime
            except FileNotFoundError:  # another process took it away meanwhile
                continue
            found.append(Kept(home.name, size, used))
    return sorted(found, key=lambda result: result.used_s)


def take_away(folder: Path, results: Iterable[Kept], *, logs: bool = False) -> None:
    """Remove results from the folder of a store, each whole, and with `logs` the tracebacks as well.

    A run that goes on at the same time computes again what it misses.

    Raises
    ------
    InputError
        When the store cannot be written.
    """
    store = Store(folder)
    for result in results:
        store.discard(result.key)
    if logs:
        for path in store.logs.glob("*.log"):
            if _LOG.fullmatch(path.name):
                path.unlink(missing_ok=True)
