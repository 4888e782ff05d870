"""mapdl: the step that gives the model to Ansys and reads the response."""

from __future__ import annotations

import time

from culmann.boundary import refuse_loose_nodes
from culmann.data import LoadCase, Materials, Mesh, Response
from culmann.journal import Journal
from culmann_mapdl.connection import ConnectionConfig
from culmann_mapdl.model import model_files
from culmann_mapdl.refusals import scheme_of
from culmann_mapdl.results import response
from culmann_mapdl.session import fetch, kept_on_error, run, session


def mapdl(mesh: Mesh, materials: Materials, load: LoadCase, config: ConnectionConfig, journal: Journal) -> Response:
    """The response after Ansys Mechanical APDL, driven through PyMAPDL.

    SOLID185 with B-bar for hexahedra, SOLID187 for quadratic tetrahedra; TB,BISO or TB,PLASTIC per material bin. This step was
    never run against a real Ansys: see docs/limits.md for what was checked in its place.

    Raises
    ------
    InputError
        When the model cannot be said in Ansys' words.
    EngineError
        When Ansys is not there or has no licence.
    SolverError
        When it stops.
    """
    refuse_loose_nodes(mesh, load)
    files, materials_written = model_files(mesh, materials, load, config)
    scheme = scheme_of(materials, config)
    with kept_on_error() as folder:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="ascii", errors="replace")
        with session(config, journal) as client:
            began = time.perf_counter()
            run(client, folder, journal)
            facts = {
                "engine": "Ansys Mechanical APDL",
                "version": str(getattr(client, "version", "unknown")),
                "element": "SOLID185, B-bar" if mesh.cell_type == "hex8" else "SOLID187",
                "materials": materials_written,
                "seconds": round(time.perf_counter() - began, 2),
            }
            found = response(mesh, materials, load, lambda name: fetch(client, name, folder), facts, scheme=scheme)
        if found.stop_reason or config.keep_files:
            for path in sorted(folder.iterdir()):
                journal.attach(path.name, path.read_bytes())
    if found.stop_reason:
        journal.warn(found.stop_reason)
    if scheme == "linear" and not materials.is_linear:
        journal.warn("solved as linear, as `scheme: linear` asks: no cell yields, and no force is that of a failing bone")
    return found
