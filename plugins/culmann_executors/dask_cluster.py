"""The executor of a dask.distributed cluster that is there already: by its address, or by the file that its scheduler wrote."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from culmann import Config
from culmann.cohort import Ended, Job, Worker
from culmann.errors import EngineError

if TYPE_CHECKING:
    from distributed import Client

#: How often a worker looks whether the cohort still waits for its case.
_LOOK_EVERY_S = 2.0


class DaskConfig(Config):
    """Which cluster, and what a case takes of it."""

    address: str = Field(
        "", description="Address of the scheduler, such as tcp://head:8786; empty where scheduler_file is given"
    )
    scheduler_file: Path | None = Field(
        None, description="The file that `dask scheduler --scheduler-file` wrote, where the address is not known beforehand"
    )
    threads: int = Field(1, ge=1, description="Threads that the libraries of one case may use")
    resources: dict[str, float] = Field(
        default_factory=dict,
        description="What a case takes of the resources that the workers were started with, such as {memory: 8e9}",
    )
    time_limit_min: float | None = Field(None, gt=0, description="A case that takes longer is ended, in minutes")
    connect_s: float = Field(30.0, gt=0, description="For how long the scheduler is waited for, in seconds")

    @model_validator(mode="after")
    def _one_way_to_the_scheduler(self) -> Self:
        if bool(self.address) == (self.scheduler_file is not None):
            raise ValueError("give either the address of the scheduler or its scheduler_file")
        return self


def dask_cluster(jobs: Iterable[Job], config: DaskConfig) -> Iterator[Ended]:
    """Run cases on the workers of a dask cluster, each in a process of its own, so that a crash costs no worker.

    Workers and this machine must see the same folders (the cohort, the store, the inputs) under the same names, and have the
    same culmann and plugins installed. A worker takes as many cases at a time as it has threads: start workers with
    `--nthreads 1`, or let `resources` say what a case needs.

    Raises
    ------
    EngineError
        When the scheduler cannot be reached, or is lost.
    """
    given = list(jobs)
    if not given:
        return
    wanted = Path(given[0].cohort) / "records" / f".wanted-{secrets.token_hex(4)}"
    with _client(config) as client:
        wanted.touch()
        try:
            yield from _ends(client, given, config, wanted)
        finally:
            wanted.unlink(missing_ok=True)


def _client(config: DaskConfig) -> Client:
    from distributed import Client

    where: dict[str, Any] = (
        {"scheduler_file": str(config.scheduler_file)} if config.scheduler_file else {"address": config.address}
    )
    try:
        return Client(**where, timeout=config.connect_s, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as problem:
        raise EngineError(
            f"the dask scheduler {config.scheduler_file or config.address} cannot be reached: {problem}",
            hint="`dask scheduler` prints its address when it starts; firewalls between the machines are a frequent reason",
        ) from problem


def _ends(client: Client, jobs: Iterable[Job], config: DaskConfig, wanted: Path) -> Iterator[Ended]:
    from distributed import as_completed
    from distributed.client import FutureCancelledError

    limit_s = None if config.time_limit_min is None else 60 * config.time_limit_min
    cases = {}
    for job in jobs:
        how = {"pure": False, "retries": 0, "resources": config.resources or None}
        future = client.submit(_run, job.as_dict(), str(wanted), config.threads, limit_s, **how)
        cases[future.key] = (future, job.case)
    try:
        for future in as_completed([future for future, _ in cases.values()], loop=client.loop):
            _, case = cases.pop(future.key)
            if future.status == "finished":
                yield Ended(case, future.result())
            else:
                yield Ended(case, f"its dask worker was lost ({type(future.exception()).__name__})")
    except (FutureCancelledError, OSError) as problem:
        raise EngineError(f"the dask scheduler was lost: {problem}", hint="`culmann cohort resume` goes on") from problem
    finally:
        client.cancel([future for future, _ in cases.values()])


def _run(job: dict[str, Any], wanted: str, threads: int, limit_s: float | None) -> str:
    """On a worker: run a case in a process of its own, and tell how that ended.

    dask cannot end a task that has begun. So the process is ended here when the file `wanted` goes, with which the cohort
    says that it still waits.
    """
    worker, over = Worker(threads), threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_EVERY_S):
            if not Path(wanted).exists():
                worker.close()
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        return worker.do(Job.from_dict(job), limit_s).died
    finally:
        over.set()
        worker.close()
