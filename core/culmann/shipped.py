"""The pipelines and studies that ship with culmann, found by their names."""

from __future__ import annotations

import difflib
from pathlib import Path

from culmann.errors import PipelineError
from culmann.home import from_home
from culmann.pipeline.problems import did_you_mean

#: How the name of a file begins that is a study: it wraps pipelines and is none itself.
STUDY = "study_"


def shipped_pipelines() -> dict[str, Path]:
    """{name: pipeline file} of what ships: in an installed wheel beside this file, in a checkout at its top."""
    return {name: path for name, path in _shipped().items() if not name.startswith(STUDY)}


def shipped_studies() -> dict[str, Path]:
    """{name: study file} of what ships, beside the pipelines."""
    return {name: path for name, path in _shipped().items() if name.startswith(STUDY)}


def _shipped() -> dict[str, Path]:
    here = Path(__file__).parent
    folders = (here / "pipelines", here.parents[1] / "pipelines")
    folder = next((folder for folder in folders if folder.is_dir()), None)
    return {} if folder is None else {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_pipeline(name: str) -> Path:
    """The file that a path or the bare name of a shipped pipeline stands for.

    Raises
    ------
    PipelineError
        When there is neither.
    """
    return _find(name, shipped_pipelines(), "pipeline", dict.fromkeys(shipped_studies(), "culmann study"))


def find_study(name: str) -> Path:
    """The file that a path or the bare name of a shipped study stands for.

    Raises
    ------
    PipelineError
        When there is neither.
    """
    return _find(name, shipped_studies(), "study", dict.fromkeys(shipped_pipelines(), "culmann run"))


def _find(name: str, known: dict[str, Path], what: str, others: dict[str, str]) -> Path:
    """The file; `others` are names that ship and are something else, with the command that takes them."""
    path = from_home(name)
    if path.exists():
        return path
    if name in known:
        return known[name]
    if name in others:
        raise PipelineError(f"{name} is no {what}", hint=f"run it with `{others[name]} {name}`")
    beside = _beside(path)
    if beside:
        raise PipelineError(f"there is no {what} file {name}; did you mean '{beside}'?")
    hint = f"these ship and are run by their names: {', '.join(known)}" if known else ""
    if path.stem in known:
        raise PipelineError(f"the {what} file {name} does not exist", hint=f"the one that ships is run as {path.stem}")
    meant = difflib.get_close_matches(name, known, n=1)
    close = did_you_mean(name, meant) if meant else ""  # the hint lists all
    raise PipelineError(f"there is no {what} file {name}{close}", hint=hint)


def _beside(path: Path) -> Path | None:
    """A pipeline file that a wrong path may have meant: of the same name with another ending, or of nearly the same name."""
    found = [file for ending in ("*.yaml", "*.yml") for file in sorted(path.parent.glob(ending)) if file.is_file()]
    same = [file for file in found if path.name in {file.name, file.stem} or path.stem == file.stem]
    close = difflib.get_close_matches(path.name, [file.name for file in found], n=1, cutoff=0.8)
    return same[0] if same else path.parent / close[0] if close else None
