"""The model zoo: folders with an entry, a card and weights; those that ship, and those in the user's folder of models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, PositiveInt, ValidationError

from culmann.config import Config
from culmann.errors import InputError
from culmann.pipeline.problems import did_you_mean
from culmann_networks.architecture import Architecture
from culmann_networks.fingerprints import sha256_of
from culmann_networks.model_file import WEIGHTS

ENTRY, CARD = "entry.yaml", "card.md"
#: The environment variable that names the user's folder of models.
FOLDER_VARIABLE = "CULMANN_MODELS"
NAME_PATTERN = r"^[a-z0-9][a-z0-9.-]*$"
#: An entry longer than this is none.
_LONGEST_ENTRY = 100_000

SHIPPED = Path(__file__).parent / "zoo"


class EntryFacts(Config):
    """What `entry.yaml` holds."""

    name: Annotated[str, Field(pattern=NAME_PATTERN, max_length=80)] = Field(description="What pipelines call the model.")
    about: str = Field(min_length=1, description="One sentence.")
    architecture: Architecture = Field(description="The step that uses it.")
    labels: dict[int, str] = Field(description="What it labels.")
    licence: str = Field(min_length=1, description="Of the weights.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of `weights.safetensors`.")
    size_bytes: PositiveInt = Field(description="Of `weights.safetensors`.")
    caution: str = Field(default="", description="What everybody is told whose result rests on the model.")
    url: str | None = Field(default=None, description="Where `culmann models fetch` gets the weights; null: they lie beside.")


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of the zoo.

    Parameters
    ----------
    facts
        What its entry says.
    folder
        Where the entry lies.
    ships
        Whether it came with culmann.
    """

    facts: EntryFacts
    folder: Path
    ships: bool

    @property
    def name(self) -> str:
        """What pipelines call it."""
        return self.facts.name

    @property
    def sha256(self) -> str:
        """The pin of its weights."""
        return self.facts.sha256

    @property
    def fetched_to(self) -> Path:
        """Where `fetch` puts the weights."""
        return (user_folder() if self.ships else self.folder.parent) / self.name / WEIGHTS

    def weights(self) -> Path | None:
        """The weights file; None where it was not fetched yet."""
        return next((path for path in (self.folder / WEIGHTS, self.fetched_to) if path.is_file()), None)

    def here(self) -> Path:
        """The weights file.

        Raises
        ------
        InputError
            When it was not fetched yet.
        """
        path = self.weights()
        if path is None:
            raise InputError(
                f"the weights of {self.name!r} are not on this machine", hint=f"`culmann models fetch {self.name}`"
            )
        return path

    def state(self) -> str:
        """`ships`, `here`, `to fetch` or `missing`; and `CHANGED` when the weights are not those that are pinned."""
        path = self.weights()
        if path is None:
            return "to fetch" if self.facts.url else "missing"
        if sha256_of(path) != self.sha256:
            return "CHANGED"
        return "ships" if path.is_relative_to(SHIPPED) else "here"

    def card(self) -> str:
        """The model card, in Markdown."""
        path = self.folder / CARD
        return (
            path.read_text(encoding="utf-8")
            if path.is_file()
            else f"# {self.name}\n\n{self.facts.about}\n\nThere is no card.\n"
        )


def user_folder() -> Path:
    """Where fetched and packed models lie: `$CULMANN_MODELS`, else `culmann/models` in the cache folder of the user."""
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(cache) if cache else Path.home() / ".cache") / "culmann" / "models"


def entries() -> Mapping[str, Entry]:
    """{name: model} of what ships and of the user's folder, by name.

    Raises
    ------
    InputError
        When an entry cannot be read, or two have one name.
    """
    found: dict[str, Entry] = {}
    for top, ships in ((SHIPPED, True), (user_folder(), False)):
        for path in sorted(top.glob(f"*/{ENTRY}")) if top.is_dir() else ():
            entry = Entry(read_entry(path), path.parent, ships)
            if entry.name in found:
                raise InputError(
                    f"two models are called {entry.name!r}: {found[entry.name].folder} and {path.parent}",
                    hint=f"rename the one in {path.parent}",
                )
            found[entry.name] = entry
    return dict(sorted(found.items()))


def read_entry(path: Path) -> EntryFacts:
    """The facts of an entry.

    Raises
    ------
    InputError
        When it is no YAML, or says something that an entry cannot say.
    """
    try:
        if path.stat().st_size > _LONGEST_ENTRY:
            raise InputError(f"{path} is too long for an entry of the model zoo")
        facts = EntryFacts.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise InputError(f"{path} cannot be read: {str(problem).splitlines()[0]}") from problem
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path} is no entry of the model zoo: {at}: {first['msg']}", hint="`culmann models pack` writes it"
        ) from problem
    if facts.name != path.parent.name:
        raise InputError(
            f"{path} calls the model {facts.name!r}, and its folder {path.parent.name!r}", hint="they must be the same"
        )
    return facts


def find_entry(name: str) -> Entry:
    """The model of a name; raises InputError when there is none."""
    known = entries()
    if name not in known:
        raise InputError(
            f"the model zoo has no {name!r}{did_you_mean(name, known)}", hint="`culmann models list` shows what there is"
        )
    return known[name]
