"""Real networks and programs on a batch that is sharded over explicit mesh axes, as far as types are concerned."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from jax.sharding import AbstractMesh, AxisType, NamedSharding, PartitionSpec
from real.test_networks import CUSTOM, OTHER_SHAPES

import graphml
from graphml.interpreter.lower import Lowered
from graphml.models.compile.zeros import zeros
from graphml.models.graph_model import GraphModel

MESH = AbstractMesh((4,), ("batch",), axis_types=(AxisType.Explicit,))
ROWS = NamedSharding(MESH, PartitionSpec("batch"))


def _abstract(array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((8, *np.shape(array)), np.asarray(array).dtype, sharding=ROWS)


def _batch(lowered: Lowered, inputs, state) -> dict[str, jax.ShapeDtypeStruct]:
    def one(inputs):
        out = lowered.fn(lowered.params, inputs, state=state, key=jax.random.key(0))
        return out[0] if state else out

    with jax.sharding.use_abstract_mesh(MESH):
        return jax.eval_shape(jax.vmap(one), {name: _abstract(array) for name, array in inputs.items()})


def test_outputs_are_sharded_like_the_batch(real_models):
    traced, others = 0, []
    for path in sorted([*real_models.rglob("*.mlmodel"), *real_models.rglob("*.mlpackage")]):
        try:
            model = graphml.load(path, custom_layers=CUSTOM)
            if not isinstance(model, GraphModel):
                continue
            lowered = model.lower()
        except graphml.GraphmlError:  # it does not run here, whatever its inputs are
            continue
        shapes = OTHER_SHAPES.get(str(path.relative_to(real_models).with_suffix("")), {})
        inputs = model.arrays(
            {feature.name: zeros(feature, shapes.get(feature.name)) for feature in model.description.inputs}
        )
        state = model.make_state().arrays if model.has_state() else None
        try:
            outputs = _batch(lowered, inputs, state)
        except graphml.UnsupportedError as error:
            others.append(f"{path.name}: {error}")
            continue
        assert {array.sharding.spec[0] for array in outputs.values()} == {"batch"}, path
        traced += 1
    if not traced:
        pytest.skip("the folder of real models has no network that can be traced")
    assert all("decides a shape" in text for text in others), others
