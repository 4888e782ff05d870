"""What all tests share: in CI nothing is skipped for want of a package, foreign distributions can be installed, a browser."""

from __future__ import annotations

import locale
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

#: What a CI machine may lack. A package, a program or a file of the project is not among it.
MAY_BE_MISSING = ("needs a GPU", "needs ../shared/data", *filter(None, [os.environ.get("CULMANN_CI_MAY_LACK")]))

#: Processes of `pytest -n auto`.
MOST_PROCESSES = 4

#: Chromium without a GPU, and without asking Google's hosts for anything.
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

THIRD_PARTY = Path(__file__).parent / "third_party"


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix("Skipped: ")
    if not reason.startswith(MAY_BE_MISSING):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything is to be tested: {reason}"


def pytest_configure() -> None:
    """Hear Ctrl-C, which some tests press: what a script starts in the background ignores it, and hands that down."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`pytest -n auto`: a process a core, but not many: each holds torch, and the solver has threads of its own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], dict[str, str]]:
    """Install a distribution into a folder of its own; gives the environment of a process that has it."""

    def into_folder(distribution: Path) -> dict[str, str]:
        site = tmp_path_factory.mktemp("site")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        done = subprocess.run(
            [*pip, "--target", str(site), str(distribution)], capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}

    return into_folder


@pytest.fixture(scope="session")
def with_lab_law(install: Callable[[Path], dict[str, str]]) -> dict[str, str]:
    """The environment of a process in which the foreign distribution `lab-law` is installed."""
    return install(THIRD_PARTY / "lab_law")


@pytest.fixture(scope="session")
def block_of_bone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ct.nii.gz` and `labels.nii.gz`: 36 x 28 x 20 mm of 250 HU in soft tissue, label 1, in voxels of 2 mm."""
    folder = tmp_path_factory.mktemp("block")
    label = np.zeros((14, 20, 24), dtype=np.uint8)
    label[2:12, 3:17, 3:21] = 1
    for name, array in (("ct", np.where(label > 0, 250, 20).astype(np.int16)), ("labels", label)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((2.0, 2.0, 2.0))
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
    return folder


@pytest.fixture(autouse=True)
def _locale() -> Iterator[None]:
    """GDCM sets the locale of the process to C when a test writes a DICOM file: the next one would read text as ASCII."""
    before = locale.setlocale(locale.LC_ALL)
    yield
    if locale.setlocale(locale.LC_ALL) != before:
        locale.setlocale(locale.LC_ALL, before)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser. It goes with the module: as long as one is open, no test can start another event loop."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("needs chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield browser
        browser.close()
