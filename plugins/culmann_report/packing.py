"""Arrays for the page: one block of bytes, with the place of each array in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import FloatArray
from culmann.pages import packed

#: Positions are whole numbers up to this; over a bone of 400 mm a step is 0.006 mm.
_FINE = 65_535


@dataclass
class Block:
    """Bytes that grow, each array at a place that its element size divides."""

    content: bytearray = field(default_factory=bytearray)

    def add(self, values: npt.NDArray[Any]) -> dict[str, Any]:
        """Append an array; gives back where it is, for the page."""
        self.content += bytes(-len(self.content) % 4)
        little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        place = {"at": len(self.content), "n": int(little.size), "type": little.dtype.name}
        self.content += little.tobytes()
        return place

    def packed(self) -> str:
        """For the page."""
        return packed(bytes(self.content))


def positions(points_mm: FloatArray, low: FloatArray, size_mm: float) -> npt.NDArray[np.uint16]:
    """Points as whole numbers in a cube."""
    return np.clip(np.round((points_mm - low) / size_mm * _FINE), 0, _FINE).astype(np.uint16)


def corners(triangles: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Triangles in the smallest integers that hold them."""
    return triangles.astype(np.uint16 if not len(triangles) or triangles.max() < 2**16 else np.uint32)


def levels(values: FloatArray, top: float) -> npt.NDArray[np.uint8]:
    """Values from 0 to `top` in 255 steps."""
    return np.round(255 * np.clip(values / top, 0, 1)).astype(np.uint8)
