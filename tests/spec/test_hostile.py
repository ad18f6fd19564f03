"""Bytes that were made to hurt: each ends in a SpecError (or in a model), soon, and without much memory."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphml.errors import GraphmlError, SpecError
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_layers, read_network
from graphml.graph import check_branches, last_reads, live_after
from graphml.spec import Model, parse, read, serialize
from graphml.spec.validate import problems, update_problems

LONGEST = 3.0  # seconds of processor time, which other programs do not take; nearly all of it takes milliseconds


def _bounded(act: Callable[[], object]) -> object:
    """Do something that may raise SpecError; anything else, or taking long, fails."""
    start = time.process_time()
    try:
        outcome = act()
    except SpecError as error:
        outcome = error
    assert time.process_time() - start < LONGEST
    assert not isinstance(outcome, SpecError) or len(str(outcome)) < 20_000
    return outcome


def _use(data: bytes) -> object:
    """Everything that happens to bytes before a model runs."""
    model = parse(data)
    problems(model)
    update_problems(model)
    kind = model.WhichOneof("Type")
    if kind in ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor"):
        read_layers(getattr(model, kind).layers)
    return model


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _nested(depth: int, *tags: int) -> bytes:
    """Messages inside messages, by the numbers of their fields, `depth` times."""
    headers = []
    size = 0
    for _ in range(depth):
        for tag in reversed(tags):
            header = _varint(tag << 3 | 2) + _varint(size)
            headers.append(header)
            size += len(header)
    return b"".join(reversed(headers))


def _small(layer, network) -> bytes:
    weights = np.arange(12, dtype=np.float32).reshape(4, 3)
    model = network(layer("innerProduct", "x", "y", weights=weights, bias=np.ones(4)), layer("softmax", "y", "z"))
    return serialize(model)


# Damage ---------------------------------------------------------------------------------------------------------------


def test_every_truncation_of_a_small_model(layer, network):
    data = _small(layer, network)
    for end in range(len(data)):
        _bounded(lambda end=end: _use(data[:end]))


def test_truncations_of_real_models(real_models):
    for name in ("lcy2080/sample", "updatable-drawing/UpdatableDrawingClassifier", "draws/QuickDrawUpdatable"):
        data = (real_models / f"{name}.mlmodel").read_bytes()
        for end in sorted(random.Random(name).sample(range(len(data)), 40)):
            assert isinstance(_bounded(lambda data=data, end=end: parse(data[:end])), SpecError | Model)


def test_every_flipped_byte_of_a_small_model(layer, network):
    data = _small(layer, network)
    rng = random.Random(0)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= rng.randrange(1, 256)
        _bounded(lambda damaged=damaged: _use(bytes(damaged)))


def test_flipped_bytes_of_a_real_model_with_branches_and_loops(real_models):
    data = (real_models / "lcy2080" / "sample.mlmodel").read_bytes()
    rng = random.Random(1)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        _bounded(lambda damaged=damaged: _use(bytes(damaged)))


@given(st.binary(max_size=300))
def test_random_bytes(data):
    _bounded(lambda: _use(data))


@given(st.binary(max_size=200), st.sampled_from([300, 302, 403, 404, 500, 200, 202, 556]))
def test_random_bytes_inside_a_model(data, field):
    inner = _varint(field << 3 | 2) + _varint(len(data)) + data
    _bounded(lambda: _use(b"\x08\x04" + inner))


# Size -----------------------------------------------------------------------------------------------------------------


def _peak() -> int:
    """Bytes of memory that this process has used at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _garbage(kind: str) -> bytes:
    size = 100_000_000
    return {
        "zeros": lambda: bytes(size),
        "random": lambda: np.random.default_rng(0).bytes(size),
        "text": lambda: b"spam " * (size // 5),
        "versions": lambda: b"\x08\x01" * (size // 2),
        "unknown": lambda: b"\xfa\xff\x3f" + _varint(size) + bytes(size),
        "descriptions": lambda: b"\x12\x00" * (size // 2),
    }[kind]()


@pytest.mark.parametrize("kind", ["zeros", "random", "text", "versions", "unknown", "descriptions"])
def test_a_hundred_million_bytes_of_garbage(kind):
    data = _garbage(kind)
    before = _peak()
    assert isinstance(_bounded(lambda: parse(data)), SpecError)
    assert _peak() - before < 6 * len(data)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("pipelines", (202, 1)),
        ("classifier pipelines", (200, 1, 1)),
        ("branches", (605, 1, 1)),
        ("loops", (615, 4, 1)),
    ],
)
@pytest.mark.parametrize("depth", [10, 20, 33, 49, 100, 10_000])
def test_deep_nesting(name, tags, depth):
    inner = _nested(depth, *tags)
    if "pipelines" not in name:
        inner = _varint(1 << 3 | 2) + _varint(len(inner)) + inner
        inner = _varint(500 << 3 | 2) + _varint(len(inner)) + inner
    data = b"\x08\x04" + inner
    _bounded(lambda: _use(data))
    outcome = _bounded(lambda: parse(data))
    assert not isinstance(outcome, SpecError) or "nested too deep" in str(outcome)
    if depth <= 20 or depth >= 100:
        assert isinstance(outcome, SpecError) == (depth >= 100)


@pytest.mark.parametrize("size", [2**31, 2**60, 2**63 - 1])
def test_declared_sizes_allocate_nothing(size, layer, network):
    constant = layer("loadConstantND", "", "y", data=np.ones(1))
    constant.loadConstantND.shape[:] = [size, size]
    dense = layer("innerProduct", "x", "z", weights=np.ones((1, 1)))
    dense.innerProduct.inputChannels = dense.innerProduct.outputChannels = size
    table = layer("embeddingND", "x", "w", weights=np.ones((1, 1)), vocab_size=size)
    table.embeddingND.weights.quantization.numberOfBits = 8
    filled = layer("fillStatic", "", "v", target_shape=[size] * 3)
    model = network(constant, dense, table, filled, inputs={"x": (size, size)})
    before = _peak()
    found: Any = _bounded(lambda: problems(parse(serialize(model))))
    places = {problem.where.partition(",")[0] for problem in found if problem.severity == "error"}
    assert {"input 'x'", "layer 'loadConstantND' (loadConstantND)", "layer 'innerProduct' (innerProduct)"} <= places
    for message in (constant, dense, table):
        with pytest.raises(GraphmlError):
            read_layers([message])
    assert _peak() - before < 50_000_000


def test_lists_of_a_million_sizes(layer, network):
    constant = layer("loadConstantND", "", "y", data=np.ones(1))
    constant.loadConstantND.shape[:] = [2**62] * 1_000_000
    shape = layer("reshapeStatic", "x", "z", target_shape=[-1] * 1_000_000)
    order = layer("transpose", "x", "w", axes=[0] * 1_000_000)
    model = network(constant, shape, order, inputs={"x": (2**60,) * 1_000_000})
    found: Any = _bounded(lambda: problems(model))
    assert all(len(str(problem)) < 2000 for problem in found)
    assert isinstance(_bounded(lambda: read_layers([constant])), SpecError)


def test_many_layers_and_branches(layer, network):
    """The rules stay linear in the size of a network, however its scopes nest."""
    layers = []
    for number in range(3000):
        branch = layer("branch", "x", "", f"b{number}")
        branch.branch.ifBranch.layers.add().CopyFrom(layer("ceil", "x", f"i{number}"))
        layers += [branch, layer("ceil", "x", f"c{number}", f"l{number}")]
    model = network(*layers, layer("copy", "x", "y"))
    assert _bounded(lambda: problems(model)) == []


def test_many_branches_become_a_graph_in_linear_time(layer, network):
    copy = layer("copy", "x", "y")
    branch = layer("branch", "x", "", "b")
    branch.branch.ifBranch.layers.add()
    branches = []
    for number in range(8_000):
        branch.branch.ifBranch.layers[0].CopyFrom(layer("ceil", "x", f"i{number}"))
        branches.append(copied := type(branch)())
        copied.CopyFrom(branch)
    model, keep = network(*branches, copy), frozenset("y")

    def wire():
        graph, _ = read_network(model.neuralNetwork, (Port("x", None),), (Port("y", None),))
        check_branches(graph, ())
        return live_after(graph.body, keep), last_reads(graph.body, keep)

    live, dead = _bounded(wire)
    assert set(live) == {frozenset()}
    assert len(dead) == 8_001


def test_a_package_whose_manifest_is_hostile(tmp_path: Path):
    package = tmp_path / "a.mlpackage"
    package.mkdir()
    deep, text, number = b"[" * 1_000_000, b'"' + b"\\u0000" * 100_000 + b'"', b"9" * 100_000
    for manifest in (deep, b'{"rootModelIdentifier":' * 100_000, text, number):
        (package / "Manifest.json").write_bytes(manifest)
        assert isinstance(_bounded(lambda: read(package)), SpecError)


def test_millions_of_empty_messages_are_refused_when_they_are_read():
    def repeated(count: int, *fields: str) -> bytes:
        """A file of messages inside each other, the innermost `count` times and empty."""
        numbers, message = [], Model.DESCRIPTOR
        for field in fields:
            numbers.append(message.fields_by_name[field].number)
            message = message.fields_by_name[field].message_type
        data = (_varint(numbers.pop() << 3 | 2) + b"\0") * count
        while numbers:
            data = _varint(numbers.pop() << 3 | 2) + _varint(len(data)) + data
        return data

    assert str(_bounded(lambda: parse(repeated(3_000_000, "neuralNetwork", "layers")))) == (
        "the model has 3,000,000 layers or more; expected at most 65,536"
    )
    for field in ("input", "output", "trainingInput"):
        refusal = _bounded(lambda field=field: parse(repeated(70_000, "description", field)))
        assert str(refusal) == "the model has 70,000 features or more; expected at most 65,536"
    stages = repeated(3_000_000, "pipeline", "models")
    assert str(_bounded(lambda: parse(stages))) == "the model has 3,000,001 models or more; expected at most 16,384"
    for fields, what in (
        (("description", "functions"), "20,000 functions"),
        (("pipelineClassifier", "pipeline", "models"), "20,001 models"),
    ):
        assert what in str(_bounded(lambda fields=fields: parse(repeated(20_000, *fields))))
    weights = repeated(70_000, "neuralNetwork", "layers", "custom", "weights")
    assert "70,000 weights" in str(_bounded(lambda: parse(weights)))
    stages = repeated(40_000, "pipeline", "models", "neuralNetwork", "layers")
    assert isinstance(_bounded(lambda: parse(stages)), Model)
    assert "80,000 layers" in str(_bounded(lambda: parse(stages + stages)))  # parts of one message are merged


def test_rules_look_at_a_few_of_many_faulty_parts(layer, network):
    """A megabyte of empty messages where two are meant, or where each is at fault."""
    model = Model(specificationVersion=5)
    model.classConfidenceThresholding.precisionRecallCurves.extend(
        type(model.classConfidenceThresholding.precisionRecallCurves.add())() for _ in range(100_000)
    )
    curves: Any = _bounded(lambda: problems(model))
    assert sum("thresholds for them" in problem.what for problem in curves) <= 20
    recurrent = layer("biDirectionalLSTM", "x", "y")
    for _ in range(100_000):
        recurrent.biDirectionalLSTM.weightParams.add()
    cells: Any = _bounded(lambda: problems(network(recurrent)))
    assert any("weightParams must have 2 entries, got 100000" in problem.what for problem in cells)


def test_names_of_megabytes_make_short_problems(layer, network):
    long = "n" * 1_000_000
    branch = layer("branch", "x", "", long)
    branch.branch.ifBranch.layers.extend(layer("ceil", "missing", f"y{i}", long) for i in range(20))
    found: Any = _bounded(lambda: problems(network(branch, layer("copy", "x", "y"))))
    assert len(found) >= 20
    assert all(len(str(problem)) < 3000 for problem in found)


def test_products_of_thousands_of_sizes_are_neither_computed_nor_written():
    model = Model(specificationVersion=1)
    for features in (model.description.input, model.description.output):
        feature = features.add(name="a").type.multiArrayType
        feature.dataType = feature.DOUBLE
        feature.shape.extend([2**62] * 5000)
    model.description.predictedFeatureName = "a"
    model.dictVectorizer.stringToIndex.vector.append("k")
    for kind in ("scaler", "imputer", "glmRegressor", "treeEnsembleRegressor", "supportVectorRegressor"):
        getattr(model, kind).SetInParent()
        found: Any = _bounded(lambda: problems(model))
        assert any("5000 axes; expected at most 32" in problem.what for problem in found)
