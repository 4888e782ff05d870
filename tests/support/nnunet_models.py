"""A model of nnU-Net without a training: the plans of a tiny network, with weights that are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

PLANS: dict[str, Any] = {
    "dataset_name": "Dataset500_balls",
    "plans_name": "nnUNetPlans",
    "original_median_spacing_after_transp": [1.7, 1.55, 1.55],
    "original_median_shape_after_transp": [28, 31, 31],
    "image_reader_writer": "SimpleITKIO",
    "transpose_forward": [0, 1, 2],
    "transpose_backward": [0, 1, 2],
    "experiment_planner_used": "ExperimentPlanner",
    "label_manager": "LabelManager",
    "foreground_intensity_properties_per_channel": {
        "0": {
            "max": 967.7,
            "mean": 554.6,
            "median": 421.8,
            "min": 210.2,
            "percentile_00_5": 295.2,
            "percentile_99_5": 925.1,
            "std": 220.3,
        }
    },
    "configurations": {
        "3d_fullres": {
            "data_identifier": "nnUNetPlans_3d_fullres",
            "preprocessor_name": "DefaultPreprocessor",
            "batch_size": 2,
            "patch_size": [16, 16, 16],
            "median_image_size_in_voxels": [28.0, 31.0, 31.0],
            "spacing": [1.7, 1.6, 1.5],
            "normalization_schemes": ["CTNormalization"],
            "use_mask_for_norm": [False],
            "resampling_fn_data": "resample_data_or_seg_to_shape",
            "resampling_fn_seg": "resample_data_or_seg_to_shape",
            "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
            "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
            "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
            "resampling_fn_probabilities_kwargs": {
                "is_seg": False,
                "order": 1,
                "order_z": 0,
                "force_separate_z": None,
            },
            "architecture": {
                "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
                "arch_kwargs": {
                    "n_stages": 2,
                    "features_per_stage": [4, 8],
                    "conv_op": "torch.nn.modules.conv.Conv3d",
                    "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
                    "strides": [[1, 1, 1], [2, 2, 2]],
                    "n_conv_per_stage": [1, 1],
                    "n_conv_per_stage_decoder": [1],
                    "conv_bias": True,
                    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                    "norm_op_kwargs": {"eps": 1e-05, "affine": True},
                    "dropout_op": None,
                    "dropout_op_kwargs": None,
                    "nonlin": "torch.nn.LeakyReLU",
                    "nonlin_kwargs": {"inplace": True},
                },
                "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
            },
            "batch_dice": False,
        }
    },
}

DATASET: dict[str, Any] = {
    "channel_names": {"0": "CT"},
    "labels": {"background": 0, "head": 1, "shaft": 2},
    "numTraining": 6,
    "file_ending": ".nii.gz",
    "name": "balls",
}


def drawn_weights(seed: int, features: int = 4) -> dict[str, torch.Tensor]:
    """Weights of the network of `PLANS`, as nnU-Net would save them."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    torch.manual_seed(seed)
    asked = PLANS["configurations"]["3d_fullres"]["architecture"]
    kwargs = {**asked["arch_kwargs"], "features_per_stage": [features, 2 * features]}
    network = get_network_from_plans(
        asked["network_class_name"], kwargs, asked["_kw_requires_import"], 1, 3, deep_supervision=False
    )
    return dict(network.state_dict())


def write_foreign(folder: Path, folds: int = 1, **more: Any) -> Path:
    """A folder as nnU-Net leaves it after a training."""
    for fold in range(folds):
        home = folder / f"fold_{fold}"
        home.mkdir(parents=True)
        checkpoint = {
            "network_weights": drawn_weights(fold),
            "optimizer_state": {},
            "grad_scaler_state": None,
            "logging": {"train_losses": [0.5], "val_losses": [0.4], "mean_fg_dice": [0.1]},
            "_best_ema": 0.1,
            "current_epoch": 1,
            "init_args": {"configuration": "3d_fullres", "fold": fold, "device": torch.device("cpu")},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": (0, 1, 2),
            **more,
        }
        torch.save(checkpoint, home / "checkpoint_final.pth")
    (folder / "plans.json").write_text(json.dumps(PLANS), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(DATASET), encoding="utf-8")
    return folder


def write_ours(folder: Path, folds: int = 1, *, features: int = 4, largest: tuple[tuple[int, ...], ...] = ()) -> Path:
    """A folder as `culmann train nnunet` leaves it."""
    from culmann_nnunet.model_files import write_weights

    folder.mkdir(parents=True)
    for fold in range(folds):
        write_weights(folder / f"fold_{fold}.safetensors", drawn_weights(fold, features))
    facts = {
        "format": "culmann-nnunet",
        "version": 1,
        "trainer": "nnUNetTrainer",
        "configuration": "3d_fullres",
        "folds": list(range(folds)),
        "mirroring_axes": [0, 1, 2],
        "keep_largest": largest,
    }
    described = {**DATASET, "culmann": {"labels": {"head": 4, "shaft": 9}, "axes": "LPS"}}
    (folder / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "plans.json").write_text(json.dumps(PLANS), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(described), encoding="utf-8")
    return folder
