"""Where torch computes: the CPU with so many threads, or a GPU, and in which precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from culmann.errors import EngineError


def device_of(wanted: str) -> torch.device:
    """The device that `auto`, `cpu` or `cuda` stands for.

    Raises
    ------
    EngineError
        When a GPU is asked for and torch sees none.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        raise EngineError(
            f"`device: cuda` was asked for, but torch {torch.__version__}, {build}, sees no GPU",
            hint="take `device: cpu`, or install the driver of the GPU and a torch built for CUDA: https://pytorch.org",
        )
    return torch.device("cuda")


@contextmanager
def threads(wanted: int | None) -> Iterator[None]:
    """So many threads on the CPU meanwhile; None: as they are."""
    before = torch.get_num_threads()
    if wanted is not None:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)
