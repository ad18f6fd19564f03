"""The file of a personal model, and the average over many of them."""

from __future__ import annotations

import builtins
import json
from typing import Any

import numpy as np
import pytest
from update.networks import classifier, network, regression, with_recipe

from graphml import recipes
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import MissingExtraError, ShapeError, SpecError, UpdateError
from graphml.spec.weights import Quantized, quantize
from graphml.update import Delta, apply_delta, federated_average, make_updatable, save_delta
from graphml.update.users.deltas import _as_tensors, _digest, fingerprint, leaves

pytest.importorskip("safetensors", reason="deltas are an optional extra, which is not installed here")

BASE = regression()


def _personal(seed: int, base: Any = BASE) -> Any:
    draw = np.random.default_rng(seed)
    new = {n: np.asarray(w) + draw.normal(size=w.shape).astype(w.dtype) for n, w in base.parameters["top"].items()}
    return base.with_parameters({"top": new})


def _file(tmp_path, personal, base=BASE):
    path = tmp_path / "anna.safetensors"
    save_delta(personal, base, path)
    return path


def test_a_delta_holds_what_has_changed_and_gives_the_same_bits(tmp_path):
    personal = _personal(1)
    path = _file(tmp_path, personal)
    delta = Delta.read(path)
    assert set(delta.weights) == {"top/weights", "top/bias"}
    assert list(tmp_path.iterdir()) == [path]
    again, x = apply_delta(BASE, path), {"x": np.float32([1, -2, 3])}
    assert again.predict(x)["y"].tobytes() == personal.predict(x)["y"].tobytes()
    assert again.predict(x)["y"].tobytes() != BASE.predict(x)["y"].tobytes()
    assert apply_delta(BASE, delta).spec == personal.spec
    assert Delta.read(_file(tmp_path, BASE)).weights == {}


def test_a_delta_may_be_read_by_whoever_may_read_other_files(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"")
    assert _file(tmp_path, BASE).stat().st_mode == other.stat().st_mode


def test_models_from_files_and_with_another_recipe_have_the_same_base(tmp_path):
    personal = make_updatable(_personal(2), ["top"], loss=recipes.Huber("y"), optimizer=recipes.Lion(0.01))
    personal.spec.description.metadata.author = "Anna"
    for name, model in (("base", BASE), ("personal", personal)):
        model.save(tmp_path / f"{name}.mlmodel")
    path = _file(tmp_path, tmp_path / "personal.mlmodel", tmp_path / "base.mlmodel")
    assert apply_delta(BASE, path).spec == _personal(2).spec


def test_quantized_weights_stay_codes(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(3)})
    weights = quantize(np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32), bits=4)
    builder.add("innerProduct", "top", ["x"], ["y"], weights=weights, bias=np.zeros(3), updatable=True)
    base = network(with_recipe(builder, "y", "y_true", array(3)))
    old = base.parameters["top"]["weights"]
    codes = Quantized((old.codes + 1) % 16, old.scale, old.bias, old.table, old.bits)
    personal = base.with_parameters({"top": {"weights": codes}})
    again = apply_delta(base, _file(tmp_path, personal, base))
    assert again.spec == personal.spec
    assert again.parameters["top"]["weights"].bits == 4
    floats = base.with_parameters({"top": {"weights": old.dequantize() + np.float32(0.1)}})
    assert apply_delta(base, _file(tmp_path, floats, base)).spec == floats.spec
    mean = federated_average(base, [floats, base]).parameters["top"]["weights"]
    np.testing.assert_allclose(mean, old.dequantize() + 0.05, rtol=1e-5)


@pytest.mark.parametrize("name", ["personal.st", "personal", "personal.mlmodel", "personal.SAFETENSORS"])
def test_a_file_is_known_as_a_delta_by_its_content(name, tmp_path):
    path = tmp_path / name
    save_delta(_personal(1), BASE, path)
    assert federated_average(BASE, [path]).spec == _personal(1).spec
    _personal(1).save(tmp_path / "model.mlmodel")
    (tmp_path / "model.mlmodel").rename(tmp_path / "no suffix")
    assert federated_average(BASE, [tmp_path / "no suffix"]).spec == _personal(1).spec


