"""The graph of a checked pipeline: its inputs, steps and outputs, and what rests on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from culmann.catalogue import Catalogue, Offer
from culmann.config import Config
from culmann.pipeline.problems import Mark
from culmann.pipeline.source import Node
from culmann.ports import ONLY, Ports


@dataclass(frozen=True, slots=True)
class Input:
    """A value that is read from a file.

    Parameters
    ----------
    id, about
        Its name and what it is.
    type
        What the reader must give.
    path
        The file when none is given to the run.
    use
        The reader that the pipeline file names; otherwise one is chosen by the ending of the file.
    options
        What is written under `with`, checked again when the reader is known.
    mark
        Its place in the pipeline file.
    """

    id: str
    type: type
    about: str
    path: Path | None
    use: Offer | None
    options: Node | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class GraphStep:
    """A step with its options and connections: `links` is {port: value id, or None for an optional port left empty}."""

    id: str
    offer: Offer
    ports: Ports
    config: Config | None
    links: Mapping[str, str | None]
    about: str = ""

    def value_ids(self) -> dict[str, str]:
        """{output name: value id}."""
        return {name: self.id if name == ONLY else f"{self.id}.{name}" for name in self.ports.outputs}


@dataclass(frozen=True, slots=True)
class Output:
    """A value that the run keeps, and the sub-folder for its files (empty for the top of the run folder)."""

    value: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked pipeline.

    Parameters
    ----------
    name, about
        From the file.
    path, text
        The file and its content.
    settings
        What was set over it, as `step.option=value`.
    catalogue
        The plugins, with those that the file names itself.
    inputs, steps
        By id, in the order of the file.
    outputs
        What the run keeps.
    variant
        The name of the variant of the file that this is, empty where the file has none.
    variants
        {name: graph}: all variants that are to run, this one among them.
    """

    name: str
    about: str
    path: Path
    text: str
    settings: tuple[str, ...]
    catalogue: Catalogue
    inputs: Mapping[str, Input]
    steps: Mapping[str, GraphStep]
    outputs: tuple[Output, ...]
    variant: str = ""
    variants: Mapping[str, Graph] = field(default_factory=dict)

    def types(self) -> dict[str, type]:
        """{value id: type} of everything that flows."""
        flowing = {name: entry.type for name, entry in self.inputs.items()}
        for step in self.steps.values():
            flowing |= {value: step.ports.outputs[name] for name, value in step.value_ids().items()}
        return flowing

    def upstream(self, owner: str) -> list[str]:
        """Ids of all inputs and steps that a step's result rests on, in the order of the file, without itself."""
        needed, waiting = set[str](), [owner]
        while waiting:
            step = self.steps.get(waiting.pop())
            above = {value.partition(".")[0] for value in step.links.values() if value} if step else set()
            waiting += above - needed
            needed |= above
        return [name for name in [*self.inputs, *self.steps] if name in needed]
