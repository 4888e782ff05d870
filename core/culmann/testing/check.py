"""check_plugin: every check of the conformance kit, over every step of one plugin."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from culmann.catalogue import Catalogue, CommandOffer, Offer
from culmann.errors import CulmannError
from culmann.plugins import GROUP, load_catalogue, load_target
from culmann.ports import ports_of
from culmann.testing.behaviour import Behaviour
from culmann.testing.descriptors import heavy_imports, wrong_command, wrong_descriptor
from culmann.testing.executors import wrong_executor
from culmann.testing.laws import wrong_law
from culmann.testing.signatures import missing_docstring, wrong_config, wrong_ports, wrong_run_report

#: {step: {option: value}}
Options = Mapping[str, Mapping[str, Any]]


def check_plugin(plugin: str | ModuleType | Path, *, options: Options | None = None) -> None:
    """Raise AssertionError, with everything that is wrong, unless a plugin keeps the contract.

    Parameters
    ----------
    plugin
        The module that the entry point names, or its name; or the path of a one-file plugin.
    options
        {step: {option: value}} for steps that cannot run without options. When none are given here, such a step is
        checked without being run.

    Raises
    ------
    AssertionError
        When anything is wrong.
    """
    faults = find_faults(plugin, options=options)
    if faults:
        many = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
        raise AssertionError(f"{many} in {_name(plugin)}:\n" + "\n".join(f"  - {fault}" for fault in faults))


def find_faults(plugin: str | ModuleType | Path, *, options: Options | None = None) -> list[str]:
    """What is wrong with a plugin, a sentence each; takes what `check_plugin` takes."""
    one_file = isinstance(plugin, Path)
    catalogue = load_catalogue([plugin] if isinstance(plugin, Path) else [])
    offers, faults = _offers(catalogue, plugin)
    if not one_file and offers:
        faults += heavy_imports(offers[0].module)
    for added in _commands(catalogue, plugin):
        faults += [f"command {added.command.name!r}: {fault}" for fault in wrong_command(added)]
    for offer in offers:
        found = [*wrong_descriptor(offer.step, offer.kind), *_wrong_function(offer, (options or {}).get(offer.step.name))]
        faults += [f"step {offer.step.name!r}: {fault}" for fault in found]
    return faults


def _name(plugin: str | ModuleType | Path) -> str:
    return plugin.__name__ if isinstance(plugin, ModuleType) else str(plugin)


def _offers(catalogue: Catalogue, plugin: str | ModuleType | Path) -> tuple[list[Offer], list[str]]:
    """The steps of one plugin, and what keeps it from offering them."""
    every = [*catalogue.offers.values(), *(offer for offers in catalogue.clashes.values() for offer in offers)]
    if isinstance(plugin, Path):
        file = plugin.resolve()
        offers = [offer for offer in every if offer.one_file and offer.file == file]
        broken = [bad.error for bad in catalogue.broken if bad.distribution == str(file)]
    else:
        name = _name(plugin)
        offers = [offer for offer in every if offer.module == name]
        broken = [bad.error for bad in catalogue.broken if name in _entry_points(bad.plugin, bad.distribution)]
        if not offers and not broken and name not in _entry_points():
            return [], [
                f"no installed distribution has an entry point to {name} in the group {GROUP!r}: "
                f'write [project.entry-points.{GROUP}] and under it <name> = "{name}" in pyproject.toml, and pip install it'
            ]
    faults = [f"it cannot be loaded: {error}" for error in broken]
    for step, rivals in catalogue.clashes.items():
        if any(rival in offers for rival in rivals):
            faults.append(f"step {step!r} is offered twice: by {' and by '.join(rival.origin for rival in rivals)}")
    if not offers and not broken and not _commands(catalogue, plugin):
        faults.append("it offers no step and no command")
    return offers, faults


def _commands(catalogue: Catalogue, plugin: str | ModuleType | Path) -> list[CommandOffer]:
    """The commands of one plugin."""
    if isinstance(plugin, Path):
        return [offer for offer in catalogue.commands if offer.distribution == str(plugin.resolve())]
    named = {
        (entry.name, entry.dist and entry.dist.name) for entry in entry_points(group=GROUP) if entry.module == _name(plugin)
    }
    return [offer for offer in catalogue.commands if (offer.plugin, offer.distribution) in named]


def _entry_points(plugin: str = "", distribution: str = "") -> list[str]:
    return [
        entry.module
        for entry in entry_points(group=GROUP)
        if (not plugin or entry.name == plugin) and (not distribution or (entry.dist and entry.dist.name == distribution))
    ]


def _wrong_function(offer: Offer, options: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with the function behind a step."""
    try:
        function = load_target(offer)
    except CulmannError as error:
        return [str(error)]
    faults = missing_docstring(function)
    if offer.kind == "executors":
        return [*faults, *wrong_executor(offer, options)]
    if not offer.has_ports:
        return [*faults, *(wrong_run_report(function) if offer.kind == "run_reports" else [])]
    try:
        ports = ports_of(offer)
    except CulmannError as error:
        return [*faults, str(error)]
    faults += wrong_ports(offer.kind, ports)
    if ports.config is not None:
        faults += wrong_config(ports.config)
    if faults:
        return faults  # a step that breaks the contract on paper is not run
    try:
        config = None if ports.config is None else ports.config(**(options or {}))
    except ValidationError as error:
        return [] if options is None else [f"the given options are refused: {error}"]
    if offer.kind == "material_laws":
        faults += wrong_law(function, ports, config)
    return [*faults, *Behaviour(offer.step, offer.kind, function, ports, config).faults()]
