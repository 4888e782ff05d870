"""Finding plugins: strangers' distributions on the path, one-file plugins, and everything that can be wrong with them."""

# ruff: noqa: E501  (tables read better unbroken)
from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from culmann.errors import PluginError
from culmann.plugins import KINDS, Catalogue, code_digest, find, load_catalogue, load_target, with_files
from culmann.targets import _taken

HEAD = "from culmann import Step, hookimpl\napi = 1\n"


def law(name: str, target: str = "x:y") -> str:
    return HEAD + f"@hookimpl\ndef culmann_material_laws():\n    yield Step({name!r}, {target!r}, summary='A law.')\n"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs a distribution whose plugin module has the given text."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def write(name: str, text: str, version: str = "1.2", entry: str | None = None) -> Path:
        module = name.replace("-", "_")
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[culmann]\n{entry or module} = {module}\n")
        path = tmp_path / module / "__init__.py"
        path.parent.mkdir()
        path.write_text(text)
        made.append(module)
        return path

    yield write
    for loaded in [name for name in sys.modules if name.partition(".")[0] in made]:
        del sys.modules[loaded]


def broken(name: str) -> str:
    return next(bad for bad in load_catalogue().broken if bad.distribution == name).error


def test_a_strangers_law_is_found_with_its_origin(install):
    install("lab-law", law("lab-law-step"), entry="lab")
    offer = load_catalogue().offers["lab-law-step"]
    assert (offer.kind, offer.plugin, offer.distribution, offer.version) == ("material_laws", "lab", "lab-law", "1.2")
    assert offer.origin == "plugin 'lab' of lab-law 1.2"
    assert not offer.one_file


def test_every_hook_is_a_kind(install):
    body = "".join(
        f"@hookimpl\ndef culmann_{k}():\n    yield Step('my-{k.replace('_', '-')}', 'a:b', summary='x')\n" for k in KINDS
    )
    install("all-kinds", HEAD + body)
    offers = load_catalogue().offers
    assert {kind: offers[f"my-{kind.replace('_', '-')}"].kind for kind in KINDS} == {kind: kind for kind in KINDS}
    assert len(KINDS) == 14


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("raise RuntimeError('no licence\\n here')", "RuntimeError: no licence here"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("import surely_not_there", "No module named 'surely_not_there'"),
        ("def (:", "SyntaxError"),
        ("class Panic(BaseException): pass\nraise Panic('rust')", "Panic: rust"),
        ("x = 1", "write `api = 1`"),
        ("api = 2", "it keeps version 2 of the plugin contract, and this culmann version 1"),
        (HEAD + "@hookimpl\ndef culmann_material_law():\n    yield 1", "there is no hook culmann_material_law; did you mean culmann_material_laws?"),
        (HEAD + "@hookimpl\ndef culmann_zzz():\n    yield 1", "there is no hook culmann_zzz; the hooks are culmann_readers"),
        (HEAD + "def culmann_readers():\n    yield 1", "culmann_readers is not marked: write `@hookimpl`"),
        (HEAD + "@hookimpl\ndef culmann_readers():\n    yield 'read'", "yielded 'read', which is not a culmann.Step"),
        (HEAD + "@hookimpl\ndef culmann_readers():\n    return 3", "its hook culmann_readers gave int: write `yield` before each"),
        (HEAD + "@hookimpl\ndef culmann_readers():\n    yield Step('Bad Name', 'a:b', summary='x')", "use lower-case words joined by hyphens"),
        (HEAD + "@hookimpl\ndef culmann_readers():\n    raise KeyError('k')", "its hook culmann_readers failed: KeyError: 'k'"),
        (HEAD + "@hookimpl\ndef culmann_readers(path):\n    yield 1", "culmann_readers"),
    ],
)  # fmt: skip
def test_a_broken_plugin_is_told_and_the_others_work(install, text, what):
    install("bad-one", law("from-bad") + text if text.startswith("@") else text)
    install("good-one", law("from-good"))
    catalogue = load_catalogue()
    bad = [entry for entry in catalogue.broken if entry.distribution == "bad-one"]
    assert len(bad) == 1
    assert what in bad[0].error
    assert "\n" not in bad[0].error
    assert bad[0].version == "1.2"
    assert "from-good" in catalogue.offers


