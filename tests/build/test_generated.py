"""The stub that shows the derived methods to editors is what the table of methods says."""

from __future__ import annotations

import ast
import inspect

from graphml.build import NeuralNetworkBuilder, generate
from graphml.build.table import ROWS


def test_the_stub_is_fresh():
    assert generate.STUB.read_text() == generate.stub(), "run python -m graphml.build.generate"


def test_the_stub_names_the_parameters_of_every_method():
    (methods,) = [node for node in ast.parse(generate.stub()).body if isinstance(node, ast.ClassDef)]
    shown = {
        method.name: [argument.arg for argument in method.args.args]
        for method in methods.body
        if isinstance(method, ast.FunctionDef)
    }
    real = {f"add_{name}": getattr(NeuralNetworkBuilder, f"add_{name}") for name in ROWS}
    assert shown == {name: list(inspect.signature(method).parameters) for name, method in real.items()}


def test_the_script_finds_and_repairs_what_is_stale(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "STUB", tmp_path / "layer_methods.pyi")
    assert generate.main(["--check"]) == 1
    assert not generate.STUB.exists(), "--check writes nothing"
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    generate.STUB.write_text("class LayerMethods: ...\n")
    assert generate.main(["--check"]) == 1
    said = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == ["stale", "written", "stale"]
