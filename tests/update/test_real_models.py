"""Real updatable files on real data: what they learn, and one recorded update of Core ML itself."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiling import USERS, models_compile_with

import graphml
from graphml.errors import UpdateError
from graphml.update import ArrayBatchProvider, MetricKey, ParameterKey, UpdateTask, update

WHAT_TO_DRAW = {
    "airplane": "Star",
    "alarm_clock": "Moon",
    "bee": "Ice Cream",
    "sailboat": "Candle",
    "train": "Toothbrush",
    "truck": "Door",
}


# An update that Core ML did ------------------------------------------------------------------------------------------

RECORDED = [(0.66994, 0.90986), (0.66941, 0.90954)]


@pytest.fixture(scope="module")
def recorded(real_models):
    """(seed, parameters) -> where the published run ends: 100 samples, y = x, two epochs, batches of five."""
    model: Any = graphml.load(real_models / "s4tf-test" / "keras_model_personalization.mlmodel")
    model = model.with_parameters({"dense_1": {"weights": [[1.9828945]], "bias": [1.4585879]}})

    def run(seed: int, **parameters: Any) -> tuple[float, float]:
        noise = np.random.default_rng(seed).uniform(-0.05, 0.05, 100)
        x = (2 * np.arange(100) / 100 + 1.5 + noise)[:, None]
        trained: Any = update(model, {"dense_input": x, "output_true": x}, seed=seed, **parameters)
        layer = trained.parameters["dense_1"]
        return float(layer["weights"][0, 0]), float(layer["bias"][0])

    return run


def _fits(w: float, b: float) -> bool:
    return 0.63 <= w <= 0.69 and 0.89 <= b <= 0.93


def test_a_recorded_update_ends_where_core_ml_ended(recorded):
    assert all(_fits(*line) for line in RECORDED)
    ends = [recorded(seed) for seed in range(10)]
    assert all(_fits(*line) for line in ends), ends


def test_half_the_gradient_or_no_shuffle_would_not_fit_the_record(recorded):
    halved = [recorded(seed, learning_rate=0.005) for seed in range(10)]
    in_order = [recorded(seed, shuffle=False) for seed in range(10)]
    assert not any(_fits(*line) for line in [*halved, *in_order])


# A network from scratch ----------------------------------------------------------------------------------------------


def _digits(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    with gzip.open(folder / "data/mnist/t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / "data/mnist/t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return images.astype(np.float32) / 255, labels.astype(np.int32)


def _digit_accuracy(model: Any, images: np.ndarray, labels: np.ndarray) -> float:
    """By the floats of the pure function: the file declares its probabilities as integers."""
    lowered = model.lower()
    answer = jax.jit(jax.vmap(lambda image: jnp.argmax(lowered.fn(lowered.params, {"image": image})["output"])))
    return float(np.mean(np.concatenate([answer(part) for part in np.split(images, 5)]) == labels))


def test_digits_are_learned_from_chance_by_the_recipe_of_the_file(real_models, tmp_path, monkeypatch):
    models_compile_with(monkeypatch, USERS)  # hundreds of steps take longer than compiling
    images, labels = _digits(real_models)
    model: Any = graphml.load(real_models / "cnn-retrainable" / "MNIST_Model.mlmodel")
    assert _digit_accuracy(model, images[5000:], labels[5000:]) < 0.2
    trained: Any = update(model, {"image": images[:2000], "output_true": labels[:2000, None]})
    assert _digit_accuracy(trained, images[5000:], labels[5000:]) > 0.95
    trained.save(tmp_path / "digits.mlmodel")
    again: Any = graphml.load(tmp_path / "digits.mlmodel")
    run = jax.jit(trained.lower().fn)
    before, after = (run(m.lower().params, {"image": images[0]})["output"] for m in (trained, again))
    assert np.array_equal(before, after)
    assert not np.array_equal(before, run(model.lower().params, {"image": images[0]})["output"])


# A classifier made personal ------------------------------------------------------------------------------------------


def _raster(strokes) -> np.ndarray:
    """Pen strokes [[xs, ys], ...] as 28 x 28 pixels, white on black, as large as fits."""
    drawing = pytest.importorskip("PIL.ImageDraw", reason="Pillow, which draws here, is not installed")
    from PIL import Image

    points = [np.stack([np.asarray(axis, float) for axis in stroke[:2]], 1) for stroke in strokes]
    low, high = np.concatenate(points).min(0), np.concatenate(points).max(0)
    canvas = Image.new("L", (560, 560), 0)
    pen = drawing.Draw(canvas)
    for stroke in points:
        placed = (stroke - (low + high) / 2) * 515 / max(high - low) + 280
        pen.line([tuple(point) for point in placed], fill=255, width=24, joint="curve")
    return np.asarray(canvas.resize((28, 28), Image.Resampling.BOX))


def _sketcher(folder: Path) -> Any:
    return graphml.load(folder / "draws" / "QuickDrawUpdatable.mlmodel")


def test_the_sketch_classifier_sees_white_on_black(real_models):
    model = _sketcher(real_models)
    angles = np.arange(6) * 4 * np.pi / 5
    known = {
        "Envelope": [([0, 100, 100, 0, 0], [0, 0, 60, 60, 0]), ([0, 50, 100], [0, 35, 0])],
        "Star": [(50 * np.sin(angles), -50 * np.cos(angles))],
        "Tent": [([0, 50, 100, 0], [80, 0, 80, 80]), ([50, 40, 60], [0, 80, 80])],
    }
    for label, strokes in known.items():
        assert model.predict({"image": _raster(strokes)})["classLabel"] == label
        assert model.predict({"image": 255 - _raster(strokes)})["classLabel"] != label


def _sketches(folder: Path) -> tuple[list[dict], list[dict]]:
    train, held_out = [], []
    for name, label in WHAT_TO_DRAW.items():
        drawings = json.loads((folder / f"data/quickdraw-raw/small_raw_{name}.json").read_text())
        rows = [{"image": _raster(d["drawing"]), "classLabel": label} for d in drawings]
        train += rows[:40]
        held_out += rows[40:50]
    return train, held_out


def test_drawings_of_other_things_become_the_meaning_of_known_labels(real_models):
    model = _sketcher(real_models)
    train, held_out = _sketches(real_models)

    def accuracy(model: Any) -> float:
        answers = model.predict_batch([{"image": row["image"]} for row in held_out])
        return float(np.mean([a["classLabel"] == row["classLabel"] for a, row in zip(answers, held_out, strict=True)]))

    assert accuracy(model) < 0.3
    losses: list[float] = []
    while len(losses) < 3 or min(losses[-2:]) < 0.95 * min(losses[:-2]):  # until the loss stops falling
        task = UpdateTask(model, train)
        task.resume({ParameterKey.LEARNING_RATE: 0.0002, ParameterKey.SEED: len(losses)})
        task.wait()
        assert task.error is None
        assert task.parameters[ParameterKey.EPOCHS] == task.parameters[ParameterKey.MINI_BATCH_SIZE] == 1
        model = task.model
        losses.append(task.metrics[MetricKey.LOSS_VALUE])
        if losses[-1] < 0.01:
            break
    assert losses[-1] < 0.1 * losses[0]
    assert accuracy(model) > 0.6


def test_the_sketch_classifier_allows_one_epoch_only(real_models):
    with pytest.raises(UpdateError, match=r"^epochs=5 is refused; allowed: \{1\}$"):
        UpdateTask(_sketcher(real_models), []).resume({"epochs": 5})


# Files with something missing, and trunks of other kinds -------------------------------------------------------------


def test_a_broken_recipe_is_refused_with_its_reasons(real_models):
    model: Any = graphml.load(real_models / "archdanny" / "newcoreml.mlmodel")
    with pytest.raises(UpdateError) as caught:
        UpdateTask(model, [])
    for words in ("specification version 1", "loss"):
        assert words in str(caught.value)
    with pytest.raises(UpdateError, match="the model cannot be trained: it has no loss layer"):
        UpdateTask(model, [], strict=False)


def _houses(folder: Path, which: str) -> dict[str, np.ndarray]:
    """Two columns are categories: by a river or not, and one of nine indices of access to roads."""
    columns = {
        k: np.genfromtxt(folder / f"data/housing/data/normed_{k}_data.csv", delimiter=",") for k in ("train", "test")
    }
    both = np.concatenate(list(columns.values())).round(6)
    rows = columns[which]
    river, roads = (np.searchsorted(np.unique(both[:, c]), rows[:, c].round(6)) for c in (3, 8))
    return {
        "numericalInput": np.delete(rows, [3, 8], axis=1),
        "categoricalInput1": river[:, None],
        "categoricalInput2": roads[:, None],
        "output_true": np.genfromtxt(folder / f"data/housing/data/{which}_labels.csv", delimiter=",")[:, None],
    }


def test_house_prices_are_learned_above_frozen_embeddings(real_models):
    model: Any = graphml.load(real_models / "transferlearning-house" / "s4tf_house_simplified_trainable_model.mlmodel")
    test = _houses(real_models, "test")
    prices = test.pop("output_true")

    def error(model: Any) -> float:
        answers = model.predict_batch(list(ArrayBatchProvider(test)))
        return float(np.mean(np.abs(np.stack([answer["output"] for answer in answers]) - prices)))

    trained: Any = update(model, _houses(real_models, "train"))
    guessing = float(np.mean(np.abs(prices - np.median(prices))))
    assert error(trained) < 3 < guessing < error(model)
    assert trained.parameters["embedding2"] is model.parameters["embedding2"]
