"""Running a checked pipeline on the files of one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culmann.pipeline.folder import write_run
from culmann.pipeline.graph import Graph
from culmann.pipeline.inputs import bind
from culmann.pipeline.listener import Listener, Silent
from culmann.pipeline.place import check_out
from culmann.pipeline.store import Store, store_folder
from culmann.pipeline.work import Work


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
    """

    out: Path
    manifest: dict[str, Any]
    replaced: dict[str, Any] | None
    _work: Work

    def value(self, name: str) -> Any:
        """The value of a step or input by its id, loaded from the store (`run.value("strength").failure_load_n`).

        Raises
        ------
        KeyError
            When the pipeline has no such value.
        """
        known = self._work.graph.types()
        if name not in known:
            raise KeyError(f"no value {name!r}; there is {', '.join(known)}")
        return self._work.value(name)


def run(
    graph: Graph,
    inputs: Mapping[str, Path] | None = None,
    *,
    out: Path,
    store: Store | Path | None = None,
    force: bool = False,
    listener: Listener | None = None,
) -> Run:
    """Run a pipeline: every result that the store has is taken from there, the others are computed and stored.

    Parameters
    ----------
    graph
        From `read_pipeline`.
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

    Raises
    ------
    InputError, PipelineError
        When inputs or the run folder cannot be used; nothing has been computed or written then.
    CulmannError
        What a step raises, with the id of the step in front; any other exception of a step as a PluginError.
        Results of the steps before it stay in the store.
    """
    out = Path(out).expanduser().resolve()
    bound = bind(graph, inputs or {})
    check_out(out, graph, bound, store.folder if isinstance(store, Store) else store_folder(store))
    work = Work(graph, bound, store if isinstance(store, Store) else Store(store), listener or Silent(), anew=force)
    work.do()
    return Run(out, *write_run(work, out), work)
