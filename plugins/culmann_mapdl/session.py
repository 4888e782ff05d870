"""A session with Ansys through PyMAPDL: connect or start, send files, run the script, fetch what it wrote."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from culmann.errors import PluginError, SolverError
from culmann.journal import Journal
from culmann_mapdl.connection import ConnectionConfig
from culmann_mapdl.script import SCRIPT

#: What a message of Ansys or PyMAPDL means when a word of these stands in it.
_LICENCE = ("license", "licence", "ansyscl", "1055", "flexnet", "checkout")


@contextmanager
def session(config: ConnectionConfig, journal: Journal) -> Iterator[Any]:
    """A client of a running server, or of an installation that is started and ended here.

    Raises
    ------
    PluginError
        When PyMAPDL is not installed.
    SolverError
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


def run(client: Any, files: Mapping[str, str], journal: Journal) -> str:
    """Send the files and run the script; gives back what Ansys printed.

    Raises
    ------
    SolverError
        When Ansys stops with an error. Its output is kept as an attachment.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            client.finish()
            client.clear()
            for name, text in files.items():
                path = Path(folder) / name
                path.write_text(text, encoding="ascii", errors="replace")
                if name != SCRIPT:  # `input` sends that one itself
                    client.upload(str(path), progress_bar=False)
            journal.progress("Ansys is solving")
            return str(client.input(str(Path(folder) / SCRIPT), progress_bar=False) or "")
        except Exception as problem:
            text = _words(problem)
            journal.attach("mapdl-error.txt", text.encode())
            if _about_licence(text):
                raise _no_licence(text) from problem
            raise SolverError(
                f"Ansys stopped: {_last_line(text)}", hint="its message is in qc/, see mapdl-error.txt"
            ) from problem


def fetch(client: Any, name: str) -> str:
    """The text of a file that the script wrote. Raises SolverError when it is not there."""
    from ansys.mapdl.core.errors import MapdlException

    with tempfile.TemporaryDirectory() as folder:
        try:
            client.download(name, target_dir=folder, progress_bar=False)
            return (Path(folder) / name).read_text(encoding="ascii", errors="replace")
        except (MapdlException, OSError) as problem:
            raise SolverError(
                f"Ansys gave no file {name}, which the script writes at its end ({_last_line(str(problem))})",
                hint="its output is in qc/, see mapdl-output.txt",
            ) from problem


def _not_there(config: ConnectionConfig, problem: Exception) -> SolverError:
    text = _words(problem)
    if _about_licence(text):
        return _no_licence(text)
    if config.host is not None:
        return SolverError(
            f"no Ansys server answers at {config.host}:{config.port} within {config.connect_timeout_s} s ({_last_line(text)})",
            hint="start one there with `ansys252 -grpc -port 50052`, and look at `host`, `port` and `transport`; "
            "without Ansys use `native-solver`",
        )
    return SolverError(
        f"Ansys could not be started: {_last_line(text)}",
        hint="name its program with `executable`, or a running server with `host`; without Ansys use `native-solver`",
    )


def _no_licence(text: str) -> SolverError:
    return SolverError(
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
