"""What cannot be solved is told with its place: gaps, sets without cells, no stiffness, increments without equilibrium."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from six_tetrahedra import as_tets

from culmann import Grid, InputError, LoadCase, Mesh, Prescribed, SolverError
from culmann.voxels import hexahedra


def column(gap: bool, kind: str = "hex8", depth_mm: float = 0.1) -> tuple[Mesh, LoadCase]:
    """2 x 2 x 6 mm between bonded ends, from (-7, 3, 11); with a gap the fourth layer is missing."""
    filled = np.ones((6, 2, 2), dtype=int)
    filled[3] = 0 if gap else 1
    mesh = hexahedra(Grid((2, 2, 6), (1.0, 1.0, 1.0), (-7.0, 3.0, 11.0)), filled, {1: "bone"})
    mesh = mesh if kind == "hex8" else as_tets(mesh)
    z = mesh.points_mm[:, 2]
    sets = {
        "top": Prescribed(np.flatnonzero(z == z.max()), (0.0, 0.0, -depth_mm)),
        "bottom": Prescribed(np.flatnonzero(z == z.min()), (0.0, 0.0, 0.0)),
    }
    return mesh, LoadCase(sets, "top", (0.0, 0.0, -1.0), 6.0, load_steps=(0.5, 1.0))


@pytest.mark.parametrize("kind", ["hex8", "tet10"])
def test_a_bone_in_two_pieces_that_are_both_held_takes_no_load(kind, make_material, native):
    mesh, load = column(gap=True, kind=kind)
    with pytest.raises(SolverError, match=r"around \[-6.5, 3.5, 16.5\] mm \(LPS\) meets no stiffness: .* 2 pieces"):
        native(mesh, make_material(mesh.n_cells), load)
    mesh, load = column(gap=False, kind=kind, depth_mm=0.0)
    with pytest.raises(SolverError, match="meets no stiffness: the model moves as a whole") as caught:
        native(mesh, make_material(mesh.n_cells), load)
    assert "a displacement of 0" in caught.value.hint


@pytest.mark.parametrize("kind", ["hex8", "tet10"])
def test_a_layer_of_next_to_no_modulus_is_no_bone(kind, make_material, native):
    mesh, load = column(gap=False, kind=kind)
    layer = np.abs(mesh.cell_centres_mm()[:, 2] - 14) < 0.5
    with pytest.raises(SolverError, match=r"(next to no stiffness under the load|no equilibrium).* mm \(LPS\)"):
        native(mesh, make_material(mesh.n_cells, np.where(layer, 1e-14, 1e3)), load)


@pytest.mark.parametrize("kind", ["hex8", "tet10"])
def test_nodes_without_a_cell_are_told_with_their_place(kind, make_material, native):
    mesh, load = column(gap=False, kind=kind)
    lonely = replace(mesh, points_mm=np.concatenate([mesh.points_mm, [[1.0, 2.0, 3.0]]]))
    top = load.prescribed["top"]
    sets = {**load.prescribed, "top": replace(top, nodes=np.append(top.nodes, mesh.n_points))}
    with pytest.raises(SolverError, match=r"1 nodes of 'top' belong to no cell, the first at \[1.0, 2.0, 3.0\] mm"):
        native(lonely, make_material(mesh.n_cells), replace(load, prescribed=sets))


def test_a_set_without_nodes_is_no_load_case():
    _, load = column(gap=False)
    with pytest.raises(ValueError, match="no nodes in top"):
        replace(load, prescribed={**load.prescribed, "top": Prescribed(np.zeros(0, dtype=int), (0.0, 0.0, -1.0))})


def test_materials_that_are_no_numbers_are_told_by_cell(make_material):
    material = make_material(5)
    for name in ("youngs_modulus_mpa", "poisson_ratio", "density_g_cm3"):
        values = getattr(material, name).copy()
        values[3] = np.nan
        with pytest.raises(ValueError, match=f"{name} is not finite in cell 3"):
            replace(material, **{name: values})


@pytest.mark.parametrize("kind", ["hex8", "tet10"])
@pytest.mark.parametrize("scheme", ["linear", "plastic", "secant-lagged"])
def test_a_failed_solve_says_where(kind, scheme, make_material, native):
    mesh, load = column(gap=False, kind=kind)
    modulus = 1000 * 10 ** np.random.default_rng(2).uniform(-1, 1, mesh.n_cells)
    with pytest.raises(SolverError, match=r"largest force out of balance was at cell \d+ of the mesh, \[.*\] mm") as caught:
        native(mesh, make_material(mesh.n_cells, modulus, stress=5.0), load, scheme=scheme, max_iterations=1)
    words = str(caught.value)
    cell, place = int(words.partition("cell ")[2].split()[0]), words.partition("[")[2].partition("]")[0]
    corners = mesh.points_mm[mesh.cells[cell]]
    assert np.abs(corners - np.array(place.split(","), dtype=float)).max(axis=1).min() < 0.06, "a node of that cell"


def test_an_increment_without_equilibrium_ends_the_curve_and_says_where(make_block, make_material, native):
    bar = make_block(size=(2, 2, 3), strain=0.06, steps=60)
    material = make_material(bar.mesh.n_cells, 1000.0, 0.3, [8.0, 12.0, 9.0], [0.0, 0.01, 0.03])
    answer = native(bar.mesh, material, bar.load)
    done = 100 * answer.displacement_mm[-1] / (0.06 * bar.height_mm)
    assert f"no equilibrium was found beyond {done:.3g} % of the displacement" in answer.stop_reason
    place = np.array(answer.stop_reason.partition("[")[2].partition("]")[0].split(","), dtype=float)
    assert (place >= bar.mesh.points_mm.min(axis=0) - 0.06).all()
    assert (place <= bar.mesh.points_mm.max(axis=0) + 0.06).all()
    assert answer.force_n.max() == pytest.approx(12 * bar.area_mm2, rel=1e-2)


def test_density_that_is_no_number_is_told_with_its_place(make_block):
    from culmann import DensityMap
    from culmann.law_checks import checked_cell_density

    mesh = make_block(size=(3, 3, 3)).mesh
    grid = mesh.lattice.grid
    values = np.full(grid.shape, 0.2, dtype=np.float32)
    values[1, 2, 0] = np.nan
    with pytest.raises((InputError, ValueError), match=r"(not a number|not finite|finite)"):
        checked_cell_density(mesh, DensityMap(grid, values, "ash"), "ash")
