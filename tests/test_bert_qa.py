"""The example examples/bert_qa: encoders from checkpoints against NumPy, SQuAD's scores and features, learning."""

from __future__ import annotations

import dataclasses
import importlib
import json
import lzma
import math
import os
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiling import USERS, models_compile_with

import graphml
from graphml.errors import SpecError, UnsupportedError, UpdateError

pytest.importorskip("safetensors", reason="the extra 'qa' is not installed")
pytest.importorskip("tokenizers", reason="the extra 'qa' is not installed")

from safetensors.numpy import save_file

from graphml.interop import bert, qa
from graphml.spec.weights import quantize

WIDTH, HEADS, INNER, LAYERS, PLACES = 8, 2, 12, 2, 40
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "who",
    "where",
    "lives",
    "sleeps",
    "barks",
    "in",
    "?",
    "the",
    "cat",
    "dog",
    "on",
    "a",
    "red",
    "roof",
    ".",
    "paris",
    "rome",
]


@pytest.fixture(scope="module")
def example():
    """{name: module} of the example, which no other test imports."""
    names = ("build", "squad", "train", "evaluate", "shrink")
    before = {name: sys.modules.pop(name, None) for name in names}
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "bert_qa"))
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.pop(0)
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


def checkpoint(
    folder, *, distilled=False, head=True, prefix=True, activation="gelu", old=False, without=(), layers=LAYERS
):
    """A small random checkpoint in a folder, and its tensors without prefix."""
    rng = np.random.default_rng(3)
    pair = {}

    def dense(name, out, into):
        pair[f"{name}.weight"] = rng.normal(0, 0.4, (out, into))
        pair[f"{name}.bias"] = rng.normal(0, 0.4, out)

    def norm(name):
        pair[f"{name}.{'gamma' if old else 'weight'}"] = rng.uniform(0.5, 1.5, WIDTH)
        pair[f"{name}.{'beta' if old else 'bias'}"] = rng.normal(0, 0.4, WIDTH)

    for name, size in (("word", len(WORDS)), ("position", PLACES), ("token_type", 0 if distilled else 2)):
        if size:
            pair[f"embeddings.{name}_embeddings.weight"] = rng.normal(0, 1, (size, WIDTH))
    norm("embeddings.LayerNorm")
    for i in range(layers):
        base = f"transformer.layer.{i}" if distilled else f"encoder.layer.{i}"
        for one, other in (("q_lin", "self.query"), ("k_lin", "self.key"), ("v_lin", "self.value"),
                           ("out_lin", "output.dense")):  # fmt: skip
            dense(f"{base}.attention.{one if distilled else other}", WIDTH, WIDTH)
        norm(f"{base}.sa_layer_norm" if distilled else f"{base}.attention.output.LayerNorm")
        dense(f"{base}.ffn.lin1" if distilled else f"{base}.intermediate.dense", INNER, WIDTH)
        dense(f"{base}.ffn.lin2" if distilled else f"{base}.output.dense", WIDTH, INNER)
        norm(f"{base}.output_layer_norm" if distilled else f"{base}.output.LayerNorm")
    family = "distilbert" if distilled else "bert"
    stored = {f"{family}.{name}" if prefix else name: value.astype(np.float32) for name, value in pair.items()}
    if head:
        dense("qa_outputs", 2, WIDTH)
        stored |= {name: pair[name].astype(np.float32) for name in ("qa_outputs.weight", "qa_outputs.bias")}
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value for name, value in stored.items() if name not in without}, folder / "model.safetensors")
    sizes = {"max_position_embeddings": PLACES, "vocab_size": len(WORDS), "model_type": family}
    if distilled:
        sizes |= {"dim": WIDTH, "hidden_dim": INNER, "n_layers": layers, "n_heads": HEADS, "activation": activation}
    else:
        sizes |= {"hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": layers, "type_vocab_size": 2}
        sizes |= {"num_attention_heads": HEADS, "hidden_act": activation, "layer_norm_eps": 1e-3}
    (folder / "config.json").write_text(json.dumps(sizes))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return pair


