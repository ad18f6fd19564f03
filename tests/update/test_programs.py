"""Training of ML Programs: by the same steps as a network of layers, whose results are the independent answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiling import QUICK
from program_packages import in_another_order
from update.killed import bits
from update.networks import pipeline
from update.programs import (
    CELL,
    CONVOLUTIONAL,
    MLP,
    convolutional,
    convolutional_layers,
    copied,
    drawn,
    mlp,
    mlp_data,
    mlp_layers,
    program,
    tagger,
    weights_of,
    with_codes,
    with_files,
)

import graphml
from graphml import recipes
from graphml.build import ProgramBuilder
from graphml.errors import UnsupportedError, UpdateError
from graphml.models.configuration import ModelConfiguration
from graphml.recipes import Recipe
from graphml.spec.program.compression import AffineWeights
from graphml.spec.validate import validate
from graphml.update import (
    Delta,
    MetricKey,
    TaskState,
    UpdateEvent,
    UpdateProgressHandlers,
    UpdateTask,
    apply_delta,
    federated_average,
    make_updatable,
    parameter_value,
    save_delta,
    update,
    update_many,
)
from graphml.update.users.deltas import fingerprint

MODEL = mlp()  # one for all tests, so that its programs compile once
HALF = mlp("float16")
STEPS = Recipe(recipes.SGD(0.1), epochs=3, batch_size=5)
DATA = mlp_data()


def _trained(model: Any, data: Any, recipe: Recipe | None = STEPS, **more: Any) -> Any:
    task = UpdateTask(model, data, recipe=recipe, strict=False, **more)
    task.resume()
    assert task.wait(60) is TaskState.COMPLETED, task.error
    return task


def _once() -> Any:
    return _trained(MODEL, DATA).model


def _assert_close(a: Any, b: Any, rtol: float = 2e-5) -> None:
    np.testing.assert_allclose(np.asarray(a, np.float32), np.asarray(b, np.float32), rtol=rtol, atol=2e-6)


# The same steps as a network -----------------------------------------------------------------------------------------


def test_a_classifier_gets_the_weights_and_losses_of_the_same_network():
    rows = {**DATA, "x": DATA["x"][:, 0]}
    program, network = _trained(MODEL, DATA), _trained(mlp_layers(), rows)
    mine, theirs = weights_of(program.model), network.model.parameters
    for layer in ("first", "second"):
        _assert_close(mine[f"{layer}_weight"], theirs[layer]["weights"])
        _assert_close(mine[f"{layer}_bias"], theirs[layer]["bias"])
        assert not np.array_equal(mine[f"{layer}_weight"], MLP[f"{layer}_weight"])
    _assert_close([record.loss for record in program.history], [record.loss for record in network.history])
    x = DATA["x"][0]
    ours, other = program.model.predict({"x": x}), network.model.predict({"x": x[0]})
    assert ours["classLabel"] == other["classLabel"]
    _assert_close(list(ours["classLabel_probs"].values()), list(other["p"].values()))


def test_a_convolutional_program_gets_the_weights_of_the_same_network():
    draw = np.random.default_rng(5)
    x, y = draw.normal(size=(8, 1, 2, 6, 6)).astype("f"), draw.normal(size=(8, 1, 2)).astype("f")
    recipe = Recipe(recipes.Adam(0.01), epochs=2, batch_size=4)
    mine = weights_of(_trained(convolutional(), {"x": x, "y_true": y}, recipe).model)
    theirs = _trained(convolutional_layers(), {"x": x[:, 0], "y_true": y[:, 0]}, recipe).model.parameters
    for name, (layer, weight) in {
        "kernel": ("conv", "weights"),
        "bias": ("conv", "bias"),
        "gamma": ("norm", "gamma"),
        "beta": ("norm", "beta"),
        "weight": ("top", "weights"),
        "out": ("top", "bias"),
    }.items():
        assert not np.array_equal(mine[name], CONVOLUTIONAL[name])
        _assert_close(mine[name].reshape(-1), np.asarray(theirs[layer][weight]).reshape(-1), rtol=2e-4)
    for name in ("mean", "variance"):  # statistics of past data
        np.testing.assert_array_equal(mine[name], CONVOLUTIONAL[name])


def test_a_tagger_with_lstm_descends_the_gradient_of_its_loss():
    model = tagger()
    draw = np.random.default_rng(6)
    data = {"x": draw.normal(size=(4, 6, 1, 3)).astype("f"), "y_true": draw.integers(0, 2, size=(4, 6, 1, 2))}
    lowered = model.lower()

    def loss_of(params):
        def one(x, target):
            p = lowered.fn(params, {"x": x})["y"]
            return -jnp.mean(jnp.where(target == 1, jnp.log(p), jnp.log1p(-p)))

        return jnp.mean(jax.vmap(one)(data["x"], data["y_true"]))

    gradient = jax.jit(jax.grad(loss_of), compiler_options=QUICK)(lowered.params)
    recipe = Recipe(recipes.SGD(0.5), losses=recipes.BinaryCrossEntropy(), batch_size=4)
    learned = weights_of(_trained(model, data, recipe).model)
    for name in ("weight_ih", "weight_hh", "bias", "weight"):
        _assert_close(learned[name], CELL[name] - 0.5 * gradient[name]["val"], rtol=1e-4)
        assert not np.array_equal(learned[name], CELL[name])
    assert not learned["start"].any()  # a beginning is no weight


# Types and files -----------------------------------------------------------------------------------------------------


def test_half_precision_is_trained_in_float32_and_stored_as_it_was():
    learned, whole = weights_of(_trained(HALF, DATA).model), weights_of(_once())
    old = weights_of(HALF)
    for name, weight in learned.items():
        assert weight.dtype == np.float16
        assert not np.array_equal(weight, old[name])
        np.testing.assert_allclose(weight, whole[name], atol=4e-3)


@pytest.mark.parametrize("model", [MODEL, HALF], ids=["float32", "float16"])
def test_a_saved_program_differs_only_in_its_weights(tmp_path, model):
    before, after = tmp_path / "before.mlpackage", tmp_path / "after.mlpackage"
    model.save(before)
    task = _trained(before, DATA)
    task.model.save(after)
    old, new = _files(before), _files(after)
    assert old.keys() == new.keys()
    changed = {name for name in old if old[name] != new[name]}
    assert {Path(name).name for name in changed} == {"weight.bin", "model.mlmodel"}  # small ones are in the program
    validate(graphml.spec.read(after))
    read = graphml.load(after)
    assert not read.spec.HasField("trainingRecipe")
    assert not read.spec.description.trainingInput
    assert _bits(read) == _bits(task.model) != _bits(model)
    task.model.save(before)  # also in place
    assert _bits(graphml.load(before)) == _bits(task.model)


def test_weights_in_the_weight_file_change_nothing_else(tmp_path):
    """The program keeps its bytes, in whatever order its writer put them."""
    before, after = tmp_path / "before.mlpackage", tmp_path / "after.mlpackage"
    MODEL.save(before)
    old = _files(in_another_order(before))
    trained = _trained(before, DATA, Recipe(recipes.SGD(0.1), layers=["first_weight", "second_weight"]))
    for place in (after, before):
        trained.model.save(place)
        new = _files(place)
        assert old.keys() == new.keys()
        assert {Path(name).name for name in old if old[name] != new[name]} == {"weight.bin"}


def _files(package: Path) -> dict[str, bytes]:
    return {str(path.relative_to(package)): path.read_bytes() for path in package.rglob("*") if path.is_file()}


def _bits(model: Any) -> list[bytes]:
    answers = [model.predict({"x": x})["classLabel_probs"] for x in DATA["x"][:3]]
    return [np.float32(list(answer.values())).tobytes() for answer in answers]


def test_weights_that_were_replaced_are_where_training_begins(tmp_path):
    other = {"second_weight": {"val": MLP["second_weight"] + 1}}
    started = MODEL.with_parameters(other)
    started.save(tmp_path / "started.mlpackage")
    read = graphml.load(tmp_path / "started.mlpackage")
    again = _trained(started, DATA).model
    assert _bits(again) == _bits(_trained(read, DATA).model) != _bits(_once())
    twice = _trained(again, DATA).model  # and a trained program is trained on
    assert _bits(twice) != _bits(again)


# What learns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["second"], {"second_weight", "second_bias"}),
        (["first_bias", "second_bias"], {"first_bias", "second_bias"}),
        ({"second": ["weight"], "first_bias": []}, {"second_weight", "first_bias"}),
    ],
)
def test_a_recipe_names_operations_or_constants(layers, expected):
    old, new = MLP, weights_of(_trained(MODEL, DATA, Recipe(recipes.SGD(0.1), layers=layers)).model)
    assert {name for name in old if not np.array_equal(old[name], new[name])} == expected


def test_only_weights_can_be_named():
    def refused(words: str, model: Any = MODEL, **fields: Any) -> None:
        with pytest.raises(UpdateError, match=words):
            UpdateTask(model, DATA, recipe=Recipe(**fields), strict=False)

    refused("there is no operation 'third'; the operations are first, second", layers="third")
    refused(r"'first' \(linear\) receives no constant gamma; it receives bias, weight", layers={"first": ["gamma"]})
    refused(r"operation 'relu' \(relu\), number 6: it has no weights", layers="relu")
    refused("nothing in the model writes it", losses=recipes.Huber("nowhere"))
    refused("statistics='updated' is for layers that store", convolutional(), statistics="updated")


def test_compressed_weights_stay_as_they_are(tmp_path):
    codes = np.arange(32, dtype=np.int8).reshape(8, 4)
    model = with_codes(MODEL, "first_weight", codes)
    with pytest.raises(UpdateError, match=r"operation 'first_weight' .*: its stored form is compressed"):
        UpdateTask(model, DATA, recipe=Recipe(layers="first"), strict=False)
    learned = _trained(model, DATA).model
    kept = learned.parameters["first_weight"]["val"]
    assert isinstance(kept, AffineWeights)
    assert not np.array_equal(learned.parameters["second_weight"]["val"], MLP["second_weight"])
    learned.save(tmp_path / "net.mlpackage")
    read = graphml.load(tmp_path / "net.mlpackage")
    assert _bits(read) == _bits(learned) != _bits(model)
    np.testing.assert_array_equal(read.parameters["first_weight"]["val"].quantized, codes)
    delta = graphml.update.users.deltas.difference(read, model)  # another object with the same codes
    assert set(delta.weights) == {"first_bias/val", "second_weight/val", "second_bias/val"}
    assert fingerprint(model) != fingerprint(with_codes(MODEL, "first_weight", codes + 1))


def test_a_value_in_the_place_of_an_argument_does_not_learn():
    """Files may write a value where it is used; such a value has no name under which it could be stored."""
    message, operations = copied(MODEL)
    linear, bias = operations["second"], operations["second_bias"]
    linear.inputs["bias"].arguments[0].value.CopyFrom(bias.attributes["val"])
    model = with_files(message, MODEL)
    learned = _trained(model, DATA).model
    assert np.array_equal(learned.parameters["second.bias"]["val"], MLP["second_bias"])
    assert not np.array_equal(learned.parameters["second_weight"]["val"], MLP["second_weight"])
    with pytest.raises(UnsupportedError, match=r"'second\.bias' is written inline as an argument"):
        _ = model.with_parameters({"second.bias": {"val": MLP["second_bias"] + 1}}).spec


# Recipes -------------------------------------------------------------------------------------------------------------


def test_without_a_recipe_there_is_one_of_defaults():
    task = UpdateTask(MODEL, DATA, ModelConfiguration(parameters={"epochs": 2}), strict=False)
    task.resume({"learning_rate": 0.1, "second_bias/weights": [1, 2, 3]})
    task.wait(60)
    assert task.error is None
    assert len(task.history.epochs) == 2
    assert not np.array_equal(parameter_value(task.model, "second_bias/weights"), MLP["second_bias"])
    np.testing.assert_array_equal(parameter_value(MODEL, "second_bias/weights"), MLP["second_bias"])
    plain = update(MODEL, DATA, strict=False, epochs=2)
    assert _bits(plain) != _bits(task.model)


def test_losses_dropout_metrics_and_events():
    """A loss on a blob inside whose target is declared by its traced shape, dropout, validation, a Python function."""
    seen: list[Any] = []
    handlers = UpdateProgressHandlers(UpdateEvent.EPOCH_END, lambda context: seen.append(_bits(context.model)))
    recipe = Recipe(
        recipes.Adam(0.01),
        losses=[recipes.CrossEntropy(), recipes.SquaredError("relu", weight=0.1)],
        epochs=4,
        dropout={"relu": 0.3},
        validation_fraction=0.25,
        metrics=recipes.Accuracy(),
    )
    data = {**DATA, "relu_true": np.zeros((12, 1, 8), "f")}
    task = _trained(MODEL, data, recipe, progress_handlers=handlers)
    assert len(seen) == 4
    assert seen[-1] == _bits(task.model) != seen[0]
    assert set(task.history.epochs[-1].metrics) == {"accuracy"}
    assert task.metrics[MetricKey.EPOCH_INDEX] == 3
    function = Recipe(recipes.SGD(0.1), losses=lambda logits, target: -jnp.log(logits[target]), epochs=3, batch_size=5)
    mine = weights_of(_trained(MODEL, DATA, function).model)
    for name, weight in weights_of(_once()).items():
        _assert_close(mine[name], weight, rtol=1e-3)


def test_images_are_augmented():
    builder = ProgramBuilder()
    x = builder.input("x", (1, 3, 4, 4), image="RGB")
    w = drawn(9, weight=(2, 3, 4, 4))["weight"] / 100
    w = (w + w[..., ::-1]).reshape(2, 48)  # what it makes of an image does not change when that is mirrored
    builder.output("y", builder.linear(builder.reshape(x, shape=[1, 48]), w, name="top"))
    model = program(builder)
    image = np.random.default_rng(0).integers(0, 256, size=(4, 4, 3)).astype(np.uint8)
    data = [{"x": image, "y_true": np.ones((1, 2), "f")}]
    plain, turned = (
        weights_of(_trained(model, data, Recipe(recipes.SGD(1e-6), augmentation=steps)).model)["top_weight"] - w
        for steps in ((), recipes.Flip(1.0))
    )
    assert plain.any()
    _assert_close(turned.reshape(2, 3, 4, 4)[..., ::-1], plain.reshape(2, 3, 4, 4), rtol=1e-3)
    with pytest.raises(UpdateError, match="the model has no image input"):
        UpdateTask(MODEL, DATA, recipe=Recipe(augmentation=recipes.Flip()), strict=False)


# Refused -------------------------------------------------------------------------------------------------------------


def test_core_ml_would_update_no_program():
    with pytest.raises(UpdateError, match=r"Core ML would not update this model[^\n]*\n  the model is an ML Program"):
        UpdateTask(MODEL, DATA, recipe=STEPS)
    with pytest.raises(UpdateError, match="Core ML would not update this model"):
        update_many(MODEL, [DATA])
    with pytest.raises(UpdateError, match="an ML Program keeps no recipe"):
        make_updatable(MODEL)


def test_programs_with_several_functions_or_a_state_are_refused():
    builder = ProgramBuilder()
    builder.output("y", builder.linear(builder.input("x", (1, 4)), MLP["first_weight"]))
    builder.function("other")
    builder.output("y", builder.linear(builder.input("x", (1, 4)), MLP["first_weight"]))
    with pytest.raises(UpdateError, match="only ML Programs with one function can be trained; this one has 'main'"):
        UpdateTask(program(builder), [], strict=False)
    builder = ProgramBuilder("CoreML8")
    state = builder.state("memory", (1, 4))
    kept = builder.cast(builder.read_state(state), dtype="fp32")
    builder.output("y", builder.linear(builder.add(builder.input("x", (1, 4)), kept), MLP["first_weight"]))
    with pytest.raises(UpdateError, match=r"a model with a state \(memory\) cannot be trained"):
        UpdateTask(program(builder), [], strict=False)


# Many users, deltas, averages ----------------------------------------------------------------------------------------

USERS = [mlp_data(6, seed=11), mlp_data(9, seed=12)]


@pytest.mark.parametrize("model", [MODEL, HALF], ids=["float32", "float16"])
def test_many_users_deltas_and_averages(tmp_path, model):
    pytest.importorskip("safetensors", reason="deltas are an optional extra, which is not installed here")
    recipe = Recipe(recipes.SGD(0.1), epochs=2, batch_size=4)
    result = update_many(model, USERS, recipe=recipe, strict=False)
    alone = [_trained(model, data, recipe) for data in USERS]
    for number, task in enumerate(alone):
        mine, theirs = weights_of(result.models[number]), weights_of(task.model)
        for name in MLP:
            assert mine[name].dtype == theirs[name].dtype
            np.testing.assert_allclose(mine[name], theirs[name], rtol=2e-5 if model is MODEL else 2e-3, atol=2e-6)
        assert not result.models[number].spec.HasField("trainingRecipe")

    base, file = tmp_path / "base.mlpackage", tmp_path / "anna.safetensors"
    model.save(base)
    result.delta(0).save(file)
    assert set(Delta.read(file).weights) == {f"{name}/val" for name in MLP}
    assert _bits(apply_delta(base, file)) == _bits(result.models[0])
    alone[0].model.save(tmp_path / "anna.mlpackage")
    save_delta(tmp_path / "anna.mlpackage", base, file)
    assert _bits(apply_delta(model, file)) == _bits(alone[0].model)
    assert fingerprint(graphml.load(base)) == fingerprint(model)
    with pytest.raises(UpdateError, match="belongs to another model"):
        apply_delta(alone[0].model, file)
    with pytest.raises(UpdateError, match="more than weights and recipe"):
        save_delta(convolutional(), base, file)

    mean = federated_average(base, [result.delta(0), alone[1].model], weights=[6, 9])
    for name, weight in weights_of(mean).items():
        expected = (6 * np.float32(weights_of(result.models[0])[name]) + 9 * weights_of(alone[1].model)[name]) / 15
        assert weight.dtype == weights_of(model)[name].dtype
        np.testing.assert_allclose(weight, expected, rtol=1e-5 if model is MODEL else 2e-3, atol=1e-6)
    mean.save(tmp_path / "mean.mlpackage")
    assert _bits(graphml.load(tmp_path / "mean.mlpackage")) == _bits(mean)


# Checkpoints ---------------------------------------------------------------------------------------------------------


def test_a_resumed_task_ends_in_the_same_bits(tmp_path):
    pytest.importorskip("orbax.checkpoint", reason="checkpoints are an optional extra, which is not installed here")
    model = tmp_path / "net.mlpackage"
    MODEL.save(model)
    task = UpdateTask(model, DATA, recipe=STEPS, strict=False, checkpoint_dir=tmp_path / "work", checkpoint_seconds=0)
    task._handlers = UpdateProgressHandlers(UpdateEvent.EPOCH_END, lambda context: context.task.cancel())
    task.resume()
    task.wait(60)
    assert task.cancelled
    kept = tmp_path / "work" / "model.mlpackage"
    assert {path.stat().st_mode & 0o77 for path in (kept, *kept.rglob("*"))} == {0}
    del task
    again = UpdateTask.restore(tmp_path / "work")
    again.resume()
    assert again.wait(60) is TaskState.COMPLETED
    whole = _once()
    assert _bits(again.model) == _bits(whole)
    assert bits(again.model) == bits(whole)
    assert not again.model.spec.HasField("trainingRecipe")
    again._learner.checkpoints.directory.close()
    done = UpdateTask.restore(tmp_path / "work")
    assert done.state is TaskState.COMPLETED
    assert _bits(done.model) == _bits(whole)


# As the last stage of a pipeline -------------------------------------------------------------------------------------


def test_the_last_stage_of_a_pipeline_may_be_a_program(tmp_path):
    builder = ProgramBuilder()
    x = builder.reshape(builder.input("x", (4,)), shape=[1, 4])
    builder.output("y", builder.linear(x, MLP["second_weight"][:2, :4], name="top"))
    message, _ = copied(program(builder))
    message.description.trainingInput.add(name="y_true").type.CopyFrom(message.description.output[0].type)
    whole = pipeline(message, 2, 4)
    whole.isUpdatable, whole.specificationVersion = False, message.specificationVersion
    model = graphml.load(whole)
    draw = np.random.default_rng(8)
    data = {"given": draw.normal(size=(6, 2)).astype("f"), "y_true": draw.normal(size=(6, 1, 2)).astype("f")}
    learned = _trained(model, data, STEPS).model
    learned.save(tmp_path / "both.mlmodel")
    read = graphml.load(tmp_path / "both.mlmodel")
    one = {"given": data["given"][0]}
    np.testing.assert_array_equal(read.predict(one)["y"], learned.predict(one)["y"])
    assert not np.array_equal(read.predict(one)["y"], model.predict(one)["y"])
    assert not read.models["head"].spec.HasField("trainingRecipe")
    np.testing.assert_array_equal(read.models["embed"].predict(one)["x"], model.models["embed"].predict(one)["x"])
