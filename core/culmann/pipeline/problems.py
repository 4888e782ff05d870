"""Problems of a pipeline file: collected with their place in the text, and told all at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from culmann.errors import PipelineError


@dataclass(frozen=True, slots=True)
class Source:
    """A text that is read: a pipeline file, or one `--set` of the command line.

    Parameters
    ----------
    name
        What messages call it.
    text
        Its content.
    folder
        Where relative file names in it start.
    one_line
        Whether it is so short that messages need no line and column.
    """

    name: str
    text: str
    folder: Path
    one_line: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a source; line and column count from 1."""

    source: Source
    line: int
    column: int
    width: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and what to do."""

    mark: Mark
    message: str
    hint: str = ""

    def render(self) -> str:
        """`file:line:column: message`, the line of the source with a caret, and the hint."""
        mark = self.mark
        place = "" if mark.source.one_line else f":{mark.line}:{mark.column}"
        head = f"{mark.source.name}{place}: {self.message}"
        lines = mark.source.text.splitlines()
        shown = lines[mark.line - 1] if 0 < mark.line <= len(lines) else ""
        start = max(0, mark.column - 100) if len(shown) > 160 else 0
        window = "".join(letter if letter.isprintable() or letter == "\t" else "�" for letter in shown[start : start + 160])
        blank = "".join("\t" if letter == "\t" else " " for letter in window[: mark.column - 1 - start])
        caret = blank + "^" * max(1, min(mark.width, len(window) - len(blank)))
        parts = [head, f"    {window}", f"    {caret}"] if shown.strip() else [head]
        if self.hint:
            parts.append(f"  hint: {self.hint}")
        return "\n".join(parts)


@dataclass(slots=True)
class Problems:
    """A growing list of problems."""

    found: list[Problem] = field(default_factory=list)

    def add(self, mark: Mark, message: str, hint: str = "") -> None:
        """Note one, unless it was noted already: variants share most of a file."""
        problem = Problem(mark, message, hint)
        if problem not in self.found:
            self.found.append(problem)

    def stop_if_any(self) -> None:
        """Raise one PipelineError that tells all problems, in the order of the text."""
        if self.found:
            self.stop()

    def stop(self) -> NoReturn:
        """Raise them."""
        sources = list(dict.fromkeys(problem.mark.source.name for problem in self.found))
        ordered = sorted(self.found, key=lambda p: (sources.index(p.mark.source.name), p.mark.line, p.mark.column))
        told = "\n".join(problem.render() for problem in ordered)
        count = f"{len(ordered)} problems\n" if len(ordered) > 1 else ""
        raise PipelineError(count + told)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or a list of what there is when it is short, or nothing."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f" (there is {', '.join(names)})" if 0 < len(names) <= 12 else ""
