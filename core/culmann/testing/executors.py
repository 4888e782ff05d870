"""Checks of executors: the signature, the options, and whether every job that is given is run and told."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from culmann.catalogue import Offer
from culmann.cohort.executor import Ended, load_executor
from culmann.cohort.job import Job
from culmann.errors import CulmannError, EngineError
from culmann.testing.signatures import wrong_config


def wrong_executor(offer: Offer, options: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with an executor. One that needs options, or a cluster that is not here, is checked without being run."""
    try:
        loaded = load_executor(offer)
    except CulmannError as error:
        return [str(error)]
    faults = [] if loaded.config is None else wrong_config(loaded.config)
    if faults:
        return faults
    try:
        config = None if loaded.config is None else loaded.config(**(options or {}))
    except ValidationError as error:
        return [] if options is None else [f"the given options are refused: {error}"]
    with tempfile.TemporaryDirectory() as folder:
        # Jobs of a pipeline that is not there: each fails in a sentence, which is told by its record.
        jobs = [Job(name, folder, f"{folder}/store", f"{folder}/none.yaml", "") for name in ("one", "two", "three")]
        (Path(folder) / "records").mkdir()
        try:
            ends = list(loaded(iter(jobs), config))
        except EngineError:
            return []
        except Exception as error:
            return [f"three jobs make it raise {type(error).__name__}: {error}"]
        if not all(isinstance(end, Ended) for end in ends):
            return ["it yields something else than culmann.cohort.Ended"]
        if sorted(end.case for end in ends) != sorted(job.case for job in jobs):
            return [f"of the jobs one, two and three it tells {', '.join(end.case for end in ends) or 'nothing'}"]
        return [
            f"it did not run the job {job.case!r}, which has no record" for job in jobs if job.records.read(job.case) is None
        ]
