"""Made cases: the same from the same seed, within the options, true to the anatomy, and scanned as a scanner would."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from block_spine import block_spine
from pydantic import ValidationError
from scipy.special import erf

from culmann.data import Grid
from culmann.errors import InputError
from culmann.regridding import labels_onto
from culmann_synthesis.anatomy import prepared
from culmann_synthesis.clusters import class_means, tissue_at
from culmann_synthesis.config import SynthesisConfig
from culmann_synthesis.fields import grained, smooth_field
from culmann_synthesis.making import make_case
from culmann_synthesis.scanner import scanned, with_metal
from culmann_synthesis.tissues import tissue_of

STILL = {"rotation_deg": 0, "scaling": (1, 1), "shear": 0, "bend_mm": 0, "mirror": False}
QUIET = {"noise_hu": (0, 0), "blur_mm": (0, 0)}
FINE = {"spacing_in_plane_mm": (1, 1), "spacing_slices_mm": (1, 1)}


@pytest.fixture(scope="module")
def spine():
    scan, labels = block_spine()
    return prepared("blocks", labels, scan, SynthesisConfig())


def test_a_case_depends_on_seed_and_number_alone(spine):
    config = SynthesisConfig(metal_share=0.5)
    first, again, other, next_one = (make_case([spine], config, *key) for key in ((3, 5), (3, 5), (4, 5), (3, 6)))
    assert np.array_equal(first.scan.hu, again.scan.hu)
    assert np.array_equal(first.labels.label, again.labels.label)
    assert first.scan.grid == again.scan.grid
    for different in (other, next_one):
        assert first.scan.hu.shape != different.scan.hu.shape or not np.array_equal(first.scan.hu, different.scan.hu)


def test_cases_keep_to_the_ranges_and_are_ct(spine):
    config = SynthesisConfig(field_of_view_mm=(40, 70), spacing_in_plane_mm=(1.2, 2), spacing_slices_mm=(2, 4))
    kinds = set()
    for number in range(12):
        made = make_case([spine], config, 0, number)
        sx, sy, sz = made.scan.grid.spacing_mm
        assert 1.2 <= sx == sy <= 2
        assert 2 <= sz <= 4
        view = np.array(made.scan.grid.size) * made.scan.grid.spacing_mm
        assert (view > 40 - sz).all()
        assert (view < 70 + sz).all()
        assert made.labels.grid == made.scan.grid
        assert made.labels.present() == {1: "vertebra"}
        assert made.scan.hu.min() >= -1024
        assert made.scan.hu.max() <= 3071
        assert np.array_equal(made.scan.hu, np.round(made.scan.hu))
        kinds.add(made.kind)
    assert kinds == {"painted", "recoloured"}


def test_without_a_warp_it_is_the_anatomy(spine):
    scan, labels = block_spine()
    config = SynthesisConfig(**STILL, **QUIET, real_share=1, field_of_view_mm=(500, 500))
    made = make_case([spine], config, 1, 0)
    bones = replace(labels, label=np.isin(labels.label, (1, 2, 3)).astype(np.int32), names={1: "vertebra"})
    true = labels_onto(bones, made.labels.grid).foreground
    both = (true & made.labels.foreground).sum()
    assert 2 * both / (true.sum() + made.labels.foreground.sum()) > 0.97
    assert np.allclose(made.scan.grid.extent_mm(), scan.grid.extent_mm(), atol=4)


@pytest.mark.parametrize("with_ct", [True, False])
def test_painted_bone_is_bright_with_a_brighter_shell(with_ct):
    scan, labels = block_spine()
    config = SynthesisConfig(**STILL, **QUIET, **FINE, real_share=0, field_of_view_mm=(90, 90), cortex_mm=(2, 2))
    ready = prepared("blocks", labels, scan if with_ct else None, config)
    made = make_case([ready], config, 0, 0)
    bone = made.labels.foreground
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(bone, 1))[1:-1, 1:-1, 1:-1]
    shell, core, outside = (made.scan.hu[where] for where in ((depth == 1), depth > 5, ~bone))
    assert shell.mean() > core.mean() + 100
    assert core.mean() > np.median(outside)
    assert made.kind == "painted"
    assert len(np.unique(np.round(outside[outside > -1024] / 200))) > 1, "what has no label is of several tissues"


def test_halves_meet_at_the_middle_of_the_body_and_neighbours_never_with_the_same():
    scan, labels = block_spine()
    config = SynthesisConfig(halves=["vertebra"], **STILL, **FINE, field_of_view_mm=(500, 500))
    assert config.names == {1: "vertebra-upper", 2: "vertebra-lower"}
    ready = prepared("blocks", labels, scan, config)
    for bone in (1, 2, 3):
        z = np.nonzero((ready.labels.label == bone) & (ready.target == 1))[0]
        middle = (bone - 1) * 30 + 12
        assert abs(z.min() - middle) <= 1.5
        assert not ((ready.labels.label == bone) & (ready.target == 0)).any()
    for low, high in itertools.pairwise((1, 2, 3)):
        touch = (ready.labels.label[:-1] == low) & (ready.labels.label[1:] == high)
        assert touch.any()
        assert set(ready.target[:-1][touch]) == {1}
        assert set(ready.target[1:][touch]) == {2}


def test_other_targets_and_none():
    scan, labels = block_spine()
    two = SynthesisConfig(targets={"bone": ["vertebrae_*"], "vessel": ["aorta"]}, field_of_view_mm=(90, 90))
    made = make_case([prepared("blocks", labels, scan, two)], two, 0, 1)
    assert made.labels.present() == {1: "bone", 2: "vessel"}
    none = SynthesisConfig(targets={"femur": ["femur_*"]})
    with pytest.raises(InputError, match="aorta, vertebrae_L1"):
        make_case([prepared("blocks", labels, scan, none)], none, 0, 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"noise_hu": (9, 3)}, "noise_hu"),
        ({"spacing_slices_mm": (0, 1)}, "at least 0.3"),
        ({"halves": ["femur"]}, "halves"),
        ({"targets": {}}, "targets"),
        ({"what": 1}, "what"),
    ],
)
def test_wrong_options(wrong, said):
    with pytest.raises(ValidationError, match=said):
        SynthesisConfig(**wrong)


def test_mirrored_cases_are_half():
    scan, labels = block_spine()
    lopsided = labels.label.copy()
    lopsided[:, :, 24:][np.isin(lopsided[:, :, 24:], (1, 2, 3))] = 0
    still = {**STILL, "mirror": True}
    config = SynthesisConfig(**still, real_share=1, field_of_view_mm=(500, 500))
    ready = prepared("half", replace(labels, label=lopsided), scan, config)
    left = [float(np.nonzero(make_case([ready], config, 0, n).labels.label)[2].mean()) for n in range(12)]
    size = [make_case([ready], config, 0, n).labels.grid.size[0] for n in range(12)]
    sides = [x < 0.5 * n for x, n in zip(left, size, strict=True)]
    assert 2 <= sum(sides) <= 10


def test_smooth_fields_have_unit_deviation_and_the_length_that_was_asked_for():
    chance = np.random.default_rng(0)
    spacing = np.ones(3)
    fields = np.stack([smooth_field((30, 40, 50), spacing, 10.0, chance) for _ in range(60)])
    assert abs(fields.mean()) < 0.05
    assert abs(fields.std() - 1) < 0.05

    def together(step):
        a, b = fields[:, :, :, :-step].ravel(), fields[:, :, :, step:].ravel()
        return np.corrcoef(a, b)[0, 1]

    assert together(1) > 0.97
    assert 0.3 < together(10) < 0.7
    assert abs(together(35)) < 0.1


def test_grains_are_as_wide_as_asked_for():
    noise = grained((60, 60, 60), np.ones(3), 4.0, np.random.default_rng(0))
    assert abs(noise.std() - 1) < 1e-3
    # White noise blurred by a Gaussian of standard deviation s goes together over d as exp(-d^2 / 4 s^2).
    s = 4.0 / 2.3548
    measured = np.corrcoef(noise[:, :, :-3].ravel(), noise[:, :, 3:].ravel())[0, 1]
    assert measured == pytest.approx(np.exp(-9 / 4 / s**2), abs=0.06)


def test_the_blur_of_an_edge_and_the_noise_are_those_that_were_drawn():
    fine, grid = Grid((80, 80, 20), (0.5, 0.5, 0.5)), Grid((40, 40, 10), (1.0, 1.0, 1.0), (0.25, 0.25, 0.25))
    hu = np.where(np.arange(80) < 40, 0.0, 1000.0)[None, None, :].repeat(80, 1).repeat(20, 0).astype(np.float32)
    sharp = SynthesisConfig(blur_mm=(2, 2), noise_hu=(0, 0))
    found = scanned(hu, fine, grid, sharp, np.random.default_rng(0))[5, 20]
    sigma = 2.0 / 2.3548
    x = grid.origin_mm[0] + np.arange(40) - 19.75
    # Whole HU, and the fine voxels are half a millimetre wide.
    assert np.abs(found - 500 * (1 + erf(x / sigma / np.sqrt(2)))).max() < 25
    noisy = SynthesisConfig(blur_mm=(0, 0), noise_hu=(30, 30))
    assert scanned(0 * hu, fine, grid, noisy, np.random.default_rng(1)).std() == pytest.approx(30, rel=0.03)


def test_nothing_is_measured_outside_so_nothing_is_noisy_there():
    fine = Grid((40, 40, 40), (1.0, 1.0, 1.0))
    hu = np.full(fine.shape, -1024, dtype=np.float32)
    hu[:, :, 20:] = 50
    found = scanned(hu, fine, fine, SynthesisConfig(noise_hu=(40, 40), blur_mm=(0.6, 0.6)), np.random.default_rng(0))
    assert (found[:, :, :17] == -1024).all()


def test_metal_is_bright_beside_the_target_and_streaks_in_its_slices():
    grid = Grid((40, 40, 40), (2.0, 2.0, 2.0))
    near = np.zeros(grid.shape, dtype=bool)
    near[20, 20, 20] = True
    hu = with_metal(np.zeros(grid.shape, dtype=np.float32), grid, near, np.random.default_rng(0))
    assert hu[20, 20, 20] >= 3000
    crossed = (hu >= 3000).any(axis=(1, 2))
    assert 3 < crossed.sum() < 40
    assert (hu[~crossed] == 0).all()
    streaks = hu[20][hu[20] < 3000]
    assert streaks.min() < -20 < 20 < streaks.max()


def test_classes_of_what_has_no_label():
    chance = np.random.default_rng(0)
    parts = [chance.normal(mean, 12, n) for mean, n in ((-1000, 4000), (-105, 3000), (55, 5000), (700, 300))]
    found = class_means(np.concatenate(parts).astype(np.float32))
    assert len(found) == 4
    assert np.allclose(found, (-1000, -105, 55, 700), atol=6)
    assert [tissue_at(mean) for mean in found] == ["air", "fat", "muscle", "cortical"]
    assert class_means(np.zeros(0, dtype=np.float32)) == ()


def test_tissues_by_name():
    known = {"vertebrae_L3": "bone", "L3": "bone", "femur-left": "bone", "hip_right": "bone", "rib_left_12": "bone"}
    known |= {"aorta": "blood", "iliac_vena_left": "blood", "spleen": "organ", "urinary_bladder": "fluid", "colon": "bowel"}
    known |= {"lung_lower_lobe_left": "lung", "spinal_cord": "nerve", "gluteus_medius_left": "muscle", "Disc L3": "cartilage"}
    known |= {"costal_cartilages": "cartilage", "intervertebral discs": "cartilage"}
    assert {name: tissue_of(name) for name in known} == known
