"""Checks of a step at work: it is run on small made-up data and held to what every step of its kind must do."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from culmann.config import Config
from culmann.data import DENSITY_KINDS, DensityMap, LoadCase, Materials, Mesh, Report, Response, Strength
from culmann.errors import CulmannError, EngineError, InputError
from culmann.journal import QuietJournal
from culmann.ports import Ports
from culmann.steps import Step
from culmann.testing.samples import bar, call, elastic, samples


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A step that is ready to run."""

    step: Step
    kind: str
    function: Callable[..., Any]
    ports: Ports
    config: Config | None

    def faults(self) -> list[str]:
        """What is wrong with what the step does."""
        if self.kind == "readers":
            return self._reading()
        known = samples()
        if not all(port.type in known or port.optional for port in self.ports.inputs.values()):
            return []  # the kit cannot make up the types of other plugins
        return [*self._on_samples(), *(self._solving() if self.kind == "solvers" else [])]

    def _reading(self) -> list[str]:
        """A file that is missing, and one that is garbage, are the user's mistakes."""
        faults = []
        path, config = self.ports.path, self.config
        assert path is not None
        given: dict[str, Any] = {} if self.ports.config is None else {"config": config}
        if self.ports.journal is not None:
            given[self.ports.journal] = QuietJournal()
        with tempfile.TemporaryDirectory() as folder:
            for suffix in self.step.suffixes:
                name = "case" if suffix == "/" else f"case{suffix}"
                garbage = Path(folder) / "garbage" / name
                garbage.mkdir(parents=True, exist_ok=True) if suffix == "/" else garbage.parent.mkdir(exist_ok=True)
                (garbage / "note.txt" if suffix == "/" else garbage).write_bytes(b"no image")
                for what, file in (("missing", Path(folder) / "missing" / name), ("garbage", garbage)):
                    try:
                        self.function(**{path: file}, **given)
                    except CulmannError:
                        continue
                    except Exception as error:
                        faults.append(f"a {what} {suffix!r} raises {type(error).__name__}, not InputError: {error}")
                    else:
                        faults.append(f"a {what} {suffix!r} is read without an error")
        return faults

    def _on_samples(self) -> list[str]:
        takes = {port.type for port in self.ports.inputs.values()}
        for kind in DENSITY_KINDS if DensityMap in takes else DENSITY_KINDS[:1]:
            values = samples(kind)
            try:
                made = call(self.function, self.ports, values, self.config)
                again = call(self.function, self.ports, samples(kind), self.config)
            except CulmannError:
                continue  # a block is no femur: refusing it in a sentence is good behaviour
            except Exception as error:
                return [f"a block of bone makes it raise {type(error).__name__}, which is no CulmannError: {error}"]
            return [*self._changed(values, samples(kind)), *self._unlike(made, again), *self._made(made)]
        return []

    def _changed(self, values: dict[type, Any], fresh: dict[type, Any]) -> list[str]:
        return [
            f"it changes the {one.__name__} that it is given; make a copy"
            for one in fresh
            if not _same(values[one], fresh[one], exact=True)
        ]

    def _unlike(self, made: dict[str, Any], again: dict[str, Any]) -> list[str]:
        return [
            "it gives another result when it is run a second time, so no stored result of it can be trusted"
            for name, value in made.items()
            if not _same(value, again[name], exact=False)
        ]

    def _made(self, made: dict[str, Any]) -> list[str]:
        faults = []
        for name, value in made.items():
            wanted: Any = self.ports.outputs[name]
            if not isinstance(value, wanted):
                faults.append(f"it says that it gives a {wanted.__name__} and gives a {type(value).__name__}")
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    value.save(Path(folder))
                    wanted.load(Path(folder))
                except Exception as error:
                    faults.append(f"its {wanted.__name__} cannot be saved and loaded: {type(error).__name__}: {error}")
            faults += _wrong_value(value)
        return faults

    def _solving(self) -> list[str]:
        """Reactions of bars that have a closed form."""
        area, length, strain = 4.0 * 6.0, 20.0, 1e-3
        mesh, load = bar((2, 2, 4), (2.0, 3.0, 5.0), strain)
        modulus = np.where(mesh.cell_centres_mm()[:, 2] < mesh.cell_centres_mm()[:, 2].mean(), 300.0, 900.0)
        in_series = area * strain * length / (length / 2 / 300 + length / 2 / 900)
        try:
            force = self._reaction(mesh, elastic(mesh, modulus, 0.0), load)
        except EngineError:
            return []  # the program that it runs is not on this machine
        except CulmannError as error:
            return [f"it does not solve an elastic bar: {error}"]
        except Exception as error:
            return [f"an elastic bar makes it raise {type(error).__name__}: {error}"]
        if abs(force / in_series - 1) > 1e-4:
            return [f"an elastic bar of two moduli in series gives {force:.6g} N; E A / L gives {in_series:.6g} N"]
        mesh, load = bar((2, 2, 4), (2.0, 3.0, 5.0), 0.03)
        try:
            force = self._reaction(mesh, elastic(mesh, np.full(mesh.n_cells, 500.0), 0.3, 5.0), load)
        except (InputError, NotImplementedError):
            return []  # a linear solver says so
        except CulmannError as error:
            return [f"it does not solve a plastic bar: {error}"]
        if abs(force / (5.0 * area) - 1) > 1e-2:
            return [f"a bar that yields everywhere gives {force:.6g} N; its yield stress times its area is {5 * area:g} N"]
        return []

    def _reaction(self, mesh: Mesh, materials: Materials, load: LoadCase) -> float:
        made = call(self.function, self.ports, {Mesh: mesh, Materials: materials, LoadCase: load}, self.config)
        (response,) = (value for value in made.values() if isinstance(value, Response))
        return float(response.force_n[-1])


