"""A scene of 3D Slicer as XML (MRML): an image, a segmentation and a coloured surface, shown together."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from culmann.data import Grid

#: Slicer's own tables, by the identifiers that it gives them at its start.
_GREY, _COLOURS = "vtkMRMLColorTableNodeGrey", "vtkMRMLColorTableNodeFileViridis.txt"
_VOLUME, _SEGMENTATION, _MODEL = "vtkMRMLScalarVolumeNode1", "vtkMRMLSegmentationNode1", "vtkMRMLModelNode1"


@dataclass(frozen=True, slots=True)
class Image:
    """A grey image: its file beside the scene, where it lies, and the window that it is shown in."""

    name: str
    file: str
    grid: Grid
    window: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Segments: their file beside the scene."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Model:
    """A surface: its file beside the scene, and the field on its points that colours it, from 0 to `top`."""

    name: str
    file: str
    field: str
    top: float


def scene(image: Image | None, segmentation: Segmentation | None, model: Model | None) -> bytes:
    """The text of the `.mrml` file."""
    root = ElementTree.Element("MRML", version="Slicer 5.6.2", userTags="")
    if image is not None:
        _add_image(root, image)
    if segmentation is not None:
        _add_segmentation(root, segmentation, image is not None)
    if model is not None:
        _add_model(root, model)
    ElementTree.indent(root, " ")
    text: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def _add_image(root: ElementTree.Element, image: Image) -> None:
    low, high = image.window
    display = _node(
        root,
        "VolumeDisplay",
        "vtkMRMLScalarVolumeDisplayNode1",
        "VolumeDisplay",
        colorNodeID=_GREY,
        window=f"{high - low:g}",
        level=f"{(high + low) / 2:g}",
        autoWindowLevel="0",
        interpolate="1",
    )
    storage = _storage(root, "VolumeArchetypeStorage", "vtkMRMLVolumeArchetypeStorageNode1", image.file, centerImage="0")
    to_ras = np.diag([-1.0, -1.0, 1.0])
    _node(
        root,
        "Volume",
        _VOLUME,
        image.name,
        **_held_by(display, storage),
        spacing=_numbers(image.grid.spacing_mm),
        origin=_numbers(to_ras @ np.asarray(image.grid.origin_mm)),
        ijkToRASDirections=_numbers((to_ras @ image.grid.axes).ravel()),
    )
    for view in ("Red", "Yellow", "Green"):
        _node(
            root,
            "SliceComposite",
            f"vtkMRMLSliceCompositeNode{view}",
            f"SliceComposite{view}",
            singletonTag=view,
            layoutName=view,
            backgroundVolumeID=_VOLUME,
        )


def _add_segmentation(root: ElementTree.Element, segmentation: Segmentation, on_image: bool) -> None:
    display = _node(
        root,
        "SegmentationDisplay",
        "vtkMRMLSegmentationDisplayNode1",
        "SegmentationDisplay",
        visibility="true",
        visibility2D="true",
        visibility3D="false",
    )
    storage = _storage(root, "SegmentationStorage", "vtkMRMLSegmentationStorageNode1", segmentation.file)
    held = _held_by(display, storage)
    if on_image:
        held["references"] += f"referenceImageGeometryRef:{_VOLUME};"
    _node(root, "Segmentation", _SEGMENTATION, segmentation.name, **held)


def _add_model(root: ElementTree.Element, model: Model) -> None:
    display = _node(
        root,
        "ModelDisplay",
        "vtkMRMLModelDisplayNode1",
        "ModelDisplay",
        visibility="true",
        visibility2D="true",
        scalarVisibility="true",
        activeScalarName=model.field,
        activeAttributeLocation="point",
        colorNodeID=_COLOURS,
        scalarRangeFlag="UseManual",
        scalarRange=f"0 {model.top:g}",
    )
    storage = _storage(root, "ModelStorage", "vtkMRMLModelStorageNode1", model.file, coordinateSystem="LPS")
    _node(root, "Model", _MODEL, model.name, **_held_by(display, storage))


def _storage(root: ElementTree.Element, tag: str, identifier: str, file: str, **more: str) -> str:
    return _node(root, tag, identifier, tag, fileName=file, useCompression="1", **more)


def _held_by(display: str, storage: str) -> dict[str, str]:
    """How a node names its display and storage: Slicer 4 reads the first two, Slicer 5 the third."""
    return {
        "displayNodeRef": display,
        "storageNodeRef": storage,
        "references": f"display:{display};storage:{storage};",
    }


def _node(root: ElementTree.Element, tag: str, identifier: str, label: str, **more: str) -> str:
    ElementTree.SubElement(root, tag, {"id": identifier, "name": label, **more})
    return identifier


def _numbers(values: object) -> str:
    return " ".join(f"{value:.15g}" for value in np.asarray(values, dtype=float))
