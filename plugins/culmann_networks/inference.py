"""The networks of a model over a volume of their own voxels: windows, flips, planes fused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from culmann_networks.architecture import PLANES, members_of
from culmann_networks.facts import ModelFacts
from culmann_networks.patches import order_of
from culmann_networks.windows import Run, Size, Windows, sliding

Fusion = Literal["majority", "mean"]
Axis = Literal["left-right", "front-back", "up-down"]
#: The array axis (z, y, x) of a direction of the patient.
_ARRAY_AXIS = {"up-down": 0, "front-back": 1, "left-right": 2}


@dataclass(frozen=True, slots=True)
class How:
    """How a volume is gone through.

    Parameters
    ----------
    device
        Where the networks are.
    overlap
        Share of a window that the next one covers again.
    batch
        Windows at a time.
    flips
        Axes along which the volume is also looked at in the mirror.
    fusion
        How three planes are put together.
    skip_below_hu
        Windows in which nothing is brighter than this are left out; None: none is.
    half
        Half precision on a GPU.
    bfloat16
        bfloat16 on a CPU.
    """

    device: torch.device
    overlap: float = 0.5
    batch: int = 4
    flips: tuple[Axis, ...] = ()
    fusion: Fusion = "majority"
    skip_below_hu: float | None = None
    half: bool = True
    bfloat16: bool = False


def shares_of(
    networks: Mapping[str, nn.Module],
    facts: ModelFacts,
    hu: npt.NDArray[np.float32] | npt.NDArray[np.int16],
    how: How,
    told: Callable[[str], None],
    done: Callable[[float], None] = lambda _: None,
    members: tuple[str, ...] | None = None,
) -> npt.NDArray[np.float32]:
    """Shares (classes, z, y, x) of a volume (z, y, x) in Hounsfield units on the voxels of the network.

    For three planes by majority they are 1 for the class that at least two planes agree on, and for the background where all
    three differ. `members` are the networks that are used; None: all.
    """
    low, high = facts.window_hu
    grey = torch.from_numpy(np.clip(hu, low, high).astype(np.float32, copy=False))
    volume = grey.sub_(low).mul_(2 / (high - low)).sub_(1).to(how.device)
    worth = None if how.skip_below_hu is None else torch.from_numpy(np.asarray(hu > how.skip_below_hu)).to(how.device)
    members = members or members_of(facts.architecture)
    found = []
    for n, member in enumerate(members):
        plane = PLANES.index(member) if facts.architecture == "unet2d-multiaxial" else None

        def part(share: float, n: int = n) -> None:
            done((n + share) / len(members))

        found.append(_member(networks[member], facts, volume, worth, plane, how, told, part))
    if len(found) == 1:
        return found[0].cpu().numpy()
    fused = (
        torch.stack(found).mean(dim=0) if how.fusion == "mean" else majority([f.argmax(dim=0) for f in found], facts.classes)
    )
    return fused.cpu().numpy()


def majority(votes: list[Tensor], classes: int) -> Tensor:
    """Shares (classes, …) that are 1 for what more than half of the votes say, else for the background."""
    shares = torch.zeros((classes, *votes[0].shape), dtype=torch.float32, device=votes[0].device)
    for c in range(1, classes):
        agree = torch.stack([vote == c for vote in votes]).sum(dim=0)
        shares[c] = (2 * agree > len(votes)).to(torch.float32)
    shares[0] = 1 - shares[1:].sum(dim=0)
    return shares


def _member(
    network: nn.Module,
    facts: ModelFacts,
    volume: Tensor,
    worth: Tensor | None,
    plane: int | None,
    how: How,
    told: Callable[[str], None],
    done: Callable[[float], None],
) -> Tensor:
    order = order_of(plane)
    size: Size = (1, *facts.patch_voxels) if plane is not None else facts.patch_voxels  # type: ignore[assignment]
    windows = Windows(size, how.overlap, how.batch, facts.network.divisor)
    flips = [order.index(_ARRAY_AXIS[axis]) for axis in how.flips]
    run = _run(network, flips, plane is not None, how)
    turned = volume.permute(order).contiguous()
    useful = None if worth is None else worth.permute(order)
    with torch.inference_mode():
        shares = sliding(turned, run, windows, facts.classes, useful, told, done)
    back = np.argsort(order)
    return shares.permute(0, *(1 + int(a) for a in back))


def _run(network: nn.Module, flips: list[int], flat: bool, how: How) -> Run:
    """The network on a batch of windows: softmax, the mean over mirrored looks, and slices without their thickness."""
    cuda = how.device.type == "cuda"
    kind, smaller = (torch.float16, how.half) if cuda else (torch.bfloat16, how.bfloat16)

    def look(windows: Tensor) -> Tensor:
        with torch.autocast(how.device.type, dtype=kind, enabled=smaller):
            out = network(windows[:, :, 0])[:, :, None] if flat else network(windows)
        return torch.softmax(out.to(torch.float32), dim=1)

    def run(windows: Tensor) -> Tensor:
        total = look(windows)
        looks = [axes for k in range(1, len(flips) + 1) for axes in itertools.combinations(flips, k)]
        for axes in looks:
            across = [2 + a for a in axes]
            total = total + look(windows.flip(across)).flip(across)
        return total / (len(looks) + 1)

    return run
