"""`cohort.html`: every case in a table that sorts, failure loads by group, what failed, and links to the pages of the cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np

from culmann.cohort.boxes import plots
from culmann.cohort.folder import CohortFolder
from culmann.cohort.record import Record
from culmann.cohort.results import ResultRow, result_rows
from culmann.pages import render
from culmann.whole import in_one_step


def write_page(folder: CohortFolder, records: Mapping[str, Record]) -> None:
    """Write the page in one step."""
    with in_one_step(folder.path / "cohort.html") as beside:
        beside.write_bytes(cohort_page(folder, records))


def cohort_page(folder: CohortFolder, records: Mapping[str, Record]) -> bytes:
    """The page of a cohort, self-contained but for its links to the pages of the cases."""
    rows = list(result_rows(folder.cases, records))
    loads = [row.result.failure_load_n for row in rows if row.result.failure_load_n is not None]
    outcome = Counter(records[case.id].outcome if case.id in records else "waiting" for case in folder.cases)
    plain = _without_places(folder)
    bad = [replace(records[case.id], error=plain(records[case.id].error)) for case in folder.cases if _is_bad(records, case.id)]
    return render(
        "culmann.cohort",
        "cohort.html",
        about=folder.about,
        pipeline_file=folder.setup.pipeline.name,
        table_file=folder.setup.table.name if folder.setup.table else "",
        settings=folder.setup.settings,
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


def _is_bad(records: Mapping[str, Record], case: str) -> bool:
    return case in records and records[case].outcome != "done"


def _without_places(folder: CohortFolder) -> Callable[[str], str]:
    """Texts without the folders of this machine: a page is passed on, and names of folders may be names of patients."""
    files = [path for case in folder.cases for path in case.inputs.values()]
    homes = {path.parent for path in [folder.setup.pipeline, folder.setup.store, *folder.setup.plugins, *files]}
    homes |= {folder.path, *([folder.setup.table.parent] if folder.setup.table else [])}
    places = sorted((f"{home}/" for home in homes if len(home.parts) > 1), key=len, reverse=True)

    def plain(text: str) -> str:
        for place in places:
            text = text.replace(place, "")
        return text

    return plain


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
