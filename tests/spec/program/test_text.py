"""Compiled models: the text of programs, and the folders around it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphml.errors import SpecError
from graphml.spec import read, write
from graphml.spec.program import programs, types
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.constexprs import constants
from graphml.spec.program.packages import weight_files
from graphml.spec.program.text import parse_text
from graphml.spec.program.values import decode

# In the form of iOS 15 to 17, in which every number is a tensor
OLD = """program(1.0)
[buildInfo = dict<tensor<string, []>, tensor<string, []>>({{"coremlc-version", "3405.2.1"}, {"empty", ""}})]
{
    func main<ios16>(tensor<int32, [1]> length, tensor<fp32, [1, ?]> x) [FlexibleShapeInformation = tuple<tuple<tensor<string, []>, dict<tensor<string, []>, tensor<int32, [?]>>>, tuple<tensor<string, []>, dict<tensor<string, []>, list<tensor<int32, [2]>, ?>>>>((("DefaultShapes", {{"x", [1, 1]}}), ("RangeDims", {{"x", [[1, 1], [1, 32000]]}})))] {
            tensor<int32, []> axis = const()[name = tensor<string, []>("the axis"), val = tensor<int32, []>(-1)];
            tensor<fp16, [2, 3]> w = const()[name = tensor<string, []>("w"), val = tensor<fp16, [2, 3]>([[0x1p+0, -0x1.8p+1, 0x0p+0], [nan, inf, -inf]])];
            tensor<bool, [2]> mask = const()[val = tensor<bool, [2]>([true, false])];
            tensor<fp32, [16]> big = const()[val = tensor<fp32, [16]>(BLOBFILE(path = tensor<string, []>("@model_path/weights/weight.bin"), offset = tensor<uint64, []>(64)))];
            tensor<fp32, [1, ?]> both = concat(axis = axis, interleave = mask, values = (x, x, big))[name = tensor<string, []>("both")];
            tensor<fp32, [1, ?]> a, tensor<fp32, [1, ?]> b = split(axis = axis, x = both)[name = tensor<string, []>("s")];
        } -> (a, b);
}"""  # noqa: E501

# In the form of iOS 18: numbers without axes, states, operations without outputs, values as arguments
NEW = """program(1.3)
{
    func first<ios18>(tensor<fp16, [4]> x, state<tensor<fp16, [4]>> cache) {
            fp16 scale = const()[name = string("scale"), val = fp16(0x1p-1)];
            tensor<fp16, [4]> read = read_state(input = cache)[name = string("r")];
            tensor<fp16, [4]> w = constexpr_blockwise_shift_scale(data = tensor<int4, [4]>([-8, 7, 0, 1]), scale = tensor<fp16, [1]>([0x1p+1]))[name = string("w")];
            tensor<fp16, [4]> y = mul(x = x, y = tensor<fp16, [4]>([1, 2.5, 1e1, 3]));
            write_state(data = y, input = cache)[name = string("write")];
            tensor<string, [2]> names = const()[val = tensor<string, [2]>(["a \\"b\\"", "c\\\\d\\n"])];
            tensor<uint64, [1]> large = const()[val = tensor<uint64, [1]>([18446744073709551615])];
            tensor<fp32, [2, 0]> nothing = const()[val = tensor<fp32, [2, 0]>([[], []])];
        } -> (y);
    func second<ios17>() {
        } -> ();
}
"""  # noqa: E501


def values(text: str, function: str = "main") -> dict[str, Any]:
    """{name: value} of the constants without files."""
    found = {}
    for operation, _ in programs.walk(programs.body(parse_text(text).functions[function])):
        if operation.type == "const" and not operation.attributes["val"].HasField("blobFileValue"):
            found[operation.outputs[0].name] = decode(operation.attributes["val"])
    return found


def test_a_text_in_the_older_form():
    program = parse_text(OLD)
    assert decode(program.attributes["buildInfo"]) == {"coremlc-version": "3405.2.1", "empty": ""}
    function = program.functions["main"]
    assert (function.opset, programs.version(function)) == ("CoreML6", 16)
    assert [(i.name, types.tensor_type(i.type)) for i in function.inputs] == [
        ("length", ("int32", (1,))),
        ("x", ("float32", (1, None))),
    ]
    shapes, ranges = decode(function.attributes["FlexibleShapeInformation"])
    assert (shapes[0], shapes[1]["x"].tolist()) == ("DefaultShapes", [1, 1])
    assert [pair.tolist() for pair in ranges[1]["x"]] == [[1, 1], [1, 32000]]
    block = programs.body(function)
    assert list(block.outputs) == ["a", "b"]
    found = values(OLD)
    assert found["axis"] == -1
    np.testing.assert_array_equal(found["w"], np.float16([[1, -3, 0], [np.nan, np.inf, -np.inf]]))
    assert found["w"].dtype == np.float16
    assert found["mask"].tolist() == [True, False]
    big, both, halves = block.operations[3:]
    assert (big.attributes["val"].blobFileValue.offset, types.shown(big.outputs[0].type)) == (64, "float32[16]")
    assert [binding.name for binding in both.inputs["values"].arguments] == ["x", "x", "big"]
    assert [output.name for output in halves.outputs] == ["a", "b"]
    assert programs.name(block.operations[0]) == "the axis"


def test_a_text_in_the_newer_form():
    program = parse_text(NEW)
    assert sorted(program.functions) == ["first", "second"]
    first = program.functions["first"]
    assert first.inputs[1].type.stateType.wrappedType == first.inputs[0].type
    operations = programs.body(first).operations
    assert [operation.type for operation in operations[1:5]] == [
        "read_state",
        "constexpr_blockwise_shift_scale",
        "mul",
        "write_state",
    ]
    assert not operations[4].outputs
    assert constants(operations[2], {}.__getitem__)[0].value.dequantize().tolist() == [-16, 14, 0, 2]
    assert decode(operations[3].inputs["y"].arguments[0].value).tolist() == [1, 2.5, 10, 3]
    found = values(NEW, "first")
    assert (found["scale"], found["scale"].dtype) == (0.5, np.float16)
    assert found["names"].tolist() == ['a "b"', "c\\d\n"]
    assert found["large"].tolist() == [2**64 - 1]
    assert found["nothing"].shape == (2, 0)
    assert len(programs.body(program.functions["second"]).operations) == 0


def in_function(statement: str) -> str:
    return f"program(1.0)\n{{\n  func main<ios17>(tensor<fp32, [1]> x) {{\n    {statement}\n  }} -> (x);\n}}"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("tensor<fp32, [1]> y = relu(x = x)", r"line 5, column 3\n  expected ';', got '}'"),
        ("tensor<fp99, [1]> y = relu(x = x);", r"line 4, column 12\n  the type 'fp99' is unknown"),
        ("tensor<fp32, [-1]> y = relu(x = x);", "a size must be an integer"),
        ("tensor<fp32, [1]> y = relu(x = x, x = x);", "the parameter 'x' is given twice"),
        ("tensor<fp32, [1]> y = relu(x = x)[a = fp32(1), a = fp32(1)];", "the attribute 'a' is given twice"),
        ("tensor<bool, []> y = cond(pred = x) { };", r"'cond' has a nested block, which this reader does not know"),
        ("bool y = const()[val = bool(1)];", "expected true or false, got '1'"),
        ("int8 y = const()[val = int8(200)];", "200 does not fit into int8"),
        ("int8 y = const()[val = int8(1.5)];", "expected an integer, got '1.5'"),
        ("fp32 y = const()[val = fp32(0x1p+99999)];", "expected a number"),
        ("fp32 y = const()[val = fp32(one)];", "expected a number, got 'one'"),
        ('string y = const()[val = string("\\q")];', "escape sequence"),
        ('string y = const()[val = string("open)];', "is unknown here"),
        ("tensor<int32, [2]> y = const()[val = tensor<int32, [2]>([1])];", "axis 0 has 1 entries; its type says 2"),
        ("int32 y = const()[val = tensor<int32, [2, 2]>([[1, 2], [3]])];", "this has 1 entries; the one before has 2"),
        ("int32 y = const()[val = tensor<int32, [2]>(7)];", r"expected '\[', got '7'"),
        ("int32 y = const()[val = tuple<int32, int32>((1))];", "a tuple of 2 values has 1"),
        ("int32 y = const()[val = tuple<int32>((1, 2))];", "more values than its type"),
        ("int32 y = const()[val = state<int32>(1)];", "a state has no stored value"),
        ("int32 y = const()[val = int32(BLOBFILE(path = int32(1), offset = uint64(1)))];", "BLOBFILE needs a string"),
        ("int32 y = const()[val = " + "list<" * 40 + "int32", "nested deeper than 32"),
        ("tensor<fp32, [" + "1, " * 33 + "]> y = relu(x = x);", "33 axes; expected at most 32"),
        ("é", "'é' is unknown here"),
    ],
)
def test_damaged_text(statement, words):
    with pytest.raises(SpecError, match=words):
        parse_text(in_function(statement))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1\n  expected 'program', got the end of the text"),
        ("program(1.0) {", "expected 'func', got the end"),
        ("program(1.0) { func main<ios99>() { } -> (); }", "the operator set 'ios99' is unknown"),
        ("program(1.0) { func a<ios17>() { } -> (); func a<ios17>() { } -> (); }", "another function 'a'"),
        ("program(1.0) { } x", "expected the end of the text, got 'x'"),
    ],
)
def test_damaged_programs(text, words):
    with pytest.raises(SpecError, match=words):
        parse_text(text)


def test_every_beginning_of_a_text_is_refused_quickly():
    start = time.process_time()
    for text in (OLD, NEW):
        for end in range(0, len(text.rstrip()) - 1, 7):
            with pytest.raises(SpecError, match="line"):
                parse_text(text[:end])
    with pytest.raises(SpecError, match="expected"):
        parse_text(in_function("int32 y = const()[val = tensor<int32, [9]>(" + "[" * 100_000))
    with pytest.raises(SpecError, match="expected"):
        parse_text(in_function("int32 y = const()[val = int32(" + "9" * 100_000 + ")];"))
    assert time.process_time() - start < 10


# Folders --------------------------------------------------------------------------------------------------------------


def schema(name: str, **facts: Any) -> dict[str, Any]:
    return {"name": name, "type": "MultiArray", "dataType": "Float32", "shape": "[4]", "isOptional": "0", **facts}


METADATA = {
    "specificationVersion": 9,
    "author": "someone",
    "userDefinedMetadata": {"source": "torch"},
    "inputSchema": [
        schema("x", hasShapeFlexibility="1", shapeRange="[[1, 4]]", isOptional="1"),
        {"name": "picture", "type": "Image", "width": "8", "height": "6", "colorspace": "RGB", "isColor": "1"},
        schema("sizes", dataType="Int32", enumeratedShapes="[[4], [8]]"),
    ],
    "outputSchema": [schema("y", dataType="Float16"), {"name": "label", "type": "String"}],
    "stateSchema": [schema("cache", type="State", dataType="Float16")],
}


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    folder, blobs = tmp_path / "a.mlmodelc", BlobWriter()
    blobs.add(np.arange(16, dtype=np.float32), "float32")
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "weight.bin").write_bytes(b"".join(blobs.chunks()))
    (folder / "model.mil").write_text(OLD)
    (folder / "coremldata.bin").write_bytes(b"private")
    return folder


def test_a_compiled_model(compiled):
    (compiled / "metadata.json").write_text(json.dumps([METADATA]))
    model = read(compiled)
    assert model.specificationVersion == 9
    assert (model.description.metadata.author, dict(model.description.metadata.userDefined)) == (
        "someone",
        {"source": "torch"},
    )
    x, picture, sizes = model.description.input
    assert (x.name, list(x.type.multiArrayType.shape), x.type.isOptional) == ("x", [4], True)
    assert [(r.lowerBound, r.upperBound) for r in x.type.multiArrayType.shapeRange.sizeRanges] == [(1, 4)]
    assert (picture.type.imageType.width, picture.type.imageType.colorSpace) == (8, picture.type.imageType.RGB)
    assert [list(s.shape) for s in sizes.type.multiArrayType.enumeratedShapes.shapes] == [[4], [8]]
    assert [output.type.WhichOneof("Type") for output in model.description.output] == ["multiArrayType", "stringType"]
    assert model.description.state[0].type.stateType.arrayType.dataType == 65552
    big = programs.body(model.mlProgram.functions["main"]).operations[3]
    assert decode(big.attributes["val"], weight_files(compiled)).tolist() == [*range(16)]


def test_without_metadata_the_program_describes_itself(compiled):
    model = read(compiled)
    assert model.specificationVersion == 7
    assert [feature.name for feature in model.description.input] == ["length", "x"]
    assert [feature.name for feature in model.description.output] == ["a", "b"]
    ranges = model.description.input[1].type.multiArrayType.shapeRange.sizeRanges
    assert [(r.lowerBound, r.upperBound) for r in ranges] == [(1, 1), (1, -1)]
    (compiled / "model.mil").write_text(NEW)
    several = read(compiled)
    assert {function.name for function in several.description.functions} == {"first", "second"}
    first = next(function for function in several.description.functions if function.name == "first")
    assert [state.name for state in first.state] == ["cache"]


def test_functions_in_the_metadata(compiled):
    (compiled / "model.mil").write_text(NEW)
    functions = [{"name": name, "inputSchema": [schema("x")]} for name in ("first", "second")]
    facts = {"functions": functions, "defaultFunctionName": "second", "inputSchema": [schema("x")]}
    (compiled / "metadata.json").write_text(json.dumps([facts]))
    model = read(compiled)
    assert programs.default_function(model) == "second"
    assert not model.description.input
    assert [function.input[0].name for function in model.description.functions] == ["x", "x"]


def test_a_classifier(compiled):
    text = in_function(
        'string label, dict<string, fp32> scores = classify(classes = list<string, 2>(["a", "b"]), probabilities = x);'
    ).replace("-> (x)", "-> (label, scores)")
    (compiled / "model.mil").write_text(text)
    description = read(compiled).description
    assert (description.predictedFeatureName, description.predictedProbabilitiesName) == ("label", "scores")


def test_a_compiled_model_becomes_a_package(compiled, tmp_path):
    (compiled / "metadata.json").write_text(json.dumps([METADATA]))
    model, package = read(compiled), tmp_path / "b.mlpackage"
    write(model, package, source=compiled)
    assert read(package) == model
    weights = package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    assert weights.read_bytes() == (compiled / "weights" / "weight.bin").read_bytes()
    with pytest.raises(SpecError, match=r"only Core ML writes; write an .mlpackage"):
        write(model, compiled)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ("{", "metadata.json is not JSON"),
        ("[1]", "must hold an object"),
        ('[{"inputSchema": 1}]', "'inputSchema' must be a list of objects"),
        ('[{"inputSchema": [{"type": "MultiArray"}]}]', "the description of 'None' in inputSchema is damaged"),
        ('[{"inputSchema": [{"name": "x", "type": "Video"}]}]', "'x' has the unknown type 'Video'"),
        ('[{"inputSchema": [{"name": "x", "type": "MultiArray", "dataType": "Float32", "shape": "[a]"}]}]', "damaged"),
        ('[{"inputSchema": [{"name": "x", "type": "Image", "width": "1", "height": "1e99"}]}]', "damaged"),
        ("[" * 100_000, "metadata.json is not JSON"),
    ],
)
def test_damaged_metadata(facts, words, compiled):
    (compiled / "metadata.json").write_text(facts)
    with pytest.raises(SpecError, match=words):
        read(compiled)


def test_what_else_is_compiled(compiled):
    (compiled / "model.mil").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match=r"model.mil is not text"):
        read(compiled)
    (compiled / "model.mil").write_text(in_function("?"))
    with pytest.raises(SpecError, match=r"a.mlmodelc\n  model.mil, line 4, column 5"):
        read(compiled)
    (compiled / "model.mil").unlink()
    with pytest.raises(SpecError, match="private format that only Core ML reads"):
        read(compiled)
    (compiled / "model0").mkdir()
    with pytest.raises(SpecError, match="compiled pipeline"):
        read(compiled)


def test_links_in_compiled_models_stay_inside(compiled, tmp_path):
    (tmp_path / "outside.bin").write_bytes(b"secret")
    (compiled / "weights" / "more.bin").symlink_to(tmp_path / "outside.bin")
    with pytest.raises(SpecError, match="leaves the package"):
        write(read(compiled), tmp_path / "b.mlpackage", source=compiled)
