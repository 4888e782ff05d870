"""The networks themselves, by MONAI, from facts; weights go in and out as numpy arrays by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.unet import UNet
from torch import nn

from culmann.errors import InputError
from culmann_networks.architecture import Architecture, UnetOptions, members_of
from culmann_networks.facts import ModelFacts
from culmann_networks.model_file import ModelFile


def build(architecture: Architecture, options: UnetOptions, classes: int) -> nn.Module:
    """One network with fresh weights from torch's random numbers. A 2-D model has three such networks, one a plane."""
    dimensions = 2 if architecture == "unet2d-multiaxial" else 3
    norm = options.normalisation
    if options.kind == "basic":
        a, b, c, d, e = options.channels
        normal = ("instance", {"affine": True}) if norm == "instance" else norm
        return BasicUNet(
            spatial_dims=dimensions,
            in_channels=1,
            out_channels=classes,
            features=(a, b, c, d, e, a),
            norm=normal,
            dropout=options.dropout,
        )
    return UNet(
        spatial_dims=dimensions,
        in_channels=1,
        out_channels=classes,
        channels=options.channels,
        strides=(2,) * (len(options.channels) - 1),
        num_res_units=options.residual_units,
        norm=norm,
        dropout=options.dropout,
    )


def weights_of(members: Mapping[str, nn.Module]) -> dict[str, npt.NDArray[Any]]:
    """The weights of all networks of a model as they go into its file."""
    return {
        f"{member}.{name}": value.detach().cpu().numpy()
        for member, network in members.items()
        for name, value in network.state_dict().items()
    }


def load(model: ModelFile) -> dict[str, nn.Module]:
    """The networks of a model by name, ready for inference.

    Raises
    ------
    InputError
        When the weights do not fit the network that the facts describe.
    """
    facts: ModelFacts = model.facts
    tensors = model.tensors()
    networks: dict[str, nn.Module] = {}
    for member in members_of(facts.architecture):
        network = build(facts.architecture, facts.network, facts.classes)
        wanted = {f"{member}.{name}": tuple(value.shape) for name, value in network.state_dict().items()}
        wrong = [name for name, shape in wanted.items() if name not in tensors or tensors[name].shape != shape]
        if wrong:
            found = f"has {tensors[wrong[0]].shape}" if wrong[0] in tensors else "is missing"
            raise InputError(
                f"the weights in {model.path} are for another network than {facts.architecture} as it is described there: "
                f"{wrong[0]} {found}, {wanted[wrong[0]]} is wanted ({len(wrong)} of {len(wanted)} do not fit)",
                hint="the file was put together from two models; take it as `culmann train` wrote it",
            )
        network.load_state_dict({name.partition(".")[2]: torch.from_numpy(np.array(tensors[name])) for name in wanted})
        networks[member] = network.eval().requires_grad_(False)
    extra = sorted(name for name in tensors if name.partition(".")[0] not in networks)
    if extra:
        raise InputError(f"{model.path} holds weights that {facts.architecture} has no place for: {', '.join(extra[:3])}")
    return networks
