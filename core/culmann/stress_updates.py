"""From the name of a stress update to the compiled function, without importing anything that is not a plugin's."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Callable
from typing import Any, cast

from culmann.data.stress_update import StressUpdate
from culmann.errors import PluginError
from culmann.plugins import GROUP


def load_stress_update(update: StressUpdate) -> Callable[..., Any]:
    """The function behind a stress update.

    Names come from files of the store as well. So a module is imported only when it is part of an installed plugin; of other
    modules those will do that are imported already, such as a one-file plugin. And only a function that numba has compiled is
    taken.

    Raises
    ------
    PluginError
        When there is no such function, or it is not to be trusted.
    """
    from numba.core.registry import CPUDispatcher

    module_name, _, name = update.target.partition(":")
    module = sys.modules.get(module_name)
    if module is None:
        packages = {entry.value.partition(":")[0].partition(".")[0].strip() for entry in _entry_points()}
        if module_name.partition(".")[0] not in packages:
            raise PluginError(
                f"the stress update {update.target} is in no package of an installed plugin, nor in a module that is loaded",
                hint="install the plugin of the law, or name the one-file plugin with `plugins:` in the pipeline",
            )
        try:
            module = importlib.import_module(module_name)
        except Exception as problem:
            raise PluginError(f"the stress update {update.target} cannot be imported: {problem}") from problem
    function = getattr(module, name, None)
    if not isinstance(function, CPUDispatcher):
        what = "does not exist" if function is None else "is not compiled"
        raise PluginError(f"the stress update {update.target} {what}", hint="write `@numba.njit` above the function")
    return cast(Callable[..., Any], function)


def _entry_points() -> importlib.metadata.EntryPoints:
    return importlib.metadata.entry_points(group=GROUP)
