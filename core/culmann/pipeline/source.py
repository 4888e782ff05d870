"""YAML text into a tree in which every value knows its line: YAML 1.2 scalars, no tags, no aliases, bounded size and depth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from culmann.pipeline.problems import Mark, Problems, Source

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

Scalar = None | bool | int | float | str

# The core schema of YAML 1.2.2, section 10.3.2: `no` is text, `012` is 12, `0o14` is 12, `1e-3` is a number.
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_OCTAL = re.compile(r"0o[0-7]{1,300}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INF = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place.

    Parameters
    ----------
    mark
        Where it stands.
    value
        A scalar, a tuple of nodes, or a dict of nodes. Keys are text, as in JSON.
    keys
        Where each key of a dict stands.
    """

    mark: Mark
    value: Scalar | tuple[Node, ...] | dict[str, Node]
    keys: Mapping[str, Mark] = field(default_factory=dict)

    @property
    def items(self) -> dict[str, Node]:
        """The entries of a mapping; of anything else, none."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def kind(self) -> str:
        """What it is, for messages."""
        match self.value:
            case dict():
                return "a mapping"
            case tuple():
                return "a list"
            case str():
                return f"the text {self.value!r}"
            case None:
                return "nothing"
            case bool():
                return "true" if self.value else "false"
            case _:
                return f"the number {self.value}"

    def plain(self) -> Any:
        """The value without its marks."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value

    def put(self, path: tuple[str, ...], node: Node, key: Mark) -> Node:
        """This mapping with the value at a path of keys replaced or added; `key` is where a new key stands."""
        if not path:
            return node
        below = self.items.get(path[0], Node(key, {}))
        items = {**self.items, path[0]: below.put(path[1:], node, key)}
        mark = key if len(path) == 1 else self.keys.get(path[0], key)
        return Node(self.mark, items, {**self.keys, path[0]: mark})


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar in the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text[0] in "tT"
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if infinite := _INF.fullmatch(text):
        return float(f"{infinite[1]}inf")
    return float("nan") if _NAN.fullmatch(text) else text


def parse(source: Source, problems: Problems, *, first_column: int = 1) -> Node | None:
    """The tree of a YAML document. Notes what is wrong in `problems`; None when there is no tree at all."""
    if len(source.text.encode(errors="replace")) > MAX_BYTES:
        problems.add(Mark(source, 1, 1), f"the text is longer than {MAX_BYTES // 1_000_000} MB")
        return None
    return _Parser(source, problems, first_column).document()


class _UnreadableError(Exception):
    """Nothing more can be read."""


class _Parser:
    def __init__(self, source: Source, problems: Problems, first_column: int) -> None:
        self.source, self.problems, self.offset = source, problems, first_column - 1

    def document(self) -> Node | None:
        try:
            # The pure parser: its events come from an explicit stack, so that deep nesting cannot exhaust Python's.
            self.loader = yaml.SafeLoader(self.source.text[self.offset :])
            self.take()
            if isinstance(self.take(), yaml.StreamEndEvent):
                self.problems.add(Mark(self.source, 1, 1), "there is nothing in it")
                return None
            node = self.node(self.take(), 1)
            self.take()
            last = self.take()
            if not isinstance(last, yaml.StreamEndEvent):
                self.problems.add(self.mark(last), "a second document starts here; there can be only one")
            return node
        except yaml.MarkedYAMLError as problem:
            where = self.place(problem.problem_mark or problem.context_mark)
            what = " ".join(part for part in (problem.context, problem.problem) if part)
            self.problems.add(where, f"this is not YAML: {what}", _yaml_hint(what))
        except yaml.reader.ReaderError as problem:
            before = self.source.text[: problem.position + self.offset]
            place = Mark(self.source, before.count("\n") + 1, len(before) - before.rfind("\n"))
            self.problems.add(place, f"a character that YAML does not allow: {problem.character!r}")
        except _UnreadableError:
            pass
        return None

    def take(self) -> yaml.Event:
        event: yaml.Event = self.loader.get_event()  # type: ignore[no-untyped-call]
        return event

    def place(self, mark: Any, width: int = 1) -> Mark:
        if mark is None:
            return Mark(self.source, 1, 1)
        return Mark(self.source, mark.line + 1, mark.column + 1 + (self.offset if mark.line == 0 else 0), width)

    def mark(self, event: yaml.Event) -> Mark:
        start: Any = event.start_mark
        end: Any = event.end_mark
        width = end.column - start.column if isinstance(event, yaml.ScalarEvent) and start.line == end.line else 1
        return self.place(start, max(1, width))

    def refuse_extras(self, event: yaml.Event) -> None:
        if anchor := getattr(event, "anchor", None):
            sign = "alias" if isinstance(event, yaml.AliasEvent) else "anchor"
            self.problems.add(self.mark(event), f"the {sign} {anchor!r}: write the value out, there are no aliases here")
        tag = getattr(event, "tag", None)
        if tag and tag != "!":
            self.problems.add(self.mark(event), f"the tag {tag!r}: there are no tags here")

    def node(self, event: yaml.Event, depth: int) -> Node:
        mark = self.mark(event)
        if depth > MAX_DEPTH:
            self.problems.add(mark, f"nested more than {MAX_DEPTH} deep")
            raise _UnreadableError
        self.refuse_extras(event)
        if isinstance(event, yaml.ScalarEvent):
            return Node(mark, resolve(event.value) if event.implicit[0] and not event.style else event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            entries = []
            while not isinstance(event := self.take(), yaml.SequenceEndEvent):
                entries.append(self.node(event, depth + 1))
            return Node(mark, tuple(entries))
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(mark, depth)
        return Node(mark, None)  # an alias, refused above

    def mapping(self, mark: Mark, depth: int) -> Node:
        items: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := self.take(), yaml.MappingEndEvent):
            where = self.mark(event)
            key_node = self.node(event, depth + 1)
            if not isinstance(event, yaml.ScalarEvent):
                self.problems.add(where, "a key must be plain text")
            key = event.value if isinstance(event, yaml.ScalarEvent) else str(key_node.plain())
            value = self.node(self.take(), depth + 1)
            if key in items:
                self.problems.add(
                    where, f"the key {key!r} stands here for a second time; the first is in line {keys[key].line}"
                )
            else:
                items[key], keys[key] = value, where
        return Node(mark, items, keys)


def _yaml_hint(what: str) -> str:
    if "\\t" in what:
        return "indent with spaces, YAML takes no tabs"
    if "mapping values are not allowed" in what:
        return "is there a colon in a text? put the text in quotes; or is the line indented wrongly?"
    return ""