def reference(t, ids, mask, types=None):
    """Start and end logits of one text, in double precision and plain sums, from the tensors of a checkpoint."""
    distilled = types is None
    epsilon = 1e-12 if distilled else 1e-3

    def norm(x, name):
        centered = x - x.mean(-1, keepdims=True)
        scale = t.get(f"{name}.weight", t.get(f"{name}.gamma"))
        shift = t.get(f"{name}.bias", t.get(f"{name}.beta"))
        return centered / np.sqrt((centered**2).mean(-1, keepdims=True) + epsilon) * scale + shift

    def dense(x, name):
        return np.einsum("wi,oi->wo", x, t[f"{name}.weight"]) + t[f"{name}.bias"]

    x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.position_embeddings.weight"][: len(ids)]
    if not distilled:
        x = x + t["embeddings.token_type_embeddings.weight"][types]
    x = norm(x, "embeddings.LayerNorm")
    for i in range(LAYERS):
        base = f"transformer.layer.{i}" if distilled else f"encoder.layer.{i}"
        names = ("q_lin", "k_lin", "v_lin") if distilled else ("self.query", "self.key", "self.value")
        q, k, v = (dense(x, f"{base}.attention.{name}") for name in names)
        heads, size = [], WIDTH // HEADS
        for h in range(HEADS):
            part = slice(h * size, (h + 1) * size)
            scores = np.exp(q[:, part] @ k[:, part].T / math.sqrt(size)) * mask
            heads.append(scores / scores.sum(-1, keepdims=True) @ v[:, part])
        mixed = dense(np.concatenate(heads, -1), f"{base}.attention.{'out_lin' if distilled else 'output.dense'}")
        x = norm(x + mixed, f"{base}.sa_layer_norm" if distilled else f"{base}.attention.output.LayerNorm")
        inner = dense(x, f"{base}.ffn.lin1" if distilled else f"{base}.intermediate.dense")
        inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
        outer = dense(inner, f"{base}.ffn.lin2" if distilled else f"{base}.output.dense")
        x = norm(x + outer, f"{base}.output_layer_norm" if distilled else f"{base}.output.LayerNorm")
    return dense(x, "qa_outputs").T


def features_of(length, real, *, types=True):
    rng = np.random.default_rng(length)
    out = {"word_ids": rng.integers(0, len(WORDS), (1, length)), "mask": (np.arange(length) < real).astype(int)[None]}
    return out | ({"word_types": rng.integers(0, 2, (1, length))} if types else {})


def assert_same(model, tensors, length, real, tolerance=1e-4, types=True):
    given = features_of(length, real, types=types)
    wanted = reference(tensors, given["word_ids"][0], given["mask"][0], given["word_types"][0] if types else None)
    got = model.predict(given)
    for side, logits in zip(("start_logits", "end_logits"), wanted, strict=True):
        np.testing.assert_allclose(got[side][0, :real], logits[:real], rtol=0, atol=tolerance)


def test_bert_of_any_length_is_one_program_for_each(example, tmp_path):
    build = example["build"]
    tensors = checkpoint(tmp_path, old=True)
    build.main([str(tmp_path), str(tmp_path / "net.mlmodel")])
    model = graphml.load(tmp_path / "net.mlmodel")
    for length, real in ((7, 7), (12, 9), (7, 5)):
        assert_same(model, tensors, length, real)
    assert len(model.compilations()) == 2
    given = features_of(7, 7)
    twice = model.predict({name: np.concatenate([value, value]) for name, value in given.items()})
    assert twice["end_logits"].shape == (2, 7)
    np.testing.assert_allclose(twice["end_logits"][1], model.predict(given)["end_logits"][0], atol=1e-5)
    assert qa.read_tokenizer(tmp_path / "net.mlmodel").token_to_id("roof") == WORDS.index("roof")
    straight, tokenizer = qa.load(tmp_path)
    assert tokenizer.token_to_id("roof") == WORDS.index("roof")
    assert straight.spec == model.spec


