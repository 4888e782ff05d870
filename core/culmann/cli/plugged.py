"""Commands that plugins add: listed by their descriptors, imported when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from culmann.errors import PluginError

if TYPE_CHECKING:
    from culmann.catalogue import CommandOffer


class PluggedGroup(TyperGroup):
    """A group of commands, some of which come from plugins."""

    #: {name: command or group}. Filled when first asked for: no other command waits for the plugins.
    _plugged: dict[str, Any] | None = None

    def offers(self) -> list[tuple[str, CommandOffer]]:
        """The commands of plugins with their names in this group, which for the program itself are the full ones."""
        from culmann.plugins import load_catalogue

        return [(offer.command.name, offer) for offer in load_catalogue().commands]

    def plugged(self) -> dict[str, Any]:
        """The commands and groups that plugins add here."""
        if self._plugged is None:
            gathered: dict[str, list[tuple[str, CommandOffer]]] = {}
            for name, offer in self.offers():
                first, _, rest = name.partition(" ")
                gathered.setdefault(first, []).append((rest, offer))
            self._plugged = {name: _command(name, found) for name, found in gathered.items()}
        return self._plugged

    def list_commands(self, ctx: Any) -> list[str]:
        """The own commands first, as they are written, then those of plugins by name."""
        return [*super().list_commands(ctx), *self.plugged()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name; plugins are looked for only when it is not an own one."""
        return super().get_command(ctx, cmd_name) or self.plugged().get(cmd_name)


class _Part(PluggedGroup):
    """A group that holds only commands of plugins, such as `culmann train`."""

    inside: list[tuple[str, CommandOffer]]

    def offers(self) -> list[tuple[str, CommandOffer]]:
        """Those that it was made of."""
        return self.inside


class _Late(TyperCommand):
    """A command whose code is imported when it is called: until then it is a name and a sentence."""

    #: One; where several plugins want the name, none of them gets it.
    offers: list[CommandOffer]

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse the arguments of the real command."""
        if len(self.offers) > 1:
            rivals = " and by ".join(offer.origin for offer in self.offers)
            raise PluginError(f"command {self.name!r} is offered twice: by {rivals}", hint="uninstall one of them")
        return _real(self.offers[0], info_name or self.name or "").make_context(info_name, args, parent, **extra)


def _command(name: str, found: list[tuple[str, CommandOffer]]) -> Any:
    """What stands behind one name: a command, or a group of those with a second word."""
    alone = [offer for rest, offer in found if not rest]
    if alone:
        late = _Late(name, help=f"{alone[0].command.summary.removesuffix('.')}.", rich_markup_mode=None)
        late.offers = [offer for _, offer in found]
        return late
    summary = f"{name.capitalize()}: {', '.join(dict.fromkeys(rest for rest, _ in found))}."
    group = _Part(name=name, help=summary, no_args_is_help=True, rich_markup_mode=None)
    group.inside = found
    return group


def _real(offer: CommandOffer, name: str) -> Any:
    """The command that the code of a plugin makes."""
    from culmann.targets import load_command

    target = load_command(offer)
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    if not callable(target):
        raise PluginError(f"command {offer.command.name!r} of {offer.origin}: its target cannot be called")
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name)(target)
    return typer.main.get_command(app)
