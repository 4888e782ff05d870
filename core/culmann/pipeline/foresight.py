"""What would stop a run and is known before it: packages that are missing, and what a step says that it would refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from typing import cast

from culmann.config import Config
from culmann.errors import PipelineError
from culmann.pipeline.graph import Graph, GraphStep

_EXTRA = re.compile(r"""["']?([A-Za-z0-9._-]+)\[([A-Za-z0-9._-]+)\]["']?""")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?.*;.*extra\s*==\s*[\"']([A-Za-z0-9._-]+)[\"']")

#: What stands behind `Step.foresee`.
Foresee = Callable[[Config | None, Mapping[str, Config | None]], Iterable[str]]


def expect_no_stop(graph: Graph, steps: Collection[str] | None = None) -> None:
    """Raise PipelineError when a run of the pipeline, or of one of its variants, is known to stop; all reasons at once.

    `steps` are those that are to be computed; None stands for all.
    """
    told = dict.fromkeys(text for part in graph.variants.values() or [graph] for text in foreseen(part, steps))
    if told:
        raise PipelineError("\n".join(["the pipeline is written correctly, and a run would stop:", *told]))


def foreseen(graph: Graph, steps: Collection[str] | None = None) -> Iterator[str]:
    """What would stop a run at one of the steps, or at any, one sentence each, in the order of the steps."""
    for step in graph.steps.values():
        if steps is not None and step.id not in steps:
            continue
        who = f"step {step.id!r} ({step.offer.step.name})"
        extra = step.offer.step.extra
        if extra and (missing := missing_packages(extra)):
            yield f"{who} needs {', '.join(missing)}: pip install {extra if extra[0] in _QUOTES else repr(extra)}"
        yield from (f"{who}: {text}" for text in _asked(step, graph))


_QUOTES = "\"'"


def missing_packages(extra: str) -> list[str]:
    """Distributions that an extra (`culmann[gmsh]`) asks for and that are not installed; empty when it is not known."""
    found = _EXTRA.fullmatch(extra)
    if found is None:
        return []
    try:
        wanted = requires(found[1]) or []
    except PackageNotFoundError:
        return []
    missing = list[str]()
    for text in wanted:
        needed = _REQUIREMENT.fullmatch(text)
        if needed is None or needed[3] != found[2] or needed[2]:
            continue
        if not _is_here(needed[1]):
            missing.append(needed[1])
    return missing


def _is_here(name: str) -> bool:
    """Whether a distribution is installed, or, as conda has gmsh, a module of that name without one."""
    try:
        version(name)
    except PackageNotFoundError:
        return find_spec(name.replace("-", "_")) is not None
    return True


def _asked(step: GraphStep, graph: Graph) -> Iterator[str]:
    if step.offer.step.foresee is None:
        return
    module, _, name = step.offer.step.foresee.partition(":")
    foresee = cast(Foresee, getattr(import_module(module), name))
    above = (graph.steps[name] for name in graph.upstream(step.id) if name in graph.steps)
    yield from foresee(step.config, {other.offer.step.name: other.config for other in above})
