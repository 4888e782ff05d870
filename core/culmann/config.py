"""The base of every step's options: strict, frozen, and documented by its fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Options of a step. Give each field a description, and its unit in its name (`spacing_mm`).

    Unknown options are refused, and a configuration never changes after it was checked.
    A field of type `pathlib.Path` names a file: a relative path in a pipeline file is taken from that file's folder,
    and the content of the file, not its name, decides whether a stored result is still good.
    A field that no result depends on, such as a number of threads, is given `exclude=True`: changing it computes nothing anew.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)
