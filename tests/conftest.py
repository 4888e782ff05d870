"""What all tests share: in CI nothing is skipped for want of a package, and foreign distributions can be installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

#: What a CI machine may lack. A package, a program or a file of the project is not among it.
MAY_BE_MISSING = ("needs a GPU", "needs ../shared/data")

THIRD_PARTY = Path(__file__).parent / "third_party"


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix("Skipped: ")
    if not reason.startswith(MAY_BE_MISSING):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything is to be tested: {reason}"


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
        done = subprocess.run([*pip, "--target", str(site), str(distribution)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}

    return into_folder


@pytest.fixture(scope="session")
def with_lab_law(install: Callable[[Path], dict[str, str]]) -> dict[str, str]:
    """The environment of a process in which the foreign distribution `lab-law` is installed."""
    return install(THIRD_PARTY / "lab_law")
