"""Cohorts on Slurm, which is a stand-in here (tests/support/slurm_stand_in.py): nobody has run this on a real cluster."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest
import slurm_stand_in

from culmann.errors import EngineError

FAST = {"poll_s": 0.1, "sacct_s": 1}


@pytest.fixture
def slurm(ward, monkeypatch):
    """The folder in which the cluster keeps what it knows."""
    slurm_stand_in.install(ward.folder / "bin")
    (ward.folder / "cluster").mkdir()
    monkeypatch.setenv("PATH", f"{ward.folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN", str(ward.folder / "cluster"))
    return ward.folder / "cluster"


def test_twelve_cases_are_one_array_and_two_failures_are_told(ward, slurm):
    options = {**FAST, "workers": 2, "partition": "short", "time_min": 30, "memory_gb": 4, "cpus": 2, "more": {"nice": 7}}
    records, _ = ward.run(ward.cases(12, {3: "raise", 7: "SIGSEGV"}), executor="slurm", options=options)
    assert [name for name, record in records.items() if record.outcome != "done"] == ["c03", "c07"]
    assert "killed by SIGSEGV at boom" in records["c07"].error
    [script] = slurm.glob("*.sbatch")
    for said in ("array=0-11%2", "partition=short", "time=30", "mem=4GB", "cpus-per-task=2", "nice=7", "job-name=culmann"):
        assert f"#SBATCH --{said}\n" in script.read_text()
    assert {threads for _, threads, _ in ward.calls} == {"2"}
    assert len(list(slurm.glob("*_*.state"))) == 12
    _, heard = ward.run(ward.cases(12, {3: "raise", 7: "SIGSEGV"}), executor="slurm", options=options, retry=True)
    assert heard.ran == ["c03", "c07"]


def test_a_cohort_larger_than_an_array_takes_several(ward, slurm):
    records, _ = ward.run(ward.cases(5), executor="slurm", options={**FAST, "cases_per_array": 2})
    assert all(record.outcome == "done" for record in records.values())
    assert sorted("--array" in path.read_text() for path in slurm.glob("*.sbatch")) == [False, True, True]


def test_a_case_near_its_time_limit_is_queued_again_and_goes_on(ward, slurm, monkeypatch):
    monkeypatch.setenv("STAND_IN_LIMIT_S", "4")
    done = ward.folder / "done"
    cases = ward.cases(1, None, "boom.wait_s=60", f"boom.unless={done}")  # the second call does not wait
    records, _ = ward.run(cases, executor="slurm", options=FAST)
    assert records["c00"].outcome == "done"
    assert len((slurm / "requeued").read_text().split()) == 1
    assert len(ward.calls) == 2


def test_a_job_that_slurm_ends_is_told(ward, slurm, monkeypatch):
    # A result may come late over the network file system of a cluster, and submitit waits 15 s for one. Here is no network.
    monkeypatch.setattr("submitit.SlurmJob._results_timeout_s", 1)
    clock = threading.Timer(4.0, subprocess.run, [[ward.folder / "bin" / "scancel", "1000"]])
    clock.start()
    records, _ = ward.run(ward.cases(1, None, "boom.wait_s=60"), executor="slurm", options=FAST)
    clock.join()
    assert records["c00"].outcome == "died"
    assert "Slurm job 1000 ended with CANCELLED" in records["c00"].error


def test_without_slurm_it_is_told(ward):
    with pytest.raises(EngineError, match="there is no Slurm here"):
        ward.run(ward.cases(1), executor="slurm")


def test_what_sbatch_refuses_is_told(ward, slurm):
    (ward.folder / "bin" / "sbatch").write_text("#!/bin/sh\necho 'error: invalid partition specified: shrot' >&2\nexit 1\n")
    with pytest.raises(EngineError, match="Slurm did not take the jobs"):
        ward.run(ward.cases(2), executor="slurm", options={"partition": "shrot"})
