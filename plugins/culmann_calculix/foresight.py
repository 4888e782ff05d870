"""What CalculiX is known to refuse before anything runs, and whether it is here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from culmann.config import Config
from culmann.errors import EngineError
from culmann_calculix.program import find_ccx
from culmann_calculix.solver import CalculixConfig


def foresee(config: Config | None, above: Mapping[str, Config | None]) -> Iterator[str]:
    """What of the laws does not go with CalculiX."""
    assert isinstance(config, CalculixConfig)
    try:
        find_ccx(config.program)
    except EngineError as problem:
        yield f"{problem.message} ({problem.hint})"
    if config.scheme == "linear":
        return
    for name, law in above.items():
        criterion, unloading = getattr(law, "criterion", None), getattr(law, "unloading", None)
        if criterion not in {None, "von-mises"}:
            yield f"CalculiX yields after von Mises, and `{name}` asks for {criterion}: use `native-solver`"
        if unloading == "secant":
            yield f"CalculiX has no secant modulus that falls, as `{name}` asks for: use `native-solver`"
