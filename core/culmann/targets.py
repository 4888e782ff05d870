"""From a descriptor to the code behind it: importing it when it is first needed, and a digest that changes when it does."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from culmann.catalogue import CommandOffer, Offer
from culmann.errors import PluginError

#: Parts of the core that no result depends on.
_NOT_COMPUTING = {"cli", "scaffold", "testing", "pipelines", "pages", "cohort", "dataset"}


def load_target(offer: Offer) -> Callable[..., Any]:
    """Import the function behind a step. A class is instantiated without arguments, its instance is the function.

    Raises
    ------
    PluginError
        When it cannot be imported. For a step with an `extra` the message says what to install.
    """
    what = f"step {offer.step.name!r}"
    target = _import(what, offer.origin, _module_name(offer), offer.step.target, offer.step.extra)
    if isinstance(target, type):
        try:
            target = target()
        except Exception as problem:
            raise PluginError(
                f"{what} of {offer.origin}: the class {offer.step.target!r} cannot be made: {problem}"
            ) from problem
    if not callable(target):
        raise PluginError(f"{what} of {offer.origin}: its target {offer.step.target!r} cannot be called")
    code_digest(offer)  # now: this is the code that was loaded
    return cast(Callable[..., Any], target)


def load_command(offer: CommandOffer) -> Any:
    """Import the function, or the `typer.Typer`, behind a command. Raises PluginError as `load_target` does."""
    command = offer.command
    module = command.target.partition(":")[0]
    return _import(f"command {command.name!r}", offer.origin, module, command.target, command.extra)


def _import(what: str, origin: str, module_name: str, path: str, extra: str | None) -> Any:
    """The attribute of a module that `path` ends in, with a sentence for everything that can go wrong on the way."""
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as problem:
        missing = problem.name or module_name
        if module_name == missing or module_name.startswith(missing + "."):
            raise PluginError(f"{what} of {origin} points at the module {module_name!r}, which does not exist") from problem
        missing = missing.partition(".")[0]
        if extra:
            raise PluginError(f"{what} needs {missing}: pip install '{extra}'") from problem
        raise PluginError(f"{what} of {origin} needs {missing}, which is not installed") from problem
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # whatever a foreign module does on import, the user is told whose it was
        raise PluginError(
            f"{what} of {origin} cannot be imported: {type(problem).__name__}: {problem}",
            hint=f"pip install '{extra}'" if isinstance(problem, ImportError) and extra else "",
        ) from problem
    target = getattr(module, path.partition(":")[2], None)
    if target is None:
        raise PluginError(f"{what} of {origin}: its target {path!r} does not exist")
    return target


def code_digest(offer: Offer) -> str:
    """sha256 over the code that a step's results depend on: the package of its target (or its one file), and the core.

    Every file of the package counts, tables and other data as well. It is taken when the code is loaded, so that an edit
    that comes later cannot be taken for the code that is running.
    """
    code = _package_digest(_module_name(offer))
    return hashlib.sha256(f"{code} {_package_digest('culmann')}".encode()).hexdigest()


def _module_name(offer: Offer) -> str:
    """The module of the target: `my_law` inside the one-file plugin `my_law.py` is that file."""
    name = offer.step.target.partition(":")[0]
    return offer.module if offer.one_file and name == offer.file.stem else name


#: {module: (its loaded modules with the specs they were loaded by, digest)}.
_taken: dict[str, tuple[dict[str, object], str]] = {}


def _package_digest(module: str) -> str:
    """The digest of the code that is loaded: taken once, and again after `importlib.reload` (every reload makes new specs)."""
    if module in _taken:
        specs, digest = _taken[module]
        if all(getattr(sys.modules.get(name), "__spec__", None) is spec for name, spec in specs.items()):
            return digest
    top = module.partition(".")[0]
    loaded = {n: getattr(m, "__spec__", None) for n, m in list(sys.modules.items()) if n == top or n.startswith(top + ".")}
    content = hashlib.sha256()
    for root in _package_files(module):
        for path in [root] if root.is_file() else sorted(path for path in root.rglob("*") if _counts(path, root)):
            content.update(f"{path.relative_to(root.parent).as_posix()}\0{path.stat().st_size}\0".encode())
            content.update(path.read_bytes())
    _taken[module] = (loaded, content.hexdigest())
    return content.hexdigest()


def _package_files(module: str) -> list[Path]:
    """The folder, or single file, of the outermost regular package that holds a module (a namespace does not count)."""
    parts = module.split(".")
    for n in range(1, len(parts) + 1):
        spec = importlib.util.find_spec(".".join(parts[:n]))
        if spec is not None and spec.origin is not None and spec.has_location:
            return [Path(where) for where in spec.submodule_search_locations or [spec.origin]]
    return []


def _counts(path: Path, folder: Path) -> bool:
    inside = path.relative_to(folder).parts
    if folder.name == "culmann" and inside[0] in _NOT_COMPUTING:
        return False
    hidden = any(part.startswith(".") or part == "__pycache__" for part in inside)
    return path.is_file() and not hidden and path.suffix != ".pyc"
