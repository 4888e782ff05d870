"""The page of a cohort in a browser: it sorts, regroups, tells failures, leads to its cases and is fit for small screens."""

from __future__ import annotations

from pathlib import Path

import pytest

from culmann.cohort import Case, CohortFolder, Record, Result
from culmann.cohort.folder import Setup
from culmann.cohort.page import write_page

#: A folder whose name a page must not tell.
SECRET = Path("/home/me/jane doe")
LOADS = {"a": 3000.0, "b": 5000.0, "c": 4000.0, "d": 12000.0, "e": 800.5}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """A cohort of seven, of which one failed and one died, in two groups and two centres."""
    out = tmp_path_factory.mktemp("cohort")
    cases = [
        Case(name, {}, (), {"group": "old" if n % 2 else "young", "centre": "Lyon" if n < 3 else "Delft"})
        for n, name in enumerate([*LOADS, "bad <b>", "dead"])
    ]
    caveats = ("the calibration is assumed", "<script>alert(1)</script>")
    records = {
        name: Record(
            name, "done", seconds=2.0, results=(Result("", "strength", "done", "", load, 0.4, 0.019, 9000.0, "x", caveats),)
        )
        for name, load in LOADS.items()
    }
    records["bad <b>"] = Record("bad <b>", "failed", error="step 'x': <i>no</i>\n  hint: another")
    for name in LOADS:
        (out / name).mkdir()
        (out / name / "report.html").write_text("<!doctype html><title>a case</title>")
    records["dead"] = Record("dead", "died", error=f"killed by SIGSEGV at {SECRET}/x.nii.gz", log="records/dead.log")
    setup = Setup(SECRET / "p.yaml", SECRET / "store", table=SECRET / "cases.csv")
    about = {"pipeline": "vertebra", "about": "Failure load", "culmann": "1"}
    write_page(CohortFolder(out, setup, tuple(cases), {"use": "local"}, about), records)
    return out / "cohort.html"


@pytest.fixture
def page(chromium, page_file):
    opened = chromium.new_page(viewport={"width": 1200, "height": 900})
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
    opened.goto(page_file.as_uri())
    yield opened
    assert said == []
    opened.close()


def labels(plot) -> list[str]:
    return [" ".join(text.split("\n")) for text in plot.locator(".box-label").all_inner_texts()]


def column(page, number: int) -> list[str]:
    return page.locator(f"#table tbody tr > *:nth-child({number})").all_inner_texts()


def test_a_click_on_a_head_sorts_and_another_turns_round(page):
    assert column(page, 1) == [*LOADS, "bad <b>", "dead"]
    head = page.locator("#table thead button", has_text="Failure load")
    head.click()
    assert column(page, 1)[:5] == ["e", "a", "c", "b", "d"]
    assert set(column(page, 1)[5:]) == {"bad <b>", "dead"}  # what has no load stays below
    head.focus()
    page.keyboard.press("Enter")
    assert column(page, 1)[:5] == ["d", "b", "c", "a", "e"]


def test_boxes_are_those_of_the_loads_and_can_be_grouped_anew(page):
    shown = page.locator(".box-plot:visible")
    assert labels(shown) == [
        "old n = 2, median 8\u202f500 N",
        "young n = 3, median 3\u202f000 N",
    ]
    page.locator(".choice label", has_text="by centre").click()
    assert labels(shown) == [
        "Delft n = 2, median 6\u202f400 N",
        "Lyon n = 3, median 4\u202f000 N",
    ]
    lyon = shown.locator("svg").nth(1)
    places = {circle.text_content(): circle.bounding_box()["x"] for circle in lyon.locator("circle").all()}
    a, b, c = (next(x for text, x in places.items() if text.startswith(name)) for name in "abc")
    assert (c - a) / (b - a) == pytest.approx((4000 - 3000) / (5000 - 3000), abs=0.02)


def test_failures_are_told_and_nothing_of_them_is_taken_for_html(page):
    told = page.locator("section", has_text="Without a result").first.inner_text()
    assert "step 'x': <i>no</i>" in told
    assert "killed by SIGSEGV at x.nii.gz" in told
    assert "jane doe" not in page.content()
    assert page.locator('a[href="records/dead.log"]').count() == 1
    assert "<script>alert(1)</script>" in page.locator(".cautions").inner_text()


def test_a_case_leads_to_its_page(page):
    page.locator("#table tbody a", has_text="b").first.click()
    assert page.url.endswith("/b/report.html")


@pytest.mark.parametrize("width", [400, 1600])
def test_it_fits_the_screen_and_has_one_heading_of_each_part(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").all_inner_texts() == ["vertebra"]
    assert page.locator("h2").all_inner_texts() == ["Without a result", "Failure loads", "Cases", "What to be careful about"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in {"serious", "critical"}] == []
