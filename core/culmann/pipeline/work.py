"""The work of one run: each result is found in the store or made, and kept in memory only while a later step needs it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from culmann.catalogue import Offer
from culmann.config import Config
from culmann.errors import InputError, PluginError
from culmann.pipeline import memory
from culmann.pipeline.digests import config_digest, config_facts, digest_of, path_digest
from culmann.pipeline.failures import explain
from culmann.pipeline.foresight import expect_no_stop
from culmann.pipeline.graph import Graph, GraphStep
from culmann.pipeline.inputs import Bound
from culmann.pipeline.listener import Listener
from culmann.pipeline.recorder import Recorder
from culmann.pipeline.store import Entry, Store
from culmann.ports import ONLY, Ports
from culmann.targets import code_digest, load_target


@dataclass(slots=True)
class Work:
    """One run of a graph with its inputs.

    Parameters
    ----------
    graph, bound, store, listener
        What runs, on which files, with which results, and who is told.
    anew
        Compute everything, whatever is stored.
    keys
        {id of an input or step: key of its result}.
    digests
        {input id: digest of its file}; those that are known already may be given.
    entries
        Results that are there.
    made
        {id: seconds} of what was computed in this run.
    fresh
        Keys of what was computed since `anew` was asked for; variants of one run share them.
    incomplete
        {id: why} of steps that ended early, and of all that rest on them. They are in `entries` and not in the store.
    """

    graph: Graph
    bound: Mapping[str, Bound]
    store: Store
    listener: Listener
    anew: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    made: dict[str, float] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    incomplete: dict[str, str] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, bound in self.bound.items():
            try:
                self.digests[name] = self.digests.get(name) or path_digest(bound.path)
            except OSError as problem:
                raise InputError(f"input {name!r}: {bound.path} cannot be read: {problem.strerror}") from problem
            self.keys[name] = _key(bound.reader.offer, bound.config, {"file": self.digests[name]})
        for step in self.graph.steps.values():
            sources = {port: value and self._value_key(value) for port, value in step.links.items()}
            self.keys[step.id] = _key(step.offer, step.config, sources)

    def do(self) -> None:
        """See to it that every input and step has its result in the store; what is known to stop does so before the first."""
        expect_no_stop(self.graph, [name for name in self.graph.steps if self._stored(name) is None])
        needed_until: dict[str, int] = {}
        steps = list(self.graph.steps.values())
        for n, step in enumerate(steps):
            needed_until |= {value: n for value in step.links.values() if value}
        for name in self.bound:
            self.entry(name)
        for n, step in enumerate(steps):
            self.entry(step.id)
            self._values = {v: held for v, held in self._values.items() if needed_until.get(v, -1) > n}

    def entry(self, owner: str) -> Entry:
        """The stored result of an input or step; made when it is not there. Of an input only the warnings are stored."""
        if owner not in self.entries:
            found = self._stored(owner)
            if found is None:
                return self._make(owner)
            self.entries[owner] = found
            if owner in self.graph.steps:
                self.listener.stored(owner, self.graph.steps[owner].offer.step.name)
            for text in found.manifest["warnings"]:
                self.listener.warned(owner, text)
        return self.entries[owner]

    def _stored(self, owner: str) -> Entry | None:
        """What the store has for an input or step, unless it is to be computed anew."""
        anew = (self.anew and self.keys[owner] not in self.fresh) or self._rests_on(owner) != ""
        return None if anew else self.store.find(self.keys[owner])

    def value(self, value_id: str) -> Any:
        """A value: from memory, from the store, or made again when what is stored cannot be read."""
        owner, _, output = value_id.partition(".")
        if value_id not in self._values and owner in self.bound:
            self._make(owner)
        elif value_id not in self._values:
            entry = self.entry(owner)
            if value_id not in self._values:
                kind = self.graph.steps[owner].ports.outputs[output]
                try:
                    self._values[value_id] = kind.load(entry.value_folder(output))  # type: ignore[attr-defined]
                except Exception:  # whatever is wrong with the stored files, the step can make them again
                    self.discard(owner)
                    self._make(owner)
        return self._values[value_id]

    def let_go(self) -> None:
        """Forget the values that are in memory."""
        self._values.clear()

    def discard(self, owner: str) -> None:
        """Forget a stored result that turned out to be damaged."""
        self.entries.pop(owner, None)
        self.store.discard(self.keys[owner])

    def _value_key(self, value_id: str) -> str:
        owner, _, output = value_id.partition(".")
        return f"{self.keys[owner]}.{output}"

    def _make(self, owner: str) -> Entry:
        """Read an input or run a step, and store what came of it."""
        step = self.graph.steps.get(owner)
        offer = step.offer if step else self.bound[owner].reader.offer
        ports = step.ports if step else self.bound[owner].reader.ports
        config = step.config if step else self.bound[owner].config
        arguments: dict[str, Any] = {}
        if step:
            arguments = {port: None if value is None else self.value(value) for port, value in step.links.items()}
        elif ports.path:
            arguments = {ports.path: self.bound[owner].path}
        heard = self.entries[owner].manifest["warnings"] if owner in self.entries else ()  # an input is read again
        recorder = Recorder(owner, self.listener, heard)
        if ports.config is not None:
            arguments["config"] = config
        if ports.journal is not None:
            arguments[ports.journal] = recorder
        self.listener.started(owner, offer.step.name)
        began = time.perf_counter()
        memory.start_peak()
        try:
            results = _outputs_of(load_target(offer)(**arguments), offer, ports)
            del arguments
            if step:
                results = {name: self._with_caveats(step, value, recorder) for name, value in results.items()}
            entry = self._keep(owner, offer, config, results if step else {}, recorder, began)
        except BaseException as problem:
            self.listener.failed(owner, problem)
            what = f"{'step' if step else 'input'} {owner!r} ({offer.step.name})"
            explain(problem, what, owner, offer, self.store, was_stopped=self._rests_on(owner) != "")
        self.entries[owner] = entry
        if owner not in self.incomplete:
            self.fresh.add(self.keys[owner])
        self.made[owner] = self.made.get(owner, 0.0) + time.perf_counter() - began
        self._values |= {owner if name == ONLY else f"{owner}.{name}": value for name, value in results.items()}
        self.listener.finished(owner, self.made[owner])
        return entry

    def _keep(
        self, owner: str, offer: Offer, config: Config | None, results: Mapping[str, Any], said: Recorder, began: float
    ) -> Entry:
        step = self.graph.steps.get(owner)
        links = step.links if step else {}
        with self.store.workplace() as folder:
            for name, value in results.items():
                home = folder / "value" / name
                home.mkdir(parents=True, exist_ok=True)
                value.save(home)
            for name, content in said.attachments.items():
                (folder / "attachments").mkdir(exist_ok=True)
                (folder / "attachments" / name).write_bytes(content)
            manifest = {
                "step": offer.step.name,
                "target": offer.step.target,
                "plugin": offer.plugin,
                "distribution": offer.distribution,
                "version": offer.version,
                "culmann": culmann_version(),
                "code": code_digest(offer),
                "config": config_facts(config),
                "inputs": {port: value and self._value_key(value) for port, value in links.items()},
                "warnings": said.warnings,
                "seconds": round(time.perf_counter() - began, 3),
                "peak_memory_mb": memory.peak_mb(),
                "when": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            missing = said.missing or self._rests_on(owner)
            if missing:
                self.incomplete[owner] = missing
                return self.store.lend(folder, manifest)
            self.incomplete.pop(owner, None)
            return self.store.keep(self.keys[owner], folder, manifest, replace=self.anew)

    def _rests_on(self, owner: str) -> str:
        """Why what a step takes in is incomplete; empty where it is not."""
        step = self.graph.steps.get(owner)
        sources = [value.partition(".")[0] for value in step.links.values() if value] if step else []
        return next((self.incomplete[name] for name in sources if name in self.incomplete), "")

    def _with_caveats(self, step: GraphStep, value: Any, recorder: Recorder) -> Any:
        """A value that holds caveats gets the warnings of everything it rests on, put in front."""
        if "caveats" not in getattr(type(value), "__dataclass_fields__", {}):
            return value
        upstream = [text for name in self.graph.upstream(step.id) for text in self.entry(name).manifest["warnings"]]
        missing = [text for text in [self._rests_on(step.id)] if text]  # in front of all: it is no full answer
        return replace(value, caveats=tuple(dict.fromkeys([*missing, *upstream, *recorder.warnings, *value.caveats])))


def culmann_version() -> str:
    """The version of culmann that is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("culmann")
    except PackageNotFoundError:
        return "unknown (culmann was not installed)"


def _key(offer: Offer, config: Config | None, sources: Mapping[str, Any]) -> str:
    facts = {"step": offer.step.name, "code": code_digest(offer), "config": config_digest(config), "inputs": dict(sources)}
    return digest_of(facts)


def _outputs_of(result: Any, offer: Offer, ports: Ports) -> dict[str, Any]:
    """{output: value} of what a step returned, which must be what it declared."""
    results = {name: result if name == ONLY else getattr(result, name, None) for name in ports.outputs}
    for name, value in results.items():
        kind = ports.outputs[name]
        if not isinstance(value, kind):
            what = f"its output {name!r}" if name else "it"
            raise PluginError(
                f"{offer.origin} breaks the contract: {what} is declared as {kind.__name__} and was {type(value).__name__}"
            )
    return results
