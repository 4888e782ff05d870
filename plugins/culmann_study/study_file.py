"""The study file: pipelines, cases, what is varied, and what is asked of the failure loads; checked with line marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from culmann.catalogue import Catalogue
from culmann.cohort.table import Table, read_table
from culmann.data import Labels, Strength
from culmann.errors import CulmannError, PipelineError
from culmann.home import from_home
from culmann.pipeline import Graph, read_pipeline
from culmann.pipeline.document import read_source
from culmann.pipeline.problems import Mark, Problems, Source, did_you_mean
from culmann.pipeline.source import Node, parse
from culmann.shipped import find_pipeline
from culmann_study.designs import Design
from culmann_study.study_analyses import Asked, read_analyses
from culmann_study.study_design import SHAPE, DesignReader
from culmann_study.variations import as_yaml
from culmann_study.written import Written

KEYS = (
    *("name", "about", "pipeline", "cases", "cohorts", "inputs", "facts", "set"),
    *("vary", "control", "design", "factors", "masks", "analyses", "executor"),
)
_COHORT_KEYS = ("pipeline", "cases", "group")


@dataclass(frozen=True, slots=True)
class StudyCohort:
    """A pipeline and its cases. `group` is given to all cases whose table names none."""

    graph: Graph
    table: Table
    group: str = ""


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
    root = parse(read_source(path, "study"), problems)
    if root is None or problems.found:
        problems.stop()
    return _Reading(root, catalogue, tuple(settings), Written(problems)).study()


@dataclass(frozen=True, slots=True)
class _Reading:
    root: Node
    catalogue: Catalogue
    settings: tuple[str, ...]
    read: Written

    def study(self) -> Study:
        top = self.read.keys(self.root, "a study file", KEYS)
        if "name" not in top:
            self.read.problems.add(self.root.mark, "the key 'name' is missing", SHAPE)
        fixed = self.read.options(top.get("set"), "`set`")
        design = DesignReader(self.read, self.root.mark).design(top)
        masks = self.read.text(top.get("masks"), "`masks`")
        graphs = self.graphs(top, (*(f"{option}={as_yaml(value)}" for option, value in fixed.items()), *self.settings))
        self.read.problems.stop_if_any()
        for graph, _ in graphs:
            self.check_changes(graph, design, top)
            self.check_masks(graph, masks, top)
        analyses = read_analyses(top.get("analyses"), design, self.catalogue, self.read, self.root.mark)
        self.read.problems.stop_if_any()
        columns = sorted({column for v in design.variations for column in v.columns.values()})
        facts = self.read.names(top.get("facts"), "`facts`")
        cohorts = tuple(self.cohort(graph, node, [*columns, *facts]) for graph, node in graphs)
        self.read.problems.stop_if_any()
        settings = (*(f"{option}={as_yaml(value)}" for option, value in fixed.items()), *self.settings)
        name, about = self.read.text(top["name"], "`name`"), self.read.text(top.get("about"), "`about`")
        return Study(name, about, self.root.mark.source, cohorts, settings, design, masks, analyses)

    def graphs(self, top: Mapping[str, Node], settings: tuple[str, ...]) -> list[tuple[Graph, Node]]:
        """The pipeline of every cohort, with the entry that names it."""
        entries = [self.root]
        if "cohorts" in top:
            for key in ("pipeline", "cases"):
                if key in top:
                    self.read.problems.add(
                        self.root.keys[key], f"`{key}` stands in the entries of `cohorts`, or there is no `cohorts`"
                    )
            listed = top["cohorts"].value
            entries = list(listed) if isinstance(listed, tuple) else []
            if not entries:
                hint = "for example `- {pipeline: femur_sas, cases: femurs.csv}`"
                self.read.problems.add(top["cohorts"].mark, f"`cohorts` is a list, and this is {top['cohorts'].kind}", hint)
        found = []
        for entry in entries:
            if entry is not self.root:
                self.read.keys(entry, "a cohort", _COHORT_KEYS)
            for key in ("pipeline", "cases"):
                if key not in entry.items:
                    self.read.problems.add(entry.mark, f"the key {key!r} is missing", SHAPE)
            name = self.read.text(entry.items.get("pipeline"), "`pipeline`")
            if name:
                try:
                    graph = read_pipeline(self.beside(entry.items["pipeline"]), self.catalogue, settings)
                except CulmannError as problem:
                    self.read.problems.add(entry.items["pipeline"].mark, problem.message, problem.hint)
                    continue
                if not any(graph.types()[output.value] is Strength for output in graph.outputs):
                    self.read.problems.add(entry.items["pipeline"].mark, f"{name} keeps no failure load in its `outputs`")
                found.append((graph, entry))
        return found

    def beside(self, node: Node) -> Path:
        """A pipeline by its path, from the folder of the study, or by the name of one that ships."""
        near = node.mark.source.folder / str(node.value)
        return near if near.exists() else find_pipeline(str(node.value))

    def cohort(self, graph: Graph, entry: Node, columns: Sequence[str]) -> StudyCohort:
        node = entry.items["cases"]
        path = (node.mark.source.folder / from_home(str(node.value))).resolve()
        if not path.exists():
            self.read.problems.add(node.mark, f"there is no table of cases {path}")
            return StudyCohort(graph, Table(path, (), ()))
        carried = [column for column in columns if column not in graph.inputs]
        table = read_table(path, graph, carried)
        return StudyCohort(graph, table, self.read.text(entry.items.get("group"), "`group`"))

    def check_changes(self, graph: Graph, design: Design, top: Mapping[str, Node]) -> None:
        """Every input and option that is varied exists in a pipeline, and takes the value."""
        tried: set[str] = set()
        for variation in design.variations:
            home = top["vary"].items[variation.name] if "vary" in top else top["factors"]
            for name in variation.columns:
                if name not in graph.inputs:
                    message = f"{graph.path.name} has no input {name!r}{did_you_mean(name, graph.inputs)}"
                    mark = home.keys[name] if name in home.keys else top["inputs"].keys[name]
                    self.read.problems.add(mark, message, "an option is written step.option")
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
            self.read.problems.add(mark, f"{setting} in {graph.path.name}: {said}", problem.hint)
        except CulmannError as problem:
            self.read.problems.add(mark, f"{option}: {problem.message}", problem.hint)

    def check_masks(self, graph: Graph, masks: str, top: Mapping[str, Node]) -> None:
        types = graph.types()
        if masks and types.get(masks) is not Labels:
            there = [name for name, kind in types.items() if kind is Labels]
            self.read.problems.add(top["masks"].mark, f"{graph.path.name} has no labels {masks!r}{did_you_mean(masks, there)}")
