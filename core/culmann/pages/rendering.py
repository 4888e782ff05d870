"""Templates into pages: those of a package first, then those of the core."""

from __future__ import annotations

import functools
import importlib.metadata
from importlib import resources
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from culmann.pages.embedding import as_json
from culmann.pages.numbers import rounded, spaced


def render(package: str, template: str, **facts: Any) -> bytes:
    """A page as a file.

    Parameters
    ----------
    package
        The import package whose folder `templates` is searched first.
    template
        The name of the template. What is put into it is escaped, unless it is `markupsafe.Markup`.
    facts
        What the template knows. A name that it uses and that is not given is an error.
    """
    return _environment(package).get_template(template).render(**facts).encode("utf-8")


def asset(package: str, *names: str) -> str:
    """A text file of a package, such as a vendored script."""
    return resources.files(package).joinpath(*names).read_text(encoding="utf-8")


@functools.cache
def _environment(package: str) -> Environment:
    loader = ChoiceLoader([PackageLoader(package), PackageLoader("culmann.pages")])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"json": as_json, "rounded": rounded, "spaced": spaced}
    environment.globals["version"] = _version()
    return environment


def _version() -> str:
    try:
        return importlib.metadata.version("culmann")
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"
