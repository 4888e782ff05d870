"""The program `culmann`: its commands by name, and what becomes of an error."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer

from culmann.cli import cohort, listing, new, reporting, running, storing, writing
from culmann.cli.plugged import PluggedGroup
from culmann.errors import CulmannError


class Commands(PluggedGroup):
    """The commands; an error that culmann raised on purpose is told in its own words, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")  # pydantic's word for it, which typer passes on
            raise
        except CulmannError as error:
            if ctx.params.get("debug"):
                raise
            typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
            typer.echo(error.message, err=True)
            if error.hint:
                typer.echo(f"  hint: {error.hint}", err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as stopped:
            typer.echo("; ".join(["interrupted", *getattr(stopped, "__notes__", ())]), err=True)
            raise typer.Exit(128 + (signal.SIGTERM if signal.SIGTERM in stopped.args else signal.SIGINT)) from None


app = typer.Typer(
    cls=Commands,
    help="From a CT scan of a bone to its failure load.",
    epilog="`culmann COMMAND --help` tells the options of a command.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"culmann {version('culmann')}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """From a CT scan of a bone to its failure load."""


app.command("run")(running.run)
app.command("check")(running.check)
app.command("demo")(running.demo)
app.command("report")(reporting.report)
app.command("graph")(writing.graph)
app.command("schema")(writing.schema)
app.command("plugins")(listing.plugins)
app.command("store")(storing.store)
app.add_typer(cohort.cohort, name="cohort")
app.add_typer(new.new, name="new")


def _terminate(number: int, _: object) -> NoReturn:
    """What a batch system ends is cleared up and told like Ctrl-C."""
    raise KeyboardInterrupt(number)


def main() -> None:
    """Run the program on the arguments of the process. `--debug` may stand anywhere."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without these letters is no reason to fail
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    app(["--debug", *arguments] if len(arguments) < len(sys.argv) - 1 else arguments, prog_name="culmann")
