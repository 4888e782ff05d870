"""The failure load of a made-up femur does not depend on how it lies in the image, on the side, and hardly on soft tissue."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from analytic_femur import HEAD, UPRIGHT, Pose, femur
from scipy import ndimage
from scipy.spatial.transform import Rotation

from culmann.data import DensityMap, Labels
from culmann.journal import QuietJournal
from culmann_fem.native import NativeSolverConfig, native_solver
from culmann_femur.landmarks import FemurLandmarksConfig, femur_landmarks
from culmann_femur.sas import SasFemurConfig, sas_femur
from culmann_femur.stance import StanceConfig, stance
from culmann_images.mirror import MirrorConfig, mirror_density, mirror_labels
from culmann_mesh.voxel_mesh import VoxelMeshConfig, voxel_mesh
from culmann_segment.morphology import DilateLabelsConfig, ErodeLabelsConfig, dilate_labels, erode_labels

#: g/cm³ of ash, as a calibration gives it to muscle.
SOFT_TISSUE = 0.05


def bone(pose: Pose = UPRIGHT) -> tuple[Labels, DensityMap]:
    """A femur with a cortex that is thickest in the shaft, denser in the middle of the head, and soft tissue around it."""
    labels = femur(1.5, shaft_mm=70, pose=pose)
    every = np.argwhere(np.ones(labels.grid.shape, dtype=bool))[:, ::-1]
    own = ((labels.grid.to_world(every) - pose.at_mm) @ pose.rotation).reshape(*labels.grid.shape, 3)
    depth = ndimage.distance_transform_edt(labels.foreground, sampling=labels.grid.spacing_mm[::-1])
    rho = 0.2 + 0.15 * np.exp(-((np.linalg.norm(own - HEAD, axis=-1) / 15) ** 2))
    rho += np.where(own[..., 2] < -10, 0.7 * np.exp(-((depth / 4) ** 2)), 0.35 * np.exp(-((depth / 3) ** 2)))
    rho = np.where(labels.foreground, rho, SOFT_TISSUE)
    return labels, DensityMap(labels.grid, rho.astype(np.float32), "ash")


def failure_load_n(labels: Labels, density: DensityMap, whole: Labels | None = None) -> float:
    """As `femur_sas` has it, in cells of 2.5 mm: not an even multiple of the voxels, so that no cell is just half full."""
    journal = QuietJournal()
    landmarks = femur_landmarks(whole or labels, FemurLandmarksConfig(), journal)
    mesh = voxel_mesh(labels, VoxelMeshConfig(size_mm=2.5), journal)
    materials = sas_femur(mesh, density, SasFemurConfig(), journal)
    load = stance(mesh, landmarks, StanceConfig(increment_mm=0.05), journal)
    config = NativeSolverConfig(scheme="secant-lagged", stop_below_peak=0.95)
    return float(native_solver(mesh, materials, load, config, journal).force_n.max())


@cache
def upright_n() -> float:
    return failure_load_n(*bone())


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1)], ids=["left", "posterior", "superior"])
def test_a_turned_femur_fails_under_the_same_load(axis):
    turn = Rotation.from_rotvec(np.radians(17) * np.array(axis)).as_matrix()
    assert failure_load_n(*bone(Pose(turn, UPRIGHT.at_mm))) == pytest.approx(upright_n(), rel=0.03)


def test_the_mirrored_femur_fails_under_the_same_load():
    labels, density = bone()
    config = MirrorConfig(to_side="right")
    assert failure_load_n(mirror_labels(labels, config), mirror_density(density, config)) == pytest.approx(
        upright_n(), rel=1e-6
    )


def test_a_mask_that_is_too_small_weakens_the_femur_and_one_with_soft_tissue_hardly_changes_it():
    """What Saillard et al. 2024 found. Head and axes are those of the true mask, so that the same part of it is loaded."""
    labels, density = bone()
    eroded = failure_load_n(erode_labels(labels, ErodeLabelsConfig(voxels=1)), density, whole=labels)
    dilated = failure_load_n(dilate_labels(labels, DilateLabelsConfig(voxels=1)), density, whole=labels)
    loss, change = 1 - eroded / upright_n(), abs(dilated / upright_n() - 1)
    assert loss > 0.15
    assert change < 0.1
    assert change < loss / 3
