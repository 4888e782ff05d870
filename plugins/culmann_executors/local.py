"""The executor of one machine: a bounded number of workers, each a process that is started anew when a case killed it."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator

from pydantic import Field

from culmann import Config
from culmann.cohort import Ended, Job, Worker


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalConfig(Config):
    """How many cases at a time."""

    workers: int | None = Field(
        None, ge=1, le=1024, description="How many cases run at a time; by default half of the cores, and no more than 4"
    )
    threads: int | None = Field(
        None, ge=1, description="Threads that the libraries of one case may use; by default the cores are shared out"
    )
    cases_per_process: int = Field(
        20,
        ge=1,
        description="A process takes so many cases, one after the other, before another takes its place; "
        "a crash costs the running case alone. 1 starts a process for every case",
    )
    time_limit_min: float | None = Field(None, gt=0, description="A case that takes longer is ended, in minutes")


def local(jobs: Iterable[Job], config: LocalConfig) -> Iterator[Ended]:
    """Run cases in worker processes on this machine.

    A case that raises is told by its record. One whose process is killed or crashes is told as such, and a new process goes
    on with the next case. The workers run in sessions of their own: Ctrl-C reaches the cohort, which then ends them, and they
    end by themselves when the cohort is killed.
    """
    cores = _cores()
    count = config.workers or max(1, min(4, cores // 2))
    pool = _Pool(iter(jobs), config, config.threads or max(1, cores // count))
    try:
        yield from pool.run(count)
    finally:
        pool.close()


class _Pool:
    """Threads that each feed one worker from the same jobs."""

    def __init__(self, jobs: Iterator[Job], config: LocalConfig, threads: int) -> None:
        self._jobs, self._config = jobs, config
        self._next, self._closed = threading.Lock(), threading.Event()
        self._ends: queue.SimpleQueue[Ended | BaseException | None] = queue.SimpleQueue()
        self._threads = threads
        self._workers = list[Worker]()

    def run(self, count: int) -> Iterator[Ended]:
        """What became of every job."""
        for _ in range(count):
            worker = Worker(self._threads, self._config.cases_per_process)
            self._workers.append(worker)
            threading.Thread(target=self._feed, args=(worker,), daemon=True).start()
        while count:
            end = self._wait()
            if isinstance(end, BaseException):
                raise end
            if end is None:
                count -= 1
            else:
                yield end

    def close(self) -> None:
        """End all workers, whatever they do."""
        self._closed.set()
        for worker in self._workers:
            worker.close()

    def _wait(self) -> Ended | BaseException | None:
        while True:
            try:
                return self._ends.get(timeout=0.5)  # with an end, so that Ctrl-C gets through on every system
            except queue.Empty:
                continue

    def _feed(self, worker: Worker) -> None:
        limit_s = None if self._config.time_limit_min is None else 60 * self._config.time_limit_min
        try:
            while not self._closed.is_set():
                with self._next:
                    job = next(self._jobs, None)
                if job is None:
                    break
                self._ends.put(worker.do(job, limit_s))
            worker.close()
        except BaseException as problem:
            self._ends.put(problem)
        self._ends.put(None)
