"""The table that a terminal shows while a cohort runs: what failed, what runs at which step, and what there is room for."""

from __future__ import annotations

import io

from rich.console import Console

from culmann.cli.cohort_live import LiveTable
from culmann.cohort import Case, CohortFolder, Record, Result
from culmann.cohort.folder import Setup
from culmann.cohort.record import Now


def test_the_table_shows_failures_what_runs_and_what_was_done_last(tmp_path):
    names = [f"c{n:02d}" for n in range(20)]
    folder = CohortFolder(tmp_path, Setup(tmp_path / "p.yaml", tmp_path / "store"), tuple(Case(name) for name in names))
    folder.records.folder.mkdir()
    console = Console(file=io.StringIO(), width=60, height=12, force_terminal=False)
    table = LiveTable(console)
    table.checked(3, 9)
    console.print(table)
    assert console.file.getvalue() == "looking at the files: 3 of 9\n"
    table.begins(folder, [], names)
    for name in names[:12]:
        table.ended(Record(name, "done", results=(Result(failure_load_n=4000.0),), seconds=1.5, steps_computed=1))
    table.ended(Record("c12", "died", error="its process was killed by SIGSEGV at response (native-solver), long and longer"))
    folder.records.tell_now(Now("c13", "response (native-solver)", "2020-01-01T00:00:00.000+00:00", "here", 1))
    console.file.truncate(0)
    console.file.seek(0)
    console.print(table)
    head, *rows = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert head == "13 of 20 cases  0:00  12 done  1 died  1 running  6 waiting"
    assert rows[0].startswith("✗ c12  died         its process was killed by SIGSEGV")
    assert rows[0].endswith("…")  # cut to the width
    assert rows[1].startswith("▸ c13  running      response (native-solver)")
    assert rows[2:] == [f"✓ c{n:02d}  done         4000 N  1.5 s" for n in range(7, 12)]  # as many as there is room for
