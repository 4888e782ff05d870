"""What a result depends on, as sha256: the content of files and folders, and the canonical text of options."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from culmann.config import Config
from culmann.pipeline.options import paths_in

#: Headers whose voxels lie in another file, which the header names.
_DETACHED = {".mhd", ".nhdr", ".hdr"}


def digest_of(facts: Mapping[str, Any]) -> str:
    """sha256 of facts as canonical JSON."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()).hexdigest()


def path_digest(path: Path) -> str:
    """sha256 of a file's content, or of the names and contents of all files in a folder (hidden ones do not count).

    For an image header with detached voxels, the files that it names count as well.
    """
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if not any(part.startswith(".") for part in p.relative_to(path).parts))
        return digest_of({p.relative_to(path).as_posix(): file_digest(p) for p in inside if p.is_file()})
    if path.suffix.lower() in _DETACHED:
        return digest_of({p.name: file_digest(p) for p in [path, *_named_by(path)]})
    return file_digest(path)


def file_digest(path: Path) -> str:
    """sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def config_facts(config: Config | None) -> dict[str, Any]:
    """Options as plain JSON values."""
    return {} if config is None else config.model_dump(mode="json")


def config_digest(config: Config | None) -> str:
    """sha256 of options in which the content of a file counts, and not its name."""
    facts = config_facts(config)
    for at, path in paths_in(config):
        if at[0] not in facts:
            continue  # an excluded field, which no result depends on
        place: Any = facts
        for key in at[:-1]:
            place = place[key]
        place[at[-1]] = {"sha256": path_digest(path) if path.exists() else None}
    return digest_of(facts)


def _named_by(header: Path) -> list[Path]:
    text = header.read_bytes()[:65536].decode("latin-1")
    words = {word.strip("\"'") for word in text.replace("=", " ").replace(":", " ").split()}
    beside = {header.parent / word for word in words if word not in {".", ".."} and "/" not in word and "\\" not in word}
    beside |= {header.with_suffix(suffix) for suffix in (".img", ".raw", ".zraw")}
    return sorted(path for path in beside if path != header and path.is_file())
