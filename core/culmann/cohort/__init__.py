"""Many cases: a table, an executor, one process a case, and a record of what became of each."""

from __future__ import annotations

from culmann.cohort.apart import Worker, run_apart
from culmann.cohort.case import Case
from culmann.cohort.executor import Ended, Executor
from culmann.cohort.folder import CohortFolder
from culmann.cohort.job import Job
from culmann.cohort.record import Record, Result
from culmann.cohort.results import ResultRow, read_results
from culmann.cohort.running import CohortListener, run_cohort
from culmann.cohort.table import read_table

__all__ = [
    "Case",
    "CohortFolder",
    "CohortListener",
    "Ended",
    "Executor",
    "Job",
    "Record",
    "Result",
    "ResultRow",
    "Worker",
    "read_results",
    "read_table",
    "run_apart",
    "run_cohort",
]
