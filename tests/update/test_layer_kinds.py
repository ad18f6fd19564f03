"""Every kind of layer that has weights learns: its gradient is the numerical one, and following it lowers the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cases
import jax
import numpy as np
import pytest
from compiling import QUICK
from one_layer import lowered
from update.networks import network

from graphml import recipes
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import UpdateError
from graphml.spec.attributes import Choice, weight_names
from graphml.spec.weights import Quantized, quantize
from graphml.update import ParameterKey, UpdateTask, recipe_of, take_apart, update
from graphml.update.step.training import MiniBatch, loss_and_statistics
from graphml.update.step.trunk import merge

KINDS = cases.load_all()
# custom layers learn as much as their function lets them; branches and loops have separate tests below
WEIGHTED = sorted(kind for kind in KINDS if weight_names(kind) and kind not in ("custom", "branch", "loop"))


def _case(kind: str) -> cases.Case:
    """A case in which the layer has weights."""
    base = KINDS[kind].base
    if kind == "activation":
        slopes = Choice("PReLU", {"alpha": np.float32([0.25, -0.5])})
        return cases.Case((cases.numbers(2, 3, 3),), {"nonlinearity_type": slopes})
    if kind == "batchedMatmul":
        return cases.Case((cases.numbers(2, 3, 4),), {"weights": cases.numbers(5, 4), "bias": cases.numbers(5)})
    return base


def _recipe(layers, **more: Any) -> recipes.Recipe:
    loss = recipes.SquaredError("out0", "target", weight=None, name="loss")
    sgd = recipes.SGD(0.1, schedule=None)
    return recipes.Recipe(sgd, losses=loss, batch_size=2, shuffle=False, layers=layers, **more)


def _loss_of_layer(kind: str) -> tuple[Callable[..., Any], Any]:
    """((weights, target) -> (loss, output), gradient) in float64 for the base case of a kind, and its weights."""
    case = _case(kind)
    whole = lowered(kind, case, dtype=np.float64)
    recipe = _recipe((("layer", ()),))
    parts = take_apart(whole, recipe)
    train, frozen = parts.split(whole.params)
    rows = {name: case.inputs[int(name[2:])][None] for name in parts.cut}

    def loss_of(train, target):
        batch = MiniBatch(rows, target, np.ones(1, bool))
        loss, _ = loss_and_statistics(parts, recipe, train, frozen, batch, {})
        return loss, parts.plain.fn(merge(train, frozen), {name: blob[0] for name, blob in rows.items()})["out0"]

    return jax.jit(jax.value_and_grad(loss_of, has_aux=True), compiler_options=QUICK), jax.tree.map(
        lambda w: np.asarray(w, np.float64), train
    )


@pytest.mark.parametrize("kind", WEIGHTED)
def test_gradients_are_numerical_ones_and_lower_the_loss(kind):
    with jax.enable_x64(True):
        loss_of, train = _loss_of_layer(kind)
        if kind == "batchnorm":
            assert set(train["layer"]) == {"gamma", "beta"}
        shape = KINDS[kind].answers(_case(kind))[0].shape
        smaller = jax.tree.map(lambda w: 0.7 * w, train)
        target = np.asarray(loss_of(smaller, np.zeros((1, *shape)))[0][1])[None]

        (value, _), gradient = loss_of(train, target)
        squared = _squares(gradient)
        assert squared > 0
        step = 1e-4 / np.sqrt(squared)
        ahead, behind = (loss_of(_moved(train, gradient, s * step), target)[0][0] for s in (1, -1))
        assert (ahead - behind) / (2 * step) == pytest.approx(squared, rel=1e-5)
        for _ in range(5):
            train = _moved(train, gradient, -0.5 * value / squared)
            (value, _), gradient = loss_of(train, target)
            squared = _squares(gradient)
        assert value < 0.8 * (ahead + behind) / 2


def _squares(tree) -> float:
    return sum(float(np.vdot(leaf, leaf)) for leaf in jax.tree.leaves(tree))


def _moved(tree, direction, step):
    return jax.tree.map(lambda w, g: w + step * g, tree, direction)


# Weights elsewhere than at the top -----------------------------------------------------------------------------------

EYE = np.eye(3, dtype=np.float32)


def _part() -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder({}, {})


def _looping(iterations: int, *, condition: bool = False, inner: str = "dense") -> NeuralNetworkBuilder:
    """y = x, multiplied again and again by a matrix inside a loop."""
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("copy", "start", ["x"], ["y"])
    body = _part().add("innerProduct", inner, ["y"], ["z"], weights=0.5 * EYE).add("copy", "again", ["z"], ["y"])
    fields: dict[str, Any] = {"body_network": body, "max_loop_iterations": iterations}
    if condition:
        large = _part().add("reduceSum", "sum", ["y"], ["s"], axes=(0,), keep_dims=False)
        fields["condition_network"] = large.add("lessThan", "small", ["s"], ["go"], alpha=3.0)
        fields["condition_var"] = "go"
    return builder.add("loop", "loop", [], [], **fields)


def _model(builder: NeuralNetworkBuilder, **recipe: Any):
    recipe = {"optimizer": recipes.SGD(0.1), "epochs": 20, "batch_size": 4, **recipe}
    return network(recipes.write_recipe(builder.spec, recipes.Recipe(**recipe)))


def _data(**more: Any) -> dict[str, np.ndarray]:
    x = np.random.default_rng(3).uniform(0.2, 1, size=(4, 3)).astype(np.float32)
    return {"x": x, "y_true": 0.4 * x, **more}


def _fall(model: Any, data: Any) -> tuple[Any, float]:
    """The trained model, and the last loss as a part of the first."""
    task = UpdateTask(model, data, strict=False)
    task.resume()
    task.wait(60)
    assert task.error is None, task.error
    losses = [record.loss for record in task.history.epochs]
    return task.model, losses[-1] / losses[0]


@pytest.mark.parametrize("condition", [False, True], ids=["counted", "while"])
def test_weights_inside_bounded_loops_learn(condition):
    model = _model(_looping(3, condition=condition))
    trained, part = _fall(model, _data())
    assert part < 0.5
    assert not np.array_equal(trained.parameters["loop/body/dense"]["weights"], 0.5 * EYE)


def test_weights_inside_branches_learn_where_their_branch_runs():
    builder = NeuralNetworkBuilder({"x": array(3), "c": array(1)}, {"y": array(3)}, exact=True)
    sides = {
        field: _part().add("innerProduct", "dense", ["x"], ["y"], weights=EYE) for field in ("if_branch", "else_branch")
    }
    builder.add("branch", "branch", ["c"], [], **sides)
    trained, part = _fall(_model(builder), _data(c=np.ones((4, 1), np.float32)))
    assert part < 0.5
    assert not np.array_equal(trained.parameters["branch/if/dense"]["weights"], EYE)
    np.testing.assert_array_equal(trained.parameters["branch/else/dense"]["weights"], EYE)


def test_a_constant_learns_when_it_is_named():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("loadConstantND", "factor", [], ["k"], data=np.ones(3), shape=(3,))
    builder.add("multiplyBroadcastable", "product", ["x", "k"], ["y"])
    with pytest.raises(UpdateError, match="there are no weights that loss 'y_loss' could train"):
        UpdateTask(_model(builder), _data(), strict=False)
    _, part = _fall(_model(builder, layers=["factor"]), _data())
    assert part < 0.5


# Refusals ------------------------------------------------------------------------------------------------------------


def test_every_layer_that_blocks_the_gradient_is_named_with_its_reason():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("innerProduct", "lost", ["x"], ["h"], weights=EYE)
    builder.add("argSort", "order", ["h"], ["o"], axis=0)
    builder.add("greaterThan", "sign", ["h"], ["g"], alpha=0.0)
    builder.add("addBroadcastable", "both", ["o", "g"], ["s"])
    builder.add("innerProduct", "top", ["s"], ["y"], weights=EYE)
    with pytest.raises(UpdateError) as caught:
        UpdateTask(_model(builder, layers=["lost", "top"]), _data(), strict=False)
    for words in ("reaches layer 'lost'", "'order' (argSort), number 2: positions", "'sign' (greaterThan), number 3:"):
        assert words in str(caught.value)


def test_a_loop_without_a_bound_blocks_the_gradient():
    with pytest.raises(UpdateError, match=r"'loop' \(loop\), number 2: a loop without a bound"):
        UpdateTask(_model(_looping(0, condition=True), layers=["loop/body/dense"]), _data(), strict=False)


def test_layers_and_weights_that_do_not_exist_are_named():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)})
    builder.add("innerProduct", "top", ["x"], ["y"], weights=EYE)
    with pytest.raises(UpdateError, match="there is no layer 'tip'; the layers are top"):
        _model(builder, layers=["tip"])
    with pytest.raises(UpdateError, match="has no weight gain; it has weights"):
        UpdateTask(_model(builder, layers={"top": ["gain"]}), _data(), strict=False)


# Weights by their keys -----------------------------------------------------------------------------------------------


def test_weights_of_recurrent_and_other_layers_are_set_by_scope():
    draw = np.random.default_rng(0)
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": None})
    gates = ("input_gate", "forget_gate", "block_input", "output_gate")
    matrices = {f"{gate}_{kind}_matrix": draw.normal(size=(3, 3)) for gate in gates for kind in ("weight", "recursion")}
    activations = [Choice("sigmoid"), Choice("tanh"), Choice("tanh")]
    builder.add("uniDirectionalLSTM", "lstm", ["x"], ["h"], weight_params=matrices, activations=activations)
    unit: dict[str, Any] = {"gamma": np.ones(3), "beta": np.zeros(3), "mean": np.zeros(3), "variance": np.ones(3)}
    builder.add("batchnorm", "norm", ["h"], ["y"], **unit)
    loss = recipes.SquaredError("y")
    model = network(recipes.write_recipe(builder.spec, recipes.Recipe(losses=loss), {"y": (3,)}))
    task = UpdateTask(model, _data(), strict=False)
    gate = ParameterKey.WEIGHTS.scoped(to="lstm").scoped(to="output_gate_recursion_matrix")
    task.resume({gate: 2 * EYE, "norm/gamma/weights": np.full(3, 3.0), "learning_rate": 0.0})
    task.wait(60)
    assert task.error is None
    np.testing.assert_array_equal(
        task.model.parameters["lstm"]["weight_params"]["output_gate_recursion_matrix"], 2 * EYE
    )
    np.testing.assert_array_equal(task.model.parameters["norm"]["gamma"], np.full(3, 3.0))
    with pytest.raises(UpdateError, match=r"lstm/weights cannot be set.*lstm/input_gate_weight_matrix/weights"):
        UpdateTask(model, _data(), strict=False).resume({"lstm/weights": EYE})


# Stored forms --------------------------------------------------------------------------------------------------------


def _stored(weights: Any, **recipe: Any):
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)})
    builder.add("innerProduct", "top", ["x"], ["y"], weights=weights)
    return _model(builder, epochs=40, optimizer=recipes.SGD(0.3), **recipe)


@pytest.mark.parametrize("table", [False, True], ids=["linear", "table"])
def test_quantized_weights_stay_codes_of_the_same_scale_or_table(table):
    draw = np.random.default_rng(1).uniform(-1, 1, (3, 3)).astype(np.float32)
    old = quantize(draw, bits=4, table=table)
    trained, part = _fall(_stored(old, quantized="straight-through"), _data())
    new = trained.parameters["top"]["weights"]
    assert part < 0.5
    assert isinstance(new, Quantized)
    assert (new.bits, new.codes.dtype) == (4, np.uint8)
    for name in ("scale", "bias", "table"):
        np.testing.assert_array_equal(getattr(new, name), getattr(old, name))
    assert not np.array_equal(new.codes, old.codes)
    again = network(trained.spec)
    x = {"x": _data()["x"][0]}
    np.testing.assert_array_equal(again.predict(x)["y"], trained.predict(x)["y"])


def test_layers_that_multiply_8_bit_codes_learn_as_codes_only():
    codes = Quantized(np.int8([[100, 0, 0], [0, 100, 0], [0, 0, 100]]), np.float32([[0.01]]), None, None, 8)
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)})
    builder.add("innerProduct", "top", ["x"], ["y"], weights=codes, int8_dynamic_quantize=True)
    with pytest.raises(UpdateError, match=r"'top' .*8-bit codes.*straight-through"):
        UpdateTask(_model(builder, layers=["top"]), _data(), strict=False)
    trained, part = _fall(_model(builder, layers=["top"], quantized="straight-through", epochs=40), _data())
    assert part < 0.5
    assert trained.parameters["top"]["weights"].codes.dtype == np.int8


@pytest.mark.parametrize(("half", "dtype"), [("float16", np.float16), ("float32", np.float32)])
def test_float16_weights_are_trained_in_float32_and_stored_as_asked(half, dtype):
    model = _stored(EYE.astype(np.float16), half=half)
    parts = take_apart(model.lower(), recipe_of(model.spec))
    train, _ = parts.split(model.parameters)
    assert train["top"]["weights"].dtype == np.float32
    train["top"]["weights"] += np.float32(1e-4)
    weights = parts.stored(train, model.parameters)["top"]["weights"]
    assert weights.dtype == dtype
    np.testing.assert_array_equal(weights, (EYE + np.float32(1e-4)).astype(dtype))
    assert (
        network(model.with_parameters({"top": {"weights": weights}}).spec).parameters["top"]["weights"].dtype == dtype
    )


# A real one ----------------------------------------------------------------------------------------------------------


def test_a_trunk_that_core_ml_would_not_train_learns(real_models):
    import graphml

    model: Any = graphml.load(real_models / "transferlearning-house" / "s4tf_house_simplified_trainable_model.mlmodel")
    rows = np.random.default_rng(0)
    data = {
        "numericalInput": rows.normal(size=(16, 11)),
        "categoricalInput1": rows.integers(0, 2, (16, 1)),
        "categoricalInput2": rows.integers(0, 9, (16, 1)),
        "output_true": rows.normal(size=(16, 1)) + 20,
    }
    recipe = recipes.Recipe(recipes.Adam(0.01), layers=["embedding1", "embedding2"], epochs=2, batch_size=8)
    with pytest.raises(UpdateError, match=r"layer 'embedding1' .*is updatable, but only"):
        UpdateTask(model, data, recipe=recipe)
    trained: Any = update(model, data, strict=False, recipe=recipe)
    for name, weights in model.parameters.items():
        moved = any(not np.array_equal(weights[k], trained.parameters[name][k]) for k in weights)
        assert moved == name.startswith("embedding")
