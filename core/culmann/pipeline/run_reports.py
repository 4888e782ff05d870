"""What plugins make of a finished run, put into its folder before that takes its place; one that fails loses nothing."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culmann.catalogue import Offer
from culmann.errors import CulmannError
from culmann.pipeline.folder import write_manifest
from culmann.pipeline.listener import Listener, Prefixed, Silent
from culmann.pipeline.work import Work
from culmann.targets import load_target
from culmann.whole import in_one_step

if TYPE_CHECKING:
    from culmann.pipeline.run import Run

#: What the run reports are called when a listener is told of them.
_STEP = "report"


def reported(run: Run, listener: Listener) -> tuple[Run, KeyboardInterrupt | None]:
    """`with_reports`; when somebody stops it, the run with what there was of its reports by then, and the stop to pass on."""
    try:
        return with_reports(run, listener), None
    except KeyboardInterrupt as stopped:
        stopped.add_note("the run is there, its report is not: `culmann report` makes it")
        return replace(run, manifest=write_manifest(run.out, run.manifest)), stopped


def with_reports(run: Run, listener: Listener) -> Run:
    """Let every run report of the catalogue make its files in the folder of a run, of each variant first.

    The manifest has under `run_reports` which files each made, or the problem that it had.
    """
    offers = run.graph.catalogue.of_kind("run_reports")
    if not offers:
        return run
    parts = {name: with_reports(part, Prefixed(listener, f"{name}/")) for name, part in run.variants.items()}
    run = replace(run, variants=parts)
    taken = {*run.manifest["files"], "manifest.json"}
    before = {name: made.get("files", []) for name, made in run.manifest.get("run_reports", {}).items()}
    taken -= {file for files in before.values() for file in files}  # these are made anew
    told: dict[str, dict[str, Any]] = {}
    for offer in offers:
        began = time.perf_counter()
        log = run.out / f"{offer.step.name}-problem.log"
        log.unlink(missing_ok=True)
        listener.started(_STEP, offer.step.name)
        try:
            with _quiet(run):
                files = _made(offer, run)
            _write(files, run.out, taken)
        except KeyboardInterrupt as stopped:
            listener.failed(_STEP, stopped)
            raise
        except BaseException as problem:  # a plugin may exit, or panic in another language: the run is not to be lost by it
            there = before.get(offer.step.name)  # what it made another time is still there
            told[offer.step.name] = {"problem": _tell(offer, problem), **({"files": there} if there else {})}
            log.write_text("".join(traceback.format_exception(problem)), encoding="utf-8")
            listener.warned(_STEP, told[offer.step.name]["problem"])
        else:
            told[offer.step.name] = {"files": sorted(files)}
            taken |= set(files)
        listener.finished(_STEP, time.perf_counter() - began)
    return replace(run, manifest=write_manifest(run.out, {**run.manifest, "run_reports": told}))


@contextmanager
def _quiet(run: Run) -> Iterator[None]:
    """Values are loaded without a word, and let go afterwards: of many variants only one has to fit into the memory."""
    every = [part.values for part in run.variants.values()] or [run.values]
    told = [(values, values.listener) for values in every if isinstance(values, Work)]
    for work, _ in told:
        work.listener = Silent()
    try:
        yield
    finally:
        for work, listener in told:
            work.listener = listener
        for values in every:
            values.let_go()


def _made(offer: Offer, run: Run) -> Mapping[str, bytes]:
    from culmann.data import Report

    report = load_target(offer)(run)
    if not isinstance(report, Report):
        raise TypeError(f"it gave {type(report).__name__} and not a Report")
    return report.files


def _write(files: Mapping[str, bytes], folder: Path, taken: set[str]) -> None:
    clash = sorted(set(files) & taken)
    if clash:
        raise FileExistsError(f"the run has a file {clash[0]} already")
    for name, content in files.items():
        with in_one_step(folder / name) as part:
            part.write_bytes(content)


def _tell(offer: Offer, problem: BaseException) -> str:
    text = problem.message if isinstance(problem, CulmannError) else f"{type(problem).__name__}: {problem}".rstrip(": ")
    return f"{offer.step.name} of {offer.origin} could not be made: {' '.join(text.split())}"
