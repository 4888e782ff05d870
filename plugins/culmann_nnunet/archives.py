"""Archives of models, unpacked only after every name and size in them was looked at."""

from __future__ import annotations

import contextlib
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from culmann.errors import InputError

#: No model is larger, in bytes and in files.
MAX_BYTES = 30_000_000_000
MAX_FILES = 10_000


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A folder with the content of a zip file, removed in the end; of a folder, the folder itself.

    Raises
    ------
    InputError
        When the archive cannot be read, has names that lead out of it, links, or more than a model ever has.
    """
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="culmann-model-") as folder:
        _unpack(path, Path(folder))
        yield Path(folder)


def _unpack(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_FILES:
                raise InputError(f"{path} holds {len(entries)} files: it is no model")
            total = sum(entry.file_size for entry in entries)
            if total > min(MAX_BYTES, shutil.disk_usage(folder).free):
                raise InputError(
                    f"{path} unpacks to {total / 1e9:.1f} GB", hint="no model is so large, or there is no room for it"
                )
            for entry in entries:
                _expect_plain(path, entry)
            for entry in entries:
                _extract(archive, entry, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as problem:
        raise InputError(
            f"{path} is no zip file that can be read: {problem}", hint="give a model folder, or its zip"
        ) from problem
    except OSError as problem:
        raise InputError(f"{path} cannot be unpacked: {problem.strerror or problem}") from problem


def _expect_plain(path: Path, entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename:
        raise InputError(f"{path}: the name {entry.filename!r} leads out of the archive; it is not unpacked")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(f"{path}: {entry.filename!r} is a link; it is not unpacked")


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    """Write one file, and not a byte more than its entry says."""
    target = folder / entry.filename
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, target.open("wb") as file:
        while block := source.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise InputError(f"{entry.filename!r} in the archive is larger than it says; it is not unpacked")
            file.write(block)