def test_another_base_is_refused(tmp_path):
    path, other = _file(tmp_path, _personal(1)), regression(seed=5)
    with pytest.raises(UpdateError, match="belongs to another model"):
        apply_delta(other, path)
    with pytest.raises(UpdateError, match="belongs to another model"):
        apply_delta(_personal(1), path)
    with pytest.raises(UpdateError, match="user 0\n  the delta belongs to another model"):
        federated_average(other, [path])
    with pytest.raises(UpdateError, match="in more than weights and recipe"):
        save_delta(classifier(), BASE, path)


def test_weights_that_do_not_fit_are_refused():
    for name, shape in (("top/weights", (5, 2)), ("top/bias", (1, 2)), ("middle/bias", (2,))):
        with pytest.raises(ShapeError, match=name):
            apply_delta(BASE, Delta(fingerprint(BASE), {name: np.zeros(shape, np.float32)}))


def test_any_damage_is_noticed(tmp_path):
    path = _file(tmp_path, _personal(1))
    good = path.read_bytes()
    draw = np.random.default_rng(0)
    header = 8 + int.from_bytes(good[:8], "little")
    written = 8 + len(good[8:header].rstrip())  # spaces behind it are no damage
    assert json.loads(good[8:header])["__metadata__"]["base"] == fingerprint(BASE)
    places = {*range(8), *range(header, len(good)), *draw.integers(8, written, 100).tolist()}
    for place in sorted(places):
        damaged = bytearray(good)
        damaged[place] ^= 1 << int(draw.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(SpecError, match=r"anna\.safetensors is"):
            Delta.read(path)
    for data in (b"", good[:-1], good[: header - 5], b"[]", BASE.spec.SerializeToString()):
        path.write_bytes(data)
        with pytest.raises(SpecError, match=r"anna\.safetensors is not a delta"):
            apply_delta(BASE, path)


def _forged(model: Any, changes: dict[str, Any], **facts: Any) -> bytes:
    """A delta of somebody who knows how digests are made. changes: tensors, None to leave one out; facts: likewise."""
    from safetensors.numpy import save

    tensors, bits = _as_tensors({name: weight for name, (_, weight) in leaves(model)})
    plain = {"format": "graphml delta 1", "base": fingerprint(model), "quantized": json.dumps(bits)}
    tensors = {name: array for name, array in {**tensors, **changes}.items() if array is not None}
    plain = {name: fact for name, fact in {**plain, **facts}.items() if fact is not None}
    return save(tensors, {**plain, "digest": _digest(tensors, plain)})


def _in_codes(*, table: bool = False) -> Any:
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(3)})
    weights = quantize(np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32), bits=2, table=table)
    builder.add("innerProduct", "top", ["x"], ["y"], weights=weights, bias=np.ones(3), updatable=True)
    return network(with_recipe(builder, "y", "y_true", array(3)))


CODES, TABLE = _in_codes(), _in_codes(table=True)
KEY = "top/weights"


