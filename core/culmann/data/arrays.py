"""The array types of the data classes, and the one check that they share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def expect_shape(name: str, array: npt.NDArray[Any], shape: tuple[int | None, ...]) -> None:
    """Raise ValueError unless `array` has the given shape; None stands for any length."""
    fits = array.ndim == len(shape) and all(want is None or have == want for have, want in zip(array.shape, shape, strict=True))
    if not fits:
        wanted = " x ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} has shape {array.shape}, wanted {wanted}")