def test_ctrl_c_while_loading_is_not_swallowed(install):
    install("slow-one", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_catalogue()


def test_nothing_of_a_broken_plugin_is_offered(install):
    install("half-bad", law("half") + "@hookimpl\ndef culmann_readers():\n    yield None\n")
    assert "half" not in load_catalogue().offers


def test_an_entry_point_that_is_no_module(install):
    path = install("no-module", HEAD)
    info = next(path.parent.parent.glob("no_module-*.dist-info")) / "entry_points.txt"
    info.write_text("[culmann]\nno-module = no_module:api\n")
    assert "is not a module" in broken("no-module")


def test_a_module_that_is_registered_twice_offers_its_steps_once(install):
    path = install("lab-twice", law("once"))
    info = next(path.parent.parent.glob("lab_twice-*.dist-info")) / "entry_points.txt"
    info.write_text("[culmann]\none = lab_twice\ntwo = lab_twice\n")
    assert "registered twice" in broken("lab-twice")
    assert load_catalogue().offers["once"].plugin == "one"


def test_a_name_given_twice_is_refused_and_everything_else_works(install):
    install("lab-one", law("same"), version="1.0")
    install("lab-two", law("same"), version="2.0")
    install("lab-three", law("other"))
    catalogue = load_catalogue()
    assert "same" not in catalogue.offers
    assert find(catalogue, "other").distribution == "lab-three"
    with pytest.raises(PluginError) as caught:
        find(catalogue, "same")
    assert "step 'same' is offered twice: by plugin 'lab_one' of lab-one 1.0 and by plugin 'lab_two' of lab-two 2.0" in str(
        caught.value
    )


def test_a_file_whose_step_has_a_name_that_is_taken_is_the_one_to_edit(install, tmp_path):
    install("lab-one", law("same"))
    file = tmp_path / "mine.py"
    file.write_text(law("same", "mine:y"))
    with pytest.raises(PluginError) as caught:
        find(load_catalogue([file]), "same")
    assert caught.value.hint == f"rename the step in {file}"


def test_two_distributions_may_use_the_same_entry_point_name(install):
    install("lab-one", law("one"), entry="lab")
    install("lab-two", law("two"), entry="lab")
    assert {"one", "two"} <= set(load_catalogue().offers)


def test_a_step_that_is_not_there(install):
    install("lab-one", law("elastic"))
    install("bad-one", "raise OSError('gone')")
    with pytest.raises(PluginError) as caught:
        find(load_catalogue(), "elastc")
    assert "there is no step 'elastc'; did you mean 'elastic'?" in str(caught.value)
    assert "plugin 'bad_one' of bad-one 1.2 (OSError: gone)" in str(caught.value)


def test_a_step_that_is_like_no_other_may_be_one_of_a_file():
    with pytest.raises(PluginError) as caught:
        find(Catalogue({}), "lab-bone")
    assert "`--plugin FILE.py`" in caught.value.hint
    assert "`plugins:`" in caught.value.hint


def test_a_one_file_plugin_and_its_own_target(tmp_path):
    file = tmp_path / "my_law.py"
    file.write_text(law("mine", "my_law:law") + "def law():\n    return 42\n")
    catalogue = with_files(Catalogue({}), [file, file])
    offer = catalogue.offers["mine"]
    assert offer.one_file
    assert offer.origin == f"the one-file plugin {file}"
    assert load_target(offer)() == 42
    assert "my_law" not in sys.modules
    assert with_files(catalogue, [file]) == catalogue


def test_two_one_file_plugins_of_the_same_file_name(tmp_path):
    files = []
    for n in (1, 2):
        (tmp_path / str(n)).mkdir()
        files.append(tmp_path / str(n) / "law.py")
        files[-1].write_text(law(f"law-{n}", "law:answer") + f"def answer():\n    return {n}\n")
    catalogue = with_files(Catalogue({}), files)
    assert [load_target(catalogue.offers[f"law-{n}"])() for n in (1, 2)] == [1, 2]


def test_a_one_file_plugin_that_is_missing_or_broken(tmp_path):
    with pytest.raises(PluginError, match="does not exist"):
        load_catalogue([tmp_path / "none.py"])
    file = tmp_path / "bad.py"
    file.write_text("1/0")
    assert with_files(Catalogue({}), [file]).broken[0].error == "ZeroDivisionError: division by zero"


def offer_of(tmp_path, target: str, extra: str | None = None, body: str = ""):
    file = tmp_path / "plug.py"
    file.write_text(
        HEAD + f"@hookimpl\ndef culmann_solvers():\n    yield Step('nnunet', {target!r}, summary='x', extra={extra!r})\n" + body
    )
    return with_files(Catalogue({}), [file]).offers["nnunet"]


def test_a_missing_extra_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wants_extra.py").write_text("import no_such_network.inference\n")
    with pytest.raises(PluginError) as caught:
        load_target(offer_of(tmp_path, "wants_extra:run", "culmann[nnunet]"))
    assert caught.value.message == "step 'nnunet' needs no_such_network: pip install 'culmann[nnunet]'"
    with pytest.raises(PluginError, match="needs no_such_network, which is not installed"):
        load_target(offer_of(tmp_path, "wants_extra:run"))


@pytest.mark.parametrize(
    ("target", "body", "what"),
    [
        ("plug:nothing", "", "its target 'plug:nothing' does not exist"),
        ("plug:word", "word = 'a'\n", "cannot be called"),
        ("no_such_module.inner:f", "", "points at the module 'no_such_module.inner', which does not exist"),
        ("plug:State", "class State:\n    def __init__(self, a): pass\n    def __call__(self): pass\n", "cannot be made"),
        ("crashes_on_import:f", "", "cannot be imported: ValueError: torn"),
    ],
)
def test_targets_that_cannot_be_used(tmp_path, monkeypatch, target, body, what):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "crashes_on_import.py").write_text("raise ValueError('torn')")
    with pytest.raises(PluginError) as caught:
        load_target(offer_of(tmp_path, target, body=body))
    assert what in str(caught.value)
    assert "the one-file plugin" in str(caught.value)


