"""Files and folders that appear at their place when they are whole, and never take the place of something else."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from culmann.errors import InputError


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to be filled, which becomes `out` in the end. After an error nothing of it is left.

    Raises
    ------
    InputError
        When there is something at its place already (an empty folder may be), or it cannot be written.
    """
    _expect_free(out)
    with _beside(out) as part:
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
    _expect_free(out)
    with _beside(out) as part:
        yield part
        part.rename(out)


def _expect_free(out: Path) -> None:
    if os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out} is there already", hint="name another place with --out, or move the old one away")


@contextlib.contextmanager
def _beside(out: Path) -> Iterator[Path]:
    out = out.absolute()
    part = out.with_name(f".{secrets.token_hex(4)}-{out.name}")
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
