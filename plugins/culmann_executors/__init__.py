"""Executors: where the cases of a cohort are run. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_executors() -> Iterable[Step]:
    """This machine, a Slurm cluster, a dask cluster."""
    yield Step("local", "culmann_executors.local:local", summary="On this machine, so many cases at a time")
    yield Step(
        "slurm",
        "culmann_executors.slurm:slurm",
        summary="As array jobs of a Slurm cluster, through submitit",
        extra="culmann[slurm]",
    )
    yield Step(
        "dask",
        "culmann_executors.dask_cluster:dask_cluster",
        summary="On a dask.distributed cluster that is there already, by its address",
        extra="culmann[dask]",
    )
