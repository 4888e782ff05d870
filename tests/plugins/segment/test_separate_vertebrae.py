"""Vertebrae told apart: made spines whose truth is known, the demo's own labels, and what cannot be parted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from culmann.data import Grid, Labels, Scan
from culmann.errors import InputError
from culmann.image_files import read_image_file, read_label_file
from culmann.journal import QuietJournal
from culmann_segment.separate_vertebrae import SeparateVertebraeConfig, separate_vertebrae
from culmann_synthesis.halves import middles, upper

DEMO = Path(__file__).parents[3] / "pipelines" / "data" / "vertebra_l3_ct"
MM = 2.0


def spine(count: int, first_mm: float = 10.0, height_mm: int = 130, shift_mm: float = 0.0) -> tuple[Labels, np.ndarray]:
    """Vertebrae of a body, two pedicles, an arch and processes that touch the neighbour's, in halves; and which is which."""
    grid = Grid((50, 56, int(height_mm / MM)), (MM, MM, MM), (-50.0, -40.0, 0.0))
    z, y, x = np.meshgrid(*(np.arange(n) * MM + MM / 2 for n in grid.shape), indexing="ij")
    x -= 50 + shift_mm
    number, label = np.zeros(grid.shape, int), np.zeros(grid.shape, np.int32)
    for n in range(count):
        low = first_mm + 34 * n
        middle = low + 13
        body = (x**2 / 22**2 + (y - 22) ** 2 / 15**2 < 1) & (z > low) & (z < low + 26)
        pedicle = (abs(abs(x) - 14) < 4) & (y > 30) & (y < 52) & (z > middle + 1) & (z < middle + 10)
        arch = (abs(x) < 18) & (abs(y - 54) < 4) & (abs(z - middle) < 11)
        above = (abs(abs(x) - 16) < 4) & (abs(y - 52) < 3) & (z > middle) & (z < middle + 19)
        below = (abs(abs(x) - 9) < 4) & (abs(y - 54) < 4) & (z < middle) & (z > middle - 20)
        spinous = (abs(x) < 4) & (y > 54) & (y < 84) & (z < middle + 2) & (z > middle - 12)
        whole = (body | pedicle | arch | above | below | spinous) & (number == 0)
        number[whole] = n + 1
        label[whole & (z > middle)] = 1
        label[whole & (z <= middle)] = 2
    return Labels(grid, label, {1: "vertebra-upper", 2: "vertebra-lower"}), number


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_made_spine_is_one_piece():
    from scipy import ndimage

    labels, _ = spine(3)
    assert ndimage.label(labels.foreground)[1] == 1


def test_halves_part_vertebrae_that_touch():
    labels, number = spine(3)
    journal = QuietJournal()
    found = separate_vertebrae(labels, SeparateVertebraeConfig(), journal)
    assert list(found.present().values()) == ["vertebra-1", "vertebra-2", "vertebra-3"]
    for n in (1, 2, 3):
        assert dice(found.label == n, number == 4 - n) > 0.99
    assert journal.warnings == []
    assert "3 found from the top, 0 cut" in found.history[-1]


def test_without_halves_it_is_worse_and_says_so():
    labels, number = spine(3)
    plain = replace(labels, label=(labels.label > 0).astype(np.int32), names={1: "vertebra"})
    journal = QuietJournal()
    found = separate_vertebrae(plain, SeparateVertebraeConfig(), journal)
    for n in (1, 2, 3):
        assert 0.9 < dice(found.label == n, number == 4 - n) <= 1
    assert "without knowing their halves" in journal.warnings[0]


def test_vertebrae_that_the_image_cuts_are_left_out():
    labels, number = spine(4, first_mm=-12, height_mm=108)
    found = separate_vertebrae(labels, SeparateVertebraeConfig(), QuietJournal())
    assert [dice(found.label == n, number == 5 - n) > 0.98 for n in found.present()] == [True, True]
    assert list(found.present().values()) == ["vertebra-2", "vertebra-3"]
    everything = separate_vertebrae(labels, SeparateVertebraeConfig(choose="all"), QuietJournal())
    assert len(everything.present()) == 4
    one = separate_vertebrae(labels, SeparateVertebraeConfig(choose="middle"), QuietJournal())
    assert len(one.present()) == 1
    low, _ = spine(2, first_mm=-12, height_mm=44)
    with pytest.raises(InputError, match="cuts all of them"):
        separate_vertebrae(low, SeparateVertebraeConfig(), QuietJournal())


