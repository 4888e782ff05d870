"""Segmentations of 3D Slicer (`.seg.nrrd`): one label map, or layers of them where segments overlap, with names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from culmann.data import Labels
from culmann.errors import InputError
from culmann.image_files import read_layers
from culmann.overlaps import Overlap, Segment, labels_of

_KEY = re.compile(r"Segment(\d+)_\w+")


def is_segmentation(header: Mapping[str, str]) -> bool:
    """Whether the header of an image file is that of a segmentation of 3D Slicer."""
    return any(_KEY.fullmatch(key) for key in header)


def read_segmentation(path: Path, overlap: Overlap = "refuse", *, may_be_empty: bool = False) -> Labels:
    """Read a segmentation with the names of its segments.

    A segment is where its layer (`Segment0_Layer`) has its value (`Segment0_LabelValue`). Files of Slicer up to 4.10 tell
    neither: there each segment has a layer of its own, with the value 1. Slicer cuts the file to what is segmented; its origin
    says where that lies in the patient. A value that belongs to no segment is kept as a label without a name.

    Raises
    ------
    InputError
        As `read_image_file` does, and when the header names no segment, one has no layer, nothing is segmented, two segments
        have one name, or segments overlap and `overlap` is `refuse`.
    """
    file = read_layers(path)
    if not is_segmentation(file.header):
        raise InputError(f"{path} is no segmentation of 3D Slicer: its header names no segment", hint="read it as a label map")
    layers = np.moveaxis(file.array, -1, 0) if file.array.ndim == 4 else file.array[None]
    if np.issubdtype(layers.dtype, np.floating) and (layers != np.round(layers)).any():
        raise InputError(f"{path} is no label map: some voxels are not whole numbers")
    segments = list[Segment]()
    for number in sorted({int(match[1]) for key in file.header if (match := _KEY.fullmatch(key))}):
        own = {key.partition("_")[2]: text for key, text in file.header.items() if key.startswith(f"Segment{number}_")}
        name = (own.get("Name") or own.get("ID") or f"segment-{number + 1}").strip()
        old = len(layers) > 1 and "Layer" not in own
        layer = number if old else _whole(path, number, own, "Layer", 0)
        value = _whole(path, number, own, "LabelValue", 1 if old else number + 1)
        if layer >= len(layers):
            raise InputError(f"{path}: the segment {name!r} is in layer {layer}, and the file has {len(layers)}")
        segments.append(Segment(name, value, np.asarray(layers[layer] == value) & (value != 0)))
    if len(layers) == 1:
        named = {segment.number for segment in segments}
        unnamed = sorted({int(v) for v in np.unique(layers)} - named - {0})
        segments += [Segment(f"label-{v}", v, np.asarray(layers[0] == v)) for v in unnamed]
    return replace(
        labels_of(segments, file.grid, str(path), overlap, may_be_empty=may_be_empty), history=(f"read: {path.name}",)
    )


def _whole(path: Path, number: int, own: Mapping[str, str], key: str, default: int) -> int:
    text = own.get(key, str(default)).strip()
    if not text.isdigit():
        raise InputError(f"{path}: Segment{number}_{key} is a whole number, and this is {text!r}")
    return int(text)
