"""The code of README and manual works as it stands there: every block is run, or says why it is not.

A page is tried from top to bottom in a folder of its own, which holds a CT `ct.nii.gz` and a label map `labels.nii.gz`.

- `python` runs. A block that begins with a comment `# name.py` is that file as well; one named `test_….py` is run by pytest.
- `yaml` that begins with `# name.yaml` is that file. A whole pipeline or study is checked; a part of one must fit the schema.
- `sh` runs as a script that must not fail.
- `console` runs what stands behind each `$ `, and compares what it prints with the lines below (`...` stands for anything).
  Without such lines the command must not fail.

A block that cannot be run has `<!-- skip: next "why" -->` in front of it.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from unittest import SkipTest

import jsonschema
import pytest
from markdown_it import MarkdownIt
from sybil import Document, Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from culmann.pipeline import read_pipeline
from culmann.pipeline.document import read_source
from culmann.pipeline.problems import Problems
from culmann.pipeline.schema import pipeline_schema
from culmann.pipeline.source import parse
from culmann.plugins import load_catalogue
from culmann.testing import check_plugin
from culmann_study.study_file import read_study
from culmann_study.study_schema import study_schema

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Nothing to run: pictures, output, the table of contents.
SHOWN = ("text", "csv", "mermaid", "{toctree}")

run_python = PythonEvaluator()


def _named(example: Example, suffix: str) -> Path | None:
    """The file that a block is, written where the page is tried."""
    found = re.match(rf"# ([\w.-]+\.{suffix})\n", example.parsed)
    if found is None:
        return None
    path = Path(found[1])
    path.write_text(example.parsed, encoding="utf-8")
    return path


def python(example: Example) -> None:
    path = _named(example, "py")
    if path is not None and path.name.startswith("test_"):
        shell(f"{sys.executable} -m pytest -q -p no:cacheprovider {path}")
    else:
        run_python(example)


def yaml(example: Example) -> None:
    path = _named(example, "yaml") or Path("block.yaml")
    path.write_text(example.parsed, encoding="utf-8")
    problems = Problems()
    tree = parse(read_source(path), problems)
    problems.stop_if_any()
    assert tree is not None
    if {"name", "steps", "outputs"} <= set(tree.items):
        read_pipeline(path, load_catalogue())
    elif {"vary", "factors"} & set(tree.items):
        read_study(path, load_catalogue())
        jsonschema.validate(tree.plain(), study_schema(load_catalogue()))
    else:
        jsonschema.validate(tree.plain(), {**pipeline_schema(load_catalogue()), "required": []})


def shell(script: str, expected: str = "") -> None:
    if re.search(r"\bpip\b", script):
        pytest.fail("it changes the environment: put a mark before the block that it is not run")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        ["bash", "-e", "-c", script], env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    said = done.stderr if done.returncode else done.stdout
    if not expected.strip():
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    elif not doctest.OutputChecker().check_output(_tidy(expected), _tidy(said), doctest.ELLIPSIS):
        pytest.fail(f"$ {script}\nprints\n{said}and the page shows\n{expected}")


def _tidy(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines() if line.strip())


def console(example: Example) -> None:
    for command, expected in re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", example.parsed, flags=re.MULTILINE):
        shell(command.strip(), expected)


PARSERS = {
    "python": python,
    "yaml": yaml,
    "sh": lambda example: shell(example.parsed),
    "console": console,
    "toml": lambda example: (tomllib.loads(example.parsed), None)[1],
    "json": lambda example: (json.loads(example.parsed), None)[1],
}
SYBIL = Sybil([SkipParser(), *(CodeBlockParser(language, evaluator) for language, evaluator in PARSERS.items())])


def _examples(page: Path) -> tuple[Document, list[Example], list[Example]]:
    """The page, its blocks, and its marks that say why the next one is not run."""
    document = SYBIL.parse(page)
    examples = list(document)
    marks = [example for example in examples if isinstance(example.parsed, tuple)]
    return document, [example for example in examples if example not in marks], marks


@pytest.fixture
def folder(tmp_path: Path, block_of_bone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ct.nii.gz", "labels.nii.gz"):
        (tmp_path / name).write_bytes((block_of_bone / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CULMANN_STORE", raising=False)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_works(page: Path, folder: Path) -> None:
    for example in SYBIL.parse(page):
        try:
            example.evaluate()
        except SkipTest:
            continue
        except BaseException as problem:
            problem.add_note(f"{page.relative_to(ROOT)}:{example.line}")
            raise


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "assert 1 == 2"),
        ("python", "# test_it.py\ndef test_it():\n    assert 1 == 2"),
        ("yaml", "# a.yaml\nname: a\ninputs: {scan: {type: Scan}}\nsteps: {b: {use: resampel}}\noutputs: [b]"),
        ("yaml", "steps: {b: {use: resample, with: {spacing: 1}}}"),
        ("sh", "true\nfalse"),
        ("console", "$ true\n$ echo a b c\na ... d"),
        ("console", "$ culmann check none.yaml"),
        ("sh", "pip --version"),
        ("toml", "a = = 1"),
    ],
)
def test_a_block_that_is_wrong_is_found(language: str, code: str, folder: Path) -> None:
    page = folder / "page.md"
    page.write_text(f"# Page\n\n```{language}\n{code}\n```\n", encoding="utf-8")
    (example,) = SYBIL.parse(page)
    with pytest.raises((Exception, pytest.fail.Exception)):
        example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_tried_or_says_why_not(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    fences = [token.info.strip() for token in MarkdownIt().parse(text) if token.type == "fence"]
    assert set(fences) <= {*PARSERS, *SHOWN}
    _, blocks, marks = _examples(page)
    assert len(blocks) == sum(info in PARSERS for info in fences)
    assert [
        mark.parsed for mark in marks if mark.parsed[0] != "next" or not re.fullmatch(r'".{10,}"', mark.parsed[1] or "")
    ] == []


def test_the_step_of_the_manual_keeps_the_contract(folder: Path) -> None:
    """The function with a journal in writing_a_plugin.md, offered as a step."""
    _, blocks, _ = _examples(ROOT / "docs" / "writing_a_plugin.md")
    code = next(block.parsed for block in blocks if block.parsed.startswith("# limit.py\n"))
    offer = "from culmann import Step, hookimpl\napi = 1\n\n\n@hookimpl\ndef culmann_preprocessors():\n"
    offer += "    yield Step('limit', 'limit:limit', summary='A limit of Hounsfield units')\n"
    (folder / "limit.py").write_text(f"{code}\n{offer}", encoding="utf-8")
    check_plugin(folder / "limit.py")
