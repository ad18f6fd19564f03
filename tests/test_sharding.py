"""Arrays sharded over explicit mesh axes, as `jax.make_mesh` makes them today, go through models like any others."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import AbstractMesh, AxisType, NamedSharding, PartitionSpec
from toy_dialect import graph, node

import graphml
from graphml.interpreter.lower import lower
from graphml.interpreter.sharding import left_to_compiler

ROOT = Path(__file__).resolve().parents[1]
MESH = AbstractMesh((4, 2), ("batch", "model"), axis_types=(AxisType.Explicit, AxisType.Explicit))


def sharded(shape, *parts, dtype=np.float32):
    return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(MESH, PartitionSpec(*parts)))


def spec(array):
    return tuple(array.sharding.spec)


def traced(function, *arguments):
    """What a function gives for abstract arrays: no mesh of devices is needed for their types."""
    with jax.sharding.use_abstract_mesh(MESH):
        return jax.eval_shape(function, *arguments)


def through(result, *shapes_and_parts):
    inputs = {str(i): sharded(shape, *parts) for i, (shape, parts) in enumerate(shapes_and_parts)}
    call = lambda inputs: left_to_compiler(lambda p, i, s, k: {"y": jax.numpy.zeros(result)}, {}, inputs, None, None)  # noqa: E731
    return spec(traced(call, inputs)["y"])


@pytest.mark.parametrize(
    ("result", "inputs", "expected"),
    [
        ((8, 10), [((8, 3, 6), ("batch",))], ("batch", None)),
        ((8, 6, 5), [((8, 6), ("batch", "model"))], ("batch", "model", None)),
        ((8, 10), [((1, 8, 3), (None, "batch"))], ("batch", None)),
        ((1, 8, 10), [((8, 3), ("batch",))], (None, "batch", None)),
        ((7, 8), [((8, 3), ("batch",))], (None, None)),
        ((), [((8,), ("batch",))], ()),
        ((8, 3), [((8, 3), ()), ((8, 5), ("batch",))], ("batch", None)),
        ((4, 8), [((4, 8, 2), (None, "batch"))], (None, "batch")),
    ],
)
def test_a_result_is_sharded_like_the_leading_axes_of_an_input(result, inputs, expected):
    found = through(result, *inputs)
    assert found == expected or (not any(found) and not any(expected))


def test_a_new_state_is_sharded_like_the_old_one():
    nodes = node("add", "total x", "sum"), replace(node("identity", "sum", "total"), key="write")
    lowered = lower(graph("x", "sum", *nodes, state="total"))
    inputs, state = {"x": sharded((4,))}, {"total": sharded((4,), "batch")}
    _, after = traced(lambda inputs, state: lowered.fn(lowered.params, inputs, state=state), inputs, state)
    assert spec(after["total"]) == ("batch",)


def test_gathers_and_attention_need_no_explicit_shardings():
    model = graphml.load(ROOT / "examples/data/bert_qa.mlmodel")
    lowered = model.lower()
    inputs = {name: sharded((8, 32), "batch") for name in lowered.graph.inputs}
    out = traced(lambda inputs: lowered.fn(lowered.params, inputs), inputs)
    assert {name: spec(array)[0] for name, array in out.items()} == {"start_logits": "batch", "end_logits": "batch"}


PROGRAM = """
import jax, numpy as np, graphml
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

mesh = jax.make_mesh((4,), ("batch",), axis_types=(AxisType.Explicit,))
model = graphml.load("examples/data/QuickDrawUpdatable.mlmodel")
lowered = model.lower()
images = np.load("examples/data/quickdraw.npz")["drawings"][:8].astype(np.float32)[:, None]

def scores(params, images):
    return jax.vmap(lambda image: lowered.fn(params, {"image": image})["output"])(images)

def loss(params, images):
    return (scores(params, images) ** 2).sum()

expected = np.asarray(jax.jit(scores)(lowered.params, images))
gradient = jax.tree.map(np.asarray, jax.jit(jax.grad(loss))(lowered.params, images))

def check(array):
    assert tuple(array.sharding.spec)[0] == "batch" and len(array.sharding.device_set) == 4, array.sharding
    np.testing.assert_allclose(array, expected, rtol=1e-4, atol=1e-6)

given = jax.device_put(images, NamedSharding(mesh, P("batch")))
check(jax.jit(scores)(lowered.params, given))  # no mesh is set
check(lowered.fn(lowered.params, {"image": given[None]})["output"])  # not compiled, and a batch of the format
check(model.as_function()({"image": given[None]})["output"])  # in stages
with jax.set_mesh(mesh):
    check(jax.jit(scores)(lowered.params, given))
    for name, layer in jax.jit(jax.grad(loss))(lowered.params, given).items():
        for weight, value in layer.items():
            np.testing.assert_allclose(value, gradient[name][weight], rtol=1e-3, atol=1e-5)
    assert model.predict({"image": images[0, 0]})["classLabel"]
    rows = [{"image": image[0], "classLabel": "Moon"} for image in images]
    task = graphml.UpdateTask(model, rows)
    task.resume()
    task.wait()
    assert task.error is None, task.error
print("done")
"""


def test_values_and_gradients_on_four_devices():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
