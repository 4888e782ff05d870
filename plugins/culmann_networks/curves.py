"""How a training went, as a table and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from culmann_networks.checkpoint import Row

_COLUMNS = ("network", "epoch", "loss", "validation_dice", "learning_rate", "seconds")


def write(folder: Path, rows: Mapping[str, Sequence[Row]]) -> None:
    """Write `curves.csv` and `curves.png`, each whole."""
    _replace(folder / "curves.csv", as_csv(rows).encode())
    _replace(folder / "curves.png", as_png(rows))


def as_csv(rows: Mapping[str, Sequence[Row]]) -> str:
    """One line for every network and epoch; no validation is an empty cell."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for network, those in rows.items():
        for row in those:
            table.writerow([network, *("" if (value := row.get(name)) is None else _short(value) for name in _COLUMNS[1:])])
    return text.getvalue()


def as_png(rows: Mapping[str, Sequence[Row]]) -> bytes:
    """Loss and validation Dice over epochs, a line a network."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    loss, dice = figure.subplots(1, 2)
    for network, those in rows.items():
        epochs = [row["epoch"] for row in those]
        loss.plot(epochs, [row["loss"] for row in those], label=network, lw=1.2)
        measured = [(row["epoch"], row["validation_dice"]) for row in those if row["validation_dice"] is not None]
        if measured:
            dice.plot(*zip(*measured, strict=True), label=network, lw=1.2, marker=".", ms=3)
    loss.set(xlabel="epoch", ylabel="loss")
    dice.set(xlabel="epoch", ylabel="Dice on validation cases", ylim=(0, 1))
    for axes in (loss, dice):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if len(rows) > 1 and axes.lines:
            axes.legend(frameon=False)
    png = io.BytesIO()
    figure.savefig(png, dpi=150, format="png")
    return png.getvalue()


def _short(value: float | int) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
