"""Sliding windows against MONAI's and against brute force, votes against a loop, and what happens when memory runs out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference

from culmann import SolverError
from culmann_networks.inference import majority
from culmann_networks.windows import Windows, sliding, starts


def network(x: torch.Tensor) -> torch.Tensor:
    """Stands for a network: shares of classes that depend on a voxel, its neighbours and its place in the window."""
    blurred = torch.nn.functional.avg_pool3d(x, (1, 3, 3), stride=1, padding=(0, 1, 1))
    ramp = torch.linspace(0, 1, x.shape[-1]).expand_as(x)
    return torch.softmax(torch.cat([x, 2 * blurred, ramp - x], dim=1), dim=1)


def volume(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32))


def silent(text: str) -> None:
    raise AssertionError(text)


def brute_force(v: np.ndarray, size: tuple[int, int, int], overlap: float) -> np.ndarray:
    """The weighted mean over windows, voxel by voxel, in double precision with a Gaussian written out."""
    along = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (0.125 * n)) ** 2) for n in size]
    gauss = along[0][:, None, None] * along[1][None, :, None] * along[2][None, None, :]
    gauss = np.maximum(gauss, 1e-3)  # as MONAI: far corners keep a thousandth, so that nothing is divided by nothing
    total, weight = np.zeros((3, *v.shape)), np.zeros(v.shape)
    for corner in itertools.product(*(starts(n, s, overlap) for n, s in zip(v.shape, size, strict=True))):
        place = tuple(slice(c, c + s) for c, s in zip(corner, size, strict=True))
        out = network(torch.from_numpy(v[place])[None, None])[0].numpy()
        total[(slice(None), *place)] += out * gauss
        weight[place] += gauss
    return total / weight


@pytest.mark.parametrize(("shape", "size", "overlap"), [((20, 27, 33), (8, 12, 16), 0.5), ((16, 9, 40), (8, 8, 8), 0.25)])
def test_as_brute_force(shape: tuple[int, int, int], size: tuple[int, int, int], overlap: float) -> None:
    v = volume(*shape)
    found = sliding(v, network, Windows(size, overlap, 3), 3, None, silent)
    assert np.abs(found.numpy() - brute_force(v.numpy(), size, overlap)).max() < 1e-5


def test_as_monai_where_the_windows_are_the_same() -> None:
    v = volume(24, 32, 40)  # multiples of the step: both cut alike
    found = sliding(v, network, Windows((8, 16, 16), 0.5, 4), 3, None, silent)
    theirs = sliding_window_inference(v[None, None], (8, 16, 16), 4, network, overlap=0.5, mode="gaussian")[0]
    assert float((found - theirs).abs().max()) < 1e-5


def test_slices_are_windows_of_one_voxel() -> None:
    v = volume(5, 20, 24)
    found = sliding(v, network, Windows((1, 12, 12), 0.5, 4), 3, None, silent)
    for n in range(5):
        alone = sliding(v[n : n + 1], network, Windows((1, 12, 12), 0.5, 4), 3, None, silent)
        assert float((found[:, n] - alone[:, 0]).abs().max()) < 1e-6


def test_windows_reach_from_edge_to_edge_with_at_least_the_overlap() -> None:
    for length, window, overlap in itertools.product((7, 16, 33, 100), (4, 7, 16), (0.0, 0.25, 0.5, 0.9)):
        at = starts(length, window, overlap)
        assert at[0] == 0
        assert at[-1] == max(0, length - window)
        assert all(b - a <= int(np.ceil(max(1, window * (1 - overlap)))) for a, b in itertools.pairwise(at))


def test_shares_add_up_to_one_also_where_nothing_was_computed() -> None:
    v = volume(16, 16, 40)
    worth = torch.zeros(v.shape, dtype=torch.bool)
    worth[:, :, :10] = True
    seen = []

    def counting(x: torch.Tensor) -> torch.Tensor:
        seen.append(len(x))
        return network(x)

    found = sliding(v, counting, Windows((8, 8, 8), 0.5, 4), 3, worth, silent)
    assert torch.allclose(found.sum(dim=0), torch.ones(v.shape), atol=1e-5)
    assert bool((found[0, :, :, 20:] == 1).all())
    assert sum(seen) < len(starts(16, 8, 0.5)) ** 2 * len(starts(40, 8, 0.5)) / 2


def test_nothing_worth_the_work_is_background() -> None:
    v = volume(8, 8, 8)
    found = sliding(v, network, Windows((8, 8, 8)), 3, torch.zeros(v.shape, dtype=torch.bool), silent)
    assert bool((found[0] == 1).all())
    assert bool((found[1:] == 0).all())


def test_volume_smaller_than_a_window_is_surrounded_by_air() -> None:
    v = volume(5, 16, 7)
    found = sliding(v, network, Windows((8, 8, 8), 0.5, 2), 3, None, silent)
    padded = np.pad(v.numpy(), ((1, 2), (0, 0), (0, 1)), constant_values=-1)
    assert found.shape == (3, 5, 16, 7)
    assert np.abs(found.numpy() - brute_force(padded, (8, 8, 8), 0.5)[:, 1:6, :, :7]).max() < 1e-5


def limited(most_voxels: int):
    def run(x: torch.Tensor) -> torch.Tensor:
        if x.numel() > most_voxels:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: not enough memory: you tried to …")
        return network(x)

    return run


def test_fewer_windows_at_a_time_when_memory_runs_out() -> None:
    v, told = volume(20, 20, 20), []
    found = sliding(v, limited(2 * 8**3), Windows((8, 8, 8), 0.5, 8, 4), 3, None, told.append)
    assert told == [
        "not enough memory: 4 windows at a time instead of 8",
        "not enough memory: 2 windows at a time instead of 4",
    ]
    assert np.abs(found.numpy() - brute_force(v.numpy(), (8, 8, 8), 0.5)).max() < 1e-5


def test_smaller_windows_when_one_is_too_much() -> None:
    v, told = volume(32, 32, 32), []
    found = sliding(v, limited(16**3), Windows((32, 16, 16), 0.5, 1, 4), 3, None, told.append)
    assert told == ["not enough memory: windows of 16 x 16 x 16 voxels, not those of the training"]
    assert np.abs(found.numpy() - brute_force(v.numpy(), (16, 16, 16), 0.5)).max() < 1e-5


def test_no_memory_at_all_is_an_error_in_words() -> None:
    with pytest.raises(SolverError, match=r"not enough memory for the network, even in windows of 8 x 8 x 8"):
        sliding(volume(16, 16, 16), limited(1), Windows((16, 16, 16), 0.5, 1, 8), 3, None, lambda _: None)


def test_many_classes_are_summed_up_in_half_precision() -> None:
    def many(x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(torch.cat([x * n for n in range(12)], dim=1), dim=1)

    v = volume(20, 20, 20)
    found = sliding(v, many, Windows((8, 8, 8), 0.5, 4), 12, None, silent)
    assert found.dtype == torch.float16
    exact = many(v[None, None])[0]  # it looks at one voxel only: every window says the same
    assert float((found.float() - exact).abs().max()) < 3e-3


def test_no_memory_for_the_sums_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*shape: object, **options: object) -> torch.Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000000000 bytes")

    monkeypatch.setattr(torch, "zeros", none)
    with pytest.raises(SolverError, match="not enough memory for the probabilities of 3 classes on 8 x 8 x 8 voxels"):
        sliding(volume(8, 8, 8), network, Windows((8, 8, 8)), 3, None, silent)


def test_another_error_of_torch_is_not_taken_for_it() -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("expected scalar type Half")

    with pytest.raises(RuntimeError, match="scalar type"):
        sliding(volume(8, 8, 8), broken, Windows((8, 8, 8)), 3, None, silent)


def test_majority_as_a_loop_counts_it() -> None:
    votes = [torch.from_numpy(np.random.default_rng(n).integers(0, 4, (6, 7, 8))) for n in range(3)]
    shares = majority(votes, 4)
    assert torch.equal(shares.sum(dim=0), torch.ones(6, 7, 8))
    for place in np.ndindex(6, 7, 8):
        cast = [int(vote[place]) for vote in votes]
        winner = next((v for v in set(cast) if cast.count(v) >= 2), 0)  # all three differ: background
        assert int(shares[(slice(None), *place)].argmax()) == winner
