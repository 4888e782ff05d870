"""Cases whose labels go by number, as those of any label map do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from culmann.dataset import NewCase
from culmann.errors import InputError
from culmann.image_files import read_label_file
from culmann_datasets.laying import Found, Tell, case_of


def plain_cases(found: list[Found], labels: Mapping[str, int], tell: Tell) -> Iterator[NewCase]:
    """The cases, one after the other; raises InputError where a map cannot be read, has another label, or misses its scan."""
    for entry in found:
        read = read_label_file(entry.labels)
        strange = sorted(set(read.present()) - set(labels.values()))
        if strange:
            raise InputError(
                f"case {entry.case!r}: {entry.labels} has label {', '.join(map(str, strange))}, which has no name",
                hint=f"name it with --label, as --label NAME={strange[0]}",
            )
        yield case_of(entry, read, tell, unchanged=True)
