"""A step in words: the types, bounds and defaults of its options, as a user reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from culmann.catalogue import find
from culmann.config import Config
from culmann.describe import describe, describe_options, single
from culmann.errors import PluginError
from culmann.plugins import load_catalogue


class Options(Config):
    """One of each."""

    slope: float = Field(gt=0, description="Rise.")
    steps: int = Field(10, ge=1, le=1000, description="Number.")
    spacing_mm: float | tuple[float, float, float] = Field((1.0, 1.0, 2.5), description="Distance.")
    labels: list[int | str] | None = Field(None, description="Which.")
    names: tuple[str, ...] = Field((), description="Names.")
    kind: Literal["ash", "apparent"] = Field("ash", description="Which density.")
    smooth: bool = Field(True, description="Whether.")
    path: Path | None = Field(None, description="A file.")
    limit_hu: Annotated[float, Field(lt=3000)] = Field(1e-3, description="Limit.")


def test_options_are_told_as_they_are_written() -> None:
    told = {option.name: (option.type, option.default) for option in describe_options(Options)}
    assert told == {
        "slope": ("number, > 0", None),
        "steps": ("whole number, \u2265 1, \u2264 1000", "10"),
        "spacing_mm": ("number | 3 numbers", "[1, 1, 2.5]"),
        "labels": ("list of (whole number | text) | nothing", "null"),
        "names": ("list of texts", "[]"),
        "kind": ("ash | apparent", "ash"),
        "smooth": ("true or false", "true"),
        "path": ("file | nothing", "null"),
        "limit_hu": ("number, < 3000", "0.001"),
    }


def test_every_shipped_step_can_be_described() -> None:
    catalogue = load_catalogue()
    for name, offer in catalogue.offers.items():
        facts = describe(find(catalogue, name))
        assert facts.text
        assert bool(facts.gives) == (offer.kind not in {"executors", "run_reports"})
        assert all(option.description for option in facts.options)


def test_ports_are_told_with_their_types() -> None:
    facts = describe(find(load_catalogue(), "native-solver"))
    assert single(facts.takes) == "mesh: Mesh, materials: Materials, load: LoadCase"
    assert single(facts.gives) == "Response"
    reader = describe(find(load_catalogue(), "read-scan"))
    assert ".nii.gz" in single(reader.takes)


def test_a_step_that_cannot_be_imported_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "lost.py"
    file.write_text(
        "from culmann import hookimpl, Step\napi = 1\n@hookimpl\ndef culmann_solvers():\n"
        "    yield Step('lost', 'no_such_engine.solve:solve', summary='A lost step', extra='lost[engine]')\n"
    )
    with pytest.raises(PluginError, match="no_such_engine"):
        describe(find(load_catalogue([file]), "lost"))
