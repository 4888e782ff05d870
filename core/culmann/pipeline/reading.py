"""From a pipeline file to its graph: every step found, its options checked, its ports connected, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from culmann.errors import PluginError
from culmann.home import from_home
from culmann.pipeline.document import Document, WrittenInput, WrittenOutput, WrittenStep, read_documents
from culmann.pipeline.graph import Graph, GraphStep, Input, Output
from culmann.pipeline.inputs import check_reader, data_type
from culmann.pipeline.options import check_options
from culmann.pipeline.problems import Problems
from culmann.pipeline.source import Node
from culmann.pipeline.wiring import Board, connect
from culmann.plugins import Catalogue, find, with_files
from culmann.ports import ports_of

#: Kinds that a pipeline file cannot name as a step, and what to do instead.
_NO_STEPS = {
    "readers": "name it in an input",
    "executors": "it runs cohorts",
    "run_reports": "it is made at the end of every run, without being named",
}


def read_pipeline(
    path: Path,
    catalogue: Catalogue,
    settings: Sequence[str] = (),
    variants: Sequence[str] = (),
    *,
    text: str | None = None,
) -> Graph:
    """Read a pipeline file and check everything that can be checked without the data.

    Parameters
    ----------
    path
        The YAML file.
    catalogue
        The plugins.
    settings
        Options to change, each `step.option=value` with the value written as in YAML.
    variants
        The variants to run; all of them when none is named.
    text
        What the file held, when that is not to be read from it; it need not be there then.

    Returns
    -------
    Graph
        Where the file has variants, the graph of the first one, which holds them all.

    Raises
    ------
    PipelineError
        One error that tells all problems with their places.
    """
    problems = Problems()
    documents = read_documents(Path(path), settings, variants, problems, text)
    catalogue = _with_plugins(documents[0], catalogue, problems)
    graphs = [_graph(document, catalogue, tuple(settings), problems) for document in documents]
    problems.stop_if_any()
    return replace(graphs[0], variants={graph.variant: graph for graph in graphs if graph.variant})


def _graph(document: Document, catalogue: Catalogue, settings: tuple[str, ...], problems: Problems) -> Graph:
    inputs = {entry.id: found for entry in document.inputs if (found := _input(entry, catalogue, problems))}
    steps, board = _steps(document, inputs, catalogue, problems)
    outputs = tuple(_outputs(document.outputs, board, problems))
    if not problems.found:
        _check_use(document, steps, outputs, problems)
    text, name, about = document.source.text, document.name, document.about
    return Graph(name, about, document.path, text, settings, catalogue, inputs, steps, outputs, document.variant)


def _with_plugins(document: Document, catalogue: Catalogue, problems: Problems) -> Catalogue:
    for node in document.plugins:
        file = (document.source.folder / str(node.value)).resolve()
        try:
            catalogue = with_files(catalogue, [file])
        except PluginError as problem:
            problems.add(node.mark, problem.message, problem.hint)
        for bad in catalogue.broken:
            if bad.distribution == str(file):
                problems.add(node.mark, f"{bad.origin} cannot be used: {bad.error}")
    return catalogue


def _input(entry: WrittenInput, catalogue: Catalogue, problems: Problems) -> Input | None:
    if entry.type is None:
        return None
    kind = data_type(entry.type, catalogue, problems)
    path = None
    if entry.path is not None:
        path = (entry.path.mark.source.folder / from_home(str(entry.path.value))).resolve()
    use = None
    if entry.use is not None:
        try:
            use = find(catalogue, str(entry.use.value))
        except PluginError as problem:
            problems.add(entry.use.mark, problem.message, problem.hint)
            return None
    if kind is None:
        return None
    found = Input(entry.id, kind, entry.about, path, use, entry.options, entry.mark)
    check_reader(found, entry.use.mark if entry.use else entry.mark, catalogue, problems)
    return found


def _steps(
    document: Document, inputs: Mapping[str, Input], catalogue: Catalogue, problems: Problems
) -> tuple[dict[str, GraphStep], Board]:
    order = [entry.id for entry in document.inputs] + [entry.id for entry in document.steps]
    board = Board(order, needs={entry.id: _named(entry.links) for entry in document.steps})
    for entry in document.inputs:
        board.types[entry.id] = inputs[entry.id].type if entry.id in inputs else None
    steps: dict[str, GraphStep] = {}
    for written in document.steps:
        if written.id in board.types:
            problems.add(written.mark, f"{written.id!r} is the name of an input already")
            continue
        step = _step(written, board, catalogue, problems)
        if step is not None:
            steps[written.id] = step
        elif not any(value.partition(".")[0] == written.id for value in board.types):
            board.types[written.id] = None
    return steps, board


def _step(written: WrittenStep, board: Board, catalogue: Catalogue, problems: Problems) -> GraphStep | None:
    if written.use is None:
        return None
    try:
        offer = find(catalogue, str(written.use.value))
        if offer.kind in _NO_STEPS:
            what = offer.kind.replace("_", " ")
            raise PluginError(f"{offer.step.name!r} belongs to the {what} and cannot be a step", hint=_NO_STEPS[offer.kind])
        ports = ports_of(offer)
    except PluginError as problem:
        problems.add(written.use.mark, problem.message, problem.hint)
        return None
    before = len(problems.found)
    who = f"step {written.id!r} ({offer.step.name})"
    config = check_options(ports.config, written.options, written.mark, who, problems)
    links = connect(board, written, ports, problems)
    if links is not None:
        board.add_step(written.id, links, ports)  # even when an option is wrong: the steps below can be checked
    if links is None or len(problems.found) > before:
        return None
    return GraphStep(written.id, offer, ports, config, links, written.about)


def _named(links: Node | None) -> set[str]:
    refs = [] if links is None else list(links.items.values()) or [links]
    return {str(ref.value).partition(".")[0] for ref in refs if isinstance(ref.value, str)}


def _outputs(written: Sequence[WrittenOutput], board: Board, problems: Problems) -> list[Output]:
    from culmann.data import Report

    found: list[Output] = []
    at_top: dict[type, str] = {}
    for entry in written:
        value = board.look_up(entry.value, "", problems)
        kind = board.types[value] if value is not None else None
        if value is None or kind is None:
            continue
        if not entry.folder and kind is not Report:
            if kind in at_top:
                message = f"{at_top[kind]!r} and {value!r} are both {kind.__name__}: their files would have the same names"
                hint = f"give each a folder: `outputs: {{{at_top[kind]}: {at_top[kind]}, {value}: {value}}}`"
                problems.add(entry.value.mark, message, hint)
            at_top[kind] = value
        found.append(Output(value, entry.folder))
    return found


def _check_use(document: Document, steps: Mapping[str, GraphStep], outputs: Sequence[Output], problems: Problems) -> None:
    used = {value.partition(".")[0] for step in steps.values() for value in step.links.values() if value}
    used |= {output.value.partition(".")[0] for output in outputs}
    for entry in document.inputs:
        if entry.id not in used:
            problems.add(entry.mark, f"no step takes the input {entry.id!r}", "connect it with `from`, or remove it")
    for written in document.steps:
        if written.id not in used:
            hint = "connect it with `from`, name it in `outputs`, or remove it"
            problems.add(written.mark, f"nothing takes the result of step {written.id!r}", hint)