@pytest.mark.parametrize(
    ("base", "changes", "facts", "words"),
    [
        (BASE, {}, {"base": None}, "the base must be a fingerprint of .*, got ''"),
        (BASE, {}, {"base": "\x1b[31m" * 9}, r"the base must be a fingerprint of .*, got '\\x1b"),
        (BASE, {}, {"quantized": None}, "the list of quantized weights is damaged"),
        (BASE, {}, {"quantized": "[" * 100_000}, "the list of quantized weights is damaged"),
        (BASE, {}, {"quantized": "[]"}, "the list of quantized weights must be an object, got a list"),
        (BASE, {}, {"quantized": '{"a": 2, "a": 3}'}, "an object has a repeated key"),
        (BASE, {}, {"quantized": '{"top/bias": 2}'}, "'top/bias' is stored twice"),
        (BASE, {}, {"quantized": '{"other": 2}'}, "'other': codes must be uint8 or int8, got None"),
        (BASE, {"top/bias": np.zeros(2, np.complex64)}, {}, "'top/bias': weights must be float32, .*, got complex64"),
        (BASE, {"top/bias": np.zeros(2, np.int32)}, {}, "'top/bias': weights must be float32, .*, got int32"),
        (BASE, {"top/bias": np.full(2, 1e300)}, {}, "'top/bias': an element is too large for float32"),
        (CODES, {}, {"quantized": '{"top/weights": true}'}, "1 to 8 bits, got True"),
        (CODES, {}, {"quantized": '{"top/weights": 9}'}, "1 to 8 bits, got 9"),
        (CODES, {}, {"quantized": '{"top/weights": 1}'}, "codes of 1 bits must be at most 1, got 3"),
        (CODES, {f"{KEY}.codes": np.zeros((3, 4), np.int64)}, {}, "codes must be uint8 or int8, got int64"),
        (CODES, {f"{KEY}.codes": np.zeros((3, 4), np.int8)}, {}, "int8 codes have 8 bits"),
        (CODES, {f"{KEY}.scale": None}, {}, "expected either a scale or a table, got neither"),
        (CODES, {f"{KEY}.table": np.zeros(4, np.float32)}, {}, "expected either a scale or a table, got both"),
        (
            CODES,
            {f"{KEY}.scale": np.ones((3, 4), np.float32)},
            {},
            r"the scale of codes \[3, 4\] must be one float32, or",
        ),
        (CODES, {f"{KEY}.bias": np.ones((5, 1), np.float32)}, {}, r"the bias of .*, got float32\[5, 1\]"),
        (CODES, {f"{KEY}.scale": np.ones((3, 1), np.int32)}, {}, r"the scale of .*, got int32\[3, 1\]"),
        (TABLE, {f"{KEY}.codes": np.full((3, 4), 4, np.uint8)}, {}, "codes of 2 bits must be at most 3, got 4"),
        (
            TABLE,
            {f"{KEY}.table": np.zeros(3, np.float32)},
            {},
            r"2 bits need a float32 table of 4 values, got float32\[3\]",
        ),
        (TABLE, {f"{KEY}.bias": np.ones((1, 1), np.float32)}, {}, "a weight with a table must not have a bias"),
    ],
)
def test_forged_files_are_checked_even_if_their_digest_is_right(tmp_path, base, changes, facts, words):
    path = tmp_path / "forged.safetensors"
    path.write_bytes(_forged(base, {}))
    apply_delta(base, path)
    path.write_bytes(_forged(base, changes, **facts))
    with pytest.raises(SpecError, match=rf"forged\.safetensors is not a delta of a model\n  .*{words}"):
        apply_delta(base, path)
    with pytest.raises(SpecError, match=r"user 1\n  .*forged\.safetensors"):
        federated_average(base, [base, path])


def test_a_delta_fits_its_base_in_name_shape_and_kind(tmp_path):
    path = tmp_path / "forged.safetensors"
    for changes, words in (
        ({"middle": np.zeros(2, np.float32)}, "no weight 'middle'"),
        ({"top/bias": np.zeros((2, 1), np.float32)}, r"has shape \[2, 1\]"),
        ({"top/bias": np.zeros(2, np.int8)}, "is int8, but float32 in the model"),
    ):
        path.write_bytes(_forged(BASE, changes))
        with pytest.raises(ShapeError, match=words):
            apply_delta(BASE, path)


def test_any_bytes_are_a_delta_or_a_typed_error(tmp_path):
    path, draw, good = tmp_path / "anna.safetensors", np.random.default_rng(0), _forged(CODES, {})
    refused = 0
    for _ in range(300):
        data, place = bytearray(good), int(draw.integers(len(good)))
        match int(draw.integers(4)):
            case 0:
                data[place] = draw.integers(256)
            case 1:
                del data[place:]
            case 2:
                del data[place : place + int(draw.integers(1, 9))]
            case _:
                data[place:place] = draw.bytes(4)
        path.write_bytes(data)
        try:
            Delta.read(path)
        except SpecError:
            refused += 1
    assert refused > 280  # spaces behind the header, for one, are no damage


def test_only_regular_files_are_read(tmp_path):
    for path in (tmp_path, tmp_path / "missing.safetensors"):
        with pytest.raises(SpecError, match=str(path)):
            Delta.read(path)


