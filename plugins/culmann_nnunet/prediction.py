"""The network of a model, and the labels that it gives a scan."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name
from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from scipy import ndimage

from culmann.data import Labels, Scan
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann.orientation import as_it_lay, upright
from culmann_nnunet.model import Model

#: Says how many windows were predicted.
Windows = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Labels, and for each of them its probability, (z, y, x), where it was asked for."""

    labels: Labels
    probability: dict[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Network:
    """A model ready to predict."""

    model: Model
    predictor: Any

    def predict(self, scan: Scan, *, postprocess: bool, probabilities: bool) -> Prediction:
        """The labels of a scan, on its grid.

        Raises
        ------
        InputError
            When nothing is found, or the memory does not suffice.
        """
        hu, grid = upright(scan.hu, scan.grid) if self.model.axes_of_patient else (scan.hu, scan.grid)
        spacing = list(grid.spacing_mm[::-1])
        try:
            with quiet():
                found = self.predictor.predict_single_npy_array(
                    hu[None].astype(np.float32), {"spacing": spacing}, None, None, probabilities
                )
        except torch.OutOfMemoryError as problem:
            raise InputError(
                "the memory of the GPU does not suffice for a window of this model",
                hint="use `device: cpu`, or a GPU with more memory: the size of the windows belongs to the model",
            ) from problem
        number, chance = found if probabilities else (found, None)
        number = np.asarray(number).astype(np.int32)
        for group in self.model.keep_largest if postprocess else ():
            number = _largest(number, group)
        return self._named(scan, number, chance)

    def _named(self, scan: Scan, number: npt.NDArray[np.int32], chance: Any) -> Prediction:
        label = np.zeros_like(number)
        for theirs, (ours, _) in self.model.labels.items():
            label[number == theirs] = ours
        names = dict(self.model.labels.values())
        probability = (
            {name: np.asarray(chance[theirs]) for theirs, (_, name) in self.model.labels.items()} if chance is not None else {}
        )
        if self.model.axes_of_patient:
            label = as_it_lay(label, scan.grid)
            probability = {name: as_it_lay(array, scan.grid) for name, array in probability.items()}
        if not label.any():
            wanted = ", ".join(name for _, name in self.model.labels.values())
            raise InputError(
                f"the network found none of {wanted} in the scan ({scan.grid.describe()})",
                hint="does the scan show what the model was trained on, in Hounsfield units, and is it lying the right way?",
            )
        told = f"nnunet: {self.model.dataset.get('name', self.model.folder.name)}, {len(self.model.weights)} folds"
        return Prediction(Labels(scan.grid, label, names, (told,), scan.placement), probability)


def make_network(model: Model, *, device: str, step_fraction: float, mirroring: bool, window: Windows | None = None) -> Network:
    """Build the network of a model and check that its weights fit.

    Raises
    ------
    InputError
        When there is no such GPU, nnU-Net does not know the trainer, or the weights are of another architecture.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("`device: cuda` needs a GPU that torch can use, and there is none", hint="use `device: cpu`")
    on = torch.device("cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu")
    with quiet():
        plans = PlansManager(model.plans)
        configuration = plans.get_configuration(model.configuration)
        channels = determine_num_input_channels(plans, configuration, model.dataset)
        trainer = recursive_find_trainer_class_by_name(model.trainer)
        heads = plans.get_label_manager(model.dataset).num_segmentation_heads
        if trainer is None:
            raise InputError(f"nnU-Net has no trainer {model.trainer!r}", hint="the model needs another version of nnunetv2")
        network = trainer.build_network_architecture(plans, configuration, channels, heads, enable_deep_supervision=False)
        predictor = nnUNetPredictor(
            tile_step_size=step_fraction,
            use_mirroring=mirroring,
            perform_everything_on_device=on.type == "cuda",
            device=on,
            allow_tqdm=False,
        )
    if channels != 1:
        raise InputError(f"the model takes {channels} images at once, and a scan is one")
    for state in model.weights:
        _expect_fitting(model, network.state_dict(), state)
    network.load_state_dict(model.weights[0])
    network.to(on).eval()
    if window is not None:
        _count(network, window)
    predictor.manual_initialization(
        network, plans, configuration, list(model.weights), model.dataset, model.trainer, model.mirroring_axes
    )
    return Network(model, predictor)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """nnU-Net prints and warns; what matters of it is said by us."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _count(network: Any, window: Windows) -> None:
    done = 0

    def told(*_: Any) -> None:
        nonlocal done
        done += 1
        window(done)

    network.register_forward_hook(told)


def _expect_fitting(model: Model, wanted: dict[str, Any], state: dict[str, Any]) -> None:
    missing, strange = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    shapes = [name for name in wanted.keys() & state.keys() if wanted[name].shape != state[name].shape]
    if not (missing or strange or shapes):
        return
    what = [
        f"{len(missing)} tensors are missing, as {missing[0]}" if missing else "",
        f"{len(strange)} belong to nothing, as {strange[0]}" if strange else "",
        (
            f"{len(shapes)} have another shape, as {min(shapes)}: {tuple(state[min(shapes)].shape)}, and "
            f"{tuple(wanted[min(shapes)].shape)} is wanted"
            if shapes
            else ""
        ),
    ]
    raise InputError(
        f"the weights in {model.folder} are of another architecture than its plans: {'; '.join(filter(None, what))}",
        hint="weights and plans.json come from one training; get both anew",
    )


def _largest(number: npt.NDArray[np.int32], group: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """The map with only the largest part of a group of labels, connected over faces, edges and corners as with nnU-Net."""
    mask = np.isin(number, group)
    part, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if count < 2:
        return number
    keep = 1 + int(np.bincount(part.ravel())[1:].argmax())
    return np.where(mask & (part != keep), 0, number).astype(np.int32)
