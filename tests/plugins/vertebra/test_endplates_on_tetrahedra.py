"""Endplates on gmsh's tetrahedra, fine and coarse: tilted bodies, bodies with processes, masks too small and too large."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from culmann.data import Grid, Labels, Mesh
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_mesh.gmsh_tet10 import GmshTet10Config, gmsh_tet10
from culmann_vertebra.compression import CompressionConfig, compression
from culmann_vertebra.endplates import EndplatesConfig, endplates

pytest.importorskip("gmsh", reason="needs gmsh: pip install 'culmann[gmsh]'")

_spec = spec_from_file_location("bodies", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
bodies = module_from_spec(_spec)
_spec.loader.exec_module(bodies)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    monkeypatch.setattr("culmann_vertebra.endplates.endplate_picture", lambda *_: b"")
    monkeypatch.setattr("culmann_mesh.gmsh_tet10.quality_picture", lambda *_: b"")


def vertebra(tilt_deg: float, spacing: float = 1.5) -> tuple[Grid, np.ndarray]:
    """A cylinder with two stalks that rise behind it, tilted as a whole: (grid, where bone is)."""
    n = round(110 / spacing)
    grid = Grid((n, n, n), (spacing,) * 3, (-54.9, -54.8, -54.7))
    k, j, i = np.indices(grid.shape)
    world = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3))
    axis = bodies.axis_of(tilt_deg)
    left = np.cross([0.0, 1.0, 0.0], axis)
    left /= np.linalg.norm(left)
    x, y, z = (world @ direction for direction in (left, np.cross(axis, left), axis))
    inside = (np.hypot(x, y) <= bodies.RADIUS) & (np.abs(z) <= bodies.HEIGHT / 2)
    for side in (-1, 1):
        inside |= (np.abs(x - side * 12) <= 5) & (y > 5) & (y < 35) & (np.abs(z - 5) <= 7.5)
        inside |= (np.abs(x - side * 12) <= 5) & (y > 25) & (y < 35) & (np.abs(z - 7) <= 15)
    return grid, inside.reshape(grid.shape)


def plates(volume_mm3: float | None, tilt: float, voxels: int = 0) -> tuple[Mesh, np.ndarray, list[float]]:
    """The mesh with its sets, and the axis and the areas as the history tells them; voxels where there is no volume."""
    grid, mask = vertebra(tilt)
    if voxels:
        mask = (ndimage.binary_erosion if voxels < 0 else ndimage.binary_dilation)(mask, iterations=abs(voxels))
    labels = Labels(grid, mask.astype(np.int32), {1: "bone"})
    if volume_mm3 is None:
        mesh = hexahedra(grid, labels.label, labels.names)
    else:
        mesh = gmsh_tet10(labels, GmshTet10Config(element_volume_mm3=volume_mm3), QuietJournal())
    done = endplates(mesh, EndplatesConfig(), QuietJournal())
    axis = re.search(r"axis \[(.*?)\]", done.history[-1])
    assert axis is not None
    areas = [float(a) for a in re.findall(r"([\d.]+) mm²", done.history[-1])]
    return done, np.array([float(c) for c in axis[1].split(",")]), areas


@pytest.mark.parametrize(
    ("volume", "tilt", "voxels"), [(25, 0, 0), (6, 20, 0), (25, 40, 0), (12, 12, -2), (12, 12, 2), (None, 20, 0), (None, 40, 0)]
)
def test_the_plates_of_a_body_with_processes(volume, tilt, voxels):
    mesh, seen, areas = plates(volume, tilt, voxels)
    axis, moved = bodies.axis_of(tilt), 1.5 * voxels
    assert np.degrees(np.arccos(min(1.0, seen @ axis))) < 3
    # The stalks, where they are cut off, leave a little more or less of the plate.
    assert areas == pytest.approx([np.pi * (bodies.RADIUS + moved) ** 2] * 2, rel=0.14)
    if volume is None:
        return
    height = []
    for side, name in ((1, "endplate-superior"), (-1, "endplate-inferior")):
        nodes = mesh.node_sets[name]
        plate = mesh.points_mm[nodes]
        # Roots of the stalks at most, in triangles of up to 6 mm: their tips stand 28 to 37 mm from the middle.
        assert np.linalg.norm(plate - np.outer(plate @ axis, axis), axis=1).max() < bodies.RADIUS + moved + 8
        assert np.abs(side * (plate @ axis) - bodies.HEIGHT / 2 - moved).max() < 6
        corners = np.intersect1d(nodes, mesh.cells[:, :4])
        assert 2.5 * len(corners) < len(nodes) < 4.5 * len(corners), "a surface has three edges to a corner"
        height.append((plate @ axis).mean())
    assert height[0] - height[1] == pytest.approx(bodies.HEIGHT + 2 * moved, abs=2.0)


def test_the_audit_tells_that_a_larger_mask_moves_the_endplates():
    """What Saillard et al. 2024 name as the reason why dilation changes the failure load of a vertebra."""
    audits = []
    for voxels in (-1, 0, 1):
        mesh, _, _ = plates(12, 0, voxels)
        audits.append(compression(mesh, CompressionConfig(), QuietJournal()).audit)
    heights = [float(audit["height_mm"]) for audit in audits]
    assert np.diff(heights) == pytest.approx([3.0, 3.0], abs=0.8)
    for side in ("superior", "inferior"):
        areas = [float(audit[f"endplate-{side}_area_of_faces_mm2"]) for audit in audits]
        assert (np.diff(areas) > 100).all()
