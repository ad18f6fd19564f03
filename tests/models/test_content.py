"""Models of equal content share compiled programs, and whatever decides a program is part of the content's key."""

from __future__ import annotations

import dataclasses
import enum
import gc
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import monitoring

from graphml.build import NeuralNetworkBuilder, array
from graphml.catalogue import Target
from graphml.frontends.layer_interface import LayerInterface, Port, Preprocessing
from graphml.frontends.program_interface import Argument, ProgramInterface
from graphml.graph import Graph, Node, Region
from graphml.interpreter.lower import Lowered
from graphml.models import ModelConfiguration, load
from graphml.models.compile import content
from graphml.models.compile.content import content_key
from graphml.spec.weights import Quantized

X = {"x": np.linspace(-1, 1, 4, dtype=np.float32)}


def dense(factor=1.0, size=3, kind="tanh"):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(size)})
    weights = factor * np.arange(4 * size, dtype=np.float32).reshape(size, 4)
    builder.add("innerProduct", "fc", ["x"], ["z"], weights=weights, bias=np.ones(size, np.float32))
    return builder.add(kind, "end", ["z"], ["y"]).spec


@pytest.fixture
def compilations():
    """How often XLA has compiled since the start of the test, as a list of one entry each."""
    found = []

    def note(name, seconds, **facts):
        if name.endswith("backend_compile_duration"):
            found.append(seconds)

    monitoring.register_event_duration_secs_listener(note)
    yield found
    monitoring.unregister_event_duration_listener(note)


def test_the_first_prediction_compiles_one_program(compilations):
    load(dense()).predict(X)  # finds out which compiler options there are
    compilations.clear()
    content.forget()
    load(dense()).predict(X)
    assert len(compilations) == 1


def test_the_same_file_compiles_once(compilations):
    first = load(dense())
    want = first.predict(X)["y"]
    many = first.predict_batch([X] * 4)
    compilations.clear()
    second = load(dense())
    np.testing.assert_array_equal(second.predict(X)["y"], want)
    np.testing.assert_array_equal(second.predict_batch([X] * 4)[3]["y"], many[3]["y"])
    assert (len(compilations), second.trace_count, first.trace_count) == (0, 0, 2)


def test_other_weights_share_the_program_and_not_the_answer(compilations):
    first = load(dense())
    first.predict(X)
    compilations.clear()
    second = load(dense(2.0))
    weights = 2 * np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_allclose(second.predict(X)["y"], np.tanh(weights @ X["x"] + 1), rtol=1e-5)
    assert not compilations


@pytest.mark.parametrize("other", [dense(size=5), dense(kind="erf")])
def test_other_networks_do_not(other):
    load(dense()).predict(X)
    second = load(other)
    second.predict(X)
    assert second.trace_count == 1


def test_a_program_outlives_its_model_and_holds_no_weights():
    model = load(dense())
    model.predict(X)
    held = [weakref.ref(model), weakref.ref(model.parameters["fc"]["weights"]), weakref.ref(model._program)]
    del model
    gc.collect()
    assert [each() for each in held] == [None] * 3
    again = load(dense())
    again.predict(X)
    assert again.trace_count == 0


def tiled(times):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4 * times)})
    builder.add("loadConstantND", "shape", [], ["shape"], data=np.float32([times, 4]), shape=[2])
    builder.add("fillDynamic", "fill", ["shape"], ["ones"], value=1.0)
    return builder.add("multiplyBroadcastable", "y", ["x", "ones"], ["y"]).spec


def test_constants_that_decide_shapes_are_part_of_the_content():
    for times in (2, 3):
        model = load(tiled(times))
        assert np.shape(model.predict(X)["y"]) == (4 * times,)
        assert model.trace_count == 1


def test_configurations_that_decide_programs_share_nothing():
    kept = {
        load(dense(), configuration=configuration)._program._programs  # type: ignore[attr-defined]
        for configuration in (
            ModelConfiguration(),
            ModelConfiguration(most_programs=3),
            ModelConfiguration(max_loop_iterations=5),
            ModelConfiguration(max_array_bytes=1 << 20),
            ModelConfiguration(preferred_device=jax.devices()[0]),
        )
    }
    assert len(kept) == 5


# Every field ---------------------------------------------------------------------------------------------------------

NODE = Node(
    key="fc",
    name="fc",
    dialect="layer",
    kind="innerProduct",
    inputs=("x",),
    outputs=("y",),
    attributes={"a": 1, "b": np.float32([1, 2])},
    weights={"w": np.ones((2, 3), np.float32)},
)
GRAPH = Graph(("x",), ("y",), Region((NODE,)))
PORT = Port("x", (3,))
INTERFACE = LayerInterface((PORT,), (PORT,), True)
ARGUMENT = Argument("x", np.dtype("float32"), (3, None))


def key(graph=GRAPH, interface=INTERFACE, target=None, dtype=jnp.float32, known=(), facts=()):
    lowered = Lowered(graph, interface, graph, Target() if target is None else target, dtype, frozenset(known))
    return content_key(lowered, *facts)


def with_node(**changes):
    return key(Graph(("x",), ("y",), Region((dataclasses.replace(NODE, **changes),))))


