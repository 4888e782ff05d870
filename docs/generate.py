"""Writes what the manual says of steps, data and sources from the code itself: `python docs/generate.py`.

In a page, everything between `<!-- generated: NAME -->` and `<!-- end of NAME -->` is replaced.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import culmann.data
from culmann import hookspecs
from culmann.catalogue import Catalogue, Offer
from culmann.config import Config
from culmann.describe import Description, Option, describe, describe_options
from culmann.pipeline import read_pipeline
from culmann.pipeline.drawing import to_svg
from culmann.plugins import KINDS, load_catalogue
from culmann.shipped import find_pipeline
from culmann_synthesis.config import SynthesisConfig

DOCS = Path(__file__).parent
_REGION = r"(<!-- generated: {name} -->\n).*?(<!-- end of {name} -->)"
_HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\n", flags=re.MULTILINE)

#: What flows from step to step, and the parts that it is made of, in the order of a pipeline.
FLOWING = (
    "Scan",
    "Labels",
    "DensityMap",
    "Landmarks",
    "Mesh",
    "Materials",
    "LoadCase",
    "Response",
    "Strength",
    "Outcomes",
    "Report",
)
PARTS = ("Grid", "Placement", "Lattice", "Solid", "Orthotropy", "StressUpdate", "Prescribed", "Fields", "Outcome")


def pages() -> dict[Path, str]:
    """{page: its text with everything generated anew}, and the pictures."""
    catalogue = shipped()
    made: dict[str, tuple[str, Callable[[], str]]] = {
        "steps": ("steps.md", lambda: steps(catalogue)),
        "data": ("data.md", lambda: "\n".join(data_type(name, "##") for name in FLOWING)),
        "parts": ("data.md", lambda: "\n".join(data_type(name, "###") for name in PARTS)),
        "sources": ("citing.md", lambda: sources(catalogue)),
        "synthesis": ("synthesis.md", lambda: option_table(SynthesisConfig)),
    }
    found: dict[Path, str] = {}
    for name, (page, make) in made.items():
        path = DOCS / page
        text = found.get(path) or path.read_text(encoding="utf-8")
        pattern = re.compile(_REGION.format(name=name), flags=re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{path} has no place for {name!r}")
        found[path] = pattern.sub(partial(_fill, make()), text)
    graph = read_pipeline(find_pipeline("vertebra_voxel"), catalogue)
    found[DOCS / "images" / "vertebra_voxel.svg"] = to_svg(graph).rstrip("\n") + "\n"
    return found


def _fill(content: str, place: re.Match[str]) -> str:
    return f"{place[1]}\n{content.strip()}\n\n{place[2]}"


def shipped() -> Catalogue:
    """What ships, without the plugins that happen to be installed beside it."""
    catalogue = load_catalogue()
    return Catalogue({name: offer for name, offer in catalogue.offers.items() if offer.distribution == "culmann"})


def steps(catalogue: Catalogue) -> str:
    """A section for each kind of step, with a list and then each step."""
    parts = []
    for kind in KINDS:
        offers = catalogue.of_kind(kind)
        if offers:
            about = inspect.cleandoc(getattr(hookspecs, f"culmann_{kind}").__doc__ or "").partition(":")[0]
            rows = [(f"[{offer.step.name}](#{offer.step.name})", offer.step.summary.rstrip(".")) for offer in offers]
            parts += [f"## {kind.replace('_', ' ').capitalize()}\n", f"{about}.\n", table(("step", "what it is"), rows)]
            parts += [step(offer) for offer in offers]
    return "\n".join(parts)


def option_table(model: type[Config]) -> str:
    """The options of a command."""
    rows = [(f"`{o.name}`", o.type, _default(o), o.description) for o in describe_options(model)]
    return table(("option", "value", "default", "what it is"), rows)


def step(offer: Offer) -> str:
    """One step: its text, ports, refusals, options and sources."""
    facts = describe(offer)
    text, sections = split_docstring(facts.text)
    parts = [f"### {offer.step.name}\n", text, ""]
    if offer.has_ports:
        parts.append(f"{_takes(offer, facts)} Gives {_ports(facts.gives)}.\n")
    for error, when in entries(sections.get("Raises", "")):
        parts.append(f"Ends with an `{error}`{' ' if when.startswith('When ') else ': '}{when[:1].lower()}{when[1:]}\n")
    if facts.options:
        rows = [(f"`{o.name}`", o.type, _default(o), o.description) for o in facts.options]
        parts.append(table(("option", "value", "default", "what it is"), rows))
    if offer.step.cite:
        parts.append(f"Sources: {'; '.join(map(linked, offer.step.cite))}.\n")
    return "\n".join(parts)


def _takes(offer: Offer, facts: Description) -> str:
    if offer.kind != "readers":
        return f"Takes {_ports(facts.takes)}."
    endings = ", ".join(f"`{ending}`" for ending in offer.step.suffixes if ending != "/")
    return f"Takes a file that ends in {endings}{', or a folder' if '/' in offer.step.suffixes else ''}."


def _ports(named: dict[str, str]) -> str:
    """Names with their types, which link to what they are; a single output has no name."""
    told = []
    for name, kind in named.items():
        bare, _, optional = kind.partition(" ")
        link = f"[{bare}](data.md#{bare.lower()}){' ' if optional else ''}{optional}"
        told.append(f"`{name}`: {link}" if name else link)
    return ", ".join(told)


def _default(option: Option) -> str:
    return "must be given" if option.default is None else f"`{option.default}`"


def data_type(name: str, level: str) -> str:
    """One data type: its text, its files, its fields."""
    kind = getattr(culmann.data, name)
    text, sections = split_docstring(inspect.cleandoc(kind.__doc__))
    parts = [f"{level} {name}\n", text, ""]
    if hasattr(kind, "save"):
        files = inspect.cleandoc(kind.save.__doc__).splitlines()[0].removeprefix("Write ")
        parts.append(f"Files: {files}\n")
    rows = [
        (", ".join(f"`{field}`" for field in fields.split(", ")), about) for fields, about in entries(sections["Parameters"])
    ]
    parts.append(table(("field", "what it holds"), rows))
    return "\n".join(parts)


def sources(catalogue: Catalogue) -> str:
    """Which source stands behind which steps."""
    users: dict[str, list[str]] = {}
    for offer in catalogue.offers.values():
        for source in offer.step.cite:
            users.setdefault(source, []).append(f"[{offer.step.name}](steps.md#{offer.step.name})")
    rows = [(linked(source), ", ".join(names)) for source, names in sorted(users.items())]
    return table(("source", "steps"), rows)


def split_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description as Markdown, and {heading: content} of the numpy sections."""
    first, *rest = _HEADING.split(text)
    headings, contents = rest[::2], rest[1::2]
    return literal_blocks(first.strip()), dict(zip(headings, contents, strict=True))


def literal_blocks(text: str) -> str:
    """Blocks that `::` introduces, as fenced blocks."""
    pattern = re.compile(r"(?:^|(?<=\S))(:?):\n\n((?: {4}.*\n?|\n(?= {4}))+)", flags=re.MULTILINE)
    return pattern.sub(lambda found: f"{found[1]}\n```text\n{textwrap.dedent(found[2]).strip()}\n```\n", text).strip()


def entries(section: str) -> list[tuple[str, str]]:
    """(term, its text in one line) of a numpy section."""
    found = re.findall(r"^(\S.*)\n((?: {4}.*\n?|\n)+)", section + "\n", flags=re.MULTILINE)
    return [(term, " ".join(about.split())) for term, about in found]


def linked(source: str) -> str:
    """A source, with a link where it has a DOI."""
    doi = source.removeprefix("doi:")
    return source if doi == source else f"[{source}](https://doi.org/{doi})"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(DOCS.parent))
