"""The files of a model for Ansys: archive, script and, for the secant loop, the table of the law."""

from __future__ import annotations

import numpy as np

from culmann.data import LoadCase, Materials, Mesh
from culmann.material_bins import material_bins
from culmann_mapdl.archive import archive
from culmann_mapdl.options import DeckConfig
from culmann_mapdl.refusals import refuse_unsupported, scheme_of
from culmann_mapdl.script import MODEL, SCRIPT, components, plain_script
from culmann_mapdl.secant_script import LAW, law_table, secant_script


def model_files(mesh: Mesh, materials: Materials, load: LoadCase, config: DeckConfig) -> tuple[dict[str, str], int]:
    """({file: text}, number of materials).

    Raises
    ------
    InputError
        When the model cannot be said in Ansys' words.
    """
    refuse_unsupported(mesh, materials, config)
    scheme = scheme_of(materials, config)
    if scheme == "secant-lagged":
        index, bins = np.arange(materials.n_cells, dtype=np.int64), materials
        script = secant_script(mesh, materials, load, config)
        more = {LAW: law_table(materials)}
    else:
        index, bins = material_bins(mesh, materials, config.bin_width_mpa)
        script = plain_script(mesh, load, config, linear=scheme == "linear")
        more = {}
    title = f"{materials.law or 'a model'}, {mesh.n_cells} cells, {bins.n_cells} materials"
    model = archive(mesh, index, bins, components(load), plastic=scheme == "plastic", title=title)
    return {MODEL: model, SCRIPT: "\n".join([*script, ""]), **more}, bins.n_cells
