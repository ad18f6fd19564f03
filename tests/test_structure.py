"""The shape of the repository: levels, package list, public names."""

from __future__ import annotations

import ast
import functools
import pydoc
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import graphml

ROOT = Path(__file__).resolve().parents[1]

# From the bottom to the top. A module imports from lower levels only; the packages of one level do not know each other.
LEVELS = [
    ["graphml.visible"],
    ["graphml.errors", "graphml.allocator", "graphml.naming"],
    ["graphml.spec"],
    ["graphml.descriptions", "graphml.graph"],
    ["graphml.inspect.program_summary"],
    ["graphml.inspect.summary"],
    ["graphml.catalogue", "graphml.recipes"],
    ["graphml.interpreter.budget", "graphml.inspect.viewer"],
    ["graphml.ops", "graphml.inspect.codegen", "graphml.inspect.picture"],
    ["graphml.interpreter"],
    ["graphml.frontends"],
    ["graphml.inspect.code", "graphml.inspect.flow"],
    ["graphml.models"],
    ["graphml.update", "graphml.build", "graphml.inspect.drawing"],
    ["graphml.utils"],
    ["graphml.interop"],
    ["graphml.inspect.measure", "graphml.inspect.references"],
    ["graphml.inspect.agreement"],
    ["graphml.inspect.compare"],
    ["graphml.inspect"],
    ["graphml.testing"],
    ["graphml.convert"],
    ["graphml.cli"],
    ["graphml.__main__"],
]
LEVEL_OF = {module: level for level, modules in enumerate(LEVELS) for module in modules}
# These start without JAX.
NO_JAX = ["graphml", "graphml.spec", "graphml.graph", "graphml.inspect.summary", "graphml.cli", "graphml.spec.validate"]
NO_JAX += ["graphml.descriptions", "graphml.recipes", "graphml.inspect.codegen", "graphml.inspect.viewer"]


@functools.cache
def _modules() -> dict[str, Path]:
    found = {}
    for folder, package in (("graphml", "graphml"), ("ops", "graphml.ops"), ("spec", "graphml.spec")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = path.relative_to(ROOT / folder)
            if "_pb2" in path.name or (folder == "graphml" and relative.parts[0] in ("ops", "spec")):
                continue
            name = ".".join([package, *relative.with_suffix("").parts]).removesuffix(".__init__")
            if name != "graphml" and path.name != "generate.py":
                found[name] = path
    return found


def _home(module: str) -> str | None:
    matches = (home for home in LEVEL_OF if module == home or module.startswith(home + "."))
    return max(matches, key=len, default=None)


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if _home(name)}


@pytest.mark.parametrize("module", sorted(_modules()))
def test_imports_point_downwards(module):
    home = _home(module)
    assert home is not None, f"{module} is on no level; add it to LEVELS"
    for imported in _imports(_modules()[module]):
        other = _home(imported)
        if module == "graphml.catalogue" and imported == "graphml.ops":
            continue  # inside `rows()`, to fill the catalogue on first use
        assert other == home or LEVEL_OF[str(other)] < LEVEL_OF[home], f"{module} imports {imported}"


def test_no_class_name_is_defined_twice():
    """A name has one meaning in the whole tree."""
    places: dict[str, list[str]] = {}
    for module, path in _modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(module)
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_modules_of_update_do_not_import_each_other_in_cycles():
    """Imports for type checkers only would hide a cycle."""
    hidden = [name for name, path in _modules().items() if "TYPE_CHECKING" in path.read_text()]
    assert [name for name in hidden if name.startswith("graphml.update")] == []


@pytest.mark.parametrize("module", NO_JAX)
def test_starts_without_jax(module):
    code = f"import {module}, sys; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ops_and_spec_refuse_to_be_imported_twice():
    for name in ("ops", "spec"):
        done = subprocess.run(
            [sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert f"import this package as graphml.{name}" in done.stderr


def test_the_package_list_is_the_tree():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(settings["tool"]["setuptools"]["packages"])
    inits = [path.parent for folder in ("graphml", "ops", "spec") for path in (ROOT / folder).rglob("__init__.py")]
    tree = set()
    for folder in inits:
        parts = folder.relative_to(ROOT).parts
        if parts[:2] in (("graphml", "ops"), ("graphml", "spec")):
            continue  # the links for type checkers
        tree.add(".".join(parts if parts[0] == "graphml" else ("graphml", *parts)))
    assert listed == tree


def test_public_names_resolve_and_are_few():
    assert len(dir(graphml)) < 60
    for name in dir(graphml):
        assert getattr(graphml, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        graphml.nothing  # noqa: B018


def test_packages_are_attributes_after_import_graphml_alone():
    names = ("build", "errors", "inspect", "interop", "models", "ops", "spec", "testing", "update")
    for name in names:
        assert (ROOT / "graphml" / name).is_dir() or (ROOT / "graphml" / f"{name}.py").is_file()
    code = f"import graphml; print([getattr(graphml, name).__name__ for name in {names}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([f"graphml.{name}" for name in names])


def test_public_names_are_documented():
    for name in dir(graphml):
        value = getattr(graphml, name)
        if not isinstance(value, str):
            assert (value.__doc__ or "").strip(), f"graphml.{name} has no docstring"


def test_help_fits_two_screens_and_names_everything_public():
    text = pydoc.render_doc(graphml, renderer=pydoc.plaintext)
    assert len(text.splitlines()) <= 80
    words = set(re.findall(r"\w+", (graphml.__doc__ or "")))
    assert {name for name in dir(graphml) if name != "__version__"} <= words


def test_nothing_that_belongs_to_the_repository_is_ignored():
    """A pattern like `build/` swallows every folder of that name, and whatever is written there is lost in silence."""
    command = ["git", "-C", str(ROOT), "ls-files", "--others", "--ignored", "--exclude-standard", "--"]
    found = subprocess.run(
        [*command, "graphml", "ops", "spec", "tests", "examples", "docs"], capture_output=True, text=True
    )
    if found.returncode:
        pytest.skip("this is not a checkout of the repository, so git ignores nothing here")
    assert [name for name in found.stdout.splitlines() if name.endswith((".py", ".pyi", ".md", ".proto"))] == []