def test_a_class_is_made_into_an_instance(tmp_path):
    offer = offer_of(tmp_path, "plug:State", body="class State:\n    def __call__(self): return 5\n")
    assert load_target(offer)() == 5


def test_the_digest_follows_the_code_of_the_package_and_its_tables(install):
    path = install("lab-law", law("lab-digest", "lab_law.inner.deep:law"))
    inner = path.parent / "inner"
    inner.mkdir()
    (inner / "__init__.py").write_text("")
    (inner / "deep.py").write_text("def law(): pass\n")

    offer = load_catalogue().offers["lab-digest"]

    def digest():
        _taken.clear()  # as in another process
        return code_digest(offer)

    first = digest()
    assert digest() == first
    (path.parent / "__pycache__").mkdir(exist_ok=True)
    (path.parent / "__pycache__" / "x.nbi").write_text("compiled")
    assert digest() == first
    (inner / "deep.py").write_text("def law(): return 1\n")
    second = digest()
    (path.parent / "table.csv").write_text("1,2\n")
    third = digest()
    (path.parent / "table.csv").write_text("1,3\n")
    assert len({first, second, third, digest()}) == 4


def test_an_edit_after_loading_is_not_taken_for_the_code_that_runs(install):
    path = install("lab-law", law("lab-edit", "lab_law.code:law"))
    code = path.parent / "code.py"
    code.write_text("def law(): return 1\n")
    offer = load_catalogue().offers["lab-edit"]
    assert load_target(offer)() == 1
    first = code_digest(offer)
    code.write_text("def law(): return 22\n")
    assert load_target(offer)() == 1
    assert code_digest(offer) == first
    importlib.reload(sys.modules["lab_law.code"])
    assert load_target(offer)() == 22
    assert code_digest(offer) != first


def test_the_digest_of_a_one_file_plugin_follows_an_edit(tmp_path):
    first = code_digest(offer_of(tmp_path, "plug:f", body="def f(): pass\n"))
    assert code_digest(offer_of(tmp_path, "plug:f", body="def f(): pass\n")) == first
    assert code_digest(offer_of(tmp_path, "plug:f", body="def f(): return 1\n")) != first


def test_the_shipped_plugins_load():
    catalogue = load_catalogue()
    assert not catalogue.broken
    assert not catalogue.clashes
