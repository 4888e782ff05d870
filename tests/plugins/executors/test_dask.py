"""Cohorts on a dask cluster: the same numbers as on this machine, and a crash costs no worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cohort_ward import Heard, alive

from culmann.cohort import Case, Result, read_results, run_cohort
from culmann.errors import EngineError, PipelineError

BONE = """name: block
plugins: [booms.py]
inputs:
  scan: {type: Scan}
  labels: {type: Labels}
steps:
  boom: {use: boom}
  bone: {use: pick-labels, from: boom, with: {labels: [1]}}
  density: {use: linear-calibration, with: {slope: 0.0007, intercept: 0.017, kind: qct-k2hpo4, assumed: true}}
  mesh: {use: voxel-mesh, with: {size_mm: 4}}
  plates: {use: endplates}
  law: {use: kopperdahl, with: {yield_strain: 0.015}}
  load: {use: compression, with: {reduction: 0.019, contact: bonded}}
  response: {use: native-solver}
  strength: {use: force-at-strain, with: {strain: 0.019}}
outputs: [strength]
"""


def tables_of(ward, cases: list[Case], pipeline: Path, cluster: Any) -> dict[str, list[tuple[str, Result]]]:
    """{executor: the rows of `results.csv`}, each with a store of its own."""
    where = {"local": {"workers": 2, "threads": 1}, "dask": {"address": cluster.scheduler_address, "threads": 1}}
    tables = {}
    for executor, options in where.items():
        out, store = ward.folder / executor, ward.folder / f"store-{executor}"
        run_cohort(cases, pipeline, out=out, store=store, executor=executor, options=options, reports=False)
        tables[executor] = [(row.case, row.result) for row in read_results(out)]
    return tables


@pytest.fixture
def cluster(ward) -> Iterator[Any]:  # after the ward: the workers take its environment over
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as started:
        yield started


def test_the_cohort_of_twelve_gives_the_same_rows_as_on_this_machine(ward, cluster):
    cases = ward.cases(12, {3: "raise", 7: "SIGSEGV"})
    tables = tables_of(ward, cases, ward.pipeline, cluster)
    assert tables["dask"] == tables["local"]
    bad = {case: result.outcome for case, result in tables["dask"] if result.outcome != "done"}
    assert bad == {"c03": "failed", "c07": "died"}
    assert len(cluster.workers) == 2


@pytest.mark.slow
def test_the_solver_gives_the_same_numbers_as_on_this_machine(ward, cluster, block_of_bone):
    pipeline = ward.folder / "bone.yaml"
    pipeline.write_text(BONE)
    files = {"scan": block_of_bone / "ct.nii.gz", "labels": block_of_bone / "labels.nii.gz"}
    cases = [Case(f"c{n}", files, (f"law.yield_strain={0.01 + n / 1000:.3f}",)) for n in range(2)]
    tables = tables_of(ward, cases, pipeline, cluster)
    assert tables["dask"] == tables["local"]
    assert tables["dask"][0][1].failure_load_n != tables["dask"][1][1].failure_load_n


def test_retry_on_a_cluster_does_only_those_that_failed(ward, cluster):
    options = {"address": cluster.scheduler_address}
    cases = ward.cases(4, {1: "SIGKILL"})
    ward.run(cases, executor="dask", options=options)
    _, heard = ward.run(cases, executor="dask", options=options, retry=True)
    assert heard.ran == ["c01"]


def test_what_runs_is_ended_when_nobody_waits_for_it(ward, cluster):
    class Stopped(Heard):
        def ended(self, record):  # noqa: ARG002
            raise KeyboardInterrupt

    pid = ward.folder / "pid"
    cases = [*ward.cases(1), *ward.cases(2, None, "boom.wait_s=300", f"boom.pid_file={pid}")[1:]]
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ward.run(cases, executor="dask", options={"address": cluster.scheduler_address}, listener=Stopped())
    while not pid.exists() or alive(int(pid.read_text())):
        assert time.monotonic() - began < 30
        time.sleep(0.2)


def test_a_scheduler_that_is_not_there_is_told(ward):
    with pytest.raises(EngineError, match=r"the dask scheduler tcp://127.0.0.1:9 cannot be reached"):
        ward.run(ward.cases(1), executor="dask", options={"address": "tcp://127.0.0.1:9", "connect_s": 0.5})


def test_one_way_to_the_scheduler_is_wanted(ward):
    with pytest.raises(PipelineError, match="either the address of the scheduler or its scheduler_file"):
        ward.run(ward.cases(1), executor="dask", options={})
