"""The `add_...` methods are what the table of methods and the descriptions of parameters say."""

from __future__ import annotations

import ast
import inspect

from graphml.build import generate, generate_program
from graphml.build.layer_methods import LayerMethods
from graphml.build.parameters import PARAMETERS
from graphml.build.table import BLOBS, ROWS


def test_the_module_is_fresh():
    assert generate.MODULE.read_text() == generate.module(), "run python generate.py"


def test_the_methods_of_programs_are_fresh_and_described():
    text = generate_program.module()
    assert generate_program.MODULE.read_text() == text, "run python generate.py"
    assert "See the format." not in text, "an operator's docstring lacks a parameter"


def test_the_methods_have_the_names_parameters_and_defaults_of_the_table():
    real = {name: method for name, method in vars(LayerMethods).items() if name.startswith("add_")}
    assert list(real) == [f"add_{name}" for name in ROWS]
    for name, row in ROWS.items():
        signature = inspect.signature(real[f"add_{name}"])
        assert list(signature.parameters)[:2] == ["self", "name"]
        assert {p: q.default for p, q in list(signature.parameters.items())[2:]} == {
            p: q.default for p, q in row.parameters.items()
        }
        assert list(signature.parameters)[2:] == list(row.parameters)


def test_the_methods_have_typed_parameters_and_describe_each_of_them():
    (methods,) = [node for node in ast.parse(generate.module()).body if isinstance(node, ast.ClassDef)]
    for method in methods.body:
        if isinstance(method, ast.FunctionDef):
            parameters = [argument for argument in method.args.args if argument.arg != "self"]
            assert all(argument.annotation is not None for argument in parameters)
            described = (ast.get_docstring(method) or "").partition("\nArgs:\n")[2].splitlines()
            names = [line.strip().partition(":")[0] for line in described if not line.startswith("        ")]
            assert names == [argument.arg for argument in parameters]


def test_every_description_is_used():
    used = {"name"}
    for name, row in ROWS.items():
        described = row.parameters.keys() & BLOBS if row.derived else row.parameters
        used |= {own if (own := f"{name}.{p}") in PARAMETERS else p for p in described}
    assert set(PARAMETERS) == used


def test_the_script_finds_and_repairs_what_is_stale(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "MODULE", tmp_path / "layer_methods.py")
    assert generate.main(["--check"]) == 1
    assert not generate.MODULE.exists(), "--check writes nothing"
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    generate.MODULE.write_text("class LayerMethods: ...\n")
    assert generate.main(["--check"]) == 1
    said = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == ["stale", "written", "stale"]
