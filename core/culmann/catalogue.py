"""What the plugins offer, and the search for a step by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from culmann.commands import Command
from culmann.errors import PluginError
from culmann.steps import Step


@dataclass(frozen=True, slots=True)
class Offer:
    """A step and where it comes from.

    Parameters
    ----------
    step
        The descriptor.
    kind
        The hook that offered it, without `culmann_`.
    plugin
        The name of the entry point, or of the file for a one-file plugin.
    distribution, version
        What was installed; for a one-file plugin the file's path and an empty version.
    module
        The name of the plugin's module in `sys.modules`.
    file
        The file of that module.
    """

    step: Step
    kind: str
    plugin: str
    distribution: str
    version: str
    module: str
    file: Path

    @property
    def has_ports(self) -> bool:
        """Whether what its function takes and gives are data that flow."""
        return self.kind not in {"executors", "run_reports"}

    @property
    def one_file(self) -> bool:
        """Whether the plugin is a single file that was named, not installed."""
        return not self.version and self.distribution == str(self.file)

    @property
    def origin(self) -> str:
        """The plugin, its distribution and its version, for messages."""
        return describe_origin(self.plugin, self.distribution, self.version)


@dataclass(frozen=True, slots=True)
class CommandOffer:
    """A command and where it comes from; the fields are those of `Offer`."""

    command: Command
    plugin: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """The plugin, its distribution and its version, for messages."""
        return describe_origin(self.plugin, self.distribution, self.version)


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that cannot be used, and why."""

    plugin: str
    distribution: str
    version: str
    error: str

    @property
    def origin(self) -> str:
        """The plugin, its distribution and its version, for messages."""
        return describe_origin(self.plugin, self.distribution, self.version)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that the plugins offer.

    Parameters
    ----------
    offers
        {step name: Offer}, sorted by name. A name that is given twice is not here.
    broken
        Plugins that could not be used. The others are not affected.
    clashes
        {step name: all the offers of it}, for names that are given more than once.
    commands
        The commands that plugins add to the program, sorted by name. A name that is given twice is there twice.
    """

    offers: Mapping[str, Offer]
    broken: tuple[Broken, ...] = ()
    clashes: Mapping[str, tuple[Offer, ...]] = field(default_factory=dict)
    commands: tuple[CommandOffer, ...] = ()

    def of_kind(self, kind: str) -> tuple[Offer, ...]:
        """The offers of one kind, by name."""
        return tuple(offer for offer in self.offers.values() if offer.kind == kind)


def describe_origin(plugin: str, distribution: str, version: str) -> str:
    """One phrase for messages: `plugin 'lab' of lab-law 0.3`, or `the one-file plugin /home/me/my_law.py`."""
    return f"plugin {plugin!r} of {distribution} {version}" if version else f"the one-file plugin {distribution}"


def find(catalogue: Catalogue, name: str) -> Offer:
    """The offer of a step by name.

    Raises
    ------
    PluginError
        When no plugin offers it, or more than one does.
    """
    if name in catalogue.offers:
        return catalogue.offers[name]
    if name in catalogue.clashes:
        rivals = catalogue.clashes[name]
        files = [str(rival.file) for rival in rivals if rival.one_file]
        raise PluginError(
            f"step {name!r} is offered twice: by {' and by '.join(rival.origin for rival in rivals)}",
            hint=f"rename the step in {files[-1]}" if files else "uninstall one of them, or ask its authors for another name",
        )
    close = difflib.get_close_matches(name, [*catalogue.offers, *catalogue.clashes], n=1, cutoff=0.6)
    message = f"there is no step {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")
    hint = "`culmann plugins` lists all steps"
    if not close:
        hint += "; a step of a one-file plugin needs `--plugin FILE.py`, or the file under `plugins:` in the pipeline file"
    if catalogue.broken:
        told = "; ".join(f"{bad.origin} ({bad.error})" for bad in catalogue.broken)
        hint += f". It may belong to a plugin that could not be loaded: {told}"
    raise PluginError(message, hint=hint)
