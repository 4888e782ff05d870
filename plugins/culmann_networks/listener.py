"""What is told how a training goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from culmann_networks.checkpoint import Standing


class Listener(Protocol):
    """Is told how a training goes."""

    def began(self, member: str, epochs: int, standing: Standing) -> None:
        """A network begins, or goes on from where it stands."""

    def step(self, member: str, epoch: int, loss: float) -> None:
        """A batch was done."""

    def epoch(self, member: str, standing: Standing) -> None:
        """An epoch was done; its row is the last one."""

    def ended(self, member: str, standing: Standing) -> None:
        """The network is trained."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Tells nobody."""

    def began(self, member: str, epochs: int, standing: Standing) -> None:
        """Nothing."""

    def step(self, member: str, epoch: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, member: str, standing: Standing) -> None:
        """Nothing."""

    def ended(self, member: str, standing: Standing) -> None:
        """Nothing."""