def test_distilbert_of_fixed_length(example, tmp_path):
    build = example["build"]
    tensors = checkpoint(tmp_path, distilled=True)
    build.main([str(tmp_path), str(tmp_path / "net.mlmodel"), "--length", "12"])
    model = graphml.load(tmp_path / "net.mlmodel")
    assert {feature.name for feature in model.spec.description.input} == {"word_ids", "mask"}
    kinds = {layer.WhichOneof("layer") for layer in model.spec.neuralNetwork.layers}
    assert not kinds & {"getShape", "reshapeDynamic", "rangeDynamic"}
    assert_same(model, tensors, 12, 9, types=False)
    with pytest.raises(graphml.FeatureError):
        model.predict(features_of(7, 7, types=False))


def test_small_storage(tmp_path):
    tensors = checkpoint(tmp_path, prefix=False)
    config, params = bert.read_checkpoint(tmp_path)
    for weights, tolerance in (("float16", 0.02), ("quantized", 0.2)):
        path = tmp_path / f"{weights}.mlmodel"
        bert.network(config, bert.stored_as(params, weights), length=12).save(path)
        assert _storages(path) == {"float32", {"float16": "float16", "quantized": "table8"}[weights]}
        assert_same(graphml.load(path), tensors, 12, 12, tolerance)
    values = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    close = quantize(values, bits=4, table=True)
    assert close.table is not None
    assert close.table.shape == (16,)
    nearest = np.abs(values[:, None] - close.table).min(1)
    np.testing.assert_allclose(np.abs(values - close.dequantize()), nearest, atol=1e-6)
    assert np.mean(nearest**2) < 0.0105  # the best sixteen numbers for a normal distribution leave 0.0095


def _storages(path):
    from graphml.inspect.summary import summarize

    layers = summarize(graphml.spec.read(path))["layers"]
    return {weight["storage"] for layer in layers for weight in layer.get("weights", {}).values()}


def test_a_new_head_is_initialized_from_the_seed(tmp_path):
    checkpoint(tmp_path, head=False)
    one, same, other = (bert.read_checkpoint(tmp_path, seed=seed)[1]["answer"]["weights"] for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()
    assert 0.005 < one.std() < 0.05
    with pytest.raises(SpecError, match=r"has no qa_outputs\.weight"):
        qa.load(tmp_path)


def test_damaged_and_unsupported_checkpoints(tmp_path):
    with pytest.raises(SpecError, match=r"no readable config\.json"):
        bert.read_checkpoint(tmp_path)
    checkpoint(tmp_path, without=("bert.encoder.layer.1.output.dense.bias",))
    with pytest.raises(SpecError, match=r"has no encoder\.layer\.1\.output\.dense\.bias"):
        bert.read_checkpoint(tmp_path)
    checkpoint(tmp_path, activation="swish")
    with pytest.raises(UnsupportedError, match="'swish'"):
        bert.read_checkpoint(tmp_path)
    checkpoint(tmp_path)
    said = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(said | {"intermediate_size": 13}))
    with pytest.raises(SpecError, match=r"shape \[12, 8\]; expected \[13, 8\] from config.json"):
        bert.read_checkpoint(tmp_path)
    for wrong in ({"num_attention_heads": 0}, {"num_hidden_layers": -1}, {"hidden_size": 2**40}):
        (tmp_path / "config.json").write_text(json.dumps(said | wrong))
        with pytest.raises(SpecError, match="invalid sizes of an encoder"):
            bert.read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(said | {"num_hidden_layers": 2**30}))
    with pytest.raises(SpecError, match=r"has no encoder\.layer\.2\."):
        bert.read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(SpecError, match="does not describe an encoder"):
        bert.read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(said | {"num_attention_heads": 3}))
    with pytest.raises(SpecError, match="3 heads"):
        bert.read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(said))
    config, params = bert.read_checkpoint(tmp_path)
    with pytest.raises(
        SpecError, match="length must be from 1 to 40, the number of positions in the checkpoint; got 41"
    ):
        bert.network(config, params, length=41)


