"""Running a job in a process of its own, so that a crash is an answer like another."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from culmann.cohort.executor import Ended
from culmann.cohort.job import Job

#: Variables by which libraries are told how many threads they may use.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
#: For how long a process that is asked to end may take.
_GRACE_S = 3.0


def run_apart(job: Job, *, threads: int | None = None, time_limit_s: float | None = None) -> Ended:
    """Run a job in a new process and wait for it: for executors whose workers must survive a crash.

    Parameters
    ----------
    job
        The case.
    threads
        How many threads its libraries may use; None leaves that to them.
    time_limit_s
        After that the process is ended.
    """
    with contextlib.closing(Worker(threads)) as worker:
        return worker.do(job, time_limit_s)


@dataclass(slots=True)
class Worker:
    """A process that runs one job after the other, and is started anew after one that killed it.

    Parameters
    ----------
    threads
        How many threads its libraries may use; None leaves that to them.
    jobs_each
        After so many jobs a new process takes its place, so that what libraries lose cannot grow; None for never.
    """

    threads: int | None = None
    jobs_each: int | None = None
    _process: subprocess.Popen[str] | None = None
    _done: int = 0
    _late: bool = False
    _closed: threading.Event = field(default_factory=threading.Event)

    def do(self, job: Job, time_limit_s: float | None = None) -> Ended:
        """Run a job and wait for it."""
        if self._process is None or self._process.poll() is not None or self._done == self.jobs_each:
            self._stop()
            self._start()
        process, self._late = self._process, False
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        clock = threading.Timer(time_limit_s, self._too_late) if time_limit_s else None
        try:
            if clock:
                clock.start()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(job.as_dict()) + "\n")
                process.stdin.flush()
            answer = process.stdout.readline()
        finally:
            if clock:
                clock.cancel()
        self._done += 1
        if answer.rstrip("\n") == job.case:
            return Ended(job.case)
        code = process.wait()
        limit = f"longer than the limit of {(time_limit_s or 0) / 60:g} min"
        return Ended(job.case, limit if self._late else how_it_ended(code))

    def close(self) -> None:
        """End the process, whatever it does; any thread may call this."""
        self._closed.set()
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "culmann.cohort.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=environment(self.threads),
            start_new_session=True,  # Ctrl-C in the terminal is for the parent, which ends its workers
        )
        self._done = 0
        if self._closed.is_set():
            self._process.kill()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, ValueError):
                if stream is not None:
                    stream.close()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _too_late(self) -> None:
        if self._process is not None:
            self._late = True
            self._process.kill()


def environment(threads: int | None, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a worker: with a number of threads, no library takes more."""
    return {**given, **(dict.fromkeys(THREADS, str(threads)) if threads else {})}


def how_it_ended(code: int) -> str:
    """The exit status of a process in words."""
    if code >= 0:
        return f"its process ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"its process was killed by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"
