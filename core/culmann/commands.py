"""Command: the descriptor by which a plugin adds a command to the program."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*( [a-z][a-z0-9]*(-[a-z0-9]+)*)?")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
#: Commands of culmann itself. No plugin can take their names.
OWN = ("run", "check", "demo", "graph", "schema", "plugins", "store", "new", "cohort", "report")


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the program `culmann`, named so that it can be typed.

    Parameters
    ----------
    name
        Lower-case words joined by hyphens: `evaluate` becomes `culmann evaluate`. Two such words, as `train unet3d`, put the
        command into a group, in which several plugins may have commands.
    target
        `"package.module:callable"`: a function whose annotated parameters are the arguments and options, as typer has them,
        or a `typer.Typer` with sub-commands. Imported when the command is called, not before.
    summary
        One sentence for `culmann --help`.
    extra
        What to `pip install` when the target cannot be imported, for example `"culmann[study]"`.

    Raises
    ------
    ValueError
        When the name or the target is not of the form above, or the name is that of a command of culmann itself.
    """

    name: str
    target: str
    summary: str
    extra: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"command name {self.name!r}: use one or two lower-case words, like 'evaluate' or 'train my-net'")
        if self.name.partition(" ")[0] in OWN:
            raise ValueError(f"command name {self.name!r}: {self.name.partition(' ')[0]!r} is a command of culmann itself")
        if not _TARGET.fullmatch(self.target):
            raise ValueError(f"command {self.name!r}: target {self.target!r} is not of the form 'package.module:callable'")
        if not self.summary.strip():
            raise ValueError(f"command {self.name!r} has no summary")
