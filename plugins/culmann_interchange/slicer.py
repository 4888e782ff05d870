"""A run as a scene for 3D Slicer, with the files that it opens beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from culmann.data import DensityMap, Response, Scan
from culmann.data.placement import UNMOVED
from culmann.errors import InputError
from culmann.image_files import write_image_file
from culmann.whole import new_folder
from culmann_interchange import mrml
from culmann_interchange.cases import Case
from culmann_interchange.painted_surface import PaintedSurface, painted_surface, write_vtk
from culmann_interchange.segments import write_segmentation

#: What a CT of bone is shown in, HU, and a density map, g/cm³.
_WINDOW_HU, _WINDOW_G_CM3 = (-300.0, 1300.0), (0.0, 1.2)
#: Colours end at this share of the points, so that a few hot ones do not hide the rest.
_SHARE = 0.99


def write_scene(case: Case, out: Path, labels: str | None = None) -> list[str]:
    """Write `scene.mrml`, `scan.nrrd` (or `density.nrrd`), `labels.seg.nrrd` and `surface.vtk` into a new folder.

    Parameters
    ----------
    case
        What is shown: the image as it was read, the labels of the mesh, the outside of the mesh with its fields at the peak.
    out
        The folder.
    labels
        The id of other labels.

    Returns
    -------
    list of str
        What the scene does not hold, and why.

    Raises
    ------
    InputError
        When the run has neither an image nor a response, or the folder cannot be written.
    """
    ground, response_id = case.background(), case.response_id()
    if ground is None and response_id is None:
        raise InputError(f"the run {case.title} has neither an image nor a response to show")
    missing = list[str]()
    with new_folder(out) as folder:
        image = segmentation = model = None
        if ground is None:
            missing.append("the run has no scan or density map")
        elif not ground.placement.same_as(UNMOVED):
            missing.append(f"the image was moved ({ground.placement.describe()}), and the run has none as the patient lay")
        else:
            image = _image(ground, folder)
        if labels is None and not case.has_labels():
            missing.append("the run has no labels")
        else:
            write_segmentation(folder / "labels.seg.nrrd", case.labels_in_patient(labels))
            segmentation = mrml.Segmentation("labels", "labels.seg.nrrd")
        if response_id is None:
            missing.append("the run has no response: no mesh is shown")
        else:
            model = _model(case.run.value(response_id), folder)
        (folder / "scene.mrml").write_bytes(mrml.scene(image, segmentation, model))
    return missing


def _image(ground: Scan | DensityMap, folder: Path) -> mrml.Image:
    name = "scan" if isinstance(ground, Scan) else "density"
    write_image_file(folder / f"{name}.nrrd", ground)
    return mrml.Image(name, f"{name}.nrrd", ground.grid, _WINDOW_HU if name == "scan" else _WINDOW_G_CM3)


def _model(response: Response, folder: Path) -> mrml.Model:
    surface = painted_surface(response)
    write_vtk(folder / "surface.vtk", surface)
    return mrml.Model("loaded bone", "surface.vtk", "equivalent_strain", _top(surface))


def _top(surface: PaintedSurface) -> float:
    return float(np.quantile(surface.on_points["equivalent_strain"], _SHARE)) or 1.0
