"""Checks of a material law: sane numbers over the densities that it states, and only the density that it states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import ValidationError

from culmann.config import Config
from culmann.data import DENSITY_KINDS, DensityKind, DensityMap, Materials, Mesh
from culmann.data.arrays import FloatArray
from culmann.errors import CulmannError, InputError
from culmann.laws import Elastoplastic, LawFacts
from culmann.ports import Ports
from culmann.testing.samples import call, row_of_cells
from culmann.testing.signatures import choices

MODULUS_MPA = (1e-3, 1e6)
YIELD_STRAIN = (1e-3, 0.1)
#: What real images hold besides bone: fat and marrow, water, enamel and metal.
ELSEWHERE_G_CM3 = np.array([-0.3, -0.05, 0.0, 1.5, 2.5])
#: Where a law that does not state its range is tried.
ORDINARY_G_CM3 = (0.1, 0.4)


def wrong_law(function: Callable[..., Any], ports: Ports, config: Config | None) -> list[str]:
    """What is wrong with a law, under its default options and under every choice that they offer."""
    if not {port.type for port in ports.inputs.values() if not port.optional} <= {Mesh, DensityMap}:
        return []  # a law that needs more than the kit can make up is for its own tests
    faults: list[str] = []
    for options in [{}, *([] if config is None else choices(type(config)))]:
        try:
            chosen = None if config is None else type(config)(**{**config.model_dump(exclude_unset=True), **options})
        except ValidationError:
            continue  # a choice that needs another option as well
        where = "".join(f" (with {name}: {value})" for name, value in options.items())
        faults += [fault + where for fault in _wrong_numbers(function, ports, chosen)]
    return faults


def _wrong_numbers(function: Callable[..., Any], ports: Ports, config: Config | None) -> list[str]:
    facts: LawFacts | None = getattr(function, "culmann_law", None)
    low, high = ORDINARY_G_CM3 if facts is None else facts.valid_g_cm3
    if not 0 <= low < high <= 3:
        return [f"it states to be valid from {low:g} to {high:g} g/cm³"]
    rho = np.linspace(low, high, 50)
    faults: list[str] = []
    taken: dict[DensityKind, Materials] = {}
    for kind in DENSITY_KINDS:
        mesh, density = row_of_cells(rho, kind)
        try:
            (taken[kind],) = call(function, ports, {Mesh: mesh, DensityMap: density}, config).values()
        except InputError as error:
            if facts is not None and kind == facts.density_kind:
                faults.append(f"it refuses the density of kind {kind!r} that it says it takes: {error.message}")
        except CulmannError as error:
            faults.append(f"it fails on densities from {low:g} to {high:g} g/cm³: {error.message}")
        except Exception as error:
            return [f"it fails on densities from {low:g} to {high:g} g/cm³ with {type(error).__name__}: {error}"]
    if len(taken) == len(DENSITY_KINDS):
        faults.append("it takes a density of any kind; a law refuses every kind but its own with an InputError")
    if not taken and not faults:
        faults.append(f"it takes no density of any kind from {low:g} to {high:g} g/cm³")
    for materials in taken.values():
        law = Elastoplastic(materials.youngs_modulus_mpa, materials.stress_mpa, materials.plastic_strain)
        faults += [*wrong_curves(law, rho), *_falling(law, may=facts is None or facts.softens)]
    if facts is not None and not faults:
        with np.errstate(all="ignore"):  # the finding is told below, not by a warning
            faults += _wrong_elsewhere(facts.curve(ELSEWHERE_G_CM3, config))
    return list(dict.fromkeys(faults))


def wrong_curves(law: Elastoplastic, rho_g_cm3: FloatArray) -> list[str]:
    """Whether moduli and yield strains are those of a solid in MPa, and rise with density."""
    modulus = np.asarray(law.youngs_modulus_mpa, dtype=float)
    stress = np.asarray(law.stress_mpa, dtype=float).reshape(len(modulus), -1)
    faults = []
    outside = ~((modulus >= MODULUS_MPA[0]) & (modulus <= MODULUS_MPA[1]))
    if outside.any():
        at = int(np.argmax(outside))
        faults.append(f"its Young's modulus is {modulus[at]:g} MPa at {rho_g_cm3[at]:g} g/cm³")
    if (np.diff(modulus) < -1e-9 * modulus[1:]).any():
        at = int(np.argmin(np.diff(modulus)))
        faults.append(f"its Young's modulus falls with rising density from {rho_g_cm3[at]:.3g} g/cm³ on")
    if stress.shape[1] and not faults:
        strain = stress[:, 0] / modulus
        outside = ~((strain >= YIELD_STRAIN[0]) & (strain <= YIELD_STRAIN[1]))
        if outside.any():
            at = int(np.argmax(outside))
            faults.append(
                f"at {rho_g_cm3[at]:.3g} g/cm³ it yields at {stress[at, 0]:g} MPa, a strain of {100 * strain[at]:.3g} %; "
                f"bone yields between {100 * YIELD_STRAIN[0]:g} and {100 * YIELD_STRAIN[1]:g} %"
            )
        if not (stress > 0).all():
            faults.append("a stress of its curve is not positive")
    return faults


def _falling(law: Elastoplastic, *, may: bool) -> list[str]:
    stress = np.asarray(law.stress_mpa, dtype=float).reshape(len(law.youngs_modulus_mpa), -1)
    if may or stress.shape[1] < 2 or not (np.diff(stress, axis=1) < -1e-9 * stress[:, 1:]).any():
        return []
    return ["its curve falls although the law does not say so: density_law(…, softens=True)"]


def _wrong_elsewhere(law: Elastoplastic) -> list[str]:
    """Voxels of fat, marrow, teeth and metal are in every scan: the law must have a number for them."""
    columns = law.columns()
    bad = ~np.isfinite(columns).all(axis=1) | ~(columns[:, 0] > 0)
    if not bad.any():
        return []
    rho = ", ".join(f"{r:g}" for r in ELSEWHERE_G_CM3[bad])
    return [f"it gives no positive finite modulus at {rho} g/cm³, as voxels of fat or metal have: clip the density"]
