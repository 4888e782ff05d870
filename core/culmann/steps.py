"""Step: the descriptor that a plugin offers for each thing it can do."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a plugin can do, named so that a pipeline file can use it.

    Parameters
    ----------
    name
        Lower-case words joined by hyphens; what a pipeline file writes after `use:`.
    target
        `"package.module:callable"`. Imported when a pipeline that uses the step is checked or run, not before.
    summary
        One sentence for the list of steps.
    cite
        Sources, as `"doi:…"` or a full reference. They are printed in the manifest of every run that used the step.
    extra
        What to `pip install` when the target cannot be imported, for example `"culmann[nnunet]"`.
    suffixes
        Readers only: the endings that the reader takes, `"/"` for a folder.
    foresee
        `"package.module:callable"`, for `culmann check` and the start of a run: it takes the options of the step and `{name
        of a step above: its options}`, and yields what would stop a run, as far as that is known without the data.

    Raises
    ------
    ValueError
        When the name or the target is not of the form above.
    """

    name: str
    target: str
    summary: str
    cite: tuple[str, ...] = ()
    extra: str | None = None
    suffixes: tuple[str, ...] = ()
    foresee: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"step name {self.name!r}: use lower-case words joined by hyphens, like 'my-law'")
        if not _TARGET.fullmatch(self.target):
            raise ValueError(f"step {self.name!r}: target {self.target!r} is not of the form 'package.module:callable'")
        if self.foresee is not None and not _TARGET.fullmatch(self.foresee):
            raise ValueError(f"step {self.name!r}: foresee {self.foresee!r} is not of the form 'package.module:callable'")
        if not self.summary.strip():
            raise ValueError(f"step {self.name!r} has no summary")
