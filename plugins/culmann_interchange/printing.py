"""The report of a run as PDF: the file `report.html` printed by Chromium, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from culmann.errors import EngineError, InputError

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_LONGEST_S = 120.0
_OTHER = "print report.html from any browser and give the file with --pdf"


def find_browser() -> str | None:
    """The Chromium or Chrome of this machine: `CULMANN_BROWSER`, else the first on the path."""
    named = os.environ.get("CULMANN_BROWSER")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, _PROGRAMS)), None)


def print_report(folder: Path) -> bytes:
    """The PDF of `report.html` in the folder of a run, or of a variant.

    Raises
    ------
    InputError
        When the folder has no report.
    EngineError
        When there is no browser, or it does not print.
    """
    page = folder / "report.html"
    if not page.is_file():
        raise InputError(
            f"the run {folder} has no report.html", hint="make one with `culmann report`, or give a PDF of your own with --pdf"
        )
    browser = find_browser()
    if browser is None:
        raise EngineError("no Chromium or Chrome was found to print the report with", hint=f"install chromium, or {_OTHER}")
    with tempfile.TemporaryDirectory() as place:
        printed = Path(place) / "report.pdf"
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--enable-unsafe-swiftshader",  # WebGL without a graphics card
            "--no-pdf-header-footer",
            "--virtual-time-budget=20000",
            f"--user-data-dir={place}/profile",
            f"--print-to-pdf={printed}",
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),  # it refuses root otherwise
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_LONGEST_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise EngineError(f"{browser} did not print {page}: {problem}", hint=_OTHER) from problem
        if done.returncode or not printed.is_file():
            told = done.stderr.decode(errors="replace").strip().splitlines()
            raise EngineError(f"{browser} did not print {page}: {told[-1] if told else done.returncode}", hint=_OTHER)
        return printed.read_bytes()


def read_pdf(path: Path) -> bytes:
    """The content of a PDF file; raises InputError when it is none."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    if not content.startswith(b"%PDF-"):
        raise InputError(f"{path} is no PDF file")
    return content
