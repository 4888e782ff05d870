"""Looking into the files of cases before anything runs: their digests, whether they can be read, whether a mask is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from culmann.errors import CulmannError
from culmann.journal import QuietJournal
from culmann.pipeline.digests import config_digest, path_digest
from culmann.pipeline.inputs import Bound
from culmann.targets import load_target

#: Decompression and digests run beside each other.
_THREADS = 4

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(slots=True)
class Looks:
    """What is in files; each is looked into once, however many cases use it."""

    digests: dict[Path, str] = field(default_factory=dict)
    complaints: dict[tuple[Path, str, str], str] = field(default_factory=dict)

    def take_digests(self, paths: Iterable[Path], each: Callable[[], None]) -> None:
        """Read the content of every file that has no digest yet; one that cannot be read gets none."""
        for path, digest in _side_by_side(_digest, [path for path in dict.fromkeys(paths) if path not in self.digests]):
            self.digests[path] = digest
            each()

    def look(self, bounds: Iterable[Bound], each: Callable[[], None]) -> None:
        """Read every file as its reader does, or as much of it as shows that it can be read."""
        new = {_key(bound): bound for bound in bounds if _key(bound) not in self.complaints}
        for bound, complaint in _side_by_side(_complaint, list(new.values())):
            self.complaints[_key(bound)] = complaint
            each()

    def complaint(self, bound: Bound) -> str:
        """What is wrong with a file; empty when nothing is."""
        return self.complaints.get(_key(bound), "")


def _key(bound: Bound) -> tuple[Path, str, str]:
    return bound.path, bound.reader.offer.step.name, config_digest(bound.config)


def _side_by_side(function: Callable[[_T], _R], given: list[_T]) -> Iterator[tuple[_T, _R]]:
    with ThreadPoolExecutor(_THREADS) as pool:
        yield from zip(given, pool.map(function, given), strict=True)


def _digest(path: Path) -> str:
    try:
        return path_digest(path)
    except OSError:
        return ""


def _complaint(bound: Bound) -> str:
    """Why a file cannot be used. Labels are read in full; of a NIfTI image, which may be large, the header and the length."""
    from culmann.data import Labels
    from culmann.image_files import read_image_grid
    from culmann.nifti_length import expect_whole

    try:
        if not issubclass(bound.reader.gives, Labels) and bound.path.name.lower().endswith((".nii", ".nii.gz")):
            read_image_grid(bound.path)
            expect_whole(bound.path)
            return ""
        value = load_target(bound.reader.offer)(**_arguments(bound))
        if isinstance(value, Labels) and not value.label.any():
            return f"the mask {bound.path} is empty: it has no voxel that is not 0"
    except CulmannError as problem:
        return problem.message
    except Exception as problem:  # a reader of a plugin; the run would tell the same
        return f"{bound.path} cannot be read: {type(problem).__name__}: {' '.join(str(problem).split())}"
    return ""


def _arguments(bound: Bound) -> Mapping[str, Any]:
    ports = bound.reader.ports
    given: dict[str, Any] = {} if ports.path is None else {ports.path: bound.path}
    if ports.config is not None:
        given["config"] = bound.config
    if ports.journal is not None:
        given[ports.journal] = QuietJournal()
    return given
