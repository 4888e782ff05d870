"""The whole plugin contract on one page: one hook per kind of step, each yielding `Step` descriptors, and one for commands.

The function behind a descriptor is plain and typed. Its parameters are its ports (data types of `culmann.data`), plus, where
it wants them, `config` (a `culmann.Config`) and one parameter annotated `Journal`. What it returns is its output; a NamedTuple
of data types gives several named outputs. The docstring of each hook shows the usual signature.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from culmann.commands import Command
from culmann.steps import Step

#: The version of this contract. A plugin module says `api = 1`; a plugin of another major version is refused in a sentence.
API = 1

hookspec = pluggy.HookspecMarker("culmann")
hookimpl = pluggy.HookimplMarker("culmann")


@hookspec
def culmann_readers() -> Iterable[Step]:
    """Files into data: `(path: Path, config) -> Scan | Labels | …`; the descriptor's `suffixes` say which files."""
    raise NotImplementedError


@hookspec
def culmann_preprocessors() -> Iterable[Step]:
    """Images into images of the same type: `(scan: Scan, config) -> Scan`."""
    raise NotImplementedError


@hookspec
def culmann_calibrations() -> Iterable[Step]:
    """Hounsfield units into density, and one density into another: `(scan: Scan, config) -> DensityMap`."""
    raise NotImplementedError


@hookspec
def culmann_segmenters() -> Iterable[Step]:
    """Scans into labels, and labels into better labels: `(scan: Scan, config) -> Labels`."""
    raise NotImplementedError


@hookspec
def culmann_landmarks() -> Iterable[Step]:
    """Labels into named places, axes and lengths of a bone: `(labels: Labels, config) -> Landmarks`."""
    raise NotImplementedError


@hookspec
def culmann_mesh_builders() -> Iterable[Step]:
    """Labels into finite elements: `(labels: Labels, config) -> Mesh`."""
    raise NotImplementedError


@hookspec
def culmann_material_laws() -> Iterable[Step]:
    """Density into the behaviour of every cell: `(mesh: Mesh, density: DensityMap, config) -> Materials`."""
    raise NotImplementedError


@hookspec
def culmann_load_cases() -> Iterable[Step]:
    """Where the bone is held and how it is loaded: `(mesh: Mesh, config) -> LoadCase`."""
    raise NotImplementedError


@hookspec
def culmann_solvers() -> Iterable[Step]:
    """The mechanics: `(mesh: Mesh, materials: Materials, load: LoadCase, config) -> Response`."""
    raise NotImplementedError


@hookspec
def culmann_failure_criteria() -> Iterable[Step]:
    """Where the failure load is read off the curve: `(response: Response, config) -> Strength`."""
    raise NotImplementedError


@hookspec
def culmann_analyses() -> Iterable[Step]:
    """Questions asked of results, such as a comparison of two label maps: `(…, config) -> Report`."""
    raise NotImplementedError


@hookspec
def culmann_reporters() -> Iterable[Step]:
    """Results into files for the eye: `(response: Response, strength: Strength, config) -> Report`."""
    raise NotImplementedError


@hookspec
def culmann_run_reports() -> Iterable[Step]:
    """Finished runs into files for their folder: `(run: Run) -> Report`."""
    raise NotImplementedError


@hookspec
def culmann_executors() -> Iterable[Step]:
    """Ways to run many cases: `(jobs: Iterable[Job], config) -> Iterator[Ended]`, as `culmann.cohort.Executor` has it."""
    raise NotImplementedError


@hookspec
def culmann_commands() -> Iterable[Command]:
    """Commands of the program: a function in the style of typer, or a `typer.Typer` with sub-commands."""
    raise NotImplementedError
