"""Pictures that steps left for checking, made small enough for the page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from culmann.pages import picture_uri
from culmann.pipeline import Run
from culmann_report.found import Found

#: Wider pictures are made narrower.
_WIDEST_PX = 1500
_QUALITY = 86


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what it shows.

    Parameters
    ----------
    step, title, text
        The step that left it, its name as a title, and the step's summary.
    source
        A data URI.
    size_px
        Width and height.
    """

    step: str
    title: str
    text: str
    source: str
    size_px: tuple[int, int]


def pictures(run: Run, found: Found) -> list[Picture]:
    """The attachments of all steps, in the order of the pipeline, then the pictures of other reports."""
    return [*_attached(run), *_reported(run, found)]


def _attached(run: Run) -> Iterator[Picture]:
    names = [
        name for name in run.manifest["files"] if name.startswith("qc/") and name.lower().endswith((".png", ".jpg", ".jpeg"))
    ]
    owners = [*run.graph.inputs, *run.graph.steps]
    for owner in owners:
        for name in names:
            # The longest id that fits: `bone` and `bone-2` may both be steps.
            fits = [other for other in owners if name.removeprefix("qc/").startswith(f"{other}-")]
            if fits and max(fits, key=len) == owner:
                title = name.removeprefix(f"qc/{owner}-").rsplit(".", 1)[0]
                yield from _picture(run, owner, title, (run.out / name).read_bytes())


def _reported(run: Run, found: Found) -> Iterator[Picture]:
    for name, report in found.reports.items():
        owner = name.partition(".")[0]
        if run.graph.steps[owner].offer.step.name == "figures":
            continue  # the curve and the bone, which the page shows itself
        for file, content in report.files.items():
            if file.lower().endswith((".png", ".jpg", ".jpeg")):
                yield from _picture(run, owner, file.rsplit(".", 1)[0], content)


def _picture(run: Run, owner: str, title: str, content: bytes) -> Iterator[Picture]:
    from PIL import Image, UnidentifiedImageError, features

    step = run.graph.steps.get(owner)
    text = step.offer.step.summary if step else ""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            picture = opened.convert("RGBA" if "A" in opened.getbands() or "transparency" in opened.info else "RGB")
    except (UnidentifiedImageError, OSError):
        return
    if picture.mode == "RGBA":  # what is transparent was drawn for white paper
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    if picture.width > _WIDEST_PX:
        picture = picture.resize((_WIDEST_PX, round(picture.height * _WIDEST_PX / picture.width)), Image.Resampling.LANCZOS)
    small = io.BytesIO()
    if features.check("webp"):
        picture.save(small, "WEBP", quality=_QUALITY, method=2)
    else:
        picture.save(small, "JPEG", quality=_QUALITY)
    best = small.getvalue() if len(small.getvalue()) < len(content) else content
    yield Picture(owner, title.replace("_", " ").replace("-", " "), text, picture_uri(best), picture.size)
