"""What `graphml inspect`, summaries and drawings say about ML Programs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from example_programs import HOSTILE, classifier, compressed, image_program, rewritten, two_functions

import graphml
from graphml import spec
from graphml.errors import SpecError
from graphml.inspect.code import listing
from graphml.inspect.summary import summarize

pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    path = tmp_path_factory.mktemp("programs") / "two.mlpackage"
    two_functions().save(path)
    return path


def test_each_function_has_its_own_interface(two, run):
    found = summarize(spec.read(two))
    assert [each["name"] for each in found["inputs"]] == ["x"]
    decode, prefill = found["functions"]
    assert decode["inputs"] == [{"name": "token", "type": "int32 array [1]"}]
    assert prefill["states"] == decode["states"] == [{"name": "cache", "type": "state, a float16 array [1, 4]"}]
    _, out, _ = run("inspect", two)
    assert out.index("function decode") < out.index("  input  token: int32 array [1]") < out.index("function prefill")
    found = summarize(spec.read(two), "decode")
    assert [each["name"] for each in found["inputs"]] == ["token"]
    assert [each["name"] for each in found["functions"]] == ["decode"]
    assert "decode: 14 operations" in graphml.load(two, function_name="decode")._repr_html_()
    assert "input token: int32 array [1]" in graphml.load(two)._repr_html_()


def test_shapes_are_those_of_the_function_that_was_traced(two, run):
    _, out, _ = run("inspect", "--shapes", "--json", two)
    decode, prefill = json.loads(out)["functions"]
    assert not any("shapes" in operation for operation in decode["operations"])  # which has its own `h`
    assert {name: shape for o in prefill["operations"] for name, shape in o["shapes"].items()}["y"] == [1, 4]
    _, out, _ = run("inspect", "--shapes", "--json", "--function", "decode", two)
    (decode,) = json.loads(out)["functions"]
    shapes = {name: shape for o in decode["operations"] for name, shape in o["shapes"].items()}
    assert (shapes["h"], shapes["greater"], shapes["while_loop_1"]) == ([1, 4], [], [1, 4])


def test_the_code_of_a_function(two, run):
    _, out, _ = run("inspect", "--code", "--function", "decode", two)
    assert out.splitlines()[:4] == [
        "def decode(token: int32[1], cache: state float16[1, 4]):",
        "    gather_x = constant(float32[16, 4])",
        "    gather = gather(gather_x, token)  # [1, 4]",
        "    read_state = read_state(cache)  # [1, 4]",
    ]
    for line in ("    if greater:", "        mul = mul(h, 2)", "    while True:", "        if not less:"):
        assert line in out.splitlines()
    assert run("inspect", "--code", two)[1].startswith("def prefill(x: float32[1, 4], cache: state float16[1, 4]):\n")


def test_the_flow_of_a_function(two, run):
    _, out, _ = run("inspect", "--flow", "--function", "decode", two)
    assert "branch 'chosen' on 'greater' of operation 'greater'" in out
    assert "  (carries while_loop, while_loop_1)" in out
    assert "branch" not in run("inspect", "--flow", two)[1]


def test_an_unknown_function_is_named(two, run):
    for more in ([], ["--code"], ["--flow"], ["--shapes"]):
        status, _, error = run("inspect", "--function", "train", *more, two)
        assert status == 1
        assert "no function 'train'; its functions are 'decode', 'prefill'" in error
    with pytest.raises(SpecError, match="only ML Programs have functions"):
        summarize(spec.Model(specificationVersion=1), "main")


def test_compressed_weights(tmp_path, run):
    path = compressed(tmp_path / "a.mlpackage")
    (first, *_) = summarize(spec.read(path))["functions"][0]["operations"]
    assert first["kind"] == "constexpr_affine_dequantize"
    parts = {"axis": "0", "quantized_data": "int8[3, 4]", "scale": "0.5", "zero_point": "2"}
    assert first["inputs"] == parts
    _, out, _ = run("inspect", "--code", path)
    assert "    weight = constant(float32[3, 4])" in out
    assert run("inspect", "--flow", path)[1].startswith("stage 1: ")
    x = np.ones((2, 4), np.float32)
    want = ((np.arange(12).reshape(3, 4) - 2) * 0.5).sum(1)
    np.testing.assert_allclose(graphml.load(path).predict({"x": x})["y"][0], want)


def test_short_half_precision_constants_are_shown():
    (function,) = summarize(image_program().model().spec)["functions"]
    by_name = {operation["name"]: operation["inputs"] for operation in function["operations"]}
    assert by_name["mul_1"] == {"x": "half", "y": "2"}


def test_names_and_labels_never_send_terminal_controls(tmp_path, run):
    def rename(message):
        program = message.mlProgram
        program.functions[HOSTILE].CopyFrom(program.functions["main"])
        del program.functions["main"]

    path = tmp_path / "a.mlpackage"
    classifier().save(path)
    rewritten(path, rename)
    assert summarize(spec.read(path))["class_labels"] == ["a", "b", HOSTILE]
    for more in ([], ["--shapes"], ["--code"], ["--flow"], ["--json"]):
        status, out, error = run("inspect", *more, path)
        assert status == 0, error
        assert not set(out + error) & {"\x1b", "\u202e"}
    model = graphml.load(path)
    assert listing(model.graph, model.interface, name=HOSTILE).startswith("def c__2J__(x: float32[1, 3]):\n")


@pytest.mark.parametrize("name", ["basic-pitch/nmp", "dtln-aec/DTLN_AEC_128_Part1", "dtln-aec/DTLN_AEC_128_Part2"])
def test_real_packages(real_models, run, name):
    path = real_models / f"{name}.mlpackage"
    found = json.loads(run("inspect", "--json", "--shapes", path)[1])
    (function,) = found["functions"]
    shapes = {k: v for operation in function["operations"] for k, v in operation["shapes"].items()}
    assert all(output["name"] in shapes for output in found["outputs"])
    code = run("inspect", "--code", path)[1]
    assert code.splitlines()[-1] == f"    return {', '.join(output['name'] for output in found['outputs'])}"
    assert run("inspect", "--flow", path)[1].count("loop ") == (2 if "Part1" in name else code.count("while True"))
