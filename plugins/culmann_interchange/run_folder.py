"""The folder of a run as it lies there: its manifest and files, without the store and without computing anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culmann.errors import InputError
from culmann.home import from_home

#: `kind` in the manifest of a run folder.
_KIND = "culmann run"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run folder.

    Parameters
    ----------
    folder
        Where it is.
    manifest
        What `manifest.json` holds.
    parts
        {variant: its manifest}; {"": the manifest} for a run without variants. Variants without a result are left out.
    """

    folder: Path
    manifest: dict[str, Any]
    parts: dict[str, dict[str, Any]]

    @property
    def files(self) -> list[str]:
        """Every file that the run wrote, relative to its folder."""
        return [*self.manifest["files"], "manifest.json"]


def read_run_folder(folder: Path) -> RunFolder:
    """Read the manifests of a run folder.

    Raises
    ------
    InputError
        When it is no run folder, or a file that the run wrote is missing.
    """
    folder = from_home(folder).resolve()
    manifest = _manifest(folder)
    missing = [name for name in manifest["files"] if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"the run folder {folder} is not whole: {len(missing)} of its files are missing, the first is {missing[0]}",
            hint="run the pipeline again: what is in the store is not computed anew",
        )
    if "variants" not in manifest:
        return RunFolder(folder, manifest, {"": manifest})
    there = [name for name in manifest["variants"] if f"{name}/manifest.json" in manifest["files"]]
    return RunFolder(folder, manifest, {name: _manifest(folder / name) for name in there})


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if found["kind"] == _KIND and isinstance(found["files"], list):
            return found
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise InputError(
        f"{folder} is not the folder of a run: it has no manifest.json that culmann wrote",
        hint="give the folder that `culmann run` names at its end",
    )
