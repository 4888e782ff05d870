"""export-mapdl: the files that the solver step would send, for an Ansys that culmann cannot reach."""

from __future__ import annotations

from culmann.boundary import refuse_loose_nodes
from culmann.data import LoadCase, Materials, Mesh, Report
from culmann_mapdl.model import model_files
from culmann_mapdl.options import DeckConfig
from culmann_mapdl.script import SCRIPT


def export_mapdl(mesh: Mesh, materials: Materials, load: LoadCase, config: DeckConfig) -> Report:
    """`model.cdb` and `solve.inp` (and `law.csv` for the secant loop), to be run as `ansys252 -b -i solve.inp -o solve.out`.

    The script writes the curve and the fields into plain files beside it.

    Raises
    ------
    InputError
        When the model cannot be said in Ansys' words.
    """
    refuse_loose_nodes(mesh, load)
    files, _ = model_files(mesh, materials, load, config)
    note = f"Run {SCRIPT} in this folder: ansys252 -b -i {SCRIPT} -o solve.out\n"
    return Report(
        {**{name: text.encode("ascii", errors="replace") for name, text in files.items()}, "README.txt": note.encode()}
    )
