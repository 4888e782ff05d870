"""Placement: how data that were mirrored or moved map back to the patient, and the refusal to mix data of different spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.errors import InputError

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)

#: Two placements are the same when points this far from the origin agree to the tolerance.
_REACH_MM, _TOLERANCE_MM = 1000.0, 1e-3


@dataclass(frozen=True, slots=True)
class Placement:
    """The way back from the space of an image or a mesh to the patient, as the scanner had him.

    Coordinates of data that were neither mirrored nor registered are the patient's already: the default. Resampling and
    cropping move no point, so that they change no placement.

    Parameters
    ----------
    to_patient
        Row-major 4 x 4 affine matrix: it takes (x, y, z, 1) in mm, LPS, of this data to the patient's.
    history
        The movements in words, oldest first.

    Raises
    ------
    ValueError
        When the matrix is not finite, not affine, or has no inverse.
    """

    to_patient: tuple[float, ...] = _IDENTITY
    history: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.to_patient) != 16 or not np.isfinite(self.to_patient).all():
            raise ValueError("a placement needs 16 finite numbers, a 4 x 4 matrix row by row")
        if self.to_patient[12:] != (0.0, 0.0, 0.0, 1.0) or abs(np.linalg.det(self.matrix)) < 1e-9:
            raise ValueError("a placement needs an affine matrix with an inverse; its last row is 0 0 0 1")

    @property
    def matrix(self) -> FloatArray:
        """(4, 4): this space to the patient."""
        return np.asarray(self.to_patient, dtype=float).reshape(4, 4)

    def point_to_patient(self, point_mm: FloatArray) -> FloatArray:
        """Where points (n, 3) of this data lie in the patient, mm, LPS."""
        matrix = self.matrix
        return np.asarray(np.asarray(point_mm) @ matrix[:3, :3].T + matrix[:3, 3])

    def point_from_patient(self, point_mm: FloatArray) -> FloatArray:
        """Where points (n, 3) of the patient lie in this data, mm, LPS."""
        matrix = np.linalg.inv(self.matrix)
        return np.asarray(np.asarray(point_mm) @ matrix[:3, :3].T + matrix[:3, 3])

    def moved(self, matrix: FloatArray, told: str) -> Placement:
        """The placement of this data after a (4, 4) affine matrix has moved its points, which `told` says in words."""
        back = self.matrix @ np.linalg.inv(matrix)
        return Placement((*(float(v) for v in back[:3].ravel()), 0.0, 0.0, 0.0, 1.0), (*self.history, told))

    def same_as(self, other: Placement) -> bool:
        """Whether both lead to the same places in the patient, to a thousandth of a millimetre."""
        corners = _REACH_MM * np.vstack([np.zeros(3), np.eye(3)])
        return bool(np.abs(self.point_to_patient(corners) - other.point_to_patient(corners)).max() <= _TOLERANCE_MM)

    def describe(self) -> str:
        """The movements in a few words, for messages."""
        return ", then ".join(self.history) if self.history else "neither mirrored nor registered"

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"to_patient": list(self.to_patient), "history": list(self.history)}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Placement:
        """The inverse of `as_dict`."""
        return cls(tuple(float(v) for v in facts["to_patient"]), tuple(str(text) for text in facts["history"]))


#: The placement of data that were neither mirrored nor registered.
UNMOVED = Placement()


def expect_one_space(placements: Mapping[str, Placement]) -> None:
    """Raise InputError unless data that are to be used together lie in one space.

    Parameters
    ----------
    placements
        {what the data are called in the message: their placement}.
    """
    (first, reference), *others = placements.items()
    for name, placement in others:
        if not placement.same_as(reference):
            raise InputError(
                f"{first} ({reference.describe()}) and {name} ({placement.describe()}) lie in different spaces",
                hint="mirror and register images, label maps and densities of one patient alike, or take labels and mesh from "
                "the image after it was moved",
            )
