"""The state of a file as the file system tells it: while it is the same, the content is taken to be the same."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_state(path: Path) -> str:
    """Size and time of change of a file, or of all files in a folder, as one short text; empty when it cannot be read.

    For the header of an image with detached voxels, the files beside it with the same stem count as well.
    """
    try:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            told = "\n".join(f"{p.relative_to(path).as_posix()} {_stat(p)}" for p in inside)
            return f"{len(inside)} files {hashlib.sha256(told.encode()).hexdigest()[:16]}"
        if path.suffix.lower() in {".mhd", ".nhdr", ".hdr"}:
            beside = sorted(p for p in path.parent.iterdir() if p.is_file())
            return hashlib.sha256("\n".join(f"{p.name} {_stat(p)}" for p in beside).encode()).hexdigest()[:16]
        return _stat(path)
    except OSError:
        return ""


def _stat(path: Path) -> str:
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns}"
