"""`cohort.html`: every case in a table that sorts, failure loads by group, what failed, and links to the pages of the cases."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np

from culmann.cohort.boxes import plots
from culmann.cohort.folder import CohortFolder
from culmann.cohort.record import Record
from culmann.cohort.results import ResultRow, result_rows
from culmann.pages import render


def write_page(folder: CohortFolder, records: Mapping[str, Record]) -> None:
    """Write the page in one step."""
    path = folder.path / "cohort.html"
    beside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        beside.write_bytes(cohort_page(folder, records))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def cohort_page(folder: CohortFolder, records: Mapping[str, Record]) -> bytes:
    """The page of a cohort, self-contained but for its links to the pages of the cases."""
    rows = list(result_rows(folder.cases, records))
    loads = [row.result.failure_load_n for row in rows if row.result.failure_load_n is not None]
    outcome = Counter(records[case.id].outcome if case.id in records else "waiting" for case in folder.cases)
    bad = [records[case.id] for case in folder.cases if case.id in records and records[case.id].outcome != "done"]
    return render(
        "culmann.cohort",
        "cohort.html",
        about=folder.about,
        setup=folder.setup,
        executor=folder.executor,
        rows=rows,
        carried=list(dict.fromkeys(name for row in rows for name in row.carried)),
        has_variants=any(row.result.variant for row in rows),
        has_outputs=len({row.result.output for row in rows if row.result.output}) > 1,
        links={(row.case, row.result.variant): _link(folder.path, row) for row in rows},
        quoted=quote,
        outcomes=outcome,
        total=len(folder.cases),
        median_n=float(np.median(loads)) if loads else None,
        range_n=(min(loads), max(loads)) if loads else None,
        bad=bad,
        plots=plots(rows),
        cautions=_cautions(rows),
        minutes=sum(record.seconds for record in records.values()) / 60,
        when=_latest(records),
    )


def _link(out: Path, row: ResultRow) -> str:
    """The page of a case or of its variant, its folder where there is no page, and nothing where it has no results."""
    parts = [row.case, *([row.result.variant] if row.result.variant else [])]
    home = out.joinpath(*parts)
    if (home / "report.html").is_file():
        parts.append("report.html")
    elif (out / row.case / "report.html").is_file():
        parts = [row.case, "report.html"]
    elif not home.is_dir():
        return ""
    return "/".join(quote(part) for part in parts)


def _cautions(rows: Sequence[ResultRow]) -> list[tuple[str, int]]:
    """What to be careful about, and for how many failure loads; the most frequent first."""
    return Counter(text for row in rows for text in dict.fromkeys(row.result.caveats)).most_common()


def _latest(records: Mapping[str, Record]) -> str:
    last = max((record.when for record in records.values()), default="")
    return f"{datetime.fromisoformat(last).astimezone():%Y-%m-%d %H:%M}" if last else ""