def test_islands_go_and_cavities_are_filled():
    labels, number = spine(2, height_mm=90)
    dirty = labels.label.copy()
    dirty[3:5, 3:5, 3:5] = 1
    assert number[14, 11, 25] == 1
    dirty[14, 11, 25] = 0
    found = separate_vertebrae(replace(labels, label=dirty), SeparateVertebraeConfig(), QuietJournal())
    assert found.label[3:5, 3:5, 3:5].max() == 0
    assert found.label[14, 11, 25] == 2


def test_a_hip_is_no_vertebra():
    labels, number = spine(3)
    pad = ((0, 0), (0, 0), (0, 40))
    wide, number = np.pad(labels.label, pad), np.pad(number, pad)
    ball = np.linalg.norm(np.mgrid[0:65, 0:56, 0:90] - np.array([20, 12, 78]).reshape(3, 1, 1, 1), axis=0) < 9
    wide[ball], wide[:20][ball[:20]] = 1, 2
    beside = replace(labels, grid=replace(labels.grid, size=(90, 56, 65)), label=wide)
    journal = QuietJournal()
    found = separate_vertebrae(beside, SeparateVertebraeConfig(), journal)
    assert len(found.present()) == 3
    assert found.label[ball].max() == 0
    assert "left out: 1 of the parts that look like vertebrae, more than 60 mm beside the column" in journal.warnings[0]


def test_levels_are_counted_upwards():
    labels, _ = spine(3)
    found = separate_vertebrae(labels, SeparateVertebraeConfig(lowest_level="L1"), QuietJournal())
    assert found.present() == {18: "T11", 19: "T12", 20: "L1"}
    for lowest, said in (("L9", "no level L9"), ("C2", "more than a spine has")):
        with pytest.raises(InputError, match=said):
            separate_vertebrae(labels, SeparateVertebraeConfig(lowest_level=lowest), QuietJournal())


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_orientation_of_the_image_does_not_matter(axes):
    labels, _ = spine(3)
    straight = separate_vertebrae(labels, SeparateVertebraeConfig(), QuietJournal())
    turned = np.ascontiguousarray(labels.label.transpose(axes)[:, ::-1])
    column = [2 - axes[2 - a] for a in range(3)]  # the axis of the patient that i, j, k lie along
    direction = np.eye(3)[:, column]
    direction[:, 1] *= -1
    first = np.zeros((1, 3))
    first[0, column[1]] = labels.grid.size[column[1]] - 1
    origin = labels.grid.to_world(first)[0]
    grid = Grid(tuple(turned.shape[::-1]), (MM, MM, MM), tuple(origin), tuple(direction.ravel()))
    found = separate_vertebrae(replace(labels, grid=grid, label=turned), SeparateVertebraeConfig(), QuietJournal())
    assert np.array_equal(found.label, straight.label.transpose(axes)[:, ::-1])


def test_the_labels_of_the_demo():
    """Its L3 is whole, L2 and L4 are cut: as the label map, made by others, says."""
    file = read_image_file(DEMO / "ct.nii.gz")
    true = read_label_file(DEMO / "vertebrae.nii.gz")
    above = upper(true.grid, true.label, middles(true, (21, 22, 23)))
    halves = np.where(true.foreground, np.where(above, 1, 2), 0).astype(np.int32)
    bone = replace(true, label=halves, names={1: "vertebra-upper", 2: "vertebra-lower"})
    journal = QuietJournal()
    scan = Scan(file.grid, file.array.astype(np.float32))
    found = separate_vertebrae(bone, SeparateVertebraeConfig(lowest_level="L3"), journal, scan)
    assert found.present() == {22: "L3"}
    assert dice(found.label == 22, true.label == 22) > 0.96
    assert journal.attachments["vertebrae.png"].startswith(b"\x89PNG")


def test_no_spine():
    labels, _ = spine(1, height_mm=60)
    crumb = np.zeros_like(labels.label)
    crumb[10:14, 10:14, 10:14] = 1
    for label, said in ((0 * crumb, "no voxel is labelled"), (crumb, "1 parts are smaller than 8 cm3")):
        with pytest.raises(InputError, match=said):
            separate_vertebrae(replace(labels, label=label), SeparateVertebraeConfig(), QuietJournal())


def test_a_tip_on_the_border_is_told_and_more_is_a_cut():
    labels, _ = spine(2, height_mm=90, shift_mm=-30)
    assert labels.foreground[:, :, 0].any()
    journal = QuietJournal()
    found = separate_vertebrae(labels, SeparateVertebraeConfig(border_mm2=10_000), journal)
    assert len(found.present()) == 2
    assert "meets the border of the image with" in journal.warnings[0]
    with pytest.raises(InputError, match="cuts all of them"):
        separate_vertebrae(labels, SeparateVertebraeConfig(), QuietJournal())
