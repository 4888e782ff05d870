"""Grids are consistent with themselves and with SimpleITK, and everything that flows survives being saved and loaded."""

from __future__ import annotations

import tempfile
from dataclasses import fields, is_dataclass
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.spatial.transform import Rotation

from culmann import (
    DensityMap,
    Fields,
    Grid,
    Labels,
    Lattice,
    LoadCase,
    Materials,
    Mesh,
    Orthotropy,
    Prescribed,
    Report,
    Response,
    Scan,
    Solid,
    Strength,
    StressUpdate,
)
from culmann.data import DENSITY_KINDS, Placement
from culmann.data.images import to_image
from culmann.voxels import hexahedra, region_map

#: All 48 ways to permute and flip three axes; half of them are mirrored frames.
SIGNED_PERMUTATIONS = [np.eye(3)[list(p)] * s for p in permutations(range(3)) for s in product((1.0, -1.0), repeat=3)]

settings.register_profile("roundtrip", deadline=None, max_examples=30)
settings.load_profile("roundtrip")

#: Whole milliradians: ITK fails on directions with denormal numbers in them.
angles = st.integers(-3000, 3000).map(lambda n: n / 1000)
finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-3, 1e6)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(categories=["L", "N"], include_characters=" -_.()"), min_size=1, max_size=12)
awkward_names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
facts = st.dictionaries(names, st.one_of(text, finite, st.integers(-(10**9), 10**9)), max_size=4)
history = st.lists(text, max_size=3).map(tuple)


@st.composite
def grids(draw: st.DrawFn, most: int = 6) -> Grid:
    """Any size, spacing, origin; axes permuted, flipped, mirrored, and for half of them turned by any rotation."""
    axes = draw(st.sampled_from(SIGNED_PERMUTATIONS))
    if draw(st.booleans()):
        axes = Rotation.from_rotvec(draw(npst.arrays(float, 3, elements=angles))).as_matrix() @ axes
    size = draw(st.tuples(*[st.integers(1, most)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.05, 10)] * 3))
    origin = draw(st.tuples(*[st.floats(-2000, 2000)] * 3))
    return Grid(size, spacing, origin, tuple(float(v) for v in axes.ravel()))


def arrays(shape: tuple[int, ...], elements: st.SearchStrategy[Any], dtype: Any = float) -> st.SearchStrategy[Any]:
    return npst.arrays(dtype, shape, elements=elements)


