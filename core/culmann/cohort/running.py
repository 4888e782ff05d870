"""Running a cohort: the cases of a plan go to an executor, and each gets its record, its row and its place on the page."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from culmann.catalogue import Catalogue
from culmann.cohort.case import Case
from culmann.cohort.choosing import Chosen, choose, wish
from culmann.cohort.executor import Ended
from culmann.cohort.folder import CohortFolder, Setup, check_place, locked
from culmann.cohort.job import Job
from culmann.cohort.page import write_page
from culmann.cohort.plan import Planned, plan, told
from culmann.cohort.record import Record
from culmann.cohort.results import write_results
from culmann.cohort.table import Row
from culmann.errors import InputError
from culmann.home import from_home
from culmann.pipeline import read_pipeline
from culmann.pipeline.store import store_folder
from culmann.pipeline.work import culmann_version
from culmann.plugins import load_catalogue

#: `results.csv` is written anew no more often than this while cases run.
_RESULTS_EVERY_S = 10.0
#: On file systems of a network a new file may be seen late.
_PATIENCE_S = 10.0


class CohortListener(Protocol):
    """Told how a cohort goes."""

    def checked(self, done: int, total: int) -> None:
        """So many of the files were looked at."""

    def begins(self, folder: CohortFolder, planned: Sequence[Planned], running: Sequence[str]) -> None:
        """All cases were checked; those in `running` are now given to the executor."""

    def ended(self, record: Record) -> None:
        """A case is over."""


class Quiet:
    """A listener that does nothing."""

    def checked(self, done: int, total: int) -> None:
        """Nothing."""

    def begins(self, folder: CohortFolder, planned: Sequence[Planned], running: Sequence[str]) -> None:
        """Nothing."""

    def ended(self, record: Record) -> None:
        """Nothing."""


def run_cohort(
    cases: Sequence[Case],
    pipeline: Path,
    *,
    out: Path,
    store: Path | None = None,
    settings: Sequence[str] = (),
    variants: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    executor: str = "local",
    options: Mapping[str, Any] | None = None,
    retry: bool = False,
    reports: bool = True,
    listener: CohortListener | None = None,
) -> list[Record]:
    """Run a pipeline on many cases, each in a process in which a crash costs that case alone.

    Cases that an earlier call finished are not run again while their files, the pipeline, its settings and the code are the
    same. One that failed is left as it is, unless `retry`.

    Parameters
    ----------
    cases
        From `culmann.cohort.read_table`, or made by a program.
    pipeline, settings, variants, plugins
        As `culmann run` takes them; settings of a case win.
    out
        The cohort folder: `<case>/` for each run, `results.csv`, `cohort.html`, `cohort.json`, `records/`.
    store
        The folder where results of steps are kept, as for `culmann.pipeline.run`.
    executor, options
        The name of an executor and its options: `"local", {"workers": 4}`.
    retry
        Run only the cases that failed or died.
    reports
        Whether each case gets its page `report.html`, which takes a second or two.
    listener
        Told about the progress.

    Returns
    -------
    list of Record
        In the order of the cases; those that a `retry` leaves waiting have none.

    Raises
    ------
    InputError, PipelineError, PluginError
        When the pipeline, the executor or the folder cannot be used. What is wrong with a case is in its record.
    KeyboardInterrupt
        After Ctrl-C, when the workers are ended and `results.csv` is written.
    """
    listener = listener or Quiet()
    setup = Setup(
        from_home(pipeline).resolve(),
        store_folder(store),
        tuple(settings),
        tuple(variants),
        tuple(from_home(file).resolve() for file in plugins),
        reports=reports,
    )
    rows = [Row(replace(case, inputs={k: from_home(v).resolve() for k, v in case.inputs.items()})) for case in cases]
    twice = sorted(name for name, times in Counter(case.id.lower() for case in cases).items() if times > 1)
    if twice:
        raise InputError(f"several cases have the same id: {', '.join(twice)}")
    catalogue = load_catalogue(list(setup.plugins))
    how = choose(catalogue, wish(executor, options or {}))
    folder = prepare(rows, setup, catalogue, out, how)
    planned = plan(rows, setup, catalogue, folder.path, each=listener.checked)
    carry_out(folder, planned, how, retry=retry, listener=listener)
    found = folder.by_case()
    return [found[case.id] for case in cases if case.id in found]


def prepare(rows: Sequence[Row], setup: Setup, catalogue: Catalogue, out: Path, how: Chosen) -> CohortFolder:
    """The folder of a cohort, checked and not yet written."""
    out = from_home(out).resolve()
    graph = read_pipeline(setup.pipeline, catalogue, setup.settings, list(setup.variants))
    check_place(out)
    about = {"pipeline": graph.name, "about": graph.about, "culmann": culmann_version()}
    return CohortFolder(out, setup, tuple(row.case for row in rows), how.as_dict(), about)


def carry_out(
    folder: CohortFolder,
    planned: Sequence[Planned],
    how: Chosen,
    *,
    retry: bool = False,
    listener: CohortListener,
) -> None:
    """Run what is to be run, and write the results, also when it is stopped."""
    jobs = [entry.job for entry in planned if entry.wanted(retry=retry) and entry.job is not None]
    with locked(folder.records.folder):
        folder.write()
        for entry in planned:
            if entry.todo == "refused" and not (retry and entry.before == "done"):
                problem = "; ".join(told(problem) for problem in entry.problems)
                folder.records.write(Record(entry.id, "refused", error=problem))
        for job in jobs:
            folder.records.forget(job.case)
        listener.begins(folder, planned, [job.case for job in jobs])
        try:
            if jobs:
                _Watch(folder, listener).follow(how, jobs)
        finally:
            write_tables(folder)


def write_tables(folder: CohortFolder) -> None:
    """Write `results.csv` and `cohort.html` from the records that are there."""
    records = folder.by_case()
    write_results(folder.path / "results.csv", folder.cases, records)
    write_page(folder, records)


@dataclass(slots=True)
class _Watch:
    folder: CohortFolder
    listener: CohortListener
    written_s: float = field(default_factory=time.monotonic)

    def follow(self, how: Chosen, jobs: Sequence[Job]) -> None:
        """Give the jobs to the executor and settle each that ends."""
        open_jobs = {job.case: job for job in jobs}
        with contextlib.closing(_iterator(how, jobs)) as ends:
            for ended in ends:
                if ended.case in open_jobs:
                    self._settle(ended, open_jobs.pop(ended.case))
        for case, job in open_jobs.items():
            self._settle(Ended(case, "the executor did not say what became of it"), job)

    def _settle(self, ended: Ended, job: Job) -> None:
        """See to it that a case that is over has a record."""
        records = self.folder.records
        record, until = records.read(ended.case), time.monotonic() + _PATIENCE_S
        while record is None and not ended.died and time.monotonic() < until:
            time.sleep(0.1)
            record = records.read(ended.case)
        if record is None:
            last = records.now_of(ended.case)
            where = f" at {last.step}" if last else ""
            error = f"{ended.died or 'its process left no record'}{where}"
            seconds = round(last.seconds, 3) if last else 0.0
            record = Record(ended.case, "died", job.parts, job.files, seconds=seconds, error=error)
            record = replace(record, where=last.where) if last else record
        log = records.log(ended.case)
        if record.outcome != "done" and log.is_file() and log.stat().st_size:
            record = replace(record, log=log.relative_to(self.folder.path).as_posix())
        records.write(record)
        self.listener.ended(record)
        if time.monotonic() - self.written_s > _RESULTS_EVERY_S:
            self.written_s = time.monotonic()
            write_results(self.folder.path / "results.csv", self.folder.cases, self.folder.by_case())


def _iterator(how: Chosen, jobs: Sequence[Job]) -> _Closing:
    return _Closing(iter(how.executor(iter(jobs), how.config)))


@dataclass(slots=True)
class _Closing:
    """An iterator that can be closed, whatever the plugin gave."""

    ends: Iterator[Ended]

    def __iter__(self) -> Iterator[Ended]:
        return self.ends

    def close(self) -> None:
        close = getattr(self.ends, "close", None)
        if close is not None:
            close()
