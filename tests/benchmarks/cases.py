"""The bodies that the benchmarks solve: real bones where their data are at hand, and a synthetic one of any size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from culmann import Grid, LoadCase, Materials, Mesh, Prescribed
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_calibration.linear import LinearCalibrationConfig, linear_calibration
from culmann_images.readers import (
    ReadDensityConfig,
    ReadLabelsConfig,
    ReadScanConfig,
    read_density,
    read_labels,
    read_scan,
)
from culmann_mesh.gmsh_tet10 import GmshTet10Config, gmsh_tet10
from culmann_mesh.voxel_mesh import largest_part
from culmann_segment.pick import PickLabelsConfig, pick_labels
from culmann_vertebra.compression import CompressionConfig, compression
from culmann_vertebra.endplates import EndplatesConfig, endplates
from culmann_vertebra.kopperdahl import KopperdahlConfig, kopperdahl

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Case:
    """A model, and its name in the table."""

    name: str
    mesh: Mesh
    materials: Materials
    load: LoadCase


def shipped_l3(element_volume_mm3: float | None = None) -> Case:
    """The vertebra of the demo on its own voxels of 1.5 mm, or on tetrahedra, in four increments to 1.9 % of its height."""
    journal, data = QuietJournal(), ROOT / "pipelines/data/vertebra_l3_ct"
    scan = read_scan(data / "ct.nii.gz", ReadScanConfig(), journal)
    labels = read_labels(data / "vertebrae.nii.gz", ReadLabelsConfig())
    bone = pick_labels(labels, PickLabelsConfig(labels=(22,)), journal, scan)
    line = LinearCalibrationConfig(slope=0.0006855, intercept=0.01745, kind="qct-k2hpo4", assumed=True)
    if element_volume_mm3 is None:
        mesh = hexahedra(bone.grid, largest_part(bone.label)[0], {22: "L3"})
    else:
        mesh = gmsh_tet10(bone, GmshTet10Config(element_volume_mm3=element_volume_mm3), journal)
    mesh = endplates(mesh, EndplatesConfig(), journal)
    materials = kopperdahl(mesh, linear_calibration(scan, line, journal), KopperdahlConfig(), journal)
    name = "shipped L3" if element_volume_mm3 is None else f"shipped L3, {mesh.n_cells:,} tet10"
    return Case(name, mesh, materials, compression(mesh, CompressionConfig(steps=4), journal))


def spine_l2() -> Case | None:
    """The L2 of the Bonelab benchmark with its discs, pushed 0.2 mm between the outer faces of the discs."""
    folder = SHARED / "vertebra_l2_density"
    if not folder.exists():
        return None
    density = read_density(folder / "density_mg_per_cc.nii.gz", ReadDensityConfig(unit="mg/cm3", kind="qct-k2hpo4"))
    labels = read_labels(folder / "labels.nii.gz", ReadLabelsConfig())
    mesh = hexahedra(labels.grid, largest_part(labels.label)[0], {})
    i, j, k = mesh.lattice.cell_index.T
    rho = np.maximum(density.g_cm3[k, j, i].astype(float), 1e-3)
    disc = mesh.region >= 5
    modulus = np.where(disc, 2500, np.maximum(2980 * rho**1.05, 1))
    stress = np.where(disc, 70, 37.4 * rho**1.39)[:, None]
    sets = {}
    for name, region, sign in (("held", 5, -1), ("pushed", 6, 1)):
        nodes = np.unique(mesh.cells[mesh.region == region])
        height = sign * mesh.points_mm[nodes, 2]
        # The discs may lie the other way round.
        sets[name] = nodes[height > height.max() - 0.1]
    if mesh.points_mm[sets["held"], 2].mean() > mesh.points_mm[sets["pushed"], 2].mean():
        return None
    materials = Materials(modulus, np.full(mesh.n_cells, 0.3), stress, np.zeros_like(stress), rho)
    prescribed = {
        "held": Prescribed(sets["held"], (0.0, 0.0, 0.0)),
        "pushed": Prescribed(sets["pushed"], (0.0, 0.0, -0.2)),
    }
    return Case("real L2 with discs", mesh, materials, LoadCase(prescribed, "pushed", (0.0, 0.0, -1.0), 37.0))


def femur() -> Case | None:
    """A real proximal femur at its own resolution, trabecular law of Sas et al., 160 increments of 0.025 mm on its head."""
    folder = SHARED / "femur_left_density"
    if not folder.exists():
        return None
    density = read_density(folder / "density_mg_per_cc.nii.gz", ReadDensityConfig(unit="mg/cm3", kind="qct-k2hpo4"))
    labels = read_labels(folder / "mask.nii.gz", ReadLabelsConfig())
    mesh = hexahedra(labels.grid, largest_part(labels.label)[0], {})
    i, j, k = mesh.lattice.cell_index.T
    ash = np.maximum(1.06 * density.g_cm3[k, j, i].astype(float) + 0.0389, 0.01)
    modulus, plateau, residual = 14900 * ash**1.86, 102 * ash**1.8, 43.1 * ash**1.81
    slope = 3 * modulus * -2080 * ash**1.45 / (15 * modulus + 12 * 2080 * ash**1.45)
    end = plateau / modulus + (0.00189 + 0.0241 * ash) * 5
    soft = end - (plateau - residual) / slope
    stress = np.stack([plateau, plateau, residual], axis=1)
    plastic = np.stack([0 * ash, end - plateau / modulus, soft - residual / modulus], axis=1)
    ratio = np.full(mesh.n_cells, 0.3)
    materials = Materials(modulus, ratio, stress, plastic, ash, unloading="secant", characteristic_length_mm=3.0)
    z = mesh.points_mm[:, 2]
    prescribed = {
        "shaft": Prescribed(np.flatnonzero(z < z.min() + 5), (0.0, 0.0, 0.0)),
        "head": Prescribed(np.flatnonzero(z > z.max() - 5), (0.0, 0.0, -4.0)),
    }
    steps = tuple(float(s) for s in np.arange(1, 161) / 160)
    load = LoadCase(prescribed, "head", (0.0, 0.0, -1.0), float(np.ptp(z)), load_steps=steps)
    return Case("real left femur", mesh, materials, load)


def synthetic_bone(n: int) -> Case:
    """A cube of n³ cells with a smooth log-normal density, between bonded platens."""
    rng = np.random.default_rng(1)
    field = ndimage.gaussian_filter(rng.standard_normal((n, n, n)), 2.0)
    rho = np.clip(0.35 * np.exp(0.5 * field / field.std()), 0.1, 1.2).ravel()
    mesh = hexahedra(Grid((n, n, n), (1.0, 1.0, 1.0)), np.ones((n, n, n), dtype=np.int64), {1: "bone"})
    z = mesh.points_mm[:, 2]
    prescribed = {
        "bottom": Prescribed(np.flatnonzero(z == z.min()), (0.0, 0.0, 0.0)),
        "top": Prescribed(np.flatnonzero(z == z.max()), (0.0, 0.0, -0.01 * n)),
    }
    none = np.zeros((len(rho), 0))
    materials = Materials(14900 * rho**1.86, np.full(len(rho), 0.3), none, none, rho)
    return Case(f"synthetic bone {n}³", mesh, materials, LoadCase(prescribed, "top", (0.0, 0.0, -1.0), float(n)))