def _wrong_value(value: Any) -> list[str]:
    """What no value of a type may be, whoever made it."""
    if isinstance(value, Strength):
        numbers = (value.failure_load_n, value.displacement_mm, value.strain, value.stiffness_n_mm)
        if not np.isfinite(numbers).all() or not value.failure_load_n > 0:
            return [f"a curve that rises to 150 N gives a failure load of {value.failure_load_n} N (numbers: {numbers})"]
        return [] if value.criterion.strip() else ["its Strength does not say in `criterion` how it was read"]
    if isinstance(value, DensityMap) and not value.calibration:
        return ["its DensityMap does not say in `calibration` how it came about"]
    if isinstance(value, Report) and (not value.files or not all(value.files.values())):
        return ["its Report has no file, or an empty one"]
    if isinstance(value, Mesh) and value.n_cells and not _right_way_round(value):
        return ["its Mesh has cells that are inside out"]
    return []


def _right_way_round(mesh: Mesh) -> bool:
    """Whether the first corner of every cell sees its neighbours in VTK's order."""
    neighbours = (1, 3, 4) if mesh.cell_type == "hex8" else (1, 2, 3)
    corner = mesh.points_mm[mesh.cells]
    a, b, c = (corner[:, n] - corner[:, 0] for n in neighbours)
    return bool((np.einsum("ij,ij->i", np.cross(a, b), c) > 0).all())


def _same(a: Any, b: Any, *, exact: bool) -> bool:
    """Whether all arrays of two values agree; to rounding where sums may be taken in another order."""
    pairs = list(zip(_arrays(a), _arrays(b), strict=False))
    compare = np.array_equal if exact else _close
    return len(list(_arrays(a))) == len(list(_arrays(b))) and all(compare(one, other) for one, other in pairs)


def _close(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    if a.shape != b.shape:
        return False
    scale = float(np.abs(a.astype(float)).max(initial=0))
    return bool(np.allclose(a.astype(float), b.astype(float), rtol=1e-5, atol=1e-8 * scale + 1e-12, equal_nan=True))


def _arrays(value: Any) -> Iterator[npt.NDArray[Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value):
        for item in fields(value):
            yield from _arrays(getattr(value, item.name))
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from _arrays(value[key])
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _arrays(item)
