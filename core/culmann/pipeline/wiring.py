"""Which value goes into which port: what is written after `from`, and what follows from the types where nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from culmann.pipeline.document import WrittenStep
from culmann.pipeline.problems import Mark, Problems, did_you_mean
from culmann.pipeline.source import Node
from culmann.ports import ONLY, Port, Ports


@dataclass(slots=True)
class Board:
    """The values that exist so far, in the order of the file.

    Parameters
    ----------
    order
        Ids of all inputs and steps of the file, in its order.
    types
        {value id: type}; None while the type is unknown because its step has a problem of its own.
    replaced
        Values that a step turned into another of the same type: a port without `from` takes the newer one.
    groups
        {step id: its value ids} for steps with several outputs.
    needs
        {step id: step and input ids that its `from` names}, to tell a cycle from a step that merely stands too low.
    """

    order: Sequence[str]
    types: dict[str, type | None] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    groups: dict[str, list[str]] = field(default_factory=dict)
    needs: Mapping[str, set[str]] = field(default_factory=dict)

    def add_step(self, step: str, links: Mapping[str, str | None], ports: Ports) -> None:
        """Put the outputs of a step on the board."""
        taken = {value: self.types[value] for value in links.values() if value is not None}
        self.replaced |= {value for value, kind in taken.items() if kind in ports.outputs.values()}
        for name, kind in ports.outputs.items():
            self.types[step if name == ONLY else f"{step}.{name}"] = kind
        if ONLY not in ports.outputs:
            self.groups[step] = [f"{step}.{name}" for name in ports.outputs]

    def candidates(self, kind: type) -> list[str]:
        """Values that a port of this type may take without being told."""
        return [v for v, t in self.types.items() if t is not None and issubclass(t, kind) and v not in self.replaced]

    @property
    def incomplete(self) -> bool:
        """Whether a step above is not understood, so that what is missing may well be its result."""
        return None in self.types.values()

    def look_up(self, ref: Node, step: str, problems: Problems) -> str | None:
        """The value that a text after `from` (or in `outputs`, with an empty step) names, or a problem noted."""
        name = str(ref.value)
        base = name.partition(".")[0]
        if name in self.types:
            return name
        if base == step and step:
            problems.add(ref.mark, f"step {step!r} takes its own result")
        elif name in self.groups:
            several = self.groups[name]
            problems.add(ref.mark, f"{name!r} gives several results", f"name one of them: {', '.join(several)}")
        elif base in self.types and self.types[base] is None:
            pass  # its step has a problem, told elsewhere
        elif base in self.groups:
            problems.add(ref.mark, f"{base!r} has no result {name!r}{did_you_mean(name, self.groups[base])}")
        elif base in self.types:
            problems.add(ref.mark, f"{base!r} has a single result; write `{base}`")
        elif base in self.order:
            self._below(ref.mark, base, step, problems)
        else:
            problems.add(ref.mark, f"there is no step or input {name!r}{did_you_mean(name, self.order)}")
        return None

    def _below(self, mark: Mark, base: str, step: str, problems: Problems) -> None:
        circle = self._path(base, step)
        if circle:
            problems.add(mark, f"the steps go in a circle: {' needs '.join([step, *circle])}")
        else:
            problems.add(mark, f"step {base!r} stands below {step!r}", f"move {base!r} above it")

    def _path(self, start: str, end: str, seen: tuple[str, ...] = ()) -> list[str]:
        if start == end:
            return [end]
        for needed in sorted(self.needs.get(start, ())):
            if needed not in seen and (rest := self._path(needed, end, (*seen, start))):
                return [start, *rest]
        return []


def connect(board: Board, step: WrittenStep, ports: Ports, problems: Problems) -> dict[str, str | None] | None:
    """{port: value id, or None for an optional port that stays empty}; None when a problem was noted."""
    before = len(problems.found)
    who = f"step {step.id!r} ({step.use.value if step.use else '?'})"
    links: dict[str, str | None] = {}
    if step.links is not None:
        links = _written(board, step, step.links, ports, who, problems)
    if len(problems.found) > before:
        return None
    written = set(links)
    given = {value for value in links.values() if value is not None}
    for optional in (False, True):
        waiting = [port for port in ports.inputs.values() if port.name not in links and port.optional is optional]
        choices = {port.name: [v for v in board.candidates(port.type) if v not in given] for port in waiting}
        for port in waiting:
            links[port.name] = _choose(board, step, port, waiting, choices[port.name], who, ports, problems)
        given |= {value for value in links.values() if value is not None}
    guessed = board.incomplete and any(port.name not in written for port in ports.inputs.values())
    return None if len(problems.found) > before or guessed else links


def _choose(
    board: Board,
    step: WrittenStep,
    port: Port,
    waiting: list[Port],
    values: list[str],
    who: str,
    ports: Ports,
    problems: Problems,
) -> str | None:
    if board.incomplete:
        return None
    rivals = [other.name for other in waiting if other.type is port.type]
    takes = f"{who}: its port {port.name!r} takes {port.type.__name__}"
    if not values:
        if not port.optional:
            problems.add(step.mark, f"{takes}, and nothing above it gives that", "add an input or a step that does")
    elif len(rivals) > 1:
        if port.name == rivals[0]:
            example = ", ".join(f"{name}: …" for name in rivals)
            message = f"{who}: its ports {' and '.join(map(repr, rivals))} both take {port.type.__name__}"
            problems.add(step.mark, message, f"say which takes what, `from: {{{example}}}`, out of {', '.join(values)}")
    elif len(values) > 1:
        ways = [f"`from: {v}`" if len(ports.inputs) == 1 else f"`from: {{{port.name}: {v}}}`" for v in values]
        problems.add(step.mark, f"{takes}, and that may be {' or '.join(map(repr, values))}", f"write {' or '.join(ways)}")
    else:
        return values[0]
    return None


def _written(board: Board, step: WrittenStep, node: Node, ports: Ports, who: str, problems: Problems) -> dict[str, str | None]:
    """What `from` says."""
    links: dict[str, str | None] = {}
    if isinstance(node.value, dict):
        for name, ref in node.items.items():
            port = ports.inputs.get(name)
            if port is None:
                problems.add(node.keys[name], f"{who} has no port {name!r}{did_you_mean(name, ports.inputs)}")
            elif ref.value is None and port.optional:
                links[name] = None
            elif not isinstance(ref.value, str):
                problems.add(ref.mark, f"{who}: the port {name!r} takes the name of a step or input, and this is {ref.kind}")
            else:
                value = board.look_up(ref, step.id, problems)
                kind = board.types[value] if value is not None else None
                if value is not None and kind is not None:
                    links[name] = value
                    if not issubclass(kind, port.type):
                        takes = f"the port {name!r} takes {port.type.__name__}"
                        problems.add(ref.mark, f"{who}: {takes}, and {value!r} is {kind.__name__}")
        return links
    if not isinstance(node.value, str):
        problems.add(node.mark, f"{who}: `from` is a name, or a mapping of ports to names, and this is {node.kind}")
        return links
    value = board.look_up(node, step.id, problems)
    kind = board.types[value] if value is not None else None
    if value is None or kind is None:
        return links
    fitting = [port for port in ports.inputs.values() if issubclass(kind, port.type)]
    fitting = [port for port in fitting if not port.optional] or fitting
    if len(fitting) == 1:
        return {fitting[0].name: value}
    if fitting:
        ways = " or ".join(f"`from: {{{port.name}: {value}}}`" for port in fitting)
        problems.add(node.mark, f"{who}: {value!r} fits more than one port", f"write {ways}")
    else:
        takes = ", ".join(f"{port.name} ({port.type.__name__})" for port in ports.inputs.values()) or "nothing"
        problems.add(node.mark, f"{who} takes {takes}, and {value!r} is {kind.__name__}")
    return links
