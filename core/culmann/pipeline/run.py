"""Running a checked pipeline on the files of one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from culmann.errors import CulmannError
from culmann.home import from_home
from culmann.pipeline.folder import about_run, fill, staged, write_manifest
from culmann.pipeline.graph import Graph
from culmann.pipeline.inputs import Bound, bind
from culmann.pipeline.listener import Listener, Prefixed, Silent
from culmann.pipeline.place import check_out, put
from culmann.pipeline.run_reports import reported
from culmann.pipeline.store import Store, store_folder
from culmann.pipeline.summary import outcome, reached, write_summary
from culmann.pipeline.work import Work


class Values(Protocol):
    """The values of a run by their ids: those of a `Work`, or what an earlier one left."""

    @property
    def graph(self) -> Graph:
        """The pipeline."""

    @property
    def incomplete(self) -> dict[str, str]:
        """{step: why} of what ended early."""

    def value(self, value_id: str) -> Any:
        """One value."""

    def let_go(self) -> None:
        """Forget the values that are in memory; they are loaded again when they are asked for."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Parameters
    ----------
    out
        The run folder.
    manifest
        What `manifest.json` there holds.
    replaced
        The manifest of the earlier run whose folder this one replaced, None when there was none.
    values
        Where the values are; `value` and `ids` ask it.
    variants
        {variant: its run}, each with its folder in this one; empty when the pipeline has no variants.
    problems
        {variant: why it has no run}. The other variants are not touched by that.
    """

    out: Path
    manifest: dict[str, Any]
    replaced: dict[str, Any] | None
    values: Values
    variants: Mapping[str, Run] = field(default_factory=dict)
    problems: Mapping[str, CulmannError] = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        """The pipeline that ran; of a run with variants that of the first one that was computed."""
        return self.values.graph

    @property
    def incomplete(self) -> dict[str, str]:
        """{step: why} of what ended early, as after Ctrl-C, and of all that rests on it. Nothing of that is in the store."""
        if not self.variants:
            return dict(self.values.incomplete)
        return {f"{name}/{step}": why for name, part in self.variants.items() for step, why in part.incomplete.items()}

    def value(self, name: str) -> Any:
        """The value of a step or input by its id, loaded from the store (`run.value("strength").failure_load_n`).

        Of a run with variants it is the value of the first one that was computed; ask one of `variants` for its own.

        Raises
        ------
        KeyError
            When the pipeline has no such value.
        """
        known = self.values.graph.types()
        if name not in known:
            raise KeyError(f"no value {name!r}; there is {', '.join(known)}")
        return self.values.value(name)

    def ids(self, kind: type) -> list[str]:
        """The ids of all values of a type, in the order of the pipeline (`run.ids(Strength)`)."""
        return [name for name, found in self.values.graph.types().items() if issubclass(found, kind)]


def run(
    graph: Graph,
    inputs: Mapping[str, Path] | None = None,
    *,
    out: Path,
    store: Store | Path | None = None,
    force: bool = False,
    listener: Listener | None = None,
    reports: bool = True,
) -> Run:
    """Run a pipeline: every result that the store has is taken from there, the others are computed and stored.

    Parameters
    ----------
    graph
        From `read_pipeline`. When it has variants, all of them run; what they share is computed once.
    inputs
        {input: its file or folder}; inputs with a path in the pipeline file may be left out.
    out
        The run folder. It appears whole when everything is done; an earlier run folder at its place is replaced then, and
        files in it that no run wrote are kept. Any other folder that is not empty is refused, and so is one that is or
        contains the working directory, the pipeline file, an input, a one-file plugin or the store.
    store
        Where results are kept, or the folder for that, by default `CULMANN_STORE` or `.culmann` in the working directory.
    force
        Compute every step anew.
    listener
        Told about the progress.
    reports
        Whether plugins make their reports of the run (`report.html` and the like) into its folder. One that fails is told to
        the listener, and in the manifest.

    Raises
    ------
    InputError, PipelineError
        When inputs or the run folder cannot be used; nothing has been computed or written then.
    CulmannError
        What a step raises, with the id of the step in front; any other exception of a step as a PluginError.
        Results of the steps before it stay in the store. Where the pipeline has variants, this is raised only when none of them
        could be computed; otherwise the problem of each stands in `Run.problems`, and in `summary.csv`.
    """
    out = from_home(out).resolve()
    listener = listener or Silent()
    place = store.folder if isinstance(store, Store) else store_folder(store)
    if not graph.variants:
        bound = bind(graph, inputs or {})
        check_out(out, graph, bound, place)
        work = Work(graph, bound, store if isinstance(store, Store) else Store(store), listener, anew=force)
        work.do()
        with staged(out) as folder:
            made = Run(folder, fill(work, folder), None, work)
            made, stopped = reported(made, listener) if reports else (made, None)
            earlier = put(folder, out)
        if stopped is not None:
            raise stopped
        return replace(made, out=out, replaced=earlier)
    bounds = {name: bind(variant, inputs or {}) for name, variant in graph.variants.items()}
    for name, bound in bounds.items():
        check_out(out, graph.variants[name], bound, place)
    together = _Together(graph, store if isinstance(store, Store) else Store(store), listener, force, reports)
    for name, bound in bounds.items():
        together.do(name, bound)
        if name in together.works and together.works[name].incomplete:
            break  # stopped by hand: nobody wants the others to begin
    return together.write(out)


@dataclass(slots=True)
class _Together:
    """The variants of a pipeline, one after the other: what one of them computed, the next takes from the store."""

    graph: Graph
    store: Store
    listener: Listener
    force: bool
    reports: bool
    works: dict[str, Work] = field(default_factory=dict)
    problems: dict[str, CulmannError] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)

    def do(self, name: str, bound: Mapping[str, Bound]) -> None:
        told = Prefixed(self.listener, f"{name}/")
        work = Work(self.graph.variants[name], bound, self.store, told, self.force, digests=self.digests, fresh=self.fresh)
        try:
            work.do()
        except CulmannError as problem:
            self.problems[name] = problem
        else:
            self.works[name] = work

    def write(self, out: Path) -> Run:
        if not self.works:
            raise self._all_failed()
        with staged(out) as folder:
            parts = {}
            for name, work in self.works.items():
                (folder / name).mkdir()
                parts[name] = Run(folder / name, fill(work, folder / name), None, work)
            write_summary(folder / "summary.csv", self.graph, self.works, self.problems)
            untold = {name: {"outcome": outcome(problem), "problem": str(problem)} for name, problem in self.problems.items()}
            variants = {name: untold.get(name, {"outcome": reached(self.works.get(name))}) for name in self.graph.variants}
            manifest = write_manifest(folder, {**about_run(self.graph), "variants": variants})
            made = Run(folder, manifest, None, next(iter(self.works.values())), parts, self.problems)
            made, stopped = reported(made, self.listener) if self.reports else (made, None)
            earlier = put(folder, out)
        if stopped is not None:
            raise stopped
        runs = {name: replace(part, out=out / name) for name, part in made.variants.items()}
        return replace(made, out=out, replaced=earlier, variants=runs)

    def _all_failed(self) -> CulmannError:
        """One error that tells the problem of every variant."""
        first, *others = self.problems.items()
        alike = all(problem.message == first[1].message for _, problem in others)
        told = "\n".join(f"variant {name!r}: {problem}" for name, problem in [first, *([] if alike else others)])
        return type(first[1])(f"no variant could be computed\n{told}")
