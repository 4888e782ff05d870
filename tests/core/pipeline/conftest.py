"""A laboratory: a folder with a one-file plugin, a store, and short ways to write, read and run pipelines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from culmann.catalogue import Catalogue
from culmann.errors import CulmannError
from culmann.pipeline import Graph, Run, Silent, Store, read_pipeline, run
from culmann.plugins import with_files

STEPS = Path(__file__).with_name("lab_steps.py")


@dataclass
class Heard(Silent):
    """A listener that remembers."""

    events: list[tuple] = field(default_factory=list)

    def started(self, step, use):
        self.events.append(("started", step, use))

    def progress(self, step, text, done):
        self.events.append(("progress", step, text, done))

    def warned(self, step, text):
        self.events.append(("warned", step, text))

    def stored(self, step, use):
        self.events.append(("stored", step, use))

    def finished(self, step, seconds):
        assert seconds >= 0
        self.events.append(("finished", step))

    def failed(self, step, problem):
        self.events.append(("failed", step, type(problem).__name__))

    def of(self, kind):
        return [event[1] for event in self.events if event[0] == kind]


@dataclass
class Lab:
    folder: Path
    catalogue: Catalogue

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    @property
    def calls(self) -> list[str]:
        """What was called since this was last asked."""
        file = self.folder / "calls.log"
        found = file.read_text().split() if file.exists() else []
        file.write_text("")
        return found

    def write(self, text: str, name: str = "p.yaml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def file(self, name: str, content: object) -> Path:
        return self.write(str(content), name)

    def read(self, text: str, *settings: str) -> Graph:
        return read_pipeline(self.write(text), self.catalogue, settings)

    def steps(self, steps: str, *settings: str, outputs: str = "", inputs: str = "") -> Graph:
        """The graph of some steps; without `outputs` everything is kept, each in a folder of its own."""
        names = [line.split(":")[0].strip() for line in steps.strip().splitlines()]
        kept = outputs or "{" + ", ".join(f"{name}: {name}" for name in names) + "}"
        inputs = inputs or "number: {type: Number}"
        body = "\n".join("  " + line.strip() for line in steps.strip().splitlines())
        head = "\n".join("  " + line.strip() for line in inputs.strip().splitlines())
        return self.read(f"name: test\ninputs:\n{head}\nsteps:\n{body}\noutputs: {kept}\n", *settings)

    def complaint(self, *args: str, **more: str) -> str:
        """What is told about steps that cannot be used."""
        with pytest.raises(CulmannError) as caught:
            self.steps(*args, **more)
        return str(caught.value)

    def run(self, graph: Graph, inputs: Mapping[str, Path] | None = None, **more) -> tuple[Run, Heard]:
        heard = Heard()
        if inputs is None:
            inputs = {"number": self.file("seven.txt", 7)}
        done = run(graph, inputs, **{"out": self.folder / "out", "store": self.store, "listener": heard, **more})
        assert json.loads((done.out / "manifest.json").read_text()) == done.manifest
        return done, heard


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    monkeypatch.setenv("LAB_CALLS", str(tmp_path / "calls.log"))
    return Lab(tmp_path, with_files(Catalogue({}), [STEPS]))