def another(value):
    """A value of the same type that differs."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, enum.Enum):
        return next(each for each in type(value) if each is not value)
    if isinstance(value, str):
        return f"{value}z"
    if isinstance(value, tuple):
        return (*value, "z")
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, dict):
        return {**value, "z": 1}
    return "another"


def changed(value):
    """(field, the dataclass with only this field changed) for each field."""
    names = [each.name for each in dataclasses.fields(value)]
    return [(name, dataclasses.replace(value, **{name: another(getattr(value, name))})) for name in names]


SPECIAL = {"weights": {"w": np.ones((2, 4), np.float32)}, "regions": {"body": Region(())}}


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(Node)])
def test_every_field_of_a_node(field):
    change = SPECIAL[field] if field in SPECIAL else another(getattr(NODE, field))
    assert with_node(**{field: change}) != key()
    assert with_node() == key()


@pytest.mark.parametrize(
    ("field", "graph"),
    [
        ("inputs", dataclasses.replace(GRAPH, inputs=("x", "z"))),
        ("outputs", dataclasses.replace(GRAPH, outputs=())),
        ("body", dataclasses.replace(GRAPH, body=Region(()))),
        ("state", dataclasses.replace(GRAPH, state=("s",))),
    ],
)
def test_every_field_of_a_graph(field, graph):
    assert key(graph) not in (key(), None)


def test_the_fields_of_a_graph_are_these():
    assert {each.name for each in dataclasses.fields(Graph)} == {"inputs", "outputs", "body", "state"}


@pytest.mark.parametrize(("name", "port"), changed(PORT))
def test_every_field_of_a_port(name, port):
    assert key(interface=LayerInterface((port,), (PORT,), True)) not in (key(), None)


@pytest.mark.parametrize(("name", "how"), changed(Preprocessing(mean=np.zeros(3, np.float32))))
def test_every_field_of_the_preprocessing_of_an_image(name, how):
    def of(how):
        return key(interface=LayerInterface((dataclasses.replace(PORT, preprocessing=how),), (), True))

    assert of(how) not in (of(Preprocessing(mean=np.zeros(3, np.float32))), None)
    assert of(Preprocessing(mean=np.ones(3, np.float32))) != of(Preprocessing(mean=np.zeros(3, np.float32)))


@pytest.mark.parametrize(("name", "interface"), changed(dataclasses.replace(INTERFACE, inputs=("a",), outputs=("b",))))
def test_every_field_of_the_interface_of_layers(name, interface):
    before = key(interface=dataclasses.replace(INTERFACE, inputs=("a",), outputs=("b",)))  # type: ignore[arg-type]
    assert key(interface=interface) not in (before, None)


@pytest.mark.parametrize(("name", "argument"), changed(ARGUMENT))
def test_every_field_of_an_argument_of_a_program(name, argument):
    before = key(interface=ProgramInterface((ARGUMENT,)))
    assert key(interface=ProgramInterface((argument,))) not in (before, None)
    assert key(interface=ProgramInterface((ARGUMENT,), (ARGUMENT,))) != before


@pytest.mark.parametrize(("name", "target"), [each for each in changed(Target()) if each[0] != "custom_layers"])
def test_every_field_of_a_target(name, target):
    assert key(target=target) not in (key(), None)


def test_types_and_other_facts():
    assert key(dtype=None) != key() != key(dtype=jnp.bfloat16)
    assert key(facts=("cpu:0",)) not in (key(), key(facts=("cpu:1",)))


def test_functions_of_custom_layers_are_not_compared():
    assert key(target=Target(custom_layers={"Mine": lambda x: x})) is None
    made = object()
    assert content.shared(None, lambda: made) is made


def test_weights_count_by_form_and_constants_by_value():
    twice = {"w": 2 * NODE.weights["w"]}
    assert with_node(weights=twice) == key()
    assert with_node(weights={"w": NODE.weights["w"].astype(np.float16)}) != key()
    assert with_node(weights={"v": NODE.weights["w"]}) != key()
    graph = Graph(("x",), ("y",), Region((dataclasses.replace(NODE, weights=twice),)))
    assert key(known=("fc",)) != key(graph, known=("fc",))


CODES = Quantized(np.zeros((2, 3), np.uint8), np.ones(1, np.float32), None, None, 8)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("codes", np.zeros((2, 4), np.uint8)),
        ("scale", np.ones((2, 1), np.float32)),
        ("bias", np.ones(1, np.float32)),
        ("table", np.ones(16, np.float32)),
        ("bits", 4),
    ],
)
def test_every_field_of_a_quantized_weight(field, value):
    assert with_node(weights={"w": dataclasses.replace(CODES, **{field: value})}) != with_node(weights={"w": CODES})
    again = Quantized(np.ones((2, 3), np.uint8), 2 * np.ones(1, np.float32), None, None, 8)
    assert with_node(weights={"w": again}) == with_node(weights={"w": CODES})


def test_nodes_inside_regions_count():
    def outer(inner):
        return with_node(regions={"body": Region((dataclasses.replace(NODE, kind=inner),))})

    assert outer("add") != outer("multiply")
