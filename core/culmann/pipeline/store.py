"""The store: each result is a folder under the digest of everything that it depends on, and is there whole or not at all."""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culmann.errors import InputError
from culmann.home import from_home
from culmann.pipeline.digests import file_digest

_ONE_DAY_S = 86400.0
#: What to do when the store cannot be used.
ANOTHER_STORE = "name another folder with --store, or in the environment variable CULMANN_STORE"


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored result: its folder and its manifest."""

    folder: Path
    manifest: dict[str, Any]

    def value_folder(self, output: str) -> Path:
        """Where the files of an output lie."""
        return self.folder / "value" / output

    def intact(self) -> bool:
        """Whether every file has the content that it was stored with."""
        try:
            return all(file_digest(self.folder / name) == sha for name, (_, sha) in self.manifest["files"].items())
        except OSError:
            return False


def store_folder(folder: Path | None = None) -> Path:
    """Where a store is when a folder is named, or none."""
    return from_home(folder or os.environ.get("CULMANN_STORE") or ".culmann").resolve()


def is_store(folder: Path) -> bool:
    """Whether a `Store` was made in a folder: files of anybody else must not be taken for results."""
    return (folder / "tmp").is_dir() and (folder / ".gitignore").is_file()


class Store:
    """A folder of results that several processes may use at once.

    Parameters
    ----------
    folder
        Made when it is not there. Default: `CULMANN_STORE` of the environment, else `.culmann` in the working directory.

    Raises
    ------
    InputError
        When the folder cannot be made or written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = store_folder(folder)
        try:
            self._temporary.mkdir(parents=True, exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as problem:
            raise InputError(
                f"the store {self.folder} cannot be made: {problem.strerror}",
                hint=ANOTHER_STORE,
            ) from problem
        if not os.access(self._temporary, os.W_OK):
            raise InputError(f"the store {self.folder} cannot be written to", hint=ANOTHER_STORE)
        self._clean()

    @property
    def _temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def logs(self) -> Path:
        """Where tracebacks are kept."""
        return self.folder / "logs"

    def find(self, key: str) -> Entry | None:
        """The result with this key, marked as used now; None when there is none, or a part of it is missing."""
        folder = self._home(key)
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            whole = all((folder / name).stat().st_size == size for name, (size, _) in manifest["files"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if not whole:
            return None
        with contextlib.suppress(OSError):  # another process may be replacing it
            os.utime(folder / "manifest.json")
        return Entry(folder, manifest)

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        """A new folder in the store that is gone afterwards, unless `keep` took it."""
        folder = self._new_name()
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, key: str, folder: Path, manifest: dict[str, Any], *, replace: bool = False) -> Entry:
        """Make a folder of `workplace` the result of a key, in one step.

        When another process was faster its result is kept, unless `replace`.
        """
        manifest = _write_manifest(folder, manifest)
        home = self._home(key)
        home.parent.mkdir(exist_ok=True)
        for _ in range(100):
            try:
                folder.rename(home)
                return Entry(home, manifest)
            except OSError as problem:
                if problem.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                    raise
                there = None if replace else self.find(key)
                if there is not None:
                    return there
                self.discard(key)
        raise InputError(f"the result {home} cannot be replaced: other processes keep writing it")

    def lend(self, folder: Path, manifest: dict[str, Any]) -> Entry:
        """Make a folder of `workplace` a result for this process alone: no run finds it, and it goes when the process ends."""
        manifest = _write_manifest(folder, manifest)
        home = folder.rename(self._new_name())
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        return Entry(home, manifest)

    def discard(self, key: str) -> None:
        """Take a damaged or outdated result away."""
        with self.workplace() as bin_folder, contextlib.suppress(FileNotFoundError):
            self._home(key).rename(bin_folder / "discarded")

    def _home(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _new_name(self) -> Path:
        return self._temporary / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(6)}"

    def _clean(self) -> None:
        """Remove what processes that died left behind."""
        host = socket.gethostname()
        for folder in self._temporary.iterdir():
            name, _, pid = folder.name.rpartition("-")[0].rpartition("-")
            with contextlib.suppress(OSError):
                mine = name == host and os.name == "posix" and pid.isdigit()
                if (mine and not _alive(int(pid))) or time.time() - folder.stat().st_mtime > 7 * _ONE_DAY_S:
                    shutil.rmtree(folder, ignore_errors=True)


def _write_manifest(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest of a result, with size and digest of every file; gives back what it holds."""
    files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    manifest = {**facts, "files": {name: [p.stat().st_size, file_digest(p)] for name, p in files.items()}}
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
    return manifest


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
