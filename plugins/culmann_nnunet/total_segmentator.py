"""The step `totalsegmentator`: TotalSegmentator by its Python API, with its labels under our names."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Labels, Scan
from culmann.data.images import read_nifti, write_nifti
from culmann.errors import CulmannError, InputError, PluginError
from culmann.journal import Journal
from culmann.orientation import as_it_lay, upright
from culmann_nnunet.plausible import expect_ct

#: {its number in the task `total` of version 2: (its name, ours)}.
BONES: dict[int, tuple[str, str]] = {
    25: ("sacrum", "sacrum"),
    **{27 + n: (f"vertebrae_L{5 - n}", f"L{5 - n}") for n in range(5)},
    **{32 + n: (f"vertebrae_T{12 - n}", f"T{12 - n}") for n in range(12)},
    **{44 + n: (f"vertebrae_C{7 - n}", f"C{7 - n}") for n in range(7)},
    75: ("femur_left", "femur left"),
    76: ("femur_right", "femur right"),
    77: ("hip_left", "hip left"),
    78: ("hip_right", "hip right"),
}

_OURS = {ours: number for number, (_, ours) in BONES.items()}

#: Where TotalSegmentator looks for weights.
_WEIGHTS = "TOTALSEG_WEIGHTS_PATH"


class TotalSegmentatorConfig(Config):
    """Options of `totalsegmentator`."""

    labels: list[str] | None = Field(
        None,
        min_length=1,
        description="What to look for, as `[femur left, L3]`: `femur left`, `femur right`, `hip left`, `hip right`, `sacrum`, "
        "C1 to L5. Fewer take less time; null looks for all of these.",
    )
    fast: bool = Field(False, description="Its coarse network of 3 mm voxels: quicker, less exact.")
    device: Literal["gpu", "cpu", "mps"] = Field("gpu", description="Where to compute; without a GPU it goes on with the CPU.")
    weights_folder: Path | None = Field(
        None,
        description="Where its weights lie (`nnunet/results` of its own folder); then nothing is downloaded. Without it, they "
        "are downloaded when they are first needed, more than a gigabyte, into its folder in the home folder.",
    )
    allow_download: bool = Field(
        False, description="Whether it may download its weights. Without a `weights_folder` and without this, nothing is run."
    )


def total_segmentator(scan: Scan, config: TotalSegmentatorConfig, journal: Journal) -> Labels:
    """Segment a scan with TotalSegmentator (task `total`). Labels have its numbers and our names: `L3`, `femur left`.

    TotalSegmentator's code checks no digest of its weights, and loads them so that they could run code: use weights from its
    authors alone. Its usage statistics are not sent from here. This step was never run with its real weights by the authors of
    culmann, who had no network.

    Raises
    ------
    InputError
        When a label is not among those above, there are no weights and none may be downloaded, the scan is not in Hounsfield
        units, or nothing is found.
    """
    scan.expect_hu("totalsegmentator")
    expect_ct(scan, {}, journal)
    wanted = _wanted(config)
    weights = _weights(config)
    run = _python_api()
    hu, grid = upright(scan.hu, scan.grid)
    journal.progress(
        "TotalSegmentator runs" if weights else "TotalSegmentator runs, after it has downloaded its weights if need be"
    )
    with (
        tempfile.TemporaryDirectory(prefix="culmann-total-") as folder,
        _weights_in(weights),
        _no_network(weights),
        _silent() as printed,
    ):
        source, target = Path(folder) / "scan.nii.gz", Path(folder) / "labels.nii.gz"
        write_nifti(source, hu, grid)
        try:
            run(
                source,
                target,
                ml=True,
                task="total",
                fast=config.fast,
                roi_subset=[BONES[number][0] for number in wanted],
                device=config.device,
                quiet=True,
            )
        except (SystemExit, Exception) as problem:
            if isinstance(problem, CulmannError):
                raise
            last = (printed.getvalue().strip().splitlines() or [""])[-1]
            said = "" if isinstance(problem, SystemExit) else " ".join(str(problem).split())
            told = said or last or type(problem).__name__
            raise PluginError(
                f"TotalSegmentator failed: {told}", hint="are its weights complete, and of the installed version?"
            ) from problem
        if not target.is_file():
            raise PluginError("TotalSegmentator wrote no labels", hint="is its version 2? culmann was written for 2.x")
        found = read_nifti(target).astype(np.int32)
    if found.shape != hu.shape:
        raise PluginError(f"TotalSegmentator gave labels of {found.shape} voxels for a scan of {hu.shape}")
    label = as_it_lay(np.where(np.isin(found, wanted), found, 0).astype(np.int32), scan.grid)
    names = {number: BONES[number][1] for number in wanted}
    if not label.any():
        raise InputError(
            f"TotalSegmentator found none of {', '.join(names.values())} in the scan ({scan.grid.describe()})",
            hint="does the scan show these bones, in Hounsfield units?",
        )
    return Labels(scan.grid, label, names, (f"totalsegmentator{' --fast' if config.fast else ''}",), scan.placement)


def _wanted(config: TotalSegmentatorConfig) -> list[int]:
    """Its numbers of what is looked for."""
    chosen = list(_OURS) if config.labels is None else config.labels
    unknown = [name for name in chosen if name not in _OURS]
    if unknown:
        raise InputError(
            f"totalsegmentator has no label {', '.join(unknown)} here",
            hint=f"there is {', '.join(_OURS)}; names as `femur left`, `L3`",
        )
    return sorted(_OURS[name] for name in chosen)


def _weights(config: TotalSegmentatorConfig) -> Path | None:
    """The folder of the weights; None when they may be downloaded."""
    if config.weights_folder is not None:
        if not config.weights_folder.is_dir() or not any(config.weights_folder.glob("Dataset*")):
            raise InputError(
                f"there are no weights of TotalSegmentator in {config.weights_folder}: no folder Dataset…",
                hint="on a machine with a network, `totalseg_download_weights -t total` puts them into "
                "~/.totalsegmentator/nnunet/results",
            )
        return config.weights_folder
    if not config.allow_download:
        raise InputError(
            "TotalSegmentator downloads its weights when it first runs, more than a gigabyte, and that was not allowed",
            hint="say `allow_download: true`, or where they lie, with `weights_folder`",
        )
    return None


def _python_api() -> Callable[..., Any]:
    try:
        module = importlib.import_module("totalsegmentator.python_api")
    except ImportError as problem:
        raise PluginError(
            f"totalsegmentator cannot be imported: {problem}", hint="pip install 'culmann[totalsegmentator]'"
        ) from problem
    function: Callable[..., Any] = module.totalsegmentator
    return function


@contextlib.contextmanager
def _weights_in(folder: Path | None) -> Iterator[None]:
    """TotalSegmentator takes the folder from the environment, and sets nnU-Net's variables itself: all are put back."""
    names = (_WEIGHTS, "nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
    before = {name: os.environ.get(name) for name in names}
    if folder is not None:
        os.environ[_WEIGHTS] = str(folder.resolve())
    try:
        yield
    finally:
        for name, text in before.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text


@contextlib.contextmanager
def _no_network(weights: Path | None) -> Iterator[None]:
    """TotalSegmentator reports every run to its authors, which is kept from it, and downloads what it misses."""

    def refuse(url: str, *_: Any, **__: Any) -> None:
        raise InputError(
            f"the weights {url.rsplit('/', 1)[-1].removesuffix('.zip')} are not in {weights}, and nothing is downloaded",
            hint="fetch them with `totalseg_download_weights` of the same version; some labels need several",
        )

    changed: list[tuple[Any, str, Any]] = []
    for name, function in (("python_api.send_usage_stats", lambda *_, **__: None), ("libs.download_url_and_unpack", refuse)):
        place, _, attribute = name.partition(".")
        module = importlib.import_module(f"totalsegmentator.{place}")
        if hasattr(module, attribute) and not (function is refuse and weights is None):
            changed.append((module, attribute, getattr(module, attribute)))
            setattr(module, attribute, function)
    try:
        yield
    finally:
        for module, attribute, before in changed:
            setattr(module, attribute, before)


@contextlib.contextmanager
def _silent() -> Iterator[io.StringIO]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        yield printed
