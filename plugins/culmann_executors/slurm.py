"""The executor of a Slurm cluster: cases as the tasks of array jobs, submitted and watched through submitit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from culmann import Config
from culmann.cohort import Ended, Job, run_apart
from culmann.errors import EngineError

if TYPE_CHECKING:
    from submitit import SlurmExecutor
    from submitit.helpers import DelayedSubmission


class SlurmConfig(Config):
    """What a case asks Slurm for."""

    time_min: int = Field(120, ge=1, description="Time limit of a case, in minutes")
    memory_gb: float | None = Field(None, gt=0, description="Memory of a case, in GB; by default what the partition gives")
    cpus: int = Field(1, ge=1, description="Cores of a case, and threads that its libraries may use")
    gpus: int = Field(0, ge=0, description="GPUs of a case")
    partition: str | None = Field(None, description="The partition; by default that of the cluster")
    account: str | None = Field(None, description="The account that is charged")
    qos: str | None = Field(None, description="The quality of service")
    constraint: str | None = Field(None, description="Features that a node must have")
    workers: int = Field(100, ge=1, description="How many cases of an array run at a time")
    cases_per_array: int = Field(1000, ge=1, description="Cases in one array job; clusters allow 1001 (MaxArraySize)")
    requeues: int = Field(
        3, ge=0, description="How often a case that reached its time limit is queued again; the store has its finished steps"
    )
    setup: tuple[str, ...] = Field((), description="Shell commands before a case, such as `module load gcc`")
    more: dict[str, str | int] = Field(default_factory=dict, description="Further options of sbatch, such as {nice: 100}")
    poll_s: float = Field(5.0, gt=0, description="How often it is looked which cases are over, in seconds")
    sacct_s: int = Field(60, ge=1, description="How often Slurm is asked for jobs that were killed, in seconds")


def slurm(jobs: Iterable[Job], config: SlurmConfig) -> Iterator[Ended]:
    """Run cases as the tasks of array jobs, each in a process of its own.

    The process that started the cohort waits for them: keep it alive in `tmux` or in a job of its own. When it is stopped it
    cancels what is queued and running. Nodes and this machine must see the same folders under the same names, and the same
    Python environment.

    Raises
    ------
    EngineError
        When there is no Slurm here, or it does not take the jobs.
    """
    given = list(jobs)
    if not given:
        return
    executor = _executor(Path(given[0].cohort) / "records" / "slurm", config)
    submitted: dict[str, Any] = {}
    try:
        for part in _parts(given, config.cases_per_array):
            submitted |= {job.case: at for job, at in zip(part, _submit(executor, part, config.cpus), strict=True)}
        while submitted:
            for case in [case for case, at in submitted.items() if at.done()]:
                yield Ended(case, _died(submitted.pop(case)))
            if submitted:
                time.sleep(config.poll_s)
    finally:
        for at in submitted.values():
            with contextlib.suppress(Exception):  # whatever is wrong with scancel, the others are to be cancelled too
                at.cancel(check=False)


def _parts(jobs: Iterable[Job], size: int) -> Iterator[list[Job]]:
    rest = iter(jobs)
    while part := list(islice(rest, size)):
        yield part


def _executor(folder: Path, config: SlurmConfig) -> SlurmExecutor:
    from submitit import SlurmExecutor, SlurmJob
    from submitit.slurm.slurm import SlurmInfoWatcher

    SlurmJob.watcher = SlurmInfoWatcher(delay_s=config.sacct_s)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        executor = SlurmExecutor(folder, max_num_timeout=config.requeues)
    except RuntimeError as problem:
        raise EngineError("there is no Slurm here: the program srun was not found", hint="run it on a login node") from problem
    wanted = {
        "job_name": "culmann",
        "time": config.time_min,
        "cpus_per_task": config.cpus,
        "array_parallelism": config.workers,
        "mem": None if config.memory_gb is None else f"{config.memory_gb:g}GB",
        "gpus_per_node": config.gpus or None,
        "partition": config.partition,
        "account": config.account,
        "qos": config.qos,
        "constraint": config.constraint,
        "setup": list(config.setup) or None,
        "additional_parameters": dict(config.more) or None,
    }
    executor.update_parameters(**{name: value for name, value in wanted.items() if value is not None})
    return executor


def _submit(executor: SlurmExecutor, jobs: Iterable[Job], cpus: int) -> list[Any]:
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    try:
        return list(executor.map_array(_RunCase(cpus), [job.as_dict() for job in jobs]))
    except (FailedJobError, FailedSubmissionError, OSError) as problem:
        raise EngineError(
            f"Slurm did not take the jobs: {problem}", hint="see `culmann plugins slurm` for the options"
        ) from problem


def _died(at: Any) -> str:
    """How the process of a case ended, when it did not end by itself."""
    try:
        return str(at.result())
    except Exception as problem:  # submitit raises several, all of which say that there is no result
        last = str(problem).strip().splitlines()
        why = "its time limit, too often" if "timed-out too many times" in str(problem) else at.state
        return f"its Slurm job {at.job_id} ended with {why}{'' if at.state != 'UNKNOWN' or not last else f' ({last[-1]})'}"


class _RunCase:
    """What a task of the array does; queued again after a time-out or a preemption, it goes on from the store."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def __call__(self, job: dict[str, Any]) -> str:
        """Run a case, and tell how its process ended."""
        return run_apart(Job.from_dict(job), threads=self.threads).died

    def checkpoint(self, job: dict[str, Any]) -> DelayedSubmission:
        """What is queued again: the same case."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, job)
