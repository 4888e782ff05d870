"""`culmann dataset import`: the layouts of others into datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from culmann.dataset import NewCase
from culmann.errors import InputError
from culmann.home import from_home
from culmann.overlaps import Overlap

importing = typer.Typer(
    help="Make a dataset from another layout.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

FOLDER = Annotated[Path, typer.Argument(help="Where the files are.")]
OUT = Annotated[Path, typer.Option(help="The folder of the dataset to be made.")]
NAME = Annotated[str, typer.Option(help="What the dataset is called; default, the name of its folder.")]
LICENCE = Annotated[str, typer.Option(help="What may be done with it, as 'CC BY-SA 4.0'.")]
REFER = Annotated[bool, typer.Option("--refer", help="Leave files where they are instead of copying them.")]
LABELS = Annotated[list[str] | None, typer.Option("--label", metavar="NAME=NUMBER", help="A label; may be repeated.")]
OVERLAP = Annotated[str, typer.Option(help="Who gets a voxel that lies in several segments: refuse, first, last.")]
SCANS = Annotated[str, typer.Option(help="Where scans are, as '{case}/ct.nii.gz' or 'ct/{patient}.nrrd'.")]
DRAWN = Annotated[
    str, typer.Option("--labels", help="Where labels are, as '{case}/mask.nii.gz' or 'seg/{patient}_{side}.nrrd'.")
]


@importing.callback()
def _importing() -> None:
    """Make a dataset from another layout."""


@importing.command("verse")
def verse(
    folder: FOLDER,
    out: OUT,
    name: NAME = "",
    licence: LICENCE = "CC BY-SA 4.0",
    without_t13: Annotated[
        bool, typer.Option("--without-t13", help="Leave out scans with a thirteenth thoracic vertebra.")
    ] = False,
    refer: REFER = False,
) -> None:
    """VerSe 2019 or 2020: rawdata and derivatives, masks that end with _seg-vert_msk.nii.gz."""
    from culmann_datasets.verse import find_verse, verse_cases

    labels = dict[str, int]()
    cases = verse_cases(find_verse(from_home(folder).resolve()), labels, tell, without_t13=without_t13)
    about = "VerSe, doi:10.1016/j.media.2021.102166" + ("; without scans that show T13" if without_t13 else "")
    _write(out, cases, name, labels, about, licence, refer)


@importing.command("nnunet")
def nnunet(
    folder: FOLDER,
    out: OUT,
    name: NAME = "",
    licence: LICENCE = "",
    channel: Annotated[int, typer.Option(help="Which of several channels is the CT.")] = 0,
    refer: REFER = False,
) -> None:
    """A raw folder of nnU-Net v2: imagesTr, labelsTr and dataset.json."""
    from culmann.dataset.nnunet_raw import nnunet_cases, read_nnunet_raw

    raw = read_nnunet_raw(folder, channel)
    _write(out, nnunet_cases(raw), name or raw.name, raw.labels, raw.about, licence or raw.licence, refer)


@importing.command("slicer")
def slicer(
    folder: FOLDER,
    out: OUT,
    scans: SCANS = "",
    drawn: DRAWN = "",
    label: LABELS = None,
    overlap: OVERLAP = "refuse",
    name: NAME = "",
    licence: LICENCE = "",
    refer: REFER = False,
) -> None:
    """Segmentations of 3D Slicer (.seg.nrrd) beside their scans; labels go by the names of segments."""
    from culmann.slicer_segments import read_segmentation
    from culmann_datasets.named import named_cases
    from culmann_datasets.patterns import find_pairs
    from culmann_datasets.slicer import find_segmentations

    wins = _overlap(overlap)
    folder = from_home(folder).resolve()
    if bool(scans) != bool(drawn):
        raise InputError("--scans and --labels go together", hint="give both, or neither where files lie beside each other")
    found = find_pairs(folder, scans, drawn) if scans else find_segmentations(folder)
    labels = dict[str, int]()
    cases = named_cases(found, lambda path: read_segmentation(path, wins), _numbers(label), labels, tell)
    _write(out, cases, name, labels, "", licence, refer)


@importing.command("dicom-seg")
def dicom_seg(
    folder: FOLDER,
    out: OUT,
    label: LABELS = None,
    overlap: OVERLAP = "refuse",
    name: NAME = "",
    licence: LICENCE = "",
) -> None:
    """DICOM segmentation objects with the series that they were drawn on."""
    from culmann_datasets.dicom_cases import find_dicom
    from culmann_datasets.dicom_segments import read_dicom_segments
    from culmann_datasets.named import named_cases

    wins = _overlap(overlap)
    labels = dict[str, int]()
    found = find_dicom(from_home(folder).resolve(), tell)
    cases = named_cases(found, lambda path: read_dicom_segments(path, wins), _numbers(label), labels, tell)
    _write(out, cases, name, labels, "", licence, refer=False)


@importing.command("folder")
def from_folder(
    folder: FOLDER,
    out: OUT,
    scans: SCANS,
    drawn: DRAWN,
    label: LABELS = None,
    name: NAME = "",
    licence: LICENCE = "",
    refer: REFER = False,
) -> None:
    """Scans and label maps anywhere in a folder, found by patterns; labels keep their numbers."""
    from culmann_datasets.patterns import find_pairs
    from culmann_datasets.plain import plain_cases

    labels = _numbers(label)
    if not labels:
        raise InputError("what do the numbers in the label maps stand for?", hint="say it with --label, as --label femur=1")
    cases = plain_cases(find_pairs(from_home(folder).resolve(), scans, drawn), labels, tell)
    _write(out, cases, name, labels, "", licence, refer)


def tell(text: str) -> None:
    """A caution, on standard error."""
    typer.echo(f"caution: {text}", err=True)


def _numbers(given: list[str] | None) -> dict[str, int]:
    labels = dict[str, int]()
    for text in given or []:
        name, _, number = text.rpartition("=")
        if not name or not number.isdigit() or int(number) < 1:
            raise InputError(f"--label {text!r} is not of the form name=number", hint="for example --label L3=22")
        if name in labels or int(number) in labels.values():
            raise InputError(f"--label {text!r}: this name or number is given twice")
        labels[name] = int(number)
    return labels


def _overlap(text: str) -> Overlap:
    if text not in get_args(Overlap):
        raise InputError(f"--overlap {text!r} is none of {', '.join(get_args(Overlap))}")
    return cast(Overlap, text)


def _shown(cases: Iterable[NewCase]) -> Iterator[NewCase]:
    for number, case in enumerate(cases, 1):
        yield case
        typer.echo(f"{number:4d}  {case.case}", err=True)


def _write(
    out: Path, cases: Iterable[NewCase], name: str, labels: dict[str, int], about: str, licence: str, refer: bool
) -> None:
    from culmann.dataset import write_dataset

    named = name or from_home(out).resolve().name
    made = write_dataset(out, _shown(cases), name=named, labels=labels, about=about, licence=licence, refer=refer)
    patients = len({case.patient for case in made.cases})
    typer.echo(f"{made.name}: {len(made.cases)} cases of {patients} patients, {len(made.labels)} labels: {made.folder}")
