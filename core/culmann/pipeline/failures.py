"""What is told of a step that failed: at which one it was, and for the authors of a plugin where the traceback lies."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from culmann.catalogue import Offer
from culmann.errors import CulmannError, InputError, PluginError
from culmann.pipeline.store import ANOTHER_STORE, Store


def explain(problem: BaseException, what: str, owner: str, offer: Offer, store: Store, *, was_stopped: bool) -> NoReturn:
    """Raise the problem with the step in front; one that is not ours leaves its traceback in a file of the store.

    Parameters
    ----------
    problem
        What the step raised.
    what
        The step or input in words.
    owner, offer
        Its id, and what it is.
    store
        Where its result was to be kept.
    was_stopped
        Whether what the step took in is incomplete because somebody stopped it: then its failure is nobody's fault.
    """
    if isinstance(problem, KeyboardInterrupt):
        raise problem
    if isinstance(problem, CulmannError) and was_stopped:
        raise KeyboardInterrupt from problem
    if isinstance(problem, CulmannError):
        problem.message = f"{what}: {problem.message}"
        problem.args = (problem.message,)
        raise problem
    if isinstance(problem, OSError) and str(problem.filename).startswith(str(store.folder)):
        message = f"{what}: its result cannot be stored in {store.folder}: {problem.strerror}"
        raise InputError(message, hint=f"make room, or {ANOTHER_STORE}") from problem
    told = " ".join(str(problem).split())
    log = _write_log(store.logs, owner, problem)
    raise PluginError(
        f"{what} failed inside {offer.origin}: {type(problem).__name__}{': ' if told else ''}{told}",
        hint=f"this is a mistake in the plugin, or in what it was given; for its authors the traceback is in {log}",
    ) from problem


def _write_log(folder: Path, owner: str, problem: BaseException) -> Path:
    folder.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    path = folder / f"{stamp}-{owner}.log"
    path.write_text("".join(traceback.format_exception(problem)), encoding="utf-8")
    return path
