"""The table of metrics: its columns with the conventions in their names, as CSV and as text, and mean ± SD over cases."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from culmann_study.comparison import WHOLE, Row

#: {column of the CSV: name in `Metrics`}.
COLUMNS = {
    "dice": "dice",
    "hausdorff_surface_mm": "hausdorff_mm",
    "hausdorff_foreground_mm": "hausdorff_foreground_mm",
    "hd95_surface_mm": "hd95_mm",
    "assd_mm": "assd_mm",
    "surface_dice": "surface_dice",
    "reference_mm3": "reference_mm3",
    "prediction_mm3": "prediction_mm3",
    "difference_mm3": "difference_mm3",
    "difference_percent": "difference_percent",
}
#: Columns of the text, their heads, and decimals.
_SHOWN = {
    "dice": ("Dice", 3),
    "hausdorff_surface_mm": ("HD surface", 2),
    "hausdorff_foreground_mm": ("HD foreground", 2),
    "hd95_surface_mm": ("HD95 surface", 2),
    "assd_mm": ("ASSD", 3),
    "surface_dice": ("surface Dice", 3),
    "difference_percent": ("volume %", 1),
}

Rows = Mapping[str, Sequence[Row]]


def as_csv(rows: Rows, tolerance_mm: float) -> str:
    """A line for each case, label and region. What is not defined, such as the distance to an empty mask, stays empty."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["case", "label", "name", "region", *COLUMNS, "tolerance_mm"])
    for case, found in rows.items():
        for row in found:
            values = [getattr(row.metrics, field) for field in COLUMNS.values()]
            numbers = ["" if np.isnan(value) else f"{value:.10g}" for value in values]
            table.writerow([case, row.label, row.name, row.region, *numbers, f"{tolerance_mm:g}"])
    return text.getvalue()


def as_text(rows: Rows, tolerance_mm: float) -> str:
    """The table for a terminal: every row, mean ± SD over the cases where there are several, and the conventions."""
    several = len(rows) > 1
    body = []
    for case, found in rows.items():
        for row in found:
            cells = [_cell(getattr(row.metrics, COLUMNS[c]), decimals) for c, (_, decimals) in _SHOWN.items()]
            body.append([*([case] if several else []), row.name, row.region, *cells])
    if several:
        body += [["mean ± SD", *line] for line in _means(rows)]
    heads = [*(["case"] if several else []), "label", "region", *(head for head, _ in _SHOWN.values())]
    widths = [max(len(line[n]) for line in [heads, *body]) for n in range(len(heads))]
    words = len(heads) - len(_SHOWN)
    told = []
    for line in [heads, *body]:
        cells = [cell.ljust(w) if n < words else cell.rjust(w) for n, (cell, w) in enumerate(zip(line, widths, strict=True))]
        told.append("  ".join(cells).rstrip())
    return "\n".join([*told, "", *conventions(tolerance_mm)])


def conventions(tolerance_mm: float) -> list[str]:
    """What the columns mean."""
    return [
        "HD, HD95, ASSD in mm, with the spacing of the voxels, on the 3-D volume.",
        "surface: between the voxels of both masks that have a face towards the background; foreground: between all voxels.",
        "HD95: the greater of both directed 95th percentiles. ASSD: the mean over the surface voxels of both masks together.",
        f"surface Dice: the share of those voxels within {tolerance_mm:g} mm of the other surface.",
        "volume: prediction less reference.",
    ]


def means(rows: Rows) -> list[dict[str, str | int | float]]:
    """Mean and SD (n - 1) of every metric over cases: by name and region, and over all names where there are several."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for found in rows.values():
        for row in found:
            groups.setdefault((row.name, row.region), []).append(row)
    everything = [row for found in rows.values() for row in found if row.region == WHOLE]
    if len({name for name, _ in groups}) > 1:
        groups["all labels", WHOLE] = everything
    told: list[dict[str, str | int | float]] = []
    for (name, region), found in groups.items():
        line: dict[str, str | int | float] = {"name": name, "region": region, "n": len(found)}
        for column, field in COLUMNS.items():
            values = np.array([getattr(row.metrics, field) for row in found])
            values = values[np.isfinite(values)]
            line[f"{column}_n"] = len(values)
            line[f"{column}_mean"] = float(values.mean()) if len(values) else float("nan")
            line[f"{column}_sd"] = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        told.append(line)
    return told


def _means(rows: Rows) -> list[list[str]]:
    told = []
    for line in means(rows):
        cells = []
        for column, (_, decimals) in _SHOWN.items():
            mean, sd = (_cell(float(line[f"{column}_{what}"]), decimals) for what in ("mean", "sd"))
            few = "" if line[f"{column}_n"] == line["n"] else f" (n {line[f'{column}_n']})"
            cells.append(f"{mean} ± {sd}{few}")
        told.append([f"{line['name']} (n {line['n']})", str(line["region"]), *cells])
    return told


def _cell(value: float, decimals: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{decimals}f}"