@st.composite
def placements(draw: st.DrawFn) -> Placement:
    """Any rotation, perhaps with a mirror, and a shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(draw(npst.arrays(float, 3, elements=angles))).as_matrix()
    matrix[0, :3] *= draw(st.sampled_from([1.0, -1.0]))
    matrix[:3, 3] = draw(npst.arrays(float, 3, elements=st.floats(-500, 500)))
    return Placement(tuple(float(v) for v in matrix.ravel()), draw(history))


@st.composite
def images(draw: st.DrawFn, kind: type) -> Any:
    grid = draw(grids())
    if kind is Labels:
        label = draw(arrays(grid.shape, st.integers(0, 2**31 - 1), np.int32))
        return Labels(
            grid, label, draw(st.dictionaries(st.integers(1, 999), names, max_size=3)), draw(history), draw(placements())
        )
    values = draw(arrays(grid.shape, st.floats(-1e5, 1e5, width=32), np.float32))
    if kind is Scan:
        return Scan(grid, values, draw(facts), draw(history), draw(placements()), draw(st.sampled_from(["hu", "normalised"])))
    return DensityMap(grid, values, draw(st.sampled_from(DENSITY_KINDS)), draw(facts), draw(placements()))


@st.composite
def voxel_meshes(draw: st.DrawFn) -> Mesh:
    grid = draw(grids(most=4))
    region = draw(arrays(grid.shape, st.integers(0, 3), np.int32))
    assume(region.any())
    region_names = draw(st.dictionaries(st.integers(1, 3), names, max_size=3))
    solids = {3: Solid(draw(positive), 0.25, draw(st.one_of(st.none(), positive)))} if draw(st.booleans()) else {}
    mesh = hexahedra(grid, region, region_names, solids=solids, history=draw(history), placement=draw(placements()))
    nodes = np.unique(draw(st.lists(st.integers(0, mesh.n_points - 1), max_size=5))).astype(np.int64)
    sets = {"field-of-view-border": nodes, draw(awkward_names): np.zeros(0, dtype=np.int64)}
    return Mesh(**{f.name: getattr(mesh, f.name) for f in fields(mesh)} | {"node_sets": sets})


@st.composite
def tet_meshes(draw: st.DrawFn) -> Mesh:
    kind, corners = draw(st.sampled_from([("tet4", 4), ("tet10", 10)]))
    n_points, n_cells = draw(st.integers(corners, 14)), draw(st.integers(1, 5))
    points = draw(arrays((n_points, 3), finite))
    cells = draw(arrays((n_cells, corners), st.integers(0, n_points - 1), np.int64))
    return Mesh(points, cells, kind, draw(arrays((n_cells,), st.integers(1, 9), np.int64)), {1: "bone"})


@st.composite
def orthotropies(draw: st.DrawFn) -> Orthotropy:
    ratios = st.tuples(*[st.floats(0.3, 1)] * 3)
    axes = Rotation.from_rotvec(draw(npst.arrays(float, 3, elements=angles))).as_matrix()
    return Orthotropy(draw(ratios), draw(ratios), draw(st.tuples(*[st.floats(-0.2, 0.25)] * 3)), axes)


def stress_updates(n: int) -> st.SearchStrategy[StressUpdate]:
    parameters = st.integers(0, 3).flatmap(lambda p: arrays((n, p), finite))
    return st.builds(StressUpdate, st.just("some_law.points:update"), parameters, st.integers(0, 9))


@st.composite
def materials(draw: st.DrawFn) -> Materials:
    n, k = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    steps = draw(arrays((n, k), st.floats(0, 1)))
    if k:
        steps[:, 0] = 0
    return Materials(
        draw(arrays((n,), positive)),
        draw(arrays((n,), st.floats(-0.9, 0.49))),
        draw(arrays((n, k), positive)),
        np.cumsum(steps, axis=1),
        draw(arrays((n,), finite)),
        draw(st.sampled_from(["von-mises", "tresca"])),
        draw(st.sampled_from(["plastic", "secant"])),
        draw(st.one_of(st.none(), positive)),
        draw(text),
        draw(st.one_of(st.none(), orthotropies())),
        draw(st.one_of(st.none(), stress_updates(n))),
    )


@st.composite
def load_cases(draw: st.DrawFn) -> LoadCase:
    component = st.one_of(st.none(), finite)
    held = st.builds(
        Prescribed,
        st.lists(st.integers(0, 2**40), min_size=1, max_size=4).map(lambda v: np.array(v, dtype=np.int64)),
        st.tuples(component, component, component),
    )
    prescribed = draw(st.dictionaries(text, held, min_size=1, max_size=3))
    axes = Rotation.from_rotvec(draw(arrays((3,), angles))).as_matrix()
    steps = np.cumsum(draw(st.lists(st.floats(0.1, 1), min_size=1, max_size=4)))
    x, y, z = axes[2] / np.linalg.norm(axes[2])
    loaded = draw(st.sampled_from(sorted(prescribed)))
    return LoadCase(
        prescribed, loaded, (float(x), float(y), float(z)), draw(positive), axes, tuple(steps / steps[-1]), draw(facts)
    )


@st.composite
def responses(draw: st.DrawFn) -> Response:
    mesh = draw(st.one_of(voxel_meshes(), tet_meshes()))
    moments = [
        Fields(draw(arrays((mesh.n_points, 3), finite)), *(draw(arrays((mesh.n_cells,), finite)) for _ in range(4)))
        for _ in range(2)
    ]
    m = draw(st.integers(1, 5))
    curve = draw(arrays((2, m), finite))
    cells = {name: draw(arrays((mesh.n_cells,), finite)) for name in draw(st.sets(st.sampled_from(["modulus", "density"])))}
    return Response(mesh, curve[0], curve[1], draw(positive), *moments, draw(facts), draw(text), cells)


ANY_DATA = st.one_of(
    images(Scan),
    images(Labels),
    images(DensityMap),
    voxel_meshes(),
    tet_meshes(),
    materials(),
    load_cases(),
    responses(),
    st.builds(Report, st.dictionaries(st.sampled_from(["a.png", "b.csv", "page.html"]), st.binary(max_size=20))),
    st.builds(Strength, finite, text, finite, finite, finite, history),
)


def differences(a: Any, b: Any, at: str = "value") -> list[str]:
    """Where two values differ, in value or in type, through dataclasses, mappings and arrays."""
    if is_dataclass(a):
        if type(a) is not type(b):
            return [f"{at}: {type(a)} and {type(b)}"]
        return [d for f in fields(a) for d in differences(getattr(a, f.name), getattr(b, f.name), f"{at}.{f.name}")]
    if isinstance(a, np.ndarray):
        same = isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b)
        return [] if same else [f"{at}: {a!r} and {b!r}"]
    if isinstance(a, dict):
        if sorted(a) != sorted(b):
            return [f"{at}: keys {list(a)} and {list(b)}"]
        return [d for key in a for d in differences(a[key], b[key], f"{at}[{key!r}]")]
    return [] if a == b and type(a) is type(b) else [f"{at}: {a!r} and {b!r}"]


@settings(max_examples=200, deadline=None)
@given(ANY_DATA)
def test_what_is_saved_is_loaded_again_bit_for_bit(data: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data.save(Path(folder))
        again = type(data).load(Path(folder))
    assert not differences(data, again)


@given(grids(), npst.arrays(float, (5, 3), elements=st.floats(-1000, 1000)))
def test_index_and_world_are_inverse(grid: Grid, index: Any) -> None:
    there = grid.to_world(index)
    assert np.allclose(grid.to_index(there), index, atol=1e-6)
    assert np.allclose(grid.to_world(grid.to_index(there)), there, atol=1e-6)


@given(grids(), npst.arrays(float, (4, 3), elements=st.floats(-50, 50)))
def test_simpleitk_puts_voxels_at_the_same_place(grid: Grid, index: Any) -> None:
    image = to_image(np.zeros(grid.shape, dtype=np.int16), grid)
    theirs = [image.TransformContinuousIndexToPhysicalPoint([float(v) for v in one]) for one in index]
    assert np.allclose(grid.to_world(index), theirs, atol=1e-6)
    last = [n - 1 for n in grid.size]
    assert np.allclose(grid.to_world(np.array([last]))[0], image.TransformIndexToPhysicalPoint(last), atol=1e-6)


@given(images(Scan))
def test_simpleitk_sees_the_same_value_at_the_same_point(scan: Scan) -> None:
    image = to_image(scan.hu, scan.grid)
    for k, j, i in np.argwhere(np.ones(scan.grid.shape, dtype=bool)):
        point = scan.grid.to_world(np.array([[i, j, k]]))[0]
        assert image.TransformPhysicalPointToIndex([float(v) for v in point]) == (i, j, k)
        assert image.GetPixel(int(i), int(j), int(k)) == scan.hu[k, j, i]


@pytest.mark.parametrize(
    "axes", SIGNED_PERMUTATIONS, ids=lambda a: "".join("LPSlps"[3 * (c.sum() < 0) + abs(c).argmax()] for c in a.T)
)
def test_nifti_files_of_a_scan_lie_where_the_scan_lies(axes: Any, tmp_path: Path) -> None:
    grid = Grid((3, 4, 5), (0.5, 1.5, 2.5), (-7.0, 11.0, 30.0), tuple(axes.ravel()))
    scan = Scan(grid, np.arange(60, dtype=np.float32).reshape(grid.shape))
    scan.save(tmp_path)
    image = sitk.ReadImage(str(tmp_path / "scan.nii.gz"))
    value = image.GetPixel(image.TransformPhysicalPointToIndex([float(v) for v in grid.to_world(np.array([[2, 1, 3]]))[0]]))
    assert value == scan.hu[3, 1, 2]


@given(grids())
def test_extent_holds_every_voxel_and_touches_the_outermost(grid: Grid) -> None:
    low, high = grid.extent_mm()
    k, j, i = np.indices(np.array(grid.shape) + 1).reshape(3, -1)
    corners = grid.to_world(np.stack([i, j, k], axis=1) - 0.5)
    assert np.allclose(corners.min(axis=0), low, atol=1e-6)
    assert np.allclose(corners.max(axis=0), high, atol=1e-6)


@given(grids(most=8), st.data())
def test_part_of_a_grid_has_its_voxels_where_they_were(grid: Grid, data: st.DataObject) -> None:
    index = np.indices(grid.shape)
    cuts = [sorted(data.draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True))) for n in grid.shape]
    window = tuple(slice(a, b) for a, b in cuts)
    part = grid.part(window)
    k, j, i = (index[a][window].ravel() for a in range(3))
    kk, jj, ii = (a.ravel() for a in np.indices(part.shape))
    assert part.shape == index[0][window].shape
    assert np.allclose(grid.to_world(np.stack([i, j, k], 1)), part.to_world(np.stack([ii, jj, kk], 1)), atol=1e-6)


@given(grids(), st.floats(0.01, 1))
def test_a_moved_grid_is_another(grid: Grid, by: float) -> None:
    x, y, z = grid.origin_mm
    moved = Grid(grid.size, grid.spacing_mm, (x + by, y, z), grid.direction)
    assert grid.same_as(grid)
    assert not grid.same_as(moved)
    assert not grid.same_as(Grid((grid.size[0] + 1, *grid.size[1:]), grid.spacing_mm, grid.origin_mm, grid.direction))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"size": (0, 1, 1)}, "three positive sizes"),
        ({"spacing_mm": (1.0, -1.0, 1.0)}, "three positive spacings"),
        ({"spacing_mm": (1.0, float("nan"), 1.0)}, "three positive spacings"),
        ({"direction": (1, 0, 0, 0.2, 1, 0, 0, 0, 1)}, "right angles"),
        ({"direction": (2, 0, 0, 0, 1, 0, 0, 0, 1)}, "right angles"),
    ],
)
def test_what_is_no_grid_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Grid(**{"size": (2, 2, 2), "spacing_mm": (1.0, 1.0, 1.0)} | change)


@given(voxel_meshes())
def test_cells_of_a_voxel_mesh_are_voxels_and_not_inside_out(mesh: Mesh) -> None:
    assert mesh.lattice is not None
    corner = mesh.points_mm[mesh.cells]
    along = [corner[:, n] - corner[:, 0] for n in (1, 3, 4)]
    volume = np.einsum("nx,nx->n", np.cross(along[0], along[1]), along[2])
    assert np.allclose(volume, mesh.lattice.grid.voxel_volume_mm3, rtol=1e-6)
    assert np.allclose(mesh.cell_centres_mm(), mesh.lattice.grid.to_world(mesh.lattice.cell_index), atol=1e-6)
    i, j, k = mesh.lattice.cell_index.T
    assert np.array_equal(region_map(mesh)[k, j, i], mesh.region)
    assert (region_map(mesh) != 0).sum() == mesh.n_cells
    assert len(np.unique(mesh.points_mm.round(9), axis=0)) == mesh.n_points


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Scan(Grid((2, 3, 4), (1.0, 1.0, 1.0)), np.zeros((2, 3, 4), np.float32)),
        lambda: Labels(Grid((2, 3, 4), (1.0, 1.0, 1.0)), np.zeros((2, 3, 4), np.int32)),
        lambda: DensityMap(Grid((2, 2, 2), (1.0, 1.0, 1.0)), np.zeros((2, 2, 2), np.float32), "bmd"),  # type: ignore[arg-type]
        lambda: Mesh(np.zeros((4, 3)), np.zeros((1, 4), np.int64), "hex8", np.zeros(1, np.int64)),
        lambda: Mesh(
            np.zeros((4, 3)),
            np.zeros((1, 4), np.int64),
            "tet4",
            np.zeros(1, np.int64),
            lattice=Lattice(Grid((1, 1, 1), (1.0, 1.0, 1.0)), np.zeros((2, 3), np.int64)),
        ),
        lambda: Report({"../escape": b""}),
    ],
    ids=["scan", "labels", "kind", "cells", "lattice", "report"],
)
def test_what_does_not_fit_together_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):
        wrong()


@pytest.mark.parametrize(
    ("stress", "says"),
    [
        ([[2.0, 1.0], [-3.0, 1.0]], "the yield stress is -3 MPa in cell 1"),
        ([[2.0, 0.0], [1.0, 1.0]], "the stress at point 1 of the curve is 0 MPa in cell 0"),
    ],
)
def test_a_curve_without_strength_is_refused(stress: list[list[float]], says: str) -> None:
    ones = np.ones(2)
    with pytest.raises(ValueError, match=says):
        Materials(ones, 0.3 * ones, np.array(stress), np.array([[0.0, 0.1], [0.0, 0.1]]), ones)
