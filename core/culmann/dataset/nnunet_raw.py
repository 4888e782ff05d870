"""A dataset as nnU-Net's raw folder, and back; as its labels count from 1 without gaps, ours are kept beside them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from culmann.data import Labels
from culmann.data.images import to_image
from culmann.dataset.model import Dataset
from culmann.dataset.writing import NewCase
from culmann.errors import InputError
from culmann.home import from_home
from culmann.image_files import SUFFIXES, read_label_file
from culmann.orientation import upright
from culmann.whole import new_folder

ENDING = ".nii.gz"

#: `Dataset501_Femurs`, as nnU-Net wants it.
FOLDER = re.compile(r"Dataset(\d{3})_([A-Za-z0-9_-]+)")


def nnunet_name(dataset: Dataset, number: int) -> str:
    """The name of the folder of a dataset with nnU-Net, as `Dataset501_femurs`."""
    if not 1 <= number <= 999:
        raise InputError(f"nnU-Net counts data sets from 1 to 999, and {number} is given")
    return f"Dataset{number:03d}_{re.sub(r'[^A-Za-z0-9-]+', '-', dataset.name).strip('-') or 'dataset'}"


def write_nnunet_raw(
    dataset: Dataset,
    folder: Path,
    progress: Callable[[str, float], None] | None = None,
    *,
    axes_of_patient: bool = False,
) -> Path:
    """Write `imagesTr`, `labelsTr` and `dataset.json`, all cases for training; gives back the folder, which appears whole.

    nnU-Net refuses labels with gaps, so that they are counted from 1 in the order of their numbers. `dataset.json` keeps under
    `culmann` what `read_nnunet_raw` needs to give the same dataset back; nnU-Net leaves that alone.

    Parameters
    ----------
    axes_of_patient
        Bring the axes of every image into the order left, back, up: nnU-Net does not look at poses. Files are copied otherwise.

    Raises
    ------
    InputError
        When the folder is there already, or a case cannot be read.
    """
    folder = from_home(folder).resolve()
    number_of = {number: place for place, number in enumerate(dataset.labels.values(), 1)}
    with new_folder(folder) as part:
        for name in ("imagesTr", "labelsTr"):
            (part / name).mkdir()
        for place, case in enumerate(dataset.cases):
            if progress is not None:
                progress(case.case, place / len(dataset.cases))
            pair = dataset.load(case)
            counted = np.zeros(pair.labels.label.shape, dtype=np.uint8 if len(number_of) < 256 else np.int16)
            for number, place_of in number_of.items():
                counted[pair.labels.label == number] = place_of
            hu, grid = pair.scan.hu, pair.scan.grid
            image = part / "imagesTr" / f"{case.case}_0000{ENDING}"
            if axes_of_patient:
                (hu, _), (counted, grid) = upright(hu, grid), upright(counted, grid)
            if case.scan.name.lower().endswith(ENDING) and not axes_of_patient:
                shutil.copyfile(case.scan, image)
            else:
                sitk.WriteImage(to_image(hu, grid), str(image), True)
            sitk.WriteImage(to_image(counted, grid), str(part / "labelsTr" / f"{case.case}{ENDING}"), True)
        (part / "dataset.json").write_text(
            json.dumps(_described(dataset, axes_of_patient), indent=2, ensure_ascii=False), encoding="utf-8"
        )
    return folder


def _described(dataset: Dataset, axes_of_patient: bool) -> dict[str, Any]:
    return {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **{name: place for place, name in enumerate(dataset.labels, 1)}},
        "numTraining": len(dataset.cases),
        "file_ending": ENDING,
        "name": dataset.name,
        "description": dataset.about,
        "licence": dataset.licence,
        "culmann": {
            "labels": dict(dataset.labels),
            **({"axes": "LPS"} if axes_of_patient else {}),
            "cases": {c.case: {"patient": c.patient, "side": c.side, "facts": dict(c.facts)} for c in dataset.cases},
        },
    }


@dataclass(frozen=True, slots=True)
class NnunetRaw:
    """A raw folder of nnU-Net.

    Parameters
    ----------
    folder, name, about, licence
        Where it is, and what its `dataset.json` says of it.
    labels
        {name: number}, ours where culmann wrote the folder.
    renumbered
        {number in its files: number of `labels`}.
    files
        {case: (image, labels, part)}, the part `train` or `test`.
    known
        {case: {patient, side, facts}} where culmann wrote it.
    """

    folder: Path
    name: str
    labels: dict[str, int]
    renumbered: dict[int, int]
    files: dict[str, tuple[Path, Path, str]]
    about: str = ""
    licence: str = ""
    known: dict[str, Any] = field(default_factory=dict)


def read_nnunet_raw(folder: Path, channel: int = 0) -> NnunetRaw:
    """Read what a raw folder holds; no image is opened. `labelsTs`, where it is there, gives cases of the part `test`.

    Raises
    ------
    InputError
        When there is no usable `dataset.json`, its labels are regions, it has no such channel, or a case has no image.
    """
    folder = from_home(folder).resolve()
    path = folder / "dataset.json"
    if not path.is_file():
        raise InputError(f"{folder} is no raw folder of nnU-Net: there is no dataset.json in it", hint="give DatasetXXX_Name")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        labels = {str(name): number for name, number in facts["labels"].items()}
        ending, channels = str(facts["file_ending"]), {str(key): str(name) for key, name in facts["channel_names"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(
            f"{path} is no description of a data set of nnU-Net v2: {type(problem).__name__}: {problem}",
            hint="it needs channel_names, labels and file_ending; convert data sets of nnU-Net v1 with its own command",
        ) from problem
    regions = [name for name, number in labels.items() if not isinstance(number, int) or isinstance(number, bool)]
    if regions:
        raise InputError(f"{path}: {', '.join(regions)} stands for several numbers (a region); a label here is one number")
    if str(channel) not in channels:
        raise InputError(
            f"{path} has no channel {channel}; it has {', '.join(f'{key} ({name})' for key, name in channels.items())}"
        )
    if ending not in SUFFIXES:
        raise InputError(f"{path}: images ending with {ending} cannot be read", hint=f"readable are {', '.join(SUFFIXES)}")
    files = _files(folder, ending, channel)
    if not files:
        raise InputError(f"there are no labels in {folder / 'labelsTr'}", hint=f"they end with {ending}, as dataset.json says")
    bones = {name: int(number) for name, number in labels.items() if number != 0 and name != "ignore"}
    ours = facts.get("culmann") if isinstance(facts.get("culmann"), dict) else {}
    kept = {name: int(number) for name, number in (ours or {}).get("labels", bones).items()}
    if sorted(kept) != sorted(bones):
        raise InputError(f"{path}: its labels were changed after culmann wrote it", hint="remove `culmann` from it")
    return NnunetRaw(
        folder,
        str(facts.get("name") or (match[2] if (match := FOLDER.fullmatch(folder.name)) else folder.name)),
        dict(sorted(kept.items(), key=lambda pair: pair[1])),
        {number: kept[name] for name, number in bones.items()},
        files,
        str(facts.get("description") or ""),
        str(facts.get("licence") or facts.get("license") or ""),
        dict((ours or {}).get("cases", {})),
    )


def _files(folder: Path, ending: str, channel: int) -> dict[str, tuple[Path, Path, str]]:
    found = dict[str, tuple[Path, Path, str]]()
    for part, images, labels in (("train", "imagesTr", "labelsTr"), ("test", "imagesTs", "labelsTs")):
        for path in sorted((folder / labels).glob(f"*{ending}")):
            case = path.name.removesuffix(ending)
            image = folder / images / f"{case}_{channel:04d}{ending}"
            if not image.is_file():
                raise InputError(f"the labels {path} have no image: there is no {image}")
            if case in found:
                raise InputError(f"the case {case!r} is in labelsTr and in labelsTs of {folder}")
            found[case] = (image, path, part)
    return found


def nnunet_cases(raw: NnunetRaw) -> Iterator[NewCase]:
    """The cases of a raw folder; labels are read only where their numbers change."""
    several = len({part for _, _, part in raw.files.values()}) > 1
    for case, (image, path, part) in raw.files.items():
        about = raw.known.get(case, {})
        facts = {**about.get("facts", {}), **({"part": part} if several else {})}
        yield NewCase(case, image, _renumbered(raw, path), about.get("patient", ""), about.get("side", ""), facts)


def _renumbered(raw: NnunetRaw, path: Path) -> Labels | Path:
    if all(old == new for old, new in raw.renumbered.items()):
        return path
    labels = read_label_file(path)
    label = np.zeros_like(labels.label)
    for old, new in raw.renumbered.items():
        label[labels.label == old] = new
    strange = sorted(set(labels.present()) - set(raw.renumbered))
    if strange:
        raise InputError(f"{path} has label {', '.join(map(str, strange))}, which dataset.json does not name")
    return Labels(labels.grid, label, {number: name for name, number in raw.labels.items()}, labels.history)