def test_later_roundings_compensate_for_earlier_ones(example):
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(16, 24)).astype(np.float32)
    inputs = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 24)) + 0.1 * rng.normal(size=(200, 24))
    plain = quantize(weights, bits=4, table=True)
    better = example["shrink"].rounded(weights, inputs.T @ inputs, 4, block=5)
    assert better.codes.shape == weights.shape
    np.testing.assert_array_equal(better.table, plain.table)
    error = {name: np.square(inputs @ (q.dequantize() - weights).T).mean() for name, q in
             (("plain", plain), ("better", better))}  # fmt: skip
    assert error["better"] < 0.2 * error["plain"]
    # where inputs have nothing to do with each other, nothing can be made up for
    alone = example["shrink"].rounded(weights, np.eye(24), 4)
    np.testing.assert_array_equal(alone.codes, plain.codes)


# SQuAD ---------------------------------------------------------------------------------------------------------------


def questions():
    texts = {
        "The cat sleeps on a red roof.": [("who sleeps?", "cat"), ("sleeps on?", "a red roof")],
        "The dog barks in Paris.": [("who barks?", "dog"), ("where barks the dog?", "Paris")],
        "A dog lives in Rome.": [("where lives the dog?", "Rome"), ("who lives in Rome?", "dog")],
    }
    paragraphs = [
        {
            "context": text,
            "qas": [
                {"id": f"{text[:5]}{n}", "question": asked,
                 "answers": [{"text": answer, "answer_start": text.index(answer)}]}
                for n, (asked, answer) in enumerate(pairs)
            ],
        }
        for text, pairs in texts.items()
    ]  # fmt: skip
    return {"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}


def test_scores_by_hand(example):
    squad = example["squad"]
    assert squad.normalized("  The  Cat's-paw, an A!") == "catspaw"
    assert squad.exact_match("the Cat.", "cat") == 1
    assert squad.exact_match("cats", "cat") == 0
    assert squad.f1("a big red roof", "red roof top") == pytest.approx(2 / 3)
    assert squad.f1("no no yes", "no yes yes") == pytest.approx(2 / 3)
    assert squad.f1("dog", "cat") == squad.f1("the", "a") == 0
    examples = [squad.Example("1", "?", "x", (("red roof", 0), ("roof", 0))), squad.Example("2", "?", "x", (("y", 0),))]
    assert squad.scores(examples, {"1": "the roof"}) == {"exact_match": 50.0, "f1": 50.0}
    assert squad.scores(examples, {"1": "red", "2": "Y"}) == pytest.approx({"exact_match": 50.0, "f1": 250 / 3})
    with pytest.raises(SpecError, match="no questions"):
        squad.scores([], {})


def test_reading(example, tmp_path):
    squad = example["squad"]
    (tmp_path / "d.json").write_text(json.dumps(questions()))
    (tmp_path / "d.json.xz").write_bytes(lzma.compress(json.dumps(questions()).encode()))
    found = squad.read(tmp_path / "d.json")
    assert found == squad.read(tmp_path / "d.json.xz")
    assert len(found) == 6
    assert found[1] == squad.Example("The c1", "sleeps on?", "The cat sleeps on a red roof.", (("a red roof", 18),))
    for text in ("[]", "{", '{"data": [{}]}'):
        (tmp_path / "d.json").write_text(text)
        with pytest.raises(SpecError, match="is not a SQuAD file"):
            squad.read(tmp_path / "d.json")


def test_features_contain_the_position_of_the_answer(example, tmp_path):
    squad = example["squad"]
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS))
    tokenizer = qa.read_tokenizer(tmp_path)
    text = "The cat sleeps on a red roof."
    one = squad.Example("1", "who?", text, (("red roof", text.index("red")),))
    (whole,) = squad.features(tokenizer, one, length=32)
    assert text[whole.window.spans[whole.start][0] : whole.window.spans[whole.end][1]] == "red roof"
    # five words of the text in a window: the first one cuts the answer, the second one holds it
    cut = list(squad.features(tokenizer, one, length=10, stride=1))
    assert [(f.start, f.end) for f in cut] == [(0, 0), (5, 6)]
    batch = squad.batch_of(cut, 12)
    assert {name: value.shape for name, value in batch.items()} == {
        **dict.fromkeys(("word_ids", "word_types", "mask"), (2, 12)), "start": (2,), "end": (2,)
    }  # fmt: skip
    rng = np.random.default_rng(0)
    found = squad.batches([whole, *cut, whole, whole], (10, 32), 2, rng)
    assert sorted(length for length, _ in found) == [10, 32, 32]
    assert {int(n) for length, chosen in found for n in chosen if length == 32} == {0, 3, 4}
    assert all(len(chosen) == 2 for _, chosen in found)


