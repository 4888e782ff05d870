"""Variants of a pipeline: the same steps with other options, by name, from the `variants` of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from culmann.errors import PipelineError
from culmann.pipeline.problems import Problems, did_you_mean
from culmann.pipeline.source import Node

#: A variant gives its name to a folder.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_SHAPE = "variants: {left: {bone: {labels: [femur-left]}}, right: {bone: {labels: [femur-right]}}}"
#: Names that mean something else in the run folder.
RESERVED = ("manifest.json", "summary.csv")


def read_variants(node: Node | None, problems: Problems) -> dict[str, Node]:
    """{variant: {step or input: {option: value}}}; empty when the file has no variants."""
    if node is None:
        return {}
    if not isinstance(node.value, dict) or not node.items:
        problems.add(
            node.mark, f"variants is a mapping of names to options, and this is {node.kind}", f"for example `{_SHAPE}`"
        )
        return {}
    for name, changes in node.items.items():
        if not _NAME.fullmatch(name) or name in RESERVED:
            problems.add(node.keys[name], f"{name!r} cannot be the name of a variant: it becomes the name of a folder")
        if changes.value is not None and not isinstance(changes.value, dict):
            problems.add(changes.mark, f"variant {name!r} is a mapping of steps, and this is {changes.kind}", f"`{_SHAPE}`")
            continue
        for owner, options in changes.items.items():
            if not isinstance(options.value, dict):
                message = f"variant {name!r}: the options of {owner!r} are a mapping, and this is {options.kind}"
                problems.add(options.mark, message, f"for example `{_SHAPE}`")
    return dict(node.items)


def with_changes(sections: Mapping[str, Node], changes: Node, problems: Problems) -> dict[str, Node]:
    """The sections with each option that a variant changes put into the `with` of its step or input."""
    changed = dict(sections)
    for owner, options in changes.items.items():
        home = next((key for key, section in sections.items() if owner in section.items), None)
        if home is None:
            known = [key for section in sections.values() for key in section.items]
            problems.add(changes.keys[owner], f"there is no step or input {owner!r}{did_you_mean(owner, known)}")
            continue
        for option, value in options.items.items():
            changed[home] = changed[home].put((owner, "with", option), value, options.keys[option])
    return changed


def choose(variants: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The variants to run, in the order of the file. Raises PipelineError for one that is not there."""
    for name in wanted:
        if not variants:
            raise PipelineError(f"the pipeline has no variants, and so no {name!r}", hint="leave `--variant` out")
        if name not in variants:
            raise PipelineError(f"there is no variant {name!r}{did_you_mean(name, variants)}")
    return [name for name in variants if not wanted or name in wanted]
