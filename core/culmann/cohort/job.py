"""Job: everything that another process needs to run one case, as plain values; and the run itself."""

from __future__ import annotations

import hashlib
import os
import socket
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from culmann.cohort.record import Now, Outcome, Parts, Record, Records, Result
from culmann.cohort.state import file_state
from culmann.errors import CulmannError, PipelineError
from culmann.pipeline.listener import Silent

if TYPE_CHECKING:
    from culmann.pipeline import Graph, Run


@dataclass(frozen=True, slots=True)
class Job:
    """One case, ready to be run by any process that sees the same files.

    Parameters
    ----------
    case
        Its id.
    cohort, store
        The cohort folder and the store of results.
    pipeline, pipeline_sha256, settings, variants, plugins
        What runs. The digest guards against a file that is edited while the cohort runs.
    inputs
        {input: file}.
    parts, files
        As in `Record`.
    reports
        Whether the run folder gets its page.
    """

    case: str
    cohort: str
    store: str
    pipeline: str
    pipeline_sha256: str
    settings: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    reports: bool = True

    @property
    def records(self) -> Records:
        """Where its record goes."""
        return Records(Path(self.cohort) / "records")

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Self:
        """From what `as_dict` gave."""
        tuples = {name: tuple(facts[name]) for name in ("settings", "variants", "plugins")}
        files = {name: (str(path), str(state)) for name, (path, state) in facts["files"].items()}
        return cls(**{**facts, **tuples, "parts": Parts(**facts["parts"]), "files": files})

    def do(self) -> Record:
        """Run the case in this process and write its record. A crash ends the process: `culmann.cohort.apart` survives one.

        Raises
        ------
        KeyboardInterrupt
            When the work is stopped. No record is written then, and what was finished is in the store.
        """
        began, told = time.perf_counter(), _Told(self)
        told.say("reading the pipeline")
        peak_mb: float | None = None
        results, outcome, error = tuple[Result, ...](), _FAILED, ""
        try:
            done = self._run(told)
            results, peak_mb = tuple(_rows(self._graph(), done)), _peak_mb(done)
            bad = [row for row in results if row.outcome in {"failed", "incomplete"}]
            outcome = "failed" if any(row.outcome == "failed" for row in bad) else "interrupted" if bad else "done"
            error = "; ".join(f"variant {row.variant}: {row.error}" if row.variant else row.error for row in bad)
        except CulmannError as problem:
            error = str(problem)
        except Exception as problem:
            traceback.print_exc()
            error = f"{type(problem).__name__}: {' '.join(str(problem).split())}"
        record = Record(
            self.case,
            outcome,
            self.parts if self._files_are_the_same() else Parts(),
            self.files,
            results,
            round(time.perf_counter() - began, 3),
            peak_mb,
            error,
            steps_computed=told.computed,
            steps_from_store=told.from_store,
        )
        self.records.write(record)
        return record

    def _graph(self) -> Graph:
        return _graph(self.pipeline, self.pipeline_sha256, self.settings, self.variants, self.plugins)

    def _run(self, told: _Told) -> Run:
        from culmann.pipeline import run

        files = {name: Path(path) for name, path in self.inputs.items()}
        out = Path(self.cohort) / self.case
        return run(self._graph(), files, out=out, store=Path(self.store), listener=told, reports=self.reports)

    def _files_are_the_same(self) -> bool:
        """Whether no input was changed since the cohort was planned; otherwise the case is run again next time."""
        return all(file_state(Path(path)) == state for path, state in self.files.values())


_FAILED: Outcome = "failed"


@lru_cache(maxsize=4)
def _graph(pipeline: str, sha256: str, settings: tuple[str, ...], variants: tuple[str, ...], plugins: tuple[str, ...]) -> Graph:
    from culmann.pipeline import read_pipeline
    from culmann.plugins import load_catalogue

    graph = read_pipeline(Path(pipeline), load_catalogue([Path(file) for file in plugins]), settings, variants)
    if hashlib.sha256(graph.text.encode()).hexdigest() != sha256:
        raise PipelineError(
            f"{pipeline} was changed while the cohort was running", hint="run the cohort again: it takes the new file"
        )
    return graph


def _rows(graph: Graph, done: Run) -> list[Result]:
    """A row for each failure load that the run kept, and for each variant without one."""
    from culmann.data import Strength
    from culmann.pipeline.summary import outcome

    parts = done.variants if graph.variants else {"": done}
    rows = list[Result]()
    for name in graph.variants or [""]:
        if name in done.problems:
            rows.append(Result(name, outcome=outcome(done.problems[name]), error=str(done.problems[name])))
            continue
        if name not in parts:
            rows.append(Result(name, outcome="incomplete", error="it was stopped before this variant began"))
            continue
        part = parts[name]
        why = "; ".join(part.incomplete.values())
        reached = "incomplete" if why else "done"
        shown = graph.variants.get(name, graph)
        loads = [output.value for output in shown.outputs if shown.types()[output.value] is Strength]
        for value in loads:
            found: Strength = part.value(value)
            numbers = (found.failure_load_n, found.displacement_mm, found.strain, found.stiffness_n_mm)
            rows.append(Result(name, value, reached, why, *numbers, found.criterion, found.caveats))
        if not loads:
            rows.append(Result(name, outcome=reached, error=why))
    return rows


@dataclass(slots=True)
class _Told(Silent):
    """Writes which step runs, so that anybody can see it, and counts."""

    job: Job
    begun: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    computed: int = 0
    from_store: int = 0

    def say(self, step: str) -> None:
        self.job.records.tell_now(Now(self.job.case, step, self.begun, socket.gethostname(), os.getpid()))

    def started(self, step: str, use: str) -> None:
        """Write it down."""
        self.say(f"{step} ({use})")

    def stored(self, step: str, use: str) -> None:  # noqa: ARG002
        """Count it."""
        self.from_store += 1

    def finished(self, step: str, seconds: float) -> None:  # noqa: ARG002
        """Count it."""
        self.computed += 1


def _peak_mb(done: Run) -> float | None:
    """The most memory that a step took when it was computed, where the system tells."""
    steps = [step for part in done.variants.values() or [done] for step in part.manifest["steps"].values()]
    return max((step["peak_memory_mb"] for step in steps if step["peak_memory_mb"] is not None), default=None)
