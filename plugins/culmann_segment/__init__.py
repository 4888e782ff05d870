"""Segmentation: labels from a file, and better labels from labels. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_segmenters() -> Iterable[Step]:
    """The ways to labels."""
    yield Step(
        "labels-from-file",
        "culmann_segment.pick:labels_from_file",
        summary="Labels of a file, by number or name, on the grid of the scan",
    )
    yield Step(
        "pick-labels",
        "culmann_segment.pick:pick_labels",
        summary="Some of the labels, by number or name, kept apart or merged into one, on the grid of the scan if there is one",
    )
    yield Step(
        "keep-largest",
        "culmann_segment.morphology:keep_largest",
        summary="The largest part of what is labelled that voxel faces connect",
    )
    yield Step(
        "fill-holes",
        "culmann_segment.morphology:fill_holes",
        summary="Cavities that labels enclose on all sides become labelled",
    )
    yield Step(
        "dilate-labels",
        "culmann_segment.morphology:dilate_labels",
        summary="Labels grown by voxels or mm into the background, never over each other",
    )
    yield Step(
        "erode-labels",
        "culmann_segment.morphology:erode_labels",
        summary="Labels shrunk by voxels or mm",
    )
    yield Step(
        "offset-labels",
        "culmann_segment.offset:offset_labels",
        summary="Labels larger or smaller by a signed number of voxels, in 3-D or slice by slice, to vary a segmentation",
        cite=("doi:10.1038/s41598-024-66934-w",),
    )
    yield Step(
        "clean-labels",
        "culmann_segment.cleaning:clean_labels",
        summary="Every label cleaned by itself: islands, specks in a neighbour, thin bridges, holes, labels that are too small",
        cite=("doi:10.1038/s41598-024-66934-w",),
    )
    yield Step(
        "classical-femurs",
        "culmann_segment.classical_femur:classical_femurs",
        summary="Left and right proximal femur in a raw CT of the hips, without a network, with a confidence for each",
        cite=("doi:10.1109/TPAMI.2006.19",),
    )
    yield Step(
        "separate-vertebrae",
        "culmann_segment.separate_vertebrae:separate_vertebrae",
        summary="The vertebrae of a spine mask told apart, those that the image cuts left out",
    )
