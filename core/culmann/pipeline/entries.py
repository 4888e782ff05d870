"""The forms that an entry of a YAML file may have, checked where they are read: a mapping of known keys, and a text."""

from __future__ import annotations

from collections.abc import Sequence

from culmann.pipeline.problems import Problems, did_you_mean
from culmann.pipeline.source import Node


def known_entries(node: Node, what: str, known: Sequence[str], problems: Problems) -> dict[str, Node]:
    """The entries of a mapping whose keys are known."""
    if not isinstance(node.value, dict):
        problems.add(node.mark, f"{what} is a mapping, and this is {node.kind}", f"its keys: {', '.join(known)}")
        return {}
    for key in node.items:
        if key not in known:
            problems.add(node.keys[key], f"{what} has no key {key!r}{did_you_mean(key, known)}")
    return {key: value for key, value in node.items.items() if key in known}


def text_of(node: Node | None, what: str, problems: Problems) -> str:
    """A text; empty where there is none."""
    if node is None:
        return ""
    if not isinstance(node.value, str) or not node.value.strip():
        problems.add(node.mark, f"{what} must be text, and this is {node.kind}")
        return ""
    return node.value.strip()
