"""A stand-in for a Slurm cluster: `sbatch`, `srun`, `sacct`, `scancel` and `scontrol`, as far as submitit uses them.

`install(folder)` writes the five programs. Each is this file with the name of the program as its first argument; what the
cluster knows of its jobs lies in the file system, in `STAND_IN` of the environment. It is not Slurm: it was written after the
manual of Slurm, and shows that the executor says and understands what the manual says.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = ("sbatch", "srun", "sacct", "scancel", "scontrol")


def install(folder: Path) -> None:
    """Write the programs into a folder for the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" {name} "$@"\n')
        program.chmod(0o755)


def home() -> Path:
    return Path(os.environ["STAND_IN"])


def sbatch(script: str) -> None:
    """Take a script, say the number of the job, and let a process of its own run the tasks of its array."""
    text = Path(script).read_text()
    number = 1000 + len(list(home().glob("*.sbatch")))
    (home() / f"{number}.sbatch").write_text(text)
    array = re.search(r"^#SBATCH --array=0-(\d+)%(\d+)$", text, re.MULTILINE)
    tasks = range(int(array[1]) + 1) if array else [None]
    for task in tasks:
        say(job_name(number, task), "PENDING")
    command = [sys.executable, __file__, "manage", str(number), str(len(tasks)), array[2] if array else "1", str(bool(array))]
    subprocess.Popen(
        command, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    print(f"Submitted batch job {number}")


def manage(number: str, count: str, parallel: str, is_array: str) -> None:
    """Run the tasks of a job, so many at a time, and those that are queued again once more."""
    waiting = [job_name(int(number), n if is_array == "True" else None) for n in range(int(count))]
    running: dict[str, subprocess.Popen[bytes]] = {}
    while waiting or running:
        while waiting and len(running) < int(parallel):
            name = waiting.pop(0)
            if state_of(name) == "PENDING":
                running[name] = start(number, name)
        for name, process in list(running.items()):
            if process.poll() is None:
                time_out(name)
                continue
            del running[name]
            if (home() / f"{name}.requeue").exists():
                (home() / f"{name}.requeue").unlink()
                say(name, "PENDING")
                waiting.append(name)
            elif state_of(name) == "RUNNING":
                say(name, "COMPLETED" if process.returncode == 0 else "FAILED")
        time.sleep(0.05)


def start(number: str, name: str) -> subprocess.Popen[bytes]:
    """Start a task with the environment that Slurm gives it."""
    say(name, "RUNNING")
    task = {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": name.partition("_")[2]} if "_" in name else {}
    facts = {"SLURM_JOB_ID": number, "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_NODEID": "0"}
    facts |= {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_JOB_NODELIST": "node1", "STAND_IN_TASK": name}
    (home() / f"{name}.began").write_text(str(time.time()))
    return subprocess.Popen(
        ["/bin/bash", str(home() / f"{number}.sbatch")], env={**os.environ, **task, **facts}, start_new_session=True
    )


def time_out(name: str) -> None:
    """Near the time limit Slurm sends the signal that the script asked for to the steps of a job, once."""
    limit_s = float(os.environ.get("STAND_IN_LIMIT_S", "inf"))
    began, told = home() / f"{name}.began", home() / f"{name}.told"
    step = home() / f"{name}.step"
    if time.time() - float(began.read_text()) > limit_s and not told.exists() and step.exists():
        told.touch()
        os.kill(int(step.read_text()), signal.SIGUSR2)


def srun(*words: str) -> None:
    """Become the command, with its output where it was asked to go."""
    words_left = list(words)
    while words_left[0].startswith("--"):
        option = words_left.pop(0)
        if option in {"--output", "--error"}:
            place = words_left.pop(0)
            place = place.replace("%A_%a", os.environ["STAND_IN_TASK"]).replace("%j", os.environ["STAND_IN_TASK"])
            file = os.open(place.replace("%t", "0"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(file, 1 if option == "--output" else 2)
    (home() / f"{os.environ['STAND_IN_TASK']}.step").write_text(str(os.getpid()))
    os.execvp(words_left[0], words_left)


def sacct(*_: str) -> None:
    """Print the state of every job."""
    print("JobID|State|NodeList")
    for path in sorted(home().glob("*.state")):
        print(f"{path.stem}|{path.read_text()}|node1")


def scancel(*words: str) -> None:
    """End jobs: a whole array, or one task of it."""
    (home() / "cancelled").open("a").write(" ".join(words) + "\n")
    for word in words:
        for path in [*home().glob(f"{word}.state"), *home().glob(f"{word}_*.state")]:
            running = path.read_text() == "RUNNING"
            say(path.stem, "CANCELLED")
            step = home() / f"{path.stem}.step"
            if running and step.exists():
                os.kill(int(step.read_text()), signal.SIGKILL)


def scontrol(action: str, name: str) -> None:
    """Queue a job again."""
    assert action == "requeue"
    (home() / f"{name}.requeue").touch()
    (home() / "requeued").open("a").write(name + "\n")


def job_name(number: int, task: int | None) -> str:
    return f"{number}" if task is None else f"{number}_{task}"


def say(name: str, state: str) -> None:
    (home() / f"{name}.state").write_text(state)


def state_of(name: str) -> str:
    return (home() / f"{name}.state").read_text()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