def test_a_failed_write_does_not_change_the_file(tmp_path, monkeypatch):
    path = _file(tmp_path, _personal(1))
    good = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        save_delta(_personal(2), BASE, path)
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    plain = builtins.__import__
    monkeypatch.setattr("importlib.import_module", lambda name: plain("nothing_of_that_name"))
    with pytest.raises(MissingExtraError, match=r"graphml-jax\[deltas\]"):
        save_delta(_personal(1), BASE, tmp_path / "anna.safetensors")


# Averaging -----------------------------------------------------------------------------------------------------------


def _flat(model) -> np.ndarray:
    top = model.parameters["top"]
    return np.concatenate([np.asarray(top[name], np.float64).ravel() for name in ("weights", "bias")])


def _oracle(models, weights, clip_norm) -> np.ndarray:
    base = _flat(BASE)
    steps = [_flat(model) - base for model in models]
    if clip_norm is not None:
        steps = [step * min(1, clip_norm / np.linalg.norm(step)) for step in steps]
    return base + np.average(steps, axis=0, weights=weights)


@pytest.mark.parametrize("weights", [None, [1, 0, 2.5]])
@pytest.mark.parametrize("clip_norm", [None, 3.5, 100.0])
def test_the_average_is_that_of_numpy(weights, clip_norm):
    models = [_personal(seed) for seed in (1, 2, 3)]
    found = federated_average(BASE, models, weights, clip_norm)
    np.testing.assert_allclose(_flat(found), _oracle(models, weights, clip_norm), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(found.parameters["below"]["weights"], BASE.parameters["below"]["weights"])


def test_deltas_files_and_models_give_the_same_average(tmp_path):
    models = [_personal(seed) for seed in (1, 2, 3)]
    models[1].save(tmp_path / "ben.mlmodel")
    BASE.save(tmp_path / "base.mlmodel")
    given = [_file(tmp_path, models[0]), tmp_path / "ben.mlmodel", models[2]]
    found = federated_average(tmp_path / "base.mlmodel", iter(given))
    np.testing.assert_allclose(_flat(found), _oracle(models, None, None), rtol=1e-6, atol=1e-7)


def test_noise_has_the_spread_that_hides_one_user():
    models, weights = [_personal(seed) for seed in (1, 2, 3)], [1, 1, 2]
    plain = _flat(federated_average(BASE, models, weights, 1.0))
    noisy = [_flat(federated_average(BASE, models, weights, 1.0, 2.0, seed=seed)) - plain for seed in range(100)]
    assert np.mean(noisy) == pytest.approx(0, abs=0.1)
    assert np.std(noisy) == pytest.approx(2.0 * 1.0 * 2 / 4, rel=0.1)
    again = _flat(federated_average(BASE, models, weights, 1.0, 2.0, seed=0)) - plain
    np.testing.assert_array_equal(again, noisy[0])
    drawn = [_flat(federated_average(BASE, models, weights, 1.0, 2.0)) for _ in range(2)]
    assert (drawn[0] != drawn[1]).all()


def test_numbers_out_of_range_are_refused():
    models = [_personal(1), _personal(2)]
    for keyword, words in (
        ({"weights": [1]}, r"more users than weights \(1\)"),
        ({"weights": [1, 1, 1]}, "3 weights, but 2 users"),
        ({"weights": [1, -1]}, "weight of -1"),
        ({"weights": [1, 1e308]}, "weight of 1e\\+308"),
        ({"weights": ["1", 1]}, "weight of '1'"),
        ({"weights": [0, 0]}, "weights are all 0"),
        ({"clip_norm": 0.0}, "clip_norm=0.0"),
        ({"noise_multiplier": 1.0}, "without it there is no bound"),
        ({"noise_multiplier": -1.0, "clip_norm": 1.0}, "noise_multiplier=-1.0"),
    ):
        with pytest.raises(UpdateError, match=words):
            federated_average(BASE, models, **keyword)
    with pytest.raises(UpdateError, match="there are no users"):
        federated_average(BASE, [])
    with pytest.raises(UpdateError, match="the average of 'top/weights' is too large for float32"):
        federated_average(BASE, models, clip_norm=1e30, noise_multiplier=1e30, seed=0)
    endless = BASE.with_parameters({"top": {"bias": np.float32([np.inf, 0])}})
    with pytest.raises(UpdateError, match="user 1 has weights that are not finite"):
        federated_average(BASE, [models[0], endless], clip_norm=1.0)
