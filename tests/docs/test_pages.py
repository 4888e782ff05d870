"""The pages of the manual: all can be reached, links lead somewhere, what is generated is up to date, the site builds."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from culmann.steps import Step

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


@cache
def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Where links and pictures of a page point."""
    inline = [child for token in tokens(page) for child in token.children or ()]
    return [str(token.attrGet("href") or token.attrGet("src")) for token in inline if token.type in {"link_open", "image"}]


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, made as GitHub and MyST make them."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for heading, content in zip(tokens(page), tokens(page)[1:], strict=False):
        if heading.type == "heading_open":
            text = "".join(child.content for child in content.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return found


def target(page: Path, link: str) -> tuple[Path, str]:
    """The file and the anchor that a relative link points to."""
    path, _, anchor = unquote(link).partition("#")
    return (page.parent / path).resolve() if path else page, anchor


def dead(page: Path) -> list[str]:
    found = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, anchor = target(page, link)
        if not path.exists() or (anchor and anchor not in anchors(path)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead(page) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b` & c\n\n[x](#a-b--c) [x](#a) [x](page.md#a-b--c) ![x](none.png) [x](https://a.b/none)\n")
    assert dead(page) == ["#a", "none.png"]


def test_every_page_can_be_reached_from_the_first_one() -> None:
    reached, waiting = set[Path](), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [path for link in links(page) if (path := target(page, link)[0]) in PAGES]
    assert set(PAGES) - {ROOT / "README.md"} <= reached
    contents = next(token.content for token in tokens(DOCS / "index.md") if token.info == "{toctree}")
    assert sorted(contents.split("\n\n")[1].split()) == sorted(page.stem for page in PAGES[1:] if page.stem != "index")


@cache
def generator():
    spec = importlib.util.spec_from_file_location("culmann_docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_generated_is_up_to_date() -> None:
    outdated = [
        path.relative_to(ROOT).as_posix()
        for path, text in generator().pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert not outdated, f"{', '.join(outdated)}: the code says something else now; run `python docs/generate.py`"


def test_every_shipped_step_has_its_section() -> None:
    catalogue = generator().shipped()
    assert len(catalogue.offers) > 20
    assert set(catalogue.offers) <= anchors(DOCS / "steps.md")
    source = next(offer.step for offer in catalogue.offers.values() if offer.step.cite)
    assert isinstance(source, Step)
    assert f"[{source.name}](steps.md#{source.name})" in (DOCS / "citing.md").read_text(encoding="utf-8")


def test_docstrings_become_markdown() -> None:
    text, sections = generator().split_docstring(
        "A law::\n\n    E = 1\n      + 2\n\nMore.\n\n"
        "Raises\n------\nInputError\n    When it\n    is wrong.\nSolverError\n    Never."
    )
    assert text == "A law:\n```text\nE = 1\n  + 2\n```\n\nMore."
    assert generator().entries(sections["Raises"]) == [("InputError", "When it is wrong."), ("SolverError", "Never.")]


def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    done = subprocess.run(
        [*command, str(DOCS), str(tmp_path / "site")], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "steps.html").exists()


def test_the_architecture_names_every_plugin_and_nothing_that_is_gone() -> None:
    rooms = (DOCS / "architecture.md").read_text(encoding="utf-8").partition("## The rooms")[2].partition("\n## ")[0]
    core, plugins = rooms.partition("    plugins/")[::2]
    named = set(re.findall(r"\b(culmann_\w+)/", plugins))
    assert named == {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")}
    entries = [name for line in core.splitlines() for name in re.findall(r"^ {6}((?:[\w.]+/? )+)", line)]
    files = [name for entry in entries for name in entry.split() if name.endswith((".py", "/"))]
    assert len(files) > 15
    assert [name for name in files if not (ROOT / "core" / "culmann" / name).exists()] == []
