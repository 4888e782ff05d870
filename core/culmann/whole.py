"""Files and folders that are made beside their place and renamed: a reader finds all of one, the one before, or nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from culmann.errors import InputError


@contextlib.contextmanager
def in_one_step(path: Path, ending: str = "") -> Iterator[Path]:
    """A file to be written, which takes the place of `path` in the end, also of an older one.

    After an error nothing of it is left, and the older one is as it was. An OSError is passed on. Until then its name ends as
    that of `path` does, and then in `ending`, for writers that look at it.
    """
    part = _beside(path.with_name(path.name + ending))
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to be filled, which becomes `out` in the end. After an error nothing of it is left.

    Raises
    ------
    InputError
        When there is something at its place already (an empty folder may be), or it cannot be written.
    """
    expect_free(out)
    with _new(out) as part:
        part.mkdir()
        yield part
        if out.is_dir():
            out.rmdir()
        part.rename(out)


@contextlib.contextmanager
def new_file(out: Path) -> Iterator[Path]:
    """A file to be written, which becomes `out` in the end; as `new_folder`. It has the ending of `out` from the start."""
    if out.is_dir():
        raise InputError(f"{out} is a folder, and a file is to be written", hint=f"for example --out {out / 'export'}.dcm")
    expect_free(out)
    with _new(out) as part:
        yield part
        part.rename(out)


def expect_free(out: Path) -> None:
    """Raise InputError when something is there already; an empty folder may be."""
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise InputError(f"{out} is there already", hint=_ANOTHER)
    if any(out.iterdir()):
        raise InputError(f"{out} is there already and not empty", hint=_ANOTHER)


_ANOTHER = "name another place with --out, or move the old one away"


def _beside(path: Path) -> Path:
    """A name that no other process takes."""
    return path.with_name(f".{os.getpid()}-{secrets.token_hex(4)}-{path.name}")


@contextlib.contextmanager
def _new(out: Path) -> Iterator[Path]:
    out = out.absolute()
    part = _beside(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield part
    except OSError as problem:
        raise InputError(f"{out} cannot be written: {problem.strerror or problem}") from problem
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
