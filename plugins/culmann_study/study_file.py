"""The study file: pipelines, cases, what is varied, and what is asked of the failure loads; checked with line marks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from culmann.catalogue import Catalogue, Offer
from culmann.cohort.table import Table, read_table
from culmann.config import Config
from culmann.data import Labels, Outcomes, Strength
from culmann.errors import CulmannError, InputError, PipelineError, PluginError
from culmann.pipeline import Graph, read_pipeline
from culmann.pipeline.document import read_source
from culmann.pipeline.options import check_options
from culmann.pipeline.problems import Mark, Problems, Source, did_you_mean
from culmann.pipeline.source import Node, parse
from culmann.plugins import find
from culmann.ports import ports_of
from culmann.shipped import find_pipeline
from culmann_study.designs import DESIGNS, Design
from culmann_study.variations import Factor, Value, Variation, as_yaml, folder_names

KEYS = (
    *("name", "about", "pipeline", "cases", "cohorts", "inputs", "facts", "set"),
    *("vary", "control", "design", "factors", "masks", "analyses", "executor"),
)
_COHORT_KEYS = ("pipeline", "cases", "group")
_SHAPE = "a study has `name`, `pipeline` and `cases` (or `cohorts`), and `vary` or `design` with `factors`"
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: What is asked when the file does not say.
_USUAL = {"one-at-a-time": "sensitivity", "grid": "sensitivity", "morris": "sensitivity", "sobol": "sensitivity"}


@dataclass(frozen=True, slots=True)
class StudyCohort:
    """A pipeline and its cases. `group` is given to all cases whose table names none."""

    graph: Graph
    table: Table
    group: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """An analysis of the failure loads: the name of its folder, what does it, and its options."""

    name: str
    offer: Offer
    config: Config | None


@dataclass(frozen=True, slots=True)
class Study:
    """A checked study.

    Parameters
    ----------
    name, about, source
        From the file.
    cohorts
        What runs on which cases.
    settings
        Options that are changed in every run.
    design
        The variations.
    masks
        The id of the labels that are compared with those of the control; empty when none are.
    analyses
        What is asked of the failure loads.
    """

    name: str
    about: str
    source: Source
    cohorts: tuple[StudyCohort, ...]
    settings: tuple[str, ...]
    design: Design
    masks: str
    analyses: tuple[Asked, ...]

    @property
    def control(self) -> str:
        """The variation that the others are compared with, or the base of a design; empty when there is none."""
        return str(self.design.facts.get("control") or self.design.facts.get("base") or "")


def read_study(path: Path, catalogue: Catalogue, settings: Sequence[str] = ()) -> Study:
    """Read a study file, and check everything that can be checked without opening an image.

    Raises
    ------
    PipelineError
        One error that tells all problems of the file with their places.
    InputError
        When the header of a table of cases is wrong. What is wrong with one row is told when the study is expanded.
    """
    problems = Problems()
    root = parse(read_source(path), problems)
    if root is None or problems.found:
        problems.stop()
    return _Reading(root, catalogue, tuple(settings), problems).study()


@dataclass(slots=True)
class _Reading:
    root: Node
    catalogue: Catalogue
    settings: tuple[str, ...]
    problems: Problems

    def study(self) -> Study:
        top = self.keys(self.root, "a study file", KEYS)
        for key in ("name",):
            if key not in top:
                self.problems.add(self.root.mark, f"the key {key!r} is missing", _SHAPE)
        fixed = self.options(top.get("set"), "`set`")
        design = self.with_inputs(self.design(top), top)
        masks = self.text(top.get("masks"), "`masks`")
        graphs = self.graphs(top, (*(f"{option}={as_yaml(value)}" for option, value in fixed.items()), *self.settings))
        self.problems.stop_if_any()
        for graph, _ in graphs:
            self.check_changes(graph, design, top)
            self.check_masks(graph, masks, top)
        analyses = self.analyses(top.get("analyses"), design)
        self.problems.stop_if_any()
        columns = sorted({column for v in design.variations for column in v.columns.values()})
        facts = self.names(top.get("facts"), "`facts`")
        cohorts = tuple(self.cohort(graph, node, [*columns, *facts]) for graph, node in graphs)
        self.problems.stop_if_any()
        settings = (*(f"{option}={as_yaml(value)}" for option, value in fixed.items()), *self.settings)
        name, about = self.text(top["name"], "`name`"), self.text(top.get("about"), "`about`")
        return Study(name, about, self.root.mark.source, cohorts, settings, design, masks, analyses)

    def keys(self, node: Node, what: str, known: Sequence[str]) -> dict[str, Node]:
        if not isinstance(node.value, dict):
            self.problems.add(node.mark, f"{what} is a mapping, and this is {node.kind}", f"its keys: {', '.join(known)}")
            return {}
        for key in node.items:
            if key not in known:
                self.problems.add(node.keys[key], f"{what} has no key {key!r}{did_you_mean(key, known)}")
        return {key: value for key, value in node.items.items() if key in known}

    def text(self, node: Node | None, what: str) -> str:
        if node is None:
            return ""
        if not isinstance(node.value, str) or not node.value.strip():
            self.problems.add(node.mark, f"{what} must be text, and this is {node.kind}")
            return ""
        return node.value.strip()

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
        if node is None:
            return []
        if not isinstance(node.value, tuple):
            self.problems.add(
                node.mark, f"{what} is a list of columns, and this is {node.kind}", "for example `[age, operator]`"
            )
            return []
        return [str(entry.value) for entry in node.value if self.text(entry, f"an entry of {what}")]

    def with_inputs(self, design: Design, top: Mapping[str, Node]) -> Design:
        """The design with the columns that every variation takes an input from, unless it names another."""
        node = top.get("inputs")
        if node is None:
            return design
        if not isinstance(node.value, dict):
            hint = "for example `inputs: {labels: manual}`"
            self.problems.add(node.mark, f"`inputs` is a mapping of inputs to columns, and this is {node.kind}", hint)
            return design
        columns = {
            key: str(entry.value) for key, entry in node.items.items() if self.text(entry, f"the column for input {key!r}")
        }
        return replace(design, variations=tuple(replace(v, columns={**columns, **v.columns}) for v in design.variations))

    def graphs(self, top: Mapping[str, Node], settings: tuple[str, ...]) -> list[tuple[Graph, Node]]:
        """The pipeline of every cohort, with the entry that names it."""
        entries = [self.root]
        if "cohorts" in top:
            for key in ("pipeline", "cases"):
                if key in top:
                    self.problems.add(
                        self.root.keys[key], f"`{key}` stands in the entries of `cohorts`, or there is no `cohorts`"
                    )
            listed = top["cohorts"].value
            entries = list(listed) if isinstance(listed, tuple) else []
            if not entries:
                hint = "for example `- {pipeline: femur_sas, cases: femurs.csv}`"
                self.problems.add(top["cohorts"].mark, f"`cohorts` is a list, and this is {top['cohorts'].kind}", hint)
        found = []
        for entry in entries:
            if entry is not self.root:
                self.keys(entry, "a cohort", _COHORT_KEYS)
            for key in ("pipeline", "cases"):
                if key not in entry.items:
                    self.problems.add(entry.mark, f"the key {key!r} is missing", _SHAPE)
            name = self.text(entry.items.get("pipeline"), "`pipeline`")
            if name:
                try:
                    graph = read_pipeline(self.beside(entry.items["pipeline"]), self.catalogue, settings)
                except CulmannError as problem:
                    self.problems.add(entry.items["pipeline"].mark, problem.message, problem.hint)
                    continue
                if not any(graph.types()[output.value] is Strength for output in graph.outputs):
                    self.problems.add(entry.items["pipeline"].mark, f"{name} keeps no failure load in its `outputs`")
                found.append((graph, entry))
        return found

    def beside(self, node: Node) -> Path:
        """A pipeline by its path, from the folder of the study, or by the name of one that ships."""
        near = node.mark.source.folder / str(node.value)
        return near if near.exists() else find_pipeline(str(node.value))

    def cohort(self, graph: Graph, entry: Node, columns: Sequence[str]) -> StudyCohort:
        node = entry.items["cases"]
        path = (node.mark.source.folder / Path(str(node.value)).expanduser()).resolve()
        if not path.exists():
            self.problems.add(node.mark, f"there is no table of cases {path}")
            return StudyCohort(graph, Table(path, (), ()))
        carried = [column for column in columns if column not in graph.inputs]
        table = read_table(path, graph, carried)
        return StudyCohort(graph, table, self.text(entry.items.get("group"), "`group`"))

    def design(self, top: Mapping[str, Node]) -> Design:
        if ("vary" in top) == ("factors" in top):
            both = "both `vary` and `factors`" if "vary" in top else "neither `vary` nor `factors`"
            self.problems.add(self.root.mark, f"a study has {both}; one of them says what is varied", _SHAPE)
            return Design((), {})
        if "vary" in top:
            if "design" in top:
                self.problems.add(self.root.keys["design"], "a design goes with `factors`, not with `vary`")
            return self.named(top)
        if "control" in top:
            self.problems.add(self.root.keys["control"], "`control` goes with `vary`, not with `factors`")
        return self.of_factors(top)

    def named(self, top: Mapping[str, Node]) -> Design:
        node = top["vary"]
        if not isinstance(node.value, dict) or not node.items:
            hint = "for example `vary: {manual: {labels: manual}, eroded: {labels: manual, mask.voxels: -1}}`"
            self.problems.add(node.mark, f"`vary` is a mapping of names, and this is {node.kind}", hint)
            return Design((), {})
        found = []
        for (name, entry), folder in zip(node.items.items(), folder_names(list(node.items)), strict=True):
            if entry.value is not None and not isinstance(entry.value, dict):
                self.problems.add(
                    entry.mark, f"variation {name!r} is a mapping of inputs and options, and this is {entry.kind}"
                )
                continue
            columns, options = dict[str, str](), dict[str, Value]()
            for key, value in entry.items.items():
                if "." in key:
                    options[key] = value.plain()
                elif self.text(value, f"the column for input {key!r}"):
                    columns[key] = str(value.value)
            found.append(Variation(name, folder, columns, options))
        control = self.text(top.get("control"), "`control`")
        if control and control not in node.items:
            self.problems.add(top["control"].mark, f"there is no variation {control!r}{did_you_mean(control, node.items)}")
        return Design(tuple(found), {"use": "named", **({"control": control} if control else {})})

    def of_factors(self, top: Mapping[str, Node]) -> Design:
        factors = self.factors(top["factors"])
        node = top.get("design", Node(self.root.mark, "one-at-a-time"))
        entry = self.keys(node, "`design`", ("use", "with")) if isinstance(node.value, dict) else {"use": node}
        name = self.text(entry.get("use", Node(node.mark, None)), "the design")
        if name and name not in DESIGNS:
            self.problems.add(entry["use"].mark, f"there is no design {name!r}{did_you_mean(name, DESIGNS)}")
        if name not in DESIGNS or not factors:
            return Design((), {})
        make, model = DESIGNS[name]
        config = check_options(model, entry.get("with"), node.mark, f"design {name!r}", self.problems)
        if config is None:
            return Design((), {})
        try:
            return make(factors, config)
        except InputError as problem:
            self.problems.add(node.mark, problem.message, problem.hint)
        except ModuleNotFoundError as problem:
            self.problems.add(node.mark, f"design {name!r} needs {problem.name}: pip install 'culmann[study]'")
        return Design((), {})

    def factors(self, node: Node) -> list[Factor]:
        hint = "for example `factors: {density.slope: {mean: 0.00069, sd: 0.00002}, mask.voxels: [-1, 0, 1]}`"
        if not isinstance(node.value, dict) or not node.items:
            self.problems.add(node.mark, f"`factors` is a mapping of options, and this is {node.kind}", hint)
            return []
        self.options(node, "`factors`")
        found = []
        for option, entry in node.items.items():
            if isinstance(entry.value, tuple) and entry.value:
                found.append(Factor(option, "values", tuple(value.plain() for value in entry.value)))
                continue
            kind = {"from to": "range", "mean sd": "normal"}.get(" ".join(entry.items))
            numbers = [value.value for value in entry.items.values()]
            plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers)
            if kind is None or not plain:
                self.problems.add(
                    entry.mark, f"factor {option!r} is a list of values, {{from: , to: }} or {{mean: , sd: }}", hint
                )
            elif kind == "normal" and float(str(numbers[1])) <= 0:
                self.problems.add(entry.items["sd"].mark, f"factor {option!r}: an SD is above 0")
            else:
                found.append(
                    Factor(option, "range" if kind == "range" else "normal", tuple(v.plain() for v in entry.items.values()))
                )
        return found

    def check_changes(self, graph: Graph, design: Design, top: Mapping[str, Node]) -> None:
        """Every input and option that is varied exists in a pipeline, and takes the value."""
        tried: set[str] = set()
        for variation in design.variations:
            home = top["vary"].items[variation.name] if "vary" in top else top["factors"]
            for name in variation.columns:
                if name not in graph.inputs:
                    message = f"{graph.path.name} has no input {name!r}{did_you_mean(name, graph.inputs)}"
                    mark = home.keys[name] if name in home.keys else top["inputs"].keys[name]
                    self.problems.add(mark, message, "an option is written step.option")
            for option, setting in zip(variation.options, variation.settings(), strict=True):
                if setting in tried:
                    continue
                tried.add(setting)
                self.check_setting(graph, option, setting, home.keys[option])

    def check_setting(self, graph: Graph, option: str, setting: str, mark: Mark) -> None:
        try:
            read_pipeline(graph.path, graph.catalogue, [*graph.settings, setting])
        except PipelineError as problem:
            said = problem.message.splitlines()[0].removeprefix("--set: ")
            self.problems.add(mark, f"{setting} in {graph.path.name}: {said}", problem.hint)
        except CulmannError as problem:
            self.problems.add(mark, f"{option}: {problem.message}", problem.hint)

    def check_masks(self, graph: Graph, masks: str, top: Mapping[str, Node]) -> None:
        types = graph.types()
        if masks and types.get(masks) is not Labels:
            there = [name for name, kind in types.items() if kind is Labels]
            self.problems.add(top["masks"].mark, f"{graph.path.name} has no labels {masks!r}{did_you_mean(masks, there)}")

    def analyses(self, node: Node | None, design: Design) -> tuple[Asked, ...]:
        if node is None:
            use = str(design.facts.get("use", ""))
            usual = (
                _USUAL.get(use, "uncertainty")
                if use != "named"
                else "against-control"
                if "control" in design.facts
                else "operators"
            )
            node = Node(self.root.mark, {usual: Node(self.root.mark, {})}, {usual: self.root.mark})
        if isinstance(node.value, tuple):
            names = {str(entry.value): Node(entry.mark, {}) for entry in node.value}
            node = Node(node.mark, names, {str(entry.value): entry.mark for entry in node.value})
        found = []
        for name, entry in node.items.items():
            if not _FOLDER.fullmatch(name) or name in {"runs", "study"}:
                self.problems.add(node.keys[name], f"{name!r} cannot be the name of an analysis: it becomes a folder")
            content = self.keys(entry, f"analysis {name!r}", ("use", "with")) if entry.value is not None else {}
            use = self.text(content.get("use", Node(node.keys[name], name)), "`use`")
            mark = content["use"].mark if "use" in content else node.keys[name]
            try:
                offer = find(self.catalogue, use)
                ports = ports_of(offer)
                if [port.type for port in ports.inputs.values()] != [Outcomes]:
                    raise PluginError(f"{use!r} takes no outcomes of a study", hint="`culmann plugins` lists the analyses")
            except PluginError as problem:
                self.problems.add(mark, problem.message, problem.hint)
                continue
            config = check_options(ports.config, content.get("with"), mark, f"analysis {name!r} ({use})", self.problems)
            found.append(Asked(name, offer, config))
        if not node.items:
            self.problems.add(node.mark, f"`analyses` is a list of names or a mapping, and this is {node.kind}")
        return tuple(found)
