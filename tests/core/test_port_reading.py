"""Ports read from annotations, and signatures that break the contract."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from culmann import Config, DensityMap, Journal, Labels, Materials, Mesh, Scan
from culmann.errors import PluginError
from culmann.laws import DensityLawConfig, Elastoplastic, density_law
from culmann.ports import ONLY, Port, read_ports

if TYPE_CHECKING:
    from culmann import Strength


class Options(Config):
    pass


class Pair(NamedTuple):
    scan: Scan
    labels: Labels


class Odd(NamedTuple):
    scan: Scan
    n: int


def plain(scan: Scan, config: Options, journal: Journal) -> Scan: ...
def optional(scan: Scan, mask: Labels | None = None) -> Pair: ...
def read(path: Path, config: Options) -> Scan: ...


class Stateful:
    def __call__(self, mesh: Mesh, say: Journal) -> Mesh: ...


def test_a_plain_function():
    ports = read_ports(plain)
    assert ports.inputs == {"scan": Port("scan", Scan)}
    assert ports.outputs == {ONLY: Scan}
    assert (ports.config, ports.journal, ports.path) == (Options, "journal", None)


def test_optional_ports_and_named_outputs():
    ports = read_ports(optional)
    assert ports.inputs["mask"] == Port("mask", Labels, optional=True)
    assert ports.outputs == {"scan": Scan, "labels": Labels}
    assert ports.config is None


def test_readers_objects_and_partials():
    assert read_ports(read, reader=True).path == "path"
    assert read_ports(Stateful()).journal == "say"
    assert read_ports(Stateful()).outputs == {ONLY: Mesh}
    assert list(read_ports(functools.partial(plain)).inputs) == ["scan"]


@pytest.mark.parametrize("named", ["config", "options"])
def test_a_density_law_needs_to_know_its_config(named):
    namespace: dict = {}
    exec(f"def linear(rho_g_cm3, {named}):\n    return None", namespace)
    with pytest.raises(PluginError, match="the law 'linear': annotate `config` with its Config class"):
        density_law(density_kind="ash", valid_g_cm3=(0, 1))(namespace["linear"])


def test_a_density_law_takes_a_kind_that_exists():
    with pytest.raises(PluginError, match=r"no density of kind 'k2hpo4'; did you mean 'qct-k2hpo4'\?"):
        density_law(density_kind="k2hpo4", valid_g_cm3=(0, 1))


def test_a_density_law_has_the_ports_of_a_material_law():
    @density_law(density_kind="ash", valid_g_cm3=(0, 1))
    def law(rho, config: DensityLawConfig) -> Elastoplastic: ...

    ports = read_ports(law)
    assert {name: port.type for name, port in ports.inputs.items()} == {"mesh": Mesh, "density": DensityMap}
    assert (ports.outputs, ports.config, ports.journal) == ({ONLY: Materials}, DensityLawConfig, "journal")


def bare(scan) -> Scan: ...
def number(scan: int) -> Scan: ...
def union(scan: Scan | Labels) -> Scan: ...
def no_default(scan: Scan, mask: Labels | None) -> Scan: ...
def default(scan: Scan = None) -> Scan: ...
def dictionary(scan: Scan, config: dict) -> Scan: ...
def two_journals(scan: Scan, a: Journal, b: Journal) -> Scan: ...
def variadic(*scans: Scan) -> Scan: ...
def keywords(scan: Scan, **more: Scan) -> Scan: ...
def positional(scan: Scan, /) -> Scan: ...
def silent(scan: Scan): ...
def nothing(scan: Scan) -> None: ...
def plain_tuple(scan: Scan) -> tuple[Scan, Labels]: ...
def odd_tuple(scan: Scan) -> Odd: ...
def hidden(scan: Strength) -> Scan: ...
def with_path(scan: Scan, path: Path) -> Scan: ...


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (bare, "'scan' has no annotation"),
        (number, "'scan' is annotated int, which is no data type"),
        (union, "'scan' is annotated culmann.data.scan.Scan | culmann.data.labels.Labels; a port has one type"),
        (no_default, "'mask' may be None and must have the default None"),
        (default, "'scan' has a default; annotate it `Scan | None`"),
        (dictionary, "'config' is annotated dict; options are a subclass of culmann.Config"),
        (two_journals, "'b' is a second Journal beside 'a'"),
        (variadic, "'scans' is variadic"),
        (keywords, "'more' is variadic"),
        (positional, "'scan' is variadic or positional-only"),
        (silent, "the return value has no annotation"),
        (nothing, "it returns NoneType, which is no data type"),
        (plain_tuple, "it returns tuple[culmann.data.scan.Scan, culmann.data.labels.Labels], which is no data type"),
        (odd_tuple, "its output 'n' is annotated int"),
        (hidden, "its annotations cannot be read: name 'Strength' is not defined"),
        (with_path, "'path' is annotated Path"),
    ],
)
def test_breaches_name_the_step_and_the_parameter(function, what):
    with pytest.raises(PluginError) as caught:
        read_ports(function, step="my-step")
    assert "step 'my-step'" in str(caught.value)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("function", "what"), [(plain, "needs a parameter annotated `pathlib.Path`"), (with_path, "a reader takes a file only")]
)
def test_breaches_of_readers(function, what):
    with pytest.raises(PluginError, match=what):
        read_ports(function, step="my-step", reader=True)
