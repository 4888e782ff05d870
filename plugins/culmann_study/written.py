"""What stands in a study file, key by key: each of its form, or a problem with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from culmann.pipeline.entries import known_entries, text_of
from culmann.pipeline.problems import Problems
from culmann.pipeline.source import Node
from culmann_study.variations import Value


@dataclass(frozen=True, slots=True)
class Written:
    """Reads parts of the file, and notes what is wrong in `problems`."""

    problems: Problems

    def keys(self, node: Node, what: str, known: Sequence[str]) -> dict[str, Node]:
        """The entries of a mapping whose keys are known."""
        return known_entries(node, what, known, self.problems)

    def text(self, node: Node | None, what: str) -> str:
        """A text; empty where there is none."""
        return text_of(node, what, self.problems)

    def options(self, node: Node | None, what: str) -> dict[str, Value]:
        """{step.option: value}."""
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self.problems.add(
                node.mark, f"{what} is a mapping of options, and this is {node.kind}", "for example `mesh.size_mm: 3`"
            )
            return {}
        for key in node.items:
            if "." not in key:
                self.problems.add(node.keys[key], f"{what}: {key!r} is no option; an option is written step.option")
        return {key: entry.plain() for key, entry in node.items.items()}

    def names(self, node: Node | None, what: str) -> list[str]:
        """A list of texts; empty where there is none."""
        if node is None:
            return []
        if not isinstance(node.value, tuple):
            self.problems.add(
                node.mark, f"{what} is a list of columns, and this is {node.kind}", "for example `[age, operator]`"
            )
            return []
        return [str(entry.value) for entry in node.value if self.text(entry, f"an entry of {what}")]