# Learning ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(example, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    checkpoint(folder, head=False, layers=1)
    (folder / "train.json").write_text(json.dumps(questions()))
    tokenizer = qa.read_tokenizer(folder)
    config, params = bert.read_checkpoint(folder)
    rows = [row for one in example["squad"].read(folder / "train.json") for row in
            example["squad"].features(tokenizer, one, length=24)]  # fmt: skip
    plan = example["train"].Plan(rate=0.03, epochs=60, batch=6, lengths=(24,))
    train = example["train"]
    original = train.stepper
    compiled = original(config, params, plan, 60)[0]  # once for all runs

    def stepper(config, params, plan, steps):
        weights = jax.tree.map(jnp.asarray, params)
        return compiled, weights, train.optimizer(plan, steps)[0].init(weights)

    train.stepper = stepper
    return folder, config, params, rows, plan, original


def test_the_loss_decreases_and_a_run_continues_where_it_stopped(example, course, tmp_path):
    train, (_, config, params, rows, plan, _) = example["train"], course
    lines, again = [], []
    weights, done = train.train(config, params, rows, plan, log=lines.append)
    assert done
    assert len(lines) == 60
    losses = [line["loss"] for line in lines]
    assert np.mean(losses[17:20]) < 0.95 * np.mean(losses[:3])
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3])
    assert max(line["rate"] for line in lines) == pytest.approx(0.03)
    assert lines[0]["rate"] == 0
    changed = {
        layer for layer in params for name in params[layer] if (weights[layer][name] != params[layer][name]).any()
    }
    assert changed == set(params)
    # one step, then the rest: the same bits
    _, done = train.train(config, params, rows, plan, directory=tmp_path, budget=0.0, log=again.append)
    assert (done, len(again)) == (False, 1)
    resumed, done = train.train(config, params, rows, plan, directory=tmp_path, log=again.append)
    assert done
    assert [line["loss"] for line in again] == losses
    for layer, fields in weights.items():
        for name, value in fields.items():
            np.testing.assert_array_equal(resumed[layer][name], value)
    with pytest.raises(UpdateError, match="belongs to a run with other data"):
        train.train(config, params, rows[1:], plan, directory=tmp_path)
    with pytest.raises(UpdateError, match="no questions with answers"):
        train.train(config, params, [], plan)
    with pytest.raises(UpdateError, match="a budget needs a directory"):
        train.train(config, params, rows, plan, budget=1.0)


