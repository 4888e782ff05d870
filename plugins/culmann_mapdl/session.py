"""A session with Ansys through PyMAPDL: connect or start, send files, run the script, fetch what it wrote."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from culmann.errors import CulmannError, EngineError, PluginError, SolverError
from culmann.journal import Journal
from culmann_mapdl.connection import ConnectionConfig
from culmann_mapdl.script import SCRIPT

OUTPUT = "output.txt"
#: What a message of Ansys or PyMAPDL means when a word of these stands in it.
_LICENCE = ("license", "licence", "ansyscl", "1055", "flexnet", "checkout")


@contextmanager
def session(config: ConnectionConfig, journal: Journal) -> Iterator[Any]:
    """A client of a running server, or of an installation that is started and ended here.

    Raises
    ------
    PluginError
        When PyMAPDL is not installed.
    EngineError
        When there is no server, no installation or no licence.
    """
    try:
        from ansys.mapdl.core import launch_mapdl
        from ansys.mapdl.core.mapdl_grpc import MapdlGrpc
    except ImportError as problem:
        raise PluginError(f"PyMAPDL cannot be imported: {problem}", hint="pip install 'culmann[mapdl]'") from problem
    home = tempfile.TemporaryDirectory(prefix="culmann-mapdl-") if config.host is None else None
    try:
        if config.host is not None:
            journal.progress(f"connecting to {config.host}:{config.port}")
            client: Any = MapdlGrpc(
                ip=config.host, port=config.port, transport_mode=config.transport, timeout=config.connect_timeout_s, local=False
            )
        else:
            assert home is not None
            journal.progress("starting Ansys")
            client = launch_mapdl(
                exec_file=None if config.executable is None else str(config.executable),
                run_location=home.name,
                nproc=config.processors,
                timeout=config.connect_timeout_s,
                override=True,
                cleanup_on_exit=True,
            )
    except Exception as problem:  # whatever PyMAPDL raises: it has many kinds, and says them in words
        raise _not_there(config, problem) from problem
    try:
        yield client
    finally:
        if home is not None:
            with suppress(Exception):
                client.exit()
            home.cleanup()


@contextmanager
def kept_on_error() -> Iterator[Path]:
    """A folder for what goes to Ansys and comes back. It goes when all went well; an error names it, and it stays."""
    folder = Path(tempfile.mkdtemp(prefix="culmann-mapdl-"))
    try:
        yield folder
    except CulmannError as problem:
        problem.hint = f"{problem.hint}; model, script and output are kept in {folder}".removeprefix("; ")
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def run(client: Any, folder: Path, journal: Journal) -> None:
    """Send all files of the folder, run the script, and put what Ansys printed into `output.txt`.

    Raises
    ------
    SolverError
        When Ansys stops with an error.
    EngineError
        When it loses its licence.
    """
    try:
        client.finish()
        client.clear()
        for path in sorted(folder.iterdir()):
            if path.name != SCRIPT:  # `input` sends that one itself
                client.upload(str(path), progress_bar=False)
        journal.progress("Ansys is solving")
        output = str(client.input(str(folder / SCRIPT), progress_bar=False) or "")
    except Exception as problem:
        text = _words(problem)
        (folder / OUTPUT).write_text(text, encoding="utf-8")
        if _about_licence(text):
            raise _no_licence(text) from problem
        raise SolverError(f"Ansys stopped: {_last_line(text)}") from problem
    (folder / OUTPUT).write_text(output, encoding="utf-8")


def fetch(client: Any, name: str, folder: Path) -> str:
    """The text of a file that the script wrote. Raises SolverError when it is not there."""
    from ansys.mapdl.core.errors import MapdlException

    try:
        client.download(name, target_dir=str(folder), progress_bar=False)
        return (folder / name).read_text(encoding="ascii", errors="replace")
    except (MapdlException, OSError) as problem:
        raise SolverError(
            f"Ansys gave no file {name}, which the script writes at its end ({_last_line(str(problem))})"
        ) from problem


def _not_there(config: ConnectionConfig, problem: Exception) -> EngineError:
    text = _words(problem)
    if _about_licence(text):
        return _no_licence(text)
    if config.host is not None:
        return EngineError(
            f"no Ansys server answers at {config.host}:{config.port} within {config.connect_timeout_s} s ({_last_line(text)})",
            hint="start one there with `ansys252 -grpc -port 50052`, and look at `host`, `port` and `transport`; "
            "without Ansys use `native-solver`",
        )
    return EngineError(
        f"Ansys could not be started: {_last_line(text)}",
        hint="name its program with `executable`, or a running server with `host`; without Ansys use `native-solver`",
    )


def _no_licence(text: str) -> EngineError:
    return EngineError(
        f"Ansys got no licence: {_last_line(text)}",
        hint="look at the licence server (ANSYSLMD_LICENSE_FILE), or wait for a free licence; without one use `native-solver`",
    )


def _about_licence(text: str) -> bool:
    return any(word in text.lower() for word in _LICENCE)


def _words(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}"


def _last_line(text: str) -> str:
    found = [line.strip() for line in text.splitlines() if line.strip()]
    return found[-1][:300] if found else "no message"
