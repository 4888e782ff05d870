"""What a study file asks of the failure loads: analyses by name, with their options."""

from __future__ import annotations

import re
from dataclasses import dataclass

from culmann.catalogue import Catalogue, Offer
from culmann.config import Config
from culmann.data import Outcomes
from culmann.errors import PluginError
from culmann.pipeline.options import check_options
from culmann.pipeline.problems import Mark
from culmann.pipeline.source import Node
from culmann.plugins import find
from culmann.ports import ports_of
from culmann_study.designs import Design
from culmann_study.written import Written

_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: What is asked when the file does not say.
_USUAL = {"one-at-a-time": "sensitivity", "grid": "sensitivity", "morris": "sensitivity", "sobol": "sensitivity"}


@dataclass(frozen=True, slots=True)
class Asked:
    """An analysis of the failure loads: the name of its folder, what does it, and its options."""

    name: str
    offer: Offer
    config: Config | None


def read_analyses(node: Node | None, design: Design, catalogue: Catalogue, read: Written, mark: Mark) -> tuple[Asked, ...]:
    """The analyses that a file names, or the usual one of its design; `mark` is the place of the whole."""
    if node is None:
        use = str(design.facts.get("use", ""))
        usual = (
            _USUAL.get(use, "uncertainty")
            if use != "named"
            else "against-control"
            if "control" in design.facts
            else "operators"
        )
        node = Node(mark, {usual: Node(mark, {})}, {usual: mark})
    if isinstance(node.value, tuple):
        names = {str(entry.value): Node(entry.mark, {}) for entry in node.value}
        node = Node(node.mark, names, {str(entry.value): entry.mark for entry in node.value})
    found = []
    for name, entry in node.items.items():
        if not _FOLDER.fullmatch(name) or name in {"runs", "study"}:
            read.problems.add(node.keys[name], f"{name!r} cannot be the name of an analysis: it becomes a folder")
        content = read.keys(entry, f"analysis {name!r}", ("use", "with")) if entry.value is not None else {}
        use = read.text(content.get("use", Node(node.keys[name], name)), "`use`")
        at = content["use"].mark if "use" in content else node.keys[name]
        try:
            offer = find(catalogue, use)
            ports = ports_of(offer)
            if [port.type for port in ports.inputs.values()] != [Outcomes]:
                raise PluginError(f"{use!r} takes no outcomes of a study", hint="`culmann plugins` lists the analyses")
        except PluginError as problem:
            read.problems.add(at, problem.message, problem.hint)
            continue
        config = check_options(ports.config, content.get("with"), at, f"analysis {name!r} ({use})", read.problems)
        found.append(Asked(name, offer, config))
    if not node.items:
        read.problems.add(node.mark, f"`analyses` is a list of names or a mapping, and this is {node.kind}")
    return tuple(found)
