"""The sections of a pipeline file as they are written: which keys there are, and what form each has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from culmann.errors import PipelineError
from culmann.pipeline.entries import known_entries, text_of
from culmann.pipeline.problems import Mark, Problems, Source, did_you_mean
from culmann.pipeline.source import Node, parse
from culmann.pipeline.variants import choose, read_variants, with_changes

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]*")
#: What a run writes beside the outputs.
RESERVED_FOLDERS = ("qc", "manifest.json", "pipeline.yaml")


@dataclass(frozen=True, slots=True)
class WrittenInput:
    """An entry of `inputs`."""

    id: str
    mark: Mark
    type: Node | None
    about: str
    path: Node | None
    use: Node | None
    options: Node | None


@dataclass(frozen=True, slots=True)
class WrittenStep:
    """An entry of `steps`."""

    id: str
    mark: Mark
    use: Node | None
    options: Node | None
    links: Node | None
    about: str


@dataclass(frozen=True, slots=True)
class WrittenOutput:
    """An entry of `outputs`: the sub-folder (empty for the top of the run folder) and the value."""

    folder: str
    value: Node


@dataclass(frozen=True, slots=True)
class Document:
    """A pipeline file, or one variant of it (`variant` is its name, empty where the file has none)."""

    source: Source
    path: Path
    mark: Mark
    name: str
    about: str
    plugins: tuple[Node, ...]
    inputs: tuple[WrittenInput, ...]
    steps: tuple[WrittenStep, ...]
    outputs: tuple[WrittenOutput, ...]
    variant: str = ""


def read_source(path: Path, what: str = "pipeline") -> Source:
    """The text of a pipeline file, or of another kind of YAML file. Raises PipelineError when there is none."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except IsADirectoryError:
        raise PipelineError(f"{path} is a folder; give the {what} file in it") from None
    except FileNotFoundError:
        raise PipelineError(f"the {what} file {path} does not exist") from None
    except OSError as problem:
        raise PipelineError(f"the {what} file {path} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise PipelineError(f"{path} is not a text in UTF-8 (byte {problem.start}): is it a {what} file?") from problem
    return Source(str(path), text, path.parent.resolve())


def read_documents(
    path: Path, settings: Sequence[str], wanted: Sequence[str], problems: Problems, text: str | None = None
) -> list[Document]:
    """Read a pipeline file once for each wanted variant, with its options and the settings (`step.option=value`) in it.

    A file without variants gives one document. The settings win over the variants. A given text stands for that of the file.

    Raises
    ------
    PipelineError
        When the file is not YAML, or a wanted variant is not there.
    """
    source = read_source(path) if text is None else Source(str(path), text, path.parent.resolve())
    root = parse(source, problems)
    if root is None or problems.found:
        problems.stop()
    reader = _Sections(problems)
    # `executor` says where cohorts run: it is read by `culmann.cohort`, and no result depends on it.
    known = ("name", "about", "plugins", "inputs", "steps", "variants", "outputs", "executor")
    top = reader.keys(root, "a pipeline file", known)
    mark = root.mark
    for key in ("name", "steps", "outputs"):
        if key not in top:
            problems.add(mark, f"the key {key!r} is missing", _SHAPE)
    written = {key: top.get(key, Node(mark, {})) for key in ("inputs", "steps")}
    variants = read_variants(top.get("variants"), problems)
    documents = []
    for variant in choose(list(variants), wanted) or [""]:
        changed = with_changes(written, variants[variant], problems) if variant else written
        sections = _apply(changed, settings, problems)
        document = Document(
            source,
            path,
            mark,
            reader.text(top.get("name"), "name"),
            reader.text(top.get("about"), "about"),
            reader.list_of_texts(top.get("plugins"), "plugins", "- my_law.py"),
            tuple(reader.inputs(sections["inputs"])),
            tuple(reader.steps(sections["steps"])),
            tuple(reader.outputs(top.get("outputs"))),
            variant,
        )
        documents.append(document)
    return documents


_SHAPE = "a pipeline file has `name`, `inputs`, `steps` and `outputs`"


@dataclass(frozen=True, slots=True)
class _Sections:
    problems: Problems

    def keys(self, node: Node, what: str, known: tuple[str, ...]) -> dict[str, Node]:
        """The entries of a mapping whose keys are known."""
        return known_entries(node, what, known, self.problems)

    def text(self, node: Node | None, what: str) -> str:
        return text_of(node, what, self.problems)

    def word(self, node: Node | None, what: str) -> Node | None:
        return node if self.text(node, what) else None

    def list_of_texts(self, node: Node | None, what: str, example: str) -> tuple[Node, ...]:
        if node is None or node.value is None:
            return ()
        if not isinstance(node.value, tuple):
            self.problems.add(node.mark, f"{what} must be a list, and this is {node.kind}", f"for example `{example}`")
            return ()
        return tuple(entry for entry in node.value if self.word(entry, f"an entry of {what}"))

    def named(self, node: Node, what: str) -> list[tuple[str, Mark, Node]]:
        """(id, its place, its content) of each entry of `inputs` or `steps`."""
        if node.value is None:
            return []
        if not isinstance(node.value, dict):
            self.problems.add(node.mark, f"{what} must be a mapping of names, and this is {node.kind}")
            return []
        for key in node.items:
            if not _ID.fullmatch(key):
                self.problems.add(node.keys[key], f"{key!r} cannot be a name: use letters, digits, - and _, a letter first")
        return [(key, node.keys[key], entry) for key, entry in node.items.items()]

    def inputs(self, node: Node) -> list[WrittenInput]:
        found = []
        for key, mark, entry in self.named(node, "inputs"):
            content = self.keys(entry, f"input {key!r}", ("type", "about", "path", "use", "with"))
            if isinstance(entry.value, dict) and "type" not in content:
                self.problems.add(mark, f"input {key!r} has no type", "for example `type: Scan`")
            use, path = (self.word(content.get(word), f"`{word}`") for word in ("use", "path"))
            about = self.text(content.get("about"), "`about`")
            kind = self.word(content.get("type"), "`type`")
            found.append(WrittenInput(key, mark, kind, about, path, use, content.get("with")))
        return found

    def steps(self, node: Node) -> list[WrittenStep]:
        found = []
        for key, mark, entry in self.named(node, "steps"):
            content = self.keys(entry, f"step {key!r}", ("use", "with", "from", "about"))
            if isinstance(entry.value, dict) and "use" not in content:
                self.problems.add(mark, f"step {key!r} does not say what to `use`", "`culmann plugins` lists all steps")
            use = self.word(content.get("use"), "`use`")
            about = self.text(content.get("about"), "`about`")
            found.append(WrittenStep(key, mark, use, content.get("with"), content.get("from"), about))
        return found

    def outputs(self, node: Node | None) -> list[WrittenOutput]:
        if node is None:
            return []
        if not isinstance(node.value, dict):
            found = [WrittenOutput("", entry) for entry in self.list_of_texts(node, "outputs", "outputs: [strength]")]
        else:
            found = [WrittenOutput(key, entry) for key, entry in node.items.items() if self.word(entry, "an output")]
            for key in node.items:
                if not _FOLDER.fullmatch(key) or key in RESERVED_FOLDERS:
                    self.problems.add(node.keys[key], f"{key!r} cannot be the name of an output folder")
        if not found:
            self.problems.add(
                node.mark, "nothing is to be kept", "name results in `outputs`, for example `outputs: [strength]`"
            )
        return found


def _apply(sections: dict[str, Node], settings: Sequence[str], problems: Problems) -> dict[str, Node]:
    """The sections with the value of each setting put into the `with` of the step or input that it names."""
    sections = dict(sections)
    for text in settings:
        source = Source("--set", text, Path.cwd(), one_line=True)
        name, equals, written = text.partition("=")
        where = Mark(source, 1, 1, max(1, len(name)))
        owner, *option = name.strip().split(".")
        if not equals or not option or not all(option):
            whole = next((key for key, section in sections.items() if owner in section.items), "")
            hint = f"the file of an input is given by --input {text}" if whole == "inputs" and equals and not option else ""
            problems.add(where, "a setting has the form step.option=value", hint)
            continue
        home = next((key for key, section in sections.items() if owner in section.items), None)
        if home is None:
            known = [key for section in sections.values() for key in section.items]
            problems.add(where, f"there is no step or input {owner!r}{did_you_mean(owner, known)}")
            continue
        if not written.strip():
            problems.add(where, "nothing stands behind the =", f"for no value write {name.strip()}=null")
            continue
        value = parse(source, problems, first_column=len(name) + 2)
        if value is not None:
            sections[home] = sections[home].put((owner, "with", *option), value, where)
    return sections
