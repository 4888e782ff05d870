"""The plan of a cohort: every case checked before anything runs, and what is to be done with it, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from culmann.catalogue import Catalogue
from culmann.cohort.case import wrong_id
from culmann.cohort.comparing import changed, codes_digest, parts_of, run_is_there, steps_digest
from culmann.cohort.folder import Setup
from culmann.cohort.job import Job
from culmann.cohort.looking import Looks
from culmann.cohort.record import FAILED, Parts, Record, Records
from culmann.cohort.state import file_state
from culmann.cohort.table import Row
from culmann.errors import InputError, PipelineError
from culmann.pipeline import Graph, read_pipeline
from culmann.pipeline.inputs import Bound, bind
from culmann.pipeline.place import check_out
from culmann.pipeline.problems import Problem

#: `run`: it is to be run. `done`, `failed`: it was, and nothing has changed since. `refused`: something is wrong with it.
Todo = Literal["run", "done", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Planned:
    """A case that was checked.

    Parameters
    ----------
    row
        The case and its place in the table.
    todo
        What is to be done.
    why
        Why it is run again, in words; empty where it was not run before.
    problems
        What is wrong with it.
    job
        The work, None for a case that is refused.
    before
        What became of it the last time; empty where it was not run before.
    """

    row: Row
    todo: Todo
    why: str = ""
    problems: tuple[Problem, ...] = ()
    job: Job | None = None
    before: str = ""

    def wanted(self, *, retry: bool) -> bool:
        """Whether it is to be run now. A `retry` wants what failed before, whether or not something has changed since."""
        if retry:
            return self.todo in {"run", "failed"} and self.before in FAILED
        return self.todo == "run"

    @property
    def id(self) -> str:
        """The id of the case."""
        return self.row.case.id


def plan(
    rows: Sequence[Row],
    setup: Setup,
    catalogue: Catalogue,
    out: Path,
    *,
    look: bool = True,
    each: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Planned]:
    """Check every case, and compare it with what was done before.

    Parameters
    ----------
    rows, setup, catalogue
        The cases, what is run, the plugins.
    out
        The cohort folder, with the records of an earlier time.
    look
        Whether files are looked into, and not only for.
    each
        Told how many files were looked at, and of how many.
    """
    checks = _Checks(setup, catalogue, out)
    found = [checks.bind(row) for row in rows]
    checks.take_digests(found, each)
    drawn = [checks.compare(entry) for entry in found]
    if look:
        checks.look([entry for entry, planned in zip(found, drawn, strict=True) if planned.todo == "run"], each)
    return [
        checks.with_looks(entry, planned) if planned.todo == "run" else planned
        for entry, planned in zip(found, drawn, strict=True)
    ]


@dataclass(slots=True)
class _Found:
    """A case with its files, or with what is wrong."""

    row: Row
    bounds: list[Bound] = field(default_factory=list)
    parts: Parts = field(default_factory=Parts)
    text_sha256: str = ""
    problems: tuple[Problem, ...] = ()
    earlier: Record | None = None

    def files(self) -> dict[str, tuple[str, str]]:
        return {bound.id: (str(bound.path), file_state(bound.path)) for bound in self.bounds}


@dataclass(slots=True)
class _Checks:
    setup: Setup
    catalogue: Catalogue
    out: Path
    looks: Looks = field(default_factory=Looks)
    _graphs: dict[tuple[tuple[str, ...], tuple[str, ...]], Graph] = field(default_factory=dict)

    def bind(self, row: Row) -> _Found:
        """The files of a case, and what is wrong with it as far as no file is opened."""
        case, found = row.case, _Found(row, earlier=self._records.read(row.case.id))
        complaint = "" if row.problems else wrong_id(case.id)
        problems = [*row.problems, *([row.problem("case", complaint)] if complaint else [])]
        for name, path in case.inputs.items():
            if not path.exists():
                problems.append(row.problem(name, f"there is no file or folder {path}"))
        if not problems:
            try:
                graph = self._graph(case.settings, case.variants or self.setup.variants)
                by_variant = {name: bind(part, case.inputs) for name, part in parts_of(graph).items()}
                for name, bound in by_variant.items():
                    check_out(self.out / case.id, parts_of(graph)[name], bound, self.setup.store)
                found.bounds = list({(b.id, b.path): b for bound in by_variant.values() for b in bound.values()}.values())
                found.text_sha256 = hashlib.sha256(graph.text.encode()).hexdigest()
                found.parts = Parts({}, steps_digest(graph, by_variant), codes_digest(graph, found.bounds))
            except PipelineError as problem:
                problems += self._wrong_settings(row) or [row.problem("", problem.message, problem.hint)]
            except InputError as problem:
                at = next((name for name in case.inputs if f"input {name!r}" in problem.message), "")
                problems.append(row.problem(at, problem.message, problem.hint))
        found.problems = tuple(problems)
        return found

    def take_digests(self, found: Sequence[_Found], each: Callable[[int, int], None]) -> None:
        """Digests of all files: those that are unchanged since the last time are not read."""
        for entry in found:
            before = entry.earlier.files if entry.earlier else {}
            for bound in entry.bounds:
                known = entry.earlier.parts.files.get(bound.id) if entry.earlier else None
                if known and before.get(bound.id) == (str(bound.path), file_state(bound.path)):
                    self.looks.digests.setdefault(bound.path, known)
        paths = list(dict.fromkeys(bound.path for entry in found for bound in entry.bounds))
        self.looks.take_digests(paths, _counter(len([path for path in paths if path not in self.looks.digests]), each))
        for entry in found:
            digests = {bound.id: self.looks.digests[bound.path] for bound in entry.bounds}
            entry.parts = Parts(digests, entry.parts.steps, entry.parts.code)
            unread = [bound for bound in entry.bounds if not digests[bound.id]]
            entry.problems += tuple(entry.row.problem(b.id, f"{b.path} cannot be read: no permission?") for b in unread)

    def compare(self, entry: _Found) -> Planned:
        """What is to be done with a case, given what was done before."""
        row, earlier = entry.row, entry.earlier
        if entry.problems:
            return Planned(row, "refused", problems=entry.problems, before=earlier.outcome if earlier else "")
        job = self._job(entry)
        if earlier is None or earlier.outcome == "refused":
            return Planned(row, "run", "it was refused before" if earlier else "", job=job)
        before = earlier.outcome
        if before == "interrupted":
            return Planned(row, "run", "it was interrupted", job=job, before=before)
        why = changed(earlier.parts, entry.parts)
        if not why and before == "done" and not run_is_there(self.out / row.case.id):
            why = "its run folder is not whole"
        if why:
            return Planned(row, "run", why, job=job, before=before)
        return Planned(row, "failed" if before in FAILED else "done", job=job, before=before)

    def look(self, found: Sequence[_Found], each: Callable[[int, int], None]) -> None:
        """Look into the files of cases that are to be run."""
        bounds = [bound for entry in found for bound in entry.bounds]
        self.looks.look(bounds, _counter(len({bound.path for bound in bounds}), each))

    def with_looks(self, entry: _Found, planned: Planned) -> Planned:
        """The same, or a refusal when a file of it cannot be used."""
        wrong = {bound.id: self.looks.complaint(bound) for bound in entry.bounds}
        problems = tuple(entry.row.problem(name, text) for name, text in wrong.items() if text)
        return Planned(entry.row, "refused", problems=problems, before=planned.before) if problems else planned

    @property
    def _records(self) -> Records:
        return Records(self.out / "records")

    def _graph(self, settings: tuple[str, ...], variants: tuple[str, ...]) -> Graph:
        key = (settings, variants)
        if key not in self._graphs:
            if len(self._graphs) > 16:
                self._graphs.clear()
            self._graphs[key] = read_pipeline(
                self.setup.pipeline, self.catalogue, [*self.setup.settings, *settings], list(variants)
            )
        return self._graphs[key]

    def _wrong_settings(self, row: Row) -> list[Problem]:
        """The cells of settings that are wrong by themselves."""
        found = list[Problem]()
        for setting in row.case.settings:
            try:
                self._graph((setting,), ())
            except PipelineError as problem:
                message = problem.message.splitlines()[0].removeprefix("--set: ")
                found.append(row.problem(setting.partition("=")[0], f"{setting}: {message}"))
        return found

    def _job(self, entry: _Found) -> Job:
        case = entry.row.case
        return Job(
            case.id,
            str(self.out),
            str(self.setup.store),
            str(self.setup.pipeline),
            entry.text_sha256,
            (*self.setup.settings, *case.settings),
            case.variants or self.setup.variants,
            tuple(str(path) for path in self.setup.plugins),
            {name: str(path.resolve()) for name, path in case.inputs.items()},
            entry.parts,
            entry.files(),
            self.setup.reports,
        )


def _counter(total: int, each: Callable[[int, int], None]) -> Callable[[], None]:
    done = iter(range(1, total + 1))
    return lambda: each(next(done, total), total)


def told(problem: Problem) -> str:
    """A problem in one line: its place, and what it is."""
    place = "" if problem.mark.source.one_line else f":{problem.mark.line}:{problem.mark.column}"
    return f"{problem.mark.source.name}{place}: {' '.join(problem.message.split())}"
