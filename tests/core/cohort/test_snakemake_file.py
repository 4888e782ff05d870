"""The Snakemake file of a cohort: its cases and commands. Snakemake is no dependency: it was run by hand (docs/cohorts.md)."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys

from typer.testing import CliRunner

from culmann.cli import app


def test_every_case_that_can_be_run_is_a_command_that_runs(ward):
    (ward.folder / "cases.csv").write_text(
        'case,labels,group,strength.newton\na,mask.nii.gz,x,2\n"b 1",mask.nii.gz,y,3\nbad,nask.nii.gz,y,3\n'
    )
    (ward.folder / "cases.csv").rename(ward.folder / "the cases.csv")
    file = ward.folder / "Snakefile"
    words = ["cohort", "export-snakemake", str(ward.folder / "the cases.csv"), str(ward.pipeline), "--out", str(file)]
    done = CliRunner().invoke(app, [*words, "--store", str(ward.folder / "a store"), "--set", "boom.how=warn"])
    assert done.exit_code == 2  # one case is left out
    assert "cases.csv:4:5: there is no file" in done.stderr
    text = file.read_text()
    cases = ast.literal_eval(re.search(r"^CASES = (\{.*?^\})$", text, re.MULTILINE | re.DOTALL)[1])
    assert list(cases) == ["a", "b 1"]
    assert cases["b 1"]["files"] == [str(ward.folder / "mask.nii.gz")]
    options = shlex.split(cases["b 1"]["options"])
    command = [
        sys.executable,
        "-m",
        "culmann",
        "run",
        str(ward.pipeline),
        *options,
        "--out",
        str(ward.folder / "run"),
        "--no-report",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Failure load  7560 N" in told
    assert "it looks odd" in told
    gather = shlex.split(ast.literal_eval(re.search(r"^rule gather:.*shell:\s*(\".*\")$", text, re.MULTILINE | re.DOTALL)[1]))
    assert gather[:5] == ["culmann", "cohort", "run", str(ward.folder / "the cases.csv"), str(ward.pipeline)]
    assert gather[gather.index("--set") + 1] == "boom.how=warn"
