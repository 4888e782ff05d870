"""A cohort as a Snakemake file: one `culmann run` a case, and one command that gathers the results."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from culmann.cohort.folder import Setup
from culmann.cohort.plan import Planned
from culmann.pipeline.work import culmann_version

_FILE = """# Written by culmann {version} on {day} with `culmann cohort export-snakemake`: {pipeline}
# Runs with Snakemake 8 or later, for example `snakemake --cores 4 --keep-going`; `-n` tells what would run.
# Paths are those of the machine on which this was written. Results go to runs/<case> and cohort/ in the working folder.
import re

PIPELINE = {pipeline_literal}
# Files and options of every case.
CASES = {cases}


wildcard_constraints:
    case="|".join(map(re.escape, CASES)),


localrules:
    all,


rule all:
    input:
        "cohort/results.csv",


rule run:
    input:
        lambda wildcards: [PIPELINE, *CASES[wildcards.case]["files"]],
    output:
        directory("runs/{{case}}"),
    params:
        options=lambda wildcards: CASES[wildcards.case]["options"],
    threads: 1
    shell:
        "OMP_NUM_THREADS={{threads}} NUMBA_NUM_THREADS={{threads}} "
        "culmann run {{PIPELINE:q}} {{params.options}} --out {{output:q}}"


# Takes every result from the store: it computes nothing that the rule above has computed. Cases of the table that cannot be run
# make it end with a status, though everything is written.
rule gather:
    input:
        [f"runs/{{case}}" for case in CASES],
    output:
        "cohort/results.csv",
        "cohort/cohort.html",
    shell:
        {gather}
"""


def snakefile(planned: Sequence[Planned], setup: Setup) -> str:
    """The text of the file, with the cases of a plan that can be run."""
    cases = {entry.id: _case(entry) for entry in planned if entry.job is not None}
    words = ["culmann", "cohort", "run", str(setup.table), str(setup.pipeline), "--out", "cohort", "--store", str(setup.store)]
    words += [word for text in setup.settings for word in ("--set", text)]
    words += [word for name in setup.variants for word in ("--variant", name)]
    words += [word for path in setup.plugins for word in ("--plugin", str(path))]
    words += ["--facts", ",".join(setup.facts)] if setup.facts else []
    return _FILE.format(
        version=culmann_version(),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        pipeline=setup.pipeline.name,
        pipeline_literal=json.dumps(str(setup.pipeline)),
        cases=json.dumps(cases, indent=4, ensure_ascii=False),
        gather=json.dumps(shlex.join(words).replace("{", "{{").replace("}", "}}") + " || test -f cohort/cohort.html"),
    )


def _case(entry: Planned) -> dict[str, object]:
    job = entry.job
    assert job is not None
    words = [word for name, path in job.inputs.items() for word in ("--input", f"{name}={path}")]
    words += [word for text in job.settings for word in ("--set", text)]
    words += [word for name in job.variants for word in ("--variant", name)]
    words += [word for path in job.plugins for word in ("--plugin", path)]
    return {"files": sorted(job.inputs.values()), "options": shlex.join([*words, "--store", job.store])}
