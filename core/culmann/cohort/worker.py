"""A process that runs cases: `python -m culmann.cohort.worker` takes jobs as lines of JSON on its standard input.

It writes the id of a case to its standard output when the record of the case is there. What libraries print goes into the log
of the case, and so does the place of a crash. It ends when its input ends, also in the middle of a case: nobody waits for it.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import sys
import threading
from pathlib import Path

from culmann.cohort.job import Job


def main() -> None:
    """Run jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    faulthandler.enable()
    while True:
        job = Job.from_dict(json.loads(waiting.get()))
        _log_to(job.records.log(job.case))
        job.do()
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write(job.case + "\n")
        answers.flush()


def _listen(waiting: queue.SimpleQueue[str]) -> None:
    """Pass on each line; when the input ends, whoever wanted the results is gone."""
    for line in sys.stdin:
        waiting.put(line)
    os._exit(0)


def _log_to(path: Path) -> None:
    """Let everything that this process prints go to a file, that of C and Fortran as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


if __name__ == "__main__":
    main()
