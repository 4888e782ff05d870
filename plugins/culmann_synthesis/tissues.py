"""How bright tissues are in CT, and which tissue a label is of by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True, slots=True)
class Tissue:
    """A tissue as CT shows it.

    Parameters
    ----------
    mean_hu
        Range from which its mean is drawn, in Hounsfield units.
    texture_hu
        Range from which the standard deviation of its own texture is drawn, noise of the scanner not counted.
    """

    mean_hu: tuple[float, float]
    texture_hu: tuple[float, float]


#: Ranges over people, tube voltages (80 to 140 kV) and kernels, without contrast agent: wider than any one scanner shows,
#: since a network that is to know tissues by their shape should not be able to rely on their brightness.
TISSUES: Mapping[str, Tissue] = MappingProxyType(
    {
        "air": Tissue((-1024, -960), (0, 8)),
        "lung": Tissue((-920, -650), (20, 90)),
        "fat": Tissue((-130, -60), (3, 15)),
        "fluid": Tissue((-10, 30), (1, 6)),
        "nerve": Tissue((15, 60), (2, 8)),
        "muscle": Tissue((25, 85), (4, 18)),
        "organ": Tissue((20, 120), (3, 14)),
        "bowel": Tissue((0, 90), (20, 120)),
        "blood": Tissue((25, 65), (1, 6)),
        "cartilage": Tissue((60, 160), (5, 25)),
        "trabecular": Tissue((30, 380), (15, 90)),
        "cortical": Tissue((450, 1500), (40, 160)),
        "metal": Tissue((3000, 8000), (0, 100)),
    }
)

#: What contrast agent does to blood and to what is full of it, as ranges of what is added, HU.
CONTRAST_HU: Mapping[str, tuple[float, float]] = MappingProxyType({"blood": (40, 300), "organ": (10, 110), "bowel": (0, 250)})

#: What is made of cortical shell and trabecular core, of all tissues that a label may be of.
BONE = "bone"

#: The first pattern that fits decides. Names are TotalSegmentator's, VerSe's and plain words.
_BY_NAME: tuple[tuple[str, str], ...] = (
    ("*cartilage*", "cartilage"),
    ("*dis[ck]*", "cartilage"),
    ("*vertebra*", BONE),
    ("*lung*", "lung"),
    ("trachea", "air"),
    ("air", "air"),
    ("*spinal_cord*", "nerve"),
    ("*canal*", "nerve"),
    ("brain", "nerve"),
    ("*fat*", "fat"),
    ("*skin*", "fat"),
    ("*bladder*", "fluid"),
    ("*cyst*", "fluid"),
    ("*bowel*", "bowel"),
    ("colon", "bowel"),
    ("duodenum", "bowel"),
    ("stomach", "bowel"),
    ("esophagus", "bowel"),
    ("*aorta*", "blood"),
    ("*arter*", "blood"),
    ("*vein*", "blood"),
    ("*vena*", "blood"),
    ("*trunk*", "blood"),
    ("*heart*", "blood"),
    ("*atri*", "blood"),
    ("*gluteus*", "muscle"),
    ("*autochthon*", "muscle"),
    ("*iliopsoas*", "muscle"),
    ("*muscle*", "muscle"),
    ("*femur*", BONE),
    ("*hip*", BONE),
    ("*pelvis*", BONE),
    ("*sacrum*", BONE),
    ("*rib*", BONE),
    ("*sternum*", BONE),
    ("*humerus*", BONE),
    ("*scapula*", BONE),
    ("*clavicul*", BONE),
    ("*skull*", BONE),
    ("*bone*", BONE),
    ("[TLSC][0-9]*", BONE),
)


def tissue_of(name: str) -> str:
    """The tissue of a label by its name; what no pattern knows is taken for an organ.

    >>> tissue_of("vertebrae_L3"), tissue_of("L3"), tissue_of("femur_left"), tissue_of("aorta"), tissue_of("spleen")
    ('bone', 'bone', 'bone', 'blood', 'organ')
    """
    plain = name.replace("-", "_").replace(" ", "_")
    fits = (tissue for pattern, tissue in _BY_NAME if fnmatchcase(plain, pattern) or fnmatchcase(plain.lower(), pattern))
    return next(fits, "organ")


def drawn_mean(tissue: str, contrast: bool, chance: np.random.Generator) -> float:
    """A mean for one tissue of one case, HU."""
    mean = chance.uniform(*TISSUES[tissue].mean_hu)
    return float(mean + (chance.uniform(*CONTRAST_HU[tissue]) if contrast and tissue in CONTRAST_HU else 0.0))


def drawn_texture(tissue: str, chance: np.random.Generator) -> float:
    """A standard deviation of the texture of one tissue of one case, HU."""
    return float(chance.uniform(*TISSUES[tissue].texture_hu))
