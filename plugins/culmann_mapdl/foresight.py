"""What is known not to be writable for Ansys before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from culmann.config import Config
from culmann_mapdl.options import DeckConfig


def foresee(config: Config | None, above: Mapping[str, Config | None]) -> Iterator[str]:
    """What of the laws does not go with what is written for Ansys."""
    assert isinstance(config, DeckConfig)
    if config.scheme == "linear":
        return
    for name, law in above.items():
        criterion, unloading = getattr(law, "criterion", None), getattr(law, "unloading", None)
        if criterion not in {None, "von-mises"}:
            yield f"what is written for Ansys yields after von Mises, and `{name}` asks for {criterion}: use `native-solver`"
        if config.scheme == "plastic" and unloading == "secant":
            yield f"Ansys' plasticity keeps the stiffness that `{name}` loses: take `scheme: secant-lagged`"
