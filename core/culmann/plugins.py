"""Finding plugins: every installed one and every one-file one, each failure kept to the plugin that caused it."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TypeVar

import pluggy

from culmann import hookspecs
from culmann.catalogue import Broken, Catalogue, CommandOffer, Offer, find
from culmann.commands import Command
from culmann.errors import PluginError
from culmann.steps import Step
from culmann.targets import code_digest, load_target

__all__ = [
    "GROUP",
    "KINDS",
    "Broken",
    "Catalogue",
    "Offer",
    "code_digest",
    "find",
    "load_catalogue",
    "load_target",
    "with_files",
]

GROUP = "culmann"
_Descriptor = TypeVar("_Descriptor", Step, Command)
_HOOKS = tuple(name.removeprefix("culmann_") for name in vars(hookspecs) if name.startswith("culmann_"))
#: What hooks for steps are called without their prefix: `readers`, `material_laws`, …
KINDS = tuple(name for name in _HOOKS if name != "commands")


def load_catalogue(files: Sequence[Path] = ()) -> Catalogue:
    """Find the steps of all installed plugins and of the given one-file plugins.

    Raises
    ------
    PluginError
        When one of `files` does not exist. Everything else that is wrong with a plugin is listed in `broken`.
    """
    return with_files(_gather(Catalogue({}), _installed()), files)


def with_files(catalogue: Catalogue, files: Sequence[Path]) -> Catalogue:
    """A catalogue with one-file plugins added; files that it has already are left out. Raises as `load_catalogue` does."""
    have = {offer.distribution for offer in _all_offers(catalogue)} | {bad.distribution for bad in catalogue.broken}
    return _gather(catalogue, (source for source in _one_file(files) if source.distribution not in have))


def _all_offers(catalogue: Catalogue) -> list[Offer]:
    return [*catalogue.offers.values(), *(offer for offers in catalogue.clashes.values() for offer in offers)]


def _gather(catalogue: Catalogue, sources: Iterable[_Source]) -> Catalogue:
    offers, broken, commands = _all_offers(catalogue), list(catalogue.broken), list(catalogue.commands)
    modules: set[str] = set()
    for source in sources:
        try:
            found, added = _offers(source, modules)
            offers += found
            commands += added
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # a plugin may exit, or panic in another language: the others must still load
            broken.append(Broken(source.plugin, source.distribution, source.version, _tell(problem)))
    by_name: dict[str, list[Offer]] = {}
    for offer in sorted(offers, key=lambda offer: offer.step.name):
        by_name.setdefault(offer.step.name, []).append(offer)
    return Catalogue(
        MappingProxyType({name: found[0] for name, found in by_name.items() if len(found) == 1}),
        tuple(broken),
        MappingProxyType({name: tuple(found) for name, found in by_name.items() if len(found) > 1}),
        tuple(sorted(commands, key=lambda offer: offer.command.name)),
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a plugin's module is to be had."""

    plugin: str
    distribution: str
    version: str
    entry: importlib.metadata.EntryPoint | Path

    def module(self) -> ModuleType:
        if isinstance(self.entry, Path):
            return _load_file(self.entry)
        loaded = self.entry.load()
        if not isinstance(loaded, ModuleType):
            raise PluginError(f"the entry point {self.entry.value!r} is not a module")
        return loaded


def _installed() -> Iterator[_Source]:
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        dist = entry.dist
        name, version = (dist.name, dist.version) if dist is not None else ("an unknown distribution", "?")
        yield _Source(entry.name, name, version, entry)


def _one_file(files: Sequence[Path]) -> Iterator[_Source]:
    for path in dict.fromkeys(Path(file).resolve() for file in files):
        if not path.is_file():
            raise PluginError(f"the one-file plugin {path} does not exist")
        yield _Source(path.name, str(path), "", path)


def _load_file(path: Path) -> ModuleType:
    """Import a file under a name that holds its path and content: it can clash with nothing, and an edit is a new module."""
    mark = hashlib.sha256(str(path).encode() + b"\0" + path.read_bytes()).hexdigest()[:16]
    name = f"_culmann_file_{mark}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file", hint="a one-file plugin ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _offers(source: _Source, modules: set[str]) -> tuple[list[Offer], list[CommandOffer]]:
    """What one plugin offers. It has a manager of its own: what is wrong with it can reach no other."""
    module = source.module()
    if module.__name__ in modules:
        raise PluginError(f"the module {module.__name__!r} is registered twice")
    modules.add(module.__name__)
    _check_api(module)
    _check_marks(module)
    manager = pluggy.PluginManager("culmann")
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    _check_hook_names(manager, module)
    origin = (source.plugin, source.distribution, source.version)
    place = (module.__name__, Path(str(module.__file__)))
    steps = [Offer(step, kind, *origin, *place) for kind in KINDS for step in _yielded(manager, kind, Step)]
    return steps, [CommandOffer(command, *origin) for command in _yielded(manager, "commands", Command)]


def _check_api(module: ModuleType) -> None:
    api = getattr(module, "api", None)
    if api is None:
        raise PluginError(f"it does not say which version of the plugin contract it keeps: write `api = {hookspecs.API}` in it")
    if api != hookspecs.API:
        raise PluginError(
            f"it keeps version {api} of the plugin contract, and this culmann version {hookspecs.API}: "
            f"install versions of both that fit"
        )


def _check_marks(module: ModuleType) -> None:
    for kind in _HOOKS:
        function = vars(module).get(f"culmann_{kind}")
        if function is not None and not hasattr(function, "culmann_impl"):
            raise PluginError(f"its function culmann_{kind} is not marked: write `@hookimpl` above it")


def _check_hook_names(manager: pluggy.PluginManager, module: ModuleType) -> None:
    for caller in manager.get_hookcallers(module) or []:
        if not caller.has_spec():
            close = difflib.get_close_matches(caller.name.removeprefix("culmann_"), _HOOKS, n=1, cutoff=0.6)
            known = ", ".join(f"culmann_{kind}" for kind in _HOOKS)
            meant = f"did you mean culmann_{close[0]}?" if close else f"the hooks are {known}"
            raise PluginError(f"there is no hook {caller.name}; {meant}")


def _yielded(manager: pluggy.PluginManager, hook: str, kind: type[_Descriptor]) -> Iterator[_Descriptor]:
    """What the functions of one hook yield, which must be descriptors of the kind that the hook is for."""
    for impl in getattr(manager.hook, f"culmann_{hook}").get_hookimpls():
        try:
            given = impl.function()
            descriptors = list(given) if isinstance(given, Iterable) else None
        except Exception as problem:
            raise PluginError(f"its hook culmann_{hook} failed: {_tell(problem)}") from problem
        if descriptors is None:
            raise PluginError(f"its hook culmann_{hook} gave {type(given).__name__}: write `yield` before each descriptor")
        for descriptor in descriptors:
            if not isinstance(descriptor, kind):
                raise PluginError(f"its hook culmann_{hook} yielded {descriptor!r}, which is not a culmann.{kind.__name__}")
            yield descriptor


def _tell(problem: BaseException) -> str:
    """An exception in one line."""
    if isinstance(problem, PluginError):
        return problem.message
    text = " ".join(str(problem).split())
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__
