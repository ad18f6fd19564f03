"""Every public name is on the site, and every page of the site is found."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import warnings
from pathlib import Path
from types import ModuleType

import pytest

import graphml

ROOT = Path(__file__).resolve().parents[1]
SHOWN = {
    name: page
    for page in sorted((ROOT / "docs/reference").glob("*.md"))
    for name in re.findall(r"^::: ([\w.]+)$", page.read_text(), re.MULTILINE)
}
MODULES = ["graphml.utils", "graphml.testing", "graphml.recipes", "graphml.build"]
MODULES += [f"graphml.interop.{name}" for name in ("bert", "coremltools", "flax", "onnx", "qa")]


def public(module: str) -> list[str]:
    """What a module defines, and what a package offers by `import ... as`, without a leading underscore."""
    loaded = importlib.import_module(module)
    assert loaded.__file__ is not None
    path, names = Path(loaded.__file__), list[str]()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.ImportFrom):
            names += [alias.name for alias in node.names if alias.asname == alias.name]
    return [name for name in names if not name.startswith("_")]


def the_same(name: str) -> object:
    """The object of a dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def test_every_name_of_graphml_is_in_the_reference():
    shown = [the_same(name) for name in SHOWN if name.startswith("graphml.")]
    for name in dir(graphml):
        value = getattr(graphml, name)
        if isinstance(value, str):
            continue  # the version
        if isinstance(value, ModuleType) and value.__name__ in MODULES:
            continue  # below, name by name
        assert any(value is one for one in shown), f"graphml.{name} is on no page of docs/reference"


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_the_module_is_in_the_reference(module):
    if module == "graphml.interop.flax":
        pytest.importorskip("flax", reason="flax is an optional extra and is not installed here")
    shown = [the_same(name) for name in SHOWN]
    for name in public(module):
        value = getattr(importlib.import_module(module), name)
        assert f"{module}.{name}" in SHOWN or any(value is one for one in shown), f"{module}.{name} is on no page"


def test_every_module_of_interop_is_listed_here():
    folder = ROOT / "graphml/interop"
    found = {path.stem for path in folder.iterdir() if path.stem != "__init__" and not path.name.startswith("__py")}
    assert {module.rpartition(".")[2] for module in MODULES if ".interop." in module} == found


def test_what_is_in_the_reference_is_documented():
    for name in SHOWN:
        value = the_same(name)
        if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
            assert (value.__doc__ or "").strip(), f"{name} has no docstring"


def test_every_page_is_in_the_navigation():
    """mkdocs warns about it, too, when the site is built."""
    nav = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in nav, f"{page.name} is not in the nav of mkdocs.yml"


def test_names_of_the_migration_guide_exist():
    """Its table names modules, classes and functions of both libraries."""
    table = [line for line in (ROOT / "docs/migrating.md").read_text().splitlines() if line.startswith("| `")]
    names = re.findall(r"`((?:ct|graphml)(?:\.\w+)+)", "\n".join(table))
    assert len(names) > 30
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # coremltools warns about versions of other libraries
        coremltools = pytest.importorskip(
            "coremltools", reason="coremltools is an optional extra and is not installed here"
        )
        for name in names:
            root, *parts = name.split(".")
            found = coremltools if root == "ct" else graphml
            path = ".".join([found.__name__, *parts])
            if path.startswith("graphml.inspect"):
                importlib.import_module(path)
            else:
                for part in parts:
                    found = getattr(found, part)
