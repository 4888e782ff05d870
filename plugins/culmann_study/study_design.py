"""What a study file varies: variations by name, or factors that a design moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from culmann.errors import InputError
from culmann.pipeline.options import check_options
from culmann.pipeline.problems import Mark, did_you_mean
from culmann.pipeline.source import Node
from culmann_study.designs import DESIGNS, Design
from culmann_study.variations import Factor, Value, Variation, folder_names
from culmann_study.written import Written

SHAPE = "a study has `name`, `pipeline` and `cases` (or `cohorts`), and `vary` or `design` with `factors`"


@dataclass(frozen=True, slots=True)
class DesignReader:
    """Reads `vary`, `control`, `design`, `factors` and `inputs`; `mark` is the place of the whole."""

    read: Written
    mark: Mark

    def design(self, top: Mapping[str, Node]) -> Design:
        """The variations that the keys of a file ask for."""
        return self._with_inputs(self._chosen(top), top)

    def _chosen(self, top: Mapping[str, Node]) -> Design:
        if ("vary" in top) == ("factors" in top):
            both = "both `vary` and `factors`" if "vary" in top else "neither `vary` nor `factors`"
            self.read.problems.add(self.mark, f"a study has {both}; one of them says what is varied", SHAPE)
            return Design((), {})
        if "vary" in top:
            if "design" in top:
                self.read.problems.add(top["design"].mark, "a design goes with `factors`, not with `vary`")
            return self._named(top)
        if "control" in top:
            self.read.problems.add(top["control"].mark, "`control` goes with `vary`, not with `factors`")
        return self._of_factors(top)

    def _named(self, top: Mapping[str, Node]) -> Design:
        node = top["vary"]
        if not isinstance(node.value, dict) or not node.items:
            hint = "for example `vary: {manual: {labels: manual}, eroded: {labels: manual, mask.voxels: -1}}`"
            self.read.problems.add(node.mark, f"`vary` is a mapping of names, and this is {node.kind}", hint)
            return Design((), {})
        found = []
        for (name, entry), folder in zip(node.items.items(), folder_names(list(node.items)), strict=True):
            if entry.value is not None and not isinstance(entry.value, dict):
                self.read.problems.add(
                    entry.mark, f"variation {name!r} is a mapping of inputs and options, and this is {entry.kind}"
                )
                continue
            columns, options = dict[str, str](), dict[str, Value]()
            for key, value in entry.items.items():
                if "." in key:
                    options[key] = value.plain()
                elif self.read.text(value, f"the column for input {key!r}"):
                    columns[key] = str(value.value)
            found.append(Variation(name, folder, columns, options))
        control = self.read.text(top.get("control"), "`control`")
        if control and control not in node.items:
            self.read.problems.add(top["control"].mark, f"there is no variation {control!r}{did_you_mean(control, node.items)}")
        return Design(tuple(found), {"use": "named", **({"control": control} if control else {})})

    def _of_factors(self, top: Mapping[str, Node]) -> Design:
        factors = self._factors(top["factors"])
        node = top.get("design", Node(self.mark, "one-at-a-time"))
        entry = self.read.keys(node, "`design`", ("use", "with")) if isinstance(node.value, dict) else {"use": node}
        name = self.read.text(entry.get("use", Node(node.mark, None)), "the design")
        if name and name not in DESIGNS:
            self.read.problems.add(entry["use"].mark, f"there is no design {name!r}{did_you_mean(name, DESIGNS)}")
        if name not in DESIGNS or not factors:
            return Design((), {})
        make, model = DESIGNS[name]
        config = check_options(model, entry.get("with"), node.mark, f"design {name!r}", self.read.problems)
        if config is None:
            return Design((), {})
        try:
            return make(factors, config)
        except InputError as problem:
            self.read.problems.add(node.mark, problem.message, problem.hint)
        except ModuleNotFoundError as problem:
            self.read.problems.add(node.mark, f"design {name!r} needs {problem.name}: pip install 'culmann[study]'")
        return Design((), {})

    def _factors(self, node: Node) -> list[Factor]:
        hint = "for example `factors: {density.slope: {mean: 0.00069, sd: 0.00002}, mask.voxels: [-1, 0, 1]}`"
        if not isinstance(node.value, dict) or not node.items:
            self.read.problems.add(node.mark, f"`factors` is a mapping of options, and this is {node.kind}", hint)
            return []
        self.read.options(node, "`factors`")
        found = []
        for option, entry in node.items.items():
            if isinstance(entry.value, tuple) and entry.value:
                found.append(Factor(option, "values", tuple(value.plain() for value in entry.value)))
                continue
            kind = {"from to": "range", "mean sd": "normal"}.get(" ".join(entry.items))
            numbers = [value.value for value in entry.items.values()]
            plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers)
            if kind is None or not plain:
                self.read.problems.add(
                    entry.mark, f"factor {option!r} is a list of values, {{from: , to: }} or {{mean: , sd: }}", hint
                )
            elif kind == "normal" and float(str(numbers[1])) <= 0:
                self.read.problems.add(entry.items["sd"].mark, f"factor {option!r}: an SD is above 0")
            else:
                found.append(
                    Factor(option, "range" if kind == "range" else "normal", tuple(v.plain() for v in entry.items.values()))
                )
        return found

    def _with_inputs(self, design: Design, top: Mapping[str, Node]) -> Design:
        """The design with the columns that every variation takes an input from, unless it names another."""
        node = top.get("inputs")
        if node is None:
            return design
        if not isinstance(node.value, dict):
            hint = "for example `inputs: {labels: manual}`"
            self.read.problems.add(node.mark, f"`inputs` is a mapping of inputs to columns, and this is {node.kind}", hint)
            return design
        columns = {
            key: str(entry.value) for key, entry in node.items.items() if self.read.text(entry, f"the column for input {key!r}")
        }
        return replace(design, variations=tuple(replace(v, columns={**columns, **v.columns}) for v in design.variations))
