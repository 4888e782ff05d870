"""A one-file plugin for the tests of cohorts: a step that fails as it is told to, and a strength without mechanics."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from culmann import Config, InputError, Journal, Labels, Step, Strength, hookimpl

api = 1


class BoomConfig(Config):
    """How it fails."""

    how: str = ""
    #: Makes the call of each case one of its own, which the store has not.
    tag: int = 0
    wait_s: float = 0.0
    pid_file: str = ""
    #: The failure and the waiting are over when this file is there; the first call puts it there.
    unless: str = ""


class WeighConfig(Config):
    """The load that a voxel bears."""

    newton: float = 1.0


@hookimpl
def culmann_segmenters():
    yield Step("boom", "booms:boom", summary="Fails as it is told to.")


@hookimpl
def culmann_failure_criteria():
    yield Step("weigh", "booms:weigh", summary="A newton a voxel.")


def boom(labels: Labels, config: BoomConfig, journal: Journal) -> Labels:
    """Fail, or pass the labels on; every call is written to `BOOM_CALLS`."""
    with Path(os.environ["BOOM_CALLS"]).open("a") as file:
        file.write(f"{os.getpid()} {os.environ.get('OMP_NUM_THREADS', '-')} {config.how}\n")
    if config.pid_file:
        Path(config.pid_file).write_text(str(os.getpid()))
    if config.unless and Path(config.unless).exists():
        return labels
    if config.unless:
        Path(config.unless).touch()
    time.sleep(config.wait_s)
    if config.how == "raise":
        raise InputError("this bone is not for me", hint="take another")
    if config.how == "bug":
        raise ZeroDivisionError("nobody expected this")
    if config.how.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, config.how))
        time.sleep(60)
    if config.how == "exit":
        os._exit(7)
    if config.how == "warn":
        journal.warn("it looks odd")
    print("a library talks")
    return labels


def weigh(labels: Labels, config: WeighConfig) -> Strength:
    """So many newton as there are voxels."""
    load = config.newton * float((labels.label != 0).sum())
    return Strength(load, "a newton a voxel", 0.5, 0.01, 2 * load)
