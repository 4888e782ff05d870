"""The page of a real run opened from disk in a browser and driven: drawn, operable by keyboard, legible at any width, quiet."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from culmann.data import Response, Strength
from culmann.pipeline import Run

Open = Callable[..., Any]


@pytest.fixture
def opened(chromium: Any, vertebra_run: Run) -> Iterator[Open]:
    """Opens the page at a width; whatever it complains of or asks the network for fails the test."""
    complaints: list[str] = []
    pages = []

    def go(width: int = 1280, scheme: str = "light", path: str = "report.html") -> Any:
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url))
        page.goto((vertebra_run.out / path).as_uri())
        drawn = "document.documentElement.dataset.bone === 'drawn' && document.documentElement.dataset.slices === 'drawn'"
        page.wait_for_function(drawn, timeout=30_000)
        return page

    yield go
    for page in pages:
        page.close()
    assert complaints == []


def pixels(page: Any, selector: str) -> np.ndarray:
    """What a canvas shows."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    uri = page.eval_on_selector(selector, "canvas => canvas.toDataURL('image/png')")
    picture = base64.b64decode(uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"), dtype=int)


def share_changed(one: np.ndarray, two: np.ndarray) -> float:
    return float((np.abs(one - two).max(axis=2) > 24).mean())


def test_failure_load_is_the_first_heading_and_the_calibration_is_told_at_once(opened: Open, vertebra_run: Run) -> None:
    page = opened()
    strength: Strength = vertebra_run.value("strength")
    heading = page.locator("h1")
    assert heading.count() == 1
    assert re.sub(r"\s", "", heading.inner_text()) == f"Failureload{strength.failure_load_n:.0f}N"
    size = page.eval_on_selector("h1 .load", "node => parseFloat(getComputedStyle(node).fontSize)")
    assert size > 60
    alarm = page.locator(".alarm")
    assert "assumed, not measured" in alarm.inner_text()
    assert alarm.bounding_box()["y"] + alarm.bounding_box()["height"] < 900  # without scrolling
    assert page.get_by_text("not a medical device").first.is_visible()
    for caveat in strength.caveats:
        assert caveat.startswith("the calibration is assumed") or page.get_by_text(caveat).count() > 0


def test_bone_is_drawn_and_turned_by_keyboard(opened: Open) -> None:
    page = opened()
    canvas = "#bone canvas"
    before = pixels(page, canvas)
    inside = before[..., 3] > 128
    assert 0.1 < inside.mean() < 0.8
    assert len(np.unique(before[inside][:, :3] // 16, axis=0)) > 60  # shaded and coloured, not one tone
    page.focus("#bone")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    turned = pixels(page, canvas)
    assert share_changed(before, turned) > 0.05
    page.keyboard.press("+")
    assert (pixels(page, canvas)[..., 3] > 128).sum() > 1.1 * (turned[..., 3] > 128).sum()
    page.keyboard.press("0")
    assert share_changed(before, pixels(page, canvas)) < 0.001


def test_bone_is_turned_by_mouse(opened: Open) -> None:
    page = opened()
    before = pixels(page, "#bone canvas")
    box = page.locator("#bone").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 140, y + 10, steps=4)
    page.mouse.up()
    assert share_changed(before, pixels(page, "#bone canvas")) > 0.05


def test_colours_of_the_bone_follow_the_choice_and_are_explained(opened: Open) -> None:
    page = opened()
    seen = {}
    for field, said in (
        ("density", "Density (qct-k2hpo4) (g/cm³)"),
        ("phase", "yielding at constant stress"),
        ("strain", "Equivalent strain (%)"),
    ):
        page.locator(f"#bone-field input[value={field}]").check(force=True)
        assert said in page.locator("#bone-legend").inner_text()
        seen[field] = pixels(page, "#bone canvas")
    assert share_changed(seen["density"], seen["phase"]) > 0.05
    assert share_changed(seen["density"], seen["strain"]) > 0.05
    page.locator("#bone-field input[value=strain]").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#bone-field input:checked").get_attribute("value") == "density"
    legend = page.locator("#bone-legend")
    assert "endplate-superior: loaded" in legend.inner_text()
    assert "endplate-inferior: held" in legend.inner_text()
    with_nodes = pixels(page, "#bone canvas")
    page.locator("#bone-nodes").uncheck()
    assert "loaded" not in legend.inner_text()
    assert share_changed(with_nodes, pixels(page, "#bone canvas")) > 0.01


def test_slices_scroll_by_keyboard_and_click(opened: Open) -> None:
    page = opened()
    before, told = pixels(page, "#axial"), page.locator("#slice-axial-at").inner_text()
    assert before[..., :3].std() > 15
    page.focus("#slice-axial")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    step = json.loads(page.locator("#facts").text_content())["slices"]["step_mm"]
    number = [float(text.split()[1].replace("−", "-")) for text in (told, page.locator("#slice-axial-at").inner_text())]
    assert number[1] - number[0] == pytest.approx(6 * step, abs=0.11)
    assert share_changed(before, pixels(page, "#axial")) > 0.02
    sagittal = page.locator("#slice-sagittal-at").inner_text()
    box = page.locator("#axial").bounding_box()
    page.locator("#axial").click(position={"x": 0.25 * box["width"], "y": 0.3 * box["height"]})  # once the page stands still
    assert page.locator("#slice-sagittal-at").inner_text() != sagittal


def test_outline_and_failed_cells_can_be_taken_away(opened: Open) -> None:
    page = opened()

    def coloured(red_over_blue: bool) -> int:
        picture = pixels(page, "#axial")[..., :3]
        red, green, blue = np.moveaxis(picture, 2, 0)
        return int((red - blue > 60).sum() if red_over_blue else ((green - red > 60) & (blue - red > 60)).sum())

    assert coloured(True) > 200
    assert coloured(False) > 100
    page.locator("#slice-failed").uncheck()
    page.locator("#slice-outline").uncheck()
    assert coloured(True) == coloured(False) == 0


def test_curve_is_read_point_by_point(opened: Open, vertebra_run: Run) -> None:
    page = opened()
    response: Response = vertebra_run.value("response")
    page.focus("#curve-at")
    page.keyboard.press("End")
    assert page.locator("#curve-read").inner_text().endswith(f"{response.force_n[-1]:.0f} N")
    page.keyboard.press("ArrowLeft")
    said = page.locator("#curve-read").inner_text()
    assert said.startswith(f"{response.displacement_mm[-2]:.3f} mm")
    assert said.endswith(f"{response.force_n[-2]:.0f} N")
    assert page.locator("#curve-at").get_attribute("aria-valuetext") == said
    page.locator("#curve").hover(position={"x": 60, "y": 100})
    assert page.locator("#curve-read").inner_text().startswith("0.000 mm")
    page.get_by_text("The curve as a table").click()
    assert page.locator("details table tbody tr").count() == len(response.force_n)


def test_tabs_go_by_arrow_keys(opened: Open) -> None:
    page = opened()
    assert page.locator("#methods").is_visible()
    page.focus("#tab-methods")
    page.keyboard.press("ArrowRight")
    assert page.locator("#pipeline").is_visible()
    assert not page.locator("#methods").is_visible()
    assert page.evaluate("document.activeElement.id") == "tab-pipeline"
    page.keyboard.press("End")
    assert "sha256" in page.locator("#provenance").inner_text()
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Provenance"


def test_methods_are_copied(opened: Open) -> None:
    page = opened()
    page.get_by_role("button", name="Copy for a methods section").click()
    page.wait_for_function("document.querySelector('[data-copy]').textContent !== 'Copy for a methods section'")
    assert page.locator("[data-copy]").inner_text() in {"Copied", "Marked: press Ctrl-C"}


def test_pictures_for_checking_are_shown_and_enlarged(opened: Open) -> None:
    page = opened()
    pictures = page.locator(".gallery img")
    assert pictures.count() == 1
    assert pictures.first.evaluate("img => img.complete && img.naturalWidth > 300")
    page.locator(".gallery a").first.click()
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


@pytest.mark.parametrize("width", [400, 1600])
def test_page_fits_its_width(opened: Open, width: int) -> None:
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "[...document.querySelectorAll('main *')]"
        ".filter(n => n.childElementCount === 0 && n.textContent.trim() && n.offsetParent)"
        ".map(n => parseFloat(getComputedStyle(n).fontSize)).reduce((a, b) => Math.min(a, b), 99)"
    )
    assert small >= 12
    box = page.locator("#bone canvas").bounding_box()
    assert box["width"] > 0.4 * min(width, 700)


def serious(page: Any) -> list[str]:
    """What axe finds that keeps people from using a page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Open, scheme: str) -> None:
    page = opened(scheme=scheme)
    for tab in ("methods", "pipeline", "provenance"):
        page.locator(f"#tab-{tab}").click()
        assert serious(page) == []


def test_page_of_variants_is_sorted_by_keyboard_and_leads_to_the_others(chromium: Any, levels_run: Run) -> None:
    page = chromium.new_page(viewport={"width": 400, "height": 800})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((levels_run.out / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert serious(page) == []
    rows = page.locator("tbody th")
    assert rows.all_inner_texts() == ["L2", "L3"]
    page.get_by_role("button", name="Failure load (N)").focus()
    page.keyboard.press("Enter")
    assert rows.all_inner_texts() == ["L3", "L2"]  # what has no value stays below
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Failure load")
    page.get_by_role("link", name="L3").click()
    page.wait_for_function("document.documentElement.dataset.bone === 'drawn'", timeout=30_000)
    assert "L3" in page.locator("h1").inner_text()
    page.get_by_role("link", name="vertebra-every-level").click()
    page.wait_for_selector("table[data-sortable]")
    page.close()
    assert complaints == []


def test_printed_page_has_two_sheets(opened: Open) -> None:
    page = opened()
    document = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", document)) == 2
