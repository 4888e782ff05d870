"""A real femur, turned and mirrored in its image: how much its failure load changes.

    python tests/benchmarks/femur.py
    python tests/benchmarks/femur.py --set mesh.size_mm=3 --set load.head_nodes=cup

The image is turned by 17 degrees about each axis of the patient, both ways, and resampled to voxels of the same size: the
density linearly, the mask by half of its linear interpolation. It needs `../shared/data/femur_left_density`, or a density
map in mg/cm3 and a mask that are named. It prints a table in Markdown. Nothing here can fail a build.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from culmann.pipeline import Store, read_pipeline, run
from culmann.plugins import load_catalogue

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "femur_left_density"
AXES = {"left": (1.0, 0.0, 0.0), "posterior": (0.0, 1.0, 0.0), "superior": (0.0, 0.0, 1.0)}


def turned(image: sitk.Image, axis: tuple[float, float, float], degrees: float) -> sitk.Image:
    """The image with its content turned about its middle, in a box of patient axes that holds all of it, linearly."""
    size, spacing = np.array(image.GetSize()), image.GetSpacing()
    middle = image.TransformContinuousIndexToPhysicalPoint(((size - 1) / 2).tolist())
    turn = sitk.VersorTransform(axis, float(np.radians(degrees)), middle)
    ends = product(*((0, int(n) - 1) for n in size))
    corners = np.array([turn.TransformPoint(image.TransformIndexToPhysicalPoint(end)) for end in ends])
    low = corners.min(axis=0)
    wanted = np.ceil(np.ptp(corners, axis=0) / spacing).astype(int) + 1
    like = sitk.Image(wanted.tolist(), sitk.sitkFloat32)
    like.SetSpacing(spacing)
    like.SetOrigin(low.tolist())
    return sitk.Resample(image, like, turn.GetInverse(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)


def mirrored(image: sitk.Image) -> sitk.Image:
    """The image reflected in the plane L = 0: the same bone on the other side of the body, voxel by voxel."""
    flipped = sitk.Image(image)
    reflect = np.diag([-1.0, 1.0, 1.0])
    axes = reflect @ np.array(image.GetDirection()).reshape(3, 3)
    flipped.SetDirection(axes.ravel().tolist())
    flipped.SetOrigin((reflect @ np.array(image.GetOrigin())).tolist())
    return sitk.Flip(flipped, [True, False, False])


def poses(density: sitk.Image, mask: sitk.Image) -> Iterator[tuple[str, sitk.Image, sitk.Image]]:
    yield "as it is", density, mask
    solid = sitk.Cast(mask, sitk.sitkFloat32)
    for name, axis in AXES.items():
        for degrees in (17.0, -17.0):
            grey, part = turned(density, axis, degrees), turned(solid, axis, degrees)
            yield f"{degrees:+g}° about {name}", grey, sitk.Cast(part >= 0.5, sitk.sitkUInt8)
    yield "mirrored", mirrored(density), mirrored(mask)


def table(arguments: argparse.Namespace) -> Iterator[str]:
    density, mask = (sitk.ReadImage(str(path)) for path in (arguments.density, arguments.mask))
    catalogue, first = load_catalogue(), None
    yield "| image | failure load | change | head nodes | held nodes |\n|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for told, grey, part in poses(density, mask):
            files = {"density": folder / "density.nii.gz", "labels": folder / "labels.nii.gz"}
            sitk.WriteImage(grey, str(files["density"]))
            sitk.WriteImage(part, str(files["labels"]))
            graph = read_pipeline(ROOT / "pipelines/femur_sas_presegmented.yaml", catalogue, arguments.set)
            done = run(graph, files, out=folder / "out", store=Store(folder / "store"))
            load, audit = done.value("strength").failure_load_n, done.value("load").audit
            first = first or load
            change = f"{100 * (load / first - 1):+.2g} %"
            yield f"| {told} | {load:.0f} N | {change} | {audit['head_nodes']} | {audit['distal_nodes']} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--density", type=Path, default=DATA / "density_mg_per_cc.nii.gz")
    parser.add_argument("--mask", type=Path, default=DATA / "mask.nii.gz")
    parser.add_argument("--set", action="append", default=[], metavar="STEP.OPTION=VALUE")
    for line in table(parser.parse_args()):
        print(line, flush=True)
