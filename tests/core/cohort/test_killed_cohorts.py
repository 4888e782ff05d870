"""A cohort that is killed or stopped by hand: its workers end, its folder says so, and going on recomputes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from cohort_ward import alive

from culmann.cohort import CohortFolder
from culmann.cohort.folder import running_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def wait_for(what: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture
def command(ward):
    """A cohort of four cases on one worker, the third of which waits for long, until somebody has stopped it once."""
    rows = ["case,labels,boom.tag,boom.wait_s,boom.unless,boom.pid_file"]
    rows += [
        f"c{n},mask.nii.gz,{n},{300 if n == 2 else 0},{'once' if n == 2 else ''},{'pid' if n == 2 else ''}" for n in range(4)
    ]
    (ward.folder / "cases.csv").write_text("\n".join(rows) + "\n")
    return [sys.executable, "-m", "culmann", "cohort"]


def start(ward, command, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, *words],
        cwd=ward.folder,
        env={**os.environ, "CULMANN_STORE": str(ward.folder / "store")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_until_the_third_case_waits(ward, command) -> tuple[subprocess.Popen[str], int]:
    """The process of the cohort, and that of its worker."""
    words = ("cases.csv", "ward.yaml", "--out", "out", "--workers", "1", "--no-report")
    process = start(ward, command, *words)
    pid = ward.folder / "pid"
    wait_for(lambda: pid.exists() and pid.read_text() != "")
    return process, int(pid.read_text())


def test_a_cohort_that_is_killed_goes_on_and_recomputes_nothing(ward, command):
    process, worker = run_until_the_third_case_waits(ward, command)
    folder = CohortFolder.open(ward.out)
    assert running_in(folder.records.folder) == f"process {process.pid}"
    done = start(ward, command, "status", "out").communicate()[0]  # from another shell, while it runs
    assert "c2  running" in done
    assert "2 done, 1 running, 1 waiting; run by process" in done
    assert "is being run by process" in start(ward, command, "resume", "out").communicate()[1]

    process.kill()
    process.communicate()
    wait_for(lambda: not alive(worker))  # nobody waits for its result: it ends by itself
    assert running_in(folder.records.folder) == ""
    assert "2 done, 2 waiting; not running" in start(ward, command, "status", "out").communicate()[0]
    assert [call[0] for call in ward.calls] == [str(worker)] * 3

    again = start(ward, command, "resume", "out")
    told = again.communicate()[1]
    assert again.returncode == 0
    assert "4 cases: 2 to run, 2 done before" in told
    assert len(ward.calls) == 2
    assert {record.outcome for record in folder.by_case().values()} == {"done"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_cohort_that_is_stopped_by_hand_ends_its_workers_and_writes_its_table(ward, command, how):
    process, worker = run_until_the_third_case_waits(ward, command)
    os.killpg(process.pid, how)  # as a terminal does: to every process of the group
    _, told = process.communicate(timeout=30)
    assert process.returncode == 128 + how
    assert "interrupted; `culmann cohort resume" in told
    assert not alive(worker)
    rows = (ward.out / "results.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["case", "c0", "c1", "c2", "c3"]
    assert sum(",waiting," in row for row in rows) == 2
    assert (ward.out / "cohort.html").is_file()
    assert not (ward.out / "records" / ".lock").exists()
