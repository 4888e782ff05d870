"""compare-labels: how one label map of a pipeline compares with another."""

from __future__ import annotations

from pydantic import Field

from culmann.config import Config
from culmann.data import Labels, Landmarks, Report
from culmann.errors import InputError
from culmann_study.comparison import Match, compare_maps, matched, merged, on_one_grid, renumbered
from culmann_study.distance_picture import distance_picture
from culmann_study.femur_regions import FemurPlanes, planes_from
from culmann_study.metric_table import as_csv, as_text


class CompareLabelsConfig(Config):
    """Options of `compare-labels`."""

    labels: list[int | str] | None = Field(
        None, min_length=1, description="Labels of the reference to compare, by number or name; null compares all of both maps."
    )
    match: Match = Field(
        "auto",
        description="Which label goes with which: those of the same `number`, or of the same `name`. `auto`: by name when "
        "every label of both maps has a name and some are the same, else by number.",
    )
    pairs: dict[int, int] = Field(
        default_factory=dict, description="{number in the reference: number in the prediction} for labels that have others."
    )
    merge: bool = Field(False, description="Compare all labels of a map together, as one.")
    tolerance_mm: float = Field(
        1.0, ge=0, description="How far surfaces may lie apart and still agree, for the surface Dice, mm."
    )
    resample: bool = Field(False, description="Lay the prediction onto the grid of the reference where they differ.")
    picture: bool = Field(True, description="Draw the surface in the colours of the distance.")
    view: tuple[float, float, float] = Field(
        (0.35, -1.0, 0.25),
        description="From where the picture is seen (left, posterior, superior); the other side is shown too.",
    )


def compare_labels(
    labels: Labels, reference: Labels, config: CompareLabelsConfig, landmarks: Landmarks | None = None
) -> Report:
    """Compare label maps, and write `metrics.csv`, `metrics.txt` and `distance.png`.

    With the landmarks of a femur, each label is also told for its shaft, middle and head.

    Raises
    ------
    InputError
        When the grids differ, the reference is empty, or a label that is asked for is absent.
    """
    if not reference.foreground.any():
        raise InputError("the reference is empty: no voxel is labelled")
    prediction = on_one_grid(reference, labels, config.resample)
    if config.merge:
        reference, prediction = merged(reference), merged(prediction)
    pairs = matched(reference, prediction, config.match, config.pairs, config.labels or [])
    planes: dict[int, FemurPlanes] = {} if landmarks is None else {at.reference: planes_from(landmarks) for at in pairs}
    rows = {"": compare_maps(reference, prediction, pairs, config.tolerance_mm, planes)}
    files = {
        "metrics.csv": as_csv(rows, config.tolerance_mm).encode(),
        "metrics.txt": (as_text(rows, config.tolerance_mm) + "\n").encode(),
    }
    if config.picture and prediction.foreground.any():
        ours, theirs = renumbered(reference, prediction, pairs)
        if theirs.foreground.any():
            files["distance.png"] = distance_picture(ours, theirs, "prediction against reference", config.view)
    return Report(files)
