"""Paths that begin with `~`, as people write them in files and on the command line."""

from __future__ import annotations

import os
from pathlib import Path


def from_home(path: str | Path) -> Path:
    """A path with `~` replaced by the home folder; that of a user whom nobody knows stays as it is, and is no file."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises RuntimeError for ~no-such-user
