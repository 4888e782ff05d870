"""What an executor is: a function of a plugin that runs jobs somewhere and yields how the process of each ended."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, get_type_hints

from culmann.catalogue import Catalogue, Offer
from culmann.cohort.job import Job
from culmann.config import Config
from culmann.errors import PluginError
from culmann.pipeline.problems import did_you_mean
from culmann.targets import load_target


@dataclass(frozen=True, slots=True)
class Ended:
    """The process of a case has ended.

    Parameters
    ----------
    case
        Which case.
    died
        How, in words, when it ended otherwise than by itself: `killed by SIGSEGV`, `longer than 60 min`. What the case itself
        had to say, a failure of a step as well, is in the record that the job wrote.
    """

    case: str
    died: str = ""


class Executor(Protocol):
    """What a plugin offers through `culmann_executors`. Its parameters are called `jobs` and, where it has options, `config`.

    It runs every job once, in a process in which a crash costs that job alone (`culmann.cohort.run_apart` is one), and yields
    an `Ended` for each as soon as it is over, in any order. When it is closed early (`GeneratorExit`, `KeyboardInterrupt`) it
    ends what is running and starts nothing more.
    """

    def __call__(self, jobs: Iterable[Job], config: Any) -> Iterator[Ended]:
        """Run the jobs."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """An executor that was found, with the model of its options; None where it has none."""

    offer: Offer
    function: Any
    config: type[Config] | None

    def __call__(self, jobs: Iterable[Job], config: Config | None) -> Iterator[Ended]:
        """Run the jobs."""
        found: Iterator[Ended] = self.function(jobs) if self.config is None else self.function(jobs, config)
        return found


def find_executor(catalogue: Catalogue, name: str) -> Loaded:
    """The executor of a name.

    Raises
    ------
    PluginError
        When there is none, when what it needs is not installed, or when its signature breaks the contract.
    """
    known = {offer.step.name: offer for offer in catalogue.of_kind("executors")}
    if name not in known:
        raise PluginError(f"there is no executor {name!r}{did_you_mean(name, known)}")
    return load_executor(known[name])


def load_executor(offer: Offer) -> Loaded:
    """The function behind an offer, its signature checked. Raises PluginError as `find_executor` does."""
    function, name = load_target(offer), offer.step.name
    try:
        hints: Mapping[str, Any] = get_type_hints(function if inspect.isroutine(function) else type(function).__call__)
    except NameError as problem:
        raise PluginError(f"executor {name!r}: its annotations cannot be read: {problem}") from problem
    parameters = list(inspect.signature(function).parameters)
    if parameters not in (["jobs"], ["jobs", "config"]):
        raise PluginError(f"executor {name!r} takes ({', '.join(parameters)}); an executor takes (jobs) or (jobs, config)")
    config = hints.get("config")
    if config is not None and not (isinstance(config, type) and issubclass(config, Config)):
        raise PluginError(f"executor {name!r}: its config must be annotated with a model of culmann.Config")
    if "config" in parameters and config is None:
        raise PluginError(f"executor {name!r}: its parameter 'config' has no annotation")
    return Loaded(offer, function, config)