def test_half_precision_and_dropout(example, course):
    _, config, params, rows, plan, stepper = course
    batch = example["squad"].batch_of(rows[:6], 24)

    def loss(**changes):
        step, weights, state = stepper(config, params, dataclasses.replace(plan, **changes), 60)
        weights, _, loss = step(weights, state, batch, 0)
        assert {leaf.dtype.name for leaf in jax.tree.leaves(weights)} == {"float32"}
        return float(loss)

    whole = loss()
    assert 0 < abs(loss(precision="bfloat16") - whole) < 0.05 * whole
    assert 0 < abs(loss(precision="mixed") - whole) < 0.005 * whole
    assert 0 < abs(loss(dropout=True) - whole) < 0.5 * whole


def test_frozen_embeddings_stay_as_they_are(example, course, monkeypatch):
    _, config, params, rows, plan, stepper = course
    monkeypatch.setattr(example["train"], "stepper", stepper)
    weights, done = example["train"].train(
        config, params, rows, dataclasses.replace(plan, epochs=2, freeze_embeddings=True)
    )
    assert done
    assert weights.keys() == params.keys()
    for layer, fields in params.items():
        same = all((weights[layer][name] == value).all() for name, value in fields.items())
        assert same == layer.startswith("embeddings/"), layer


def test_from_checkpoint_to_score(example, course, tmp_path, capsys, monkeypatch):
    folder, *_, plan, _ = course
    monkeypatch.setattr(example["train"], "Plan", lambda: plan)
    out, work = tmp_path / "qa.mlmodel", tmp_path / "work"
    example["train"].main([str(folder), str(folder / "train.json"), str(out), "--checkpoint-dir", str(work)])
    assert len((work / "losses.jsonl").read_text().splitlines()) == 60
    capsys.readouterr()
    example["evaluate"].main([str(out), str(folder / "train.json"), "--output", str(tmp_path / "said.json")])
    score = json.loads(capsys.readouterr().out)
    assert score["questions"] == len(json.loads((tmp_path / "said.json").read_text())) == 6
    assert score["f1"] > 60
    assert score["exact_match"] <= score["f1"]
    small = tmp_path / "small.mlmodel"
    monkeypatch.setattr(example["shrink"], "LENGTH", 24)
    example["shrink"].main([str(out), str(folder / "train.json"), str(small), "--bits", "6", "--word-bits", "4",
                             "--finer", "outer"])  # fmt: skip
    assert _storages(small) == {"float32", "table4", "table6", "table7", "table8"}
    ids = {name: value[:, :12] for name, value in features_of(12, 12).items()}
    whole, less = graphml.load(out).predict(ids), graphml.load(small).predict(ids)
    assert 0 < np.abs(whole["start_logits"] - less["start_logits"]).max() < 0.1 * np.ptp(whole["start_logits"])


def test_the_shipped_model_answers(example, monkeypatch):
    models_compile_with(monkeypatch, USERS)  # fifty questions take longer than compiling
    path = Path(__file__).resolve().parents[1] / "examples" / "data" / "bert_qa.mlmodel"
    assert path.stat().st_size < 15e6
    assert {s for s in _storages(path) if s.startswith("table")} == {"table5", "table8"}
    model, tokenizer = qa.load(path)
    text = "Apple hosts an annual World Wide Developer Conference. The first WWDC began in 1987 in Santa Clara, CA."
    (answer,) = qa.answers(model, tokenizer, text, "When was the first WWDC?")
    assert (answer.text, answer.start) == ("1987", text.index("1987"))
    assert answer.confidence > 0.5
    folder = os.environ.get("GRAPHML_MODELS")
    if folder is None:
        pytest.skip("answers on SQuAD need its questions, in a folder named by GRAPHML_MODELS")
    examples = example["squad"].read(Path(folder) / "data" / "squad" / "squad11_dev_compact.json.xz")[::211]
    score = example["squad"].scores(examples, example["evaluate"].predictions(model, tokenizer, examples, length=256))
    assert len(examples) > 50
    assert score["f1"] > 70
