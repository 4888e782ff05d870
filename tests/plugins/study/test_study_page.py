"""The page of a study in a browser: legible at any width, quiet, without a serious finding of axe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from culmann import Outcome, Outcomes
from culmann.plugins import load_catalogue
from culmann.shipped import find_study
from culmann_study.study_file import read_study
from culmann_study.study_folder import Studied
from culmann_study.study_page import study_page
from culmann_study.study_run import answer


def write_page(folder: Path, cases: int) -> Path:
    """The page of made-up failure loads under the variations of the study that ships; one run has none."""
    study = read_study(find_study("study_segmentation_sensitivity"), load_catalogue())
    rng, rows = np.random.default_rng(0), []
    for group, load_n in (("Femurs", 5300.0), ("Vertebrae", 6700.0)):
        for case in range(cases):
            for n, variation in enumerate(study.design.variations):
                gone = (group, case, n) == ("Femurs", 2, 1)
                numbers = (
                    {} if gone else {"failure_load_n": load_n * (1 - 0.06 * n + 0.02 * rng.standard_normal()), "dice": 0.9}
                )
                told = "the mask <b>falls</b> apart" if gone else ""
                facts = {"group": group}
                output, outcome = ("", "failed") if gone else ("strength", "done")
                rows.append(Outcome(f"{group} {case}", variation.name, output, numbers, facts, outcome, told))
    outcomes = Outcomes(tuple(rows), {}, study.design.facts)
    answers = tuple(answer(asked, outcomes) for asked in study.analyses)
    file = folder / "study.html"
    file.write_bytes(study_page(Studied(file.parent, study, outcomes, answers, {"Femurs 2, erosion 2": "it falls apart"})))
    return file


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("page"), 6)


def test_a_table_without_rows_is_not_shown(page_file: Path, tmp_path: Path) -> None:
    few = write_page(tmp_path, 2).read_text(encoding="utf-8")  # too few for a test
    full = page_file.read_text(encoding="utf-8")
    assert ("<summary>tests.csv" in few, "<summary>tests.csv" in full) == (False, True)
    assert "<summary>agreement.csv" in few


def test_page_tells_the_table_and_what_failed(page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    assert text.count("<tr>") > 80
    assert "<b>falls</b>" not in text  # what a run says is text
    assert "the mask &lt;b&gt;falls&lt;/b&gt; apart" in text
    assert "1 of the runs gave no result" in text
    assert '<p class="eyebrow">Study</p>' in text


@pytest.mark.parametrize("width", [400, 1600])
def test_page_in_a_browser(chromium: Any, page_file: Path, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    complaints: list[str] = []
    page: Any = chromium.new_page(viewport={"width": width, "height": 900})
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.locator("img").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert min(shown) > 100
    loads = "rows => rows.map(row => row.cells[3].dataset.value).filter(Boolean).map(Number)"
    runs = page.locator("table[data-sortable] tbody tr")
    page.get_by_role("button", name="Failure load (N)").click()
    assert runs.evaluate_all(loads) == sorted(runs.evaluate_all(loads))
    serious = [
        f"{found['id']}: {found['nodes'][0]['html'][:200]}"
        for found in axe.Axe().run(page).response["violations"]
        if found["impact"] in {"serious", "critical"}
    ]
    page.close()
    assert serious == []
    assert complaints == []
