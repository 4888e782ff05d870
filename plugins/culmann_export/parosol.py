"""export-parosol: a voxel model as the HDF5 file that ParOSol reads."""

from __future__ import annotations

import io

import h5py
import numpy as np

from culmann.boundary import along, disjoint, refuse_loose_nodes
from culmann.config import Config
from culmann.data import LoadCase, Materials, Mesh, Report
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_export.checks import refuse_mismatch

_MPA_PER_GPA = 1000.0
#: ParOSol counts voxels in 16 bits.
_MOST_VOXELS = 32767


class ExportParosolConfig(Config):
    """The ParOSol file has no options."""


def export_parosol(
    mesh: Mesh,
    materials: Materials,
    load: LoadCase,
    config: ExportParosolConfig,  # noqa: ARG001
    journal: Journal,
) -> Report:
    """`parosol.h5`: moduli in GPa on the box of the bone, and prescribed displacements in mm at its nodes, for a linear solve.

    Run it with `mpirun -n 1 parosol --level 6 --tol 1e-6 parosol.h5`, or through `parosol-py`; the forces then stand in
    `Solution/force` of the same file. Its axes are those of the voxels, not LPS.

    Raises
    ------
    InputError
        When the cells are no cubes on a lattice, have several Poisson's ratios, or are orthotropic; or single components are
        prescribed along axes askew to the lattice.
    SolverError
        When a set of the load holds nodes that no cell touches.
    """
    refuse_mismatch(mesh, materials)
    ratio = _refuse_unsupported(mesh, materials)
    refuse_loose_nodes(mesh, load)
    assert mesh.lattice is not None
    grid, cell = mesh.lattice.grid, mesh.lattice.cell_index
    corner = cell.min(axis=0)
    size = cell.max(axis=0) + 1 - corner
    if size.max() > _MOST_VOXELS:
        raise InputError(f"the bone has {int(size.max())} voxels along one axis; ParOSol takes {_MOST_VOXELS}")
    left_out = ["the densities of the cells", "the names of sets and regions"]
    if not materials.is_linear:
        left_out.append("yielding")
        journal.warn("not carried over into parosol.h5: yielding; ParOSol solves the linear model")
    modulus = np.zeros(tuple(size[::-1]), dtype=np.float32)
    i, j, k = (cell - corner).T
    modulus[k, j, i] = materials.youngs_modulus_mpa / _MPA_PER_GPA
    place, value = _prescribed(mesh, load, corner)
    origin = grid.to_world(corner[None] - 0.5)[0]
    facts = {
        "about": "Voxel model for ParOSol, written by culmann",
        "units": "Image in GPa, lengths in mm; ParOSol takes both so and gives forces in N",
        "axes": "arrays are (z, y, x) and coordinates (z, y, x, direction) along the axes of the voxels",
        "corner_lps_mm": origin,
        "voxel_axes_lps": grid.axes.T,
        "placement": mesh.placement.describe(),
        "law": materials.law,
        "not_carried_over": "; ".join(left_out),
    }
    file = io.BytesIO()
    # Without times of writing the same model gives the same bytes.
    with h5py.File(file, "w", track_order=False) as h5:
        for name, fact in facts.items():
            h5.attrs[name] = fact
        group = h5.create_group("Image_Data")
        group.create_dataset("Image", data=modulus, compression="gzip", track_times=False)
        group.create_dataset("Fixed_Displacement_Coordinates", data=place, track_times=False)
        group.create_dataset("Fixed_Displacement_Values", data=value, track_times=False)
        group.create_dataset("Voxelsize", data=float(grid.spacing_mm[0]), track_times=False)
        group.create_dataset("Poisons_ratio", data=ratio, track_times=False)
    journal.progress(f"{mesh.n_cells} voxels in a box of {' x '.join(map(str, size.tolist()))}")
    return Report({"parosol.h5": file.getvalue()})


def _refuse_unsupported(mesh: Mesh, materials: Materials) -> float:
    """Poisson's ratio of the model."""
    if mesh.lattice is None or mesh.cell_type != "hex8":
        raise InputError(f"ParOSol takes voxels, not {mesh.cell_type} off a lattice", hint="build the mesh with voxel-mesh")
    spacing = np.asarray(mesh.lattice.grid.spacing_mm)
    if np.ptp(spacing) > 1e-4 * spacing.min():
        told = " x ".join(f"{s:.4g}" for s in spacing)
        raise InputError(f"ParOSol takes cubes, and the voxels are {told} mm", hint="set `size_mm` of voxel-mesh")
    if materials.orthotropy is not None:
        raise InputError("ParOSol takes isotropic materials, and the bone is orthotropic", hint="use an isotropic law")
    ratios = np.unique(materials.poisson_ratio)
    if len(ratios) > 1:
        raise InputError(
            f"ParOSol takes one Poisson's ratio for all cells, and the model has {', '.join(f'{nu:g}' for nu in ratios[:4])}",
            hint="give the law and the solids (discs, cups) the same `poisson_ratio`",
        )
    return float(ratios[0])


def _prescribed(mesh: Mesh, load: LoadCase, corner: IntArray) -> tuple[IntArray, FloatArray]:
    """Places (n, 4) as z, y, x, direction, and displacements (n,) in mm along the axes of the lattice."""
    assert mesh.lattice is not None
    grid = mesh.lattice.grid
    node = np.rint(grid.to_index(mesh.points_mm) + 0.5).astype(np.int64) - corner
    places, values = [], []
    for group in disjoint(load):
        displacement_mm = along(group.displacement_mm, load.axes, grid.axes.T)
        if displacement_mm is None:
            raise InputError(
                "the load prescribes single components along axes askew to the voxels, which ParOSol cannot do",
                hint="prescribe all three components (bonded), or resample the image to the axis of the load",
            )
        for axis, value in enumerate(displacement_mm):
            if value is not None:
                at = node[group.nodes][:, ::-1]
                places.append(np.column_stack([at, np.full(len(at), axis)]))
                values.append(np.full(len(at), value))
    return np.concatenate(places).astype(np.uint16), np.concatenate(values).astype(np.float32)
