"""Encoders from checkpoints: against the library `transformers` where it is installed, and names on the hub."""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import graphml
from graphml.errors import MissingExtraError, SpecError

pytest.importorskip("safetensors", reason="the extra 'qa' is not installed")

from graphml.interop import bert

SIZES = {"vocab_size": 50, "max_position_embeddings": 24}
BERT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
DISTILBERT = {"dim": 24, "n_layers": 2, "n_heads": 3, "hidden_dim": 40}


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
@pytest.mark.parametrize("family", ["Bert", "DistilBert"])
def test_logits_are_those_of_transformers(tmp_path, family, activation):
    torch = pytest.importorskip("torch", reason="torch, of the extra 'bench', is not installed")
    reason = "transformers, of the extra 'bench', is not installed"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, about their own parts
        transformers = pytest.importorskip("transformers", reason=reason)
        said = (
            {"activation": activation, **DISTILBERT} if family == "DistilBert" else {"hidden_act": activation, **BERT}
        )
        torch.manual_seed(1)
        config = getattr(transformers, f"{family}Config")(**SIZES, **said, initializer_range=0.2)
        peer = getattr(transformers, f"{family}ForQuestionAnswering")(config).eval()
        peer.save_pretrained(tmp_path)
    model = graphml.load(bert.network(*bert.read_checkpoint(tmp_path, seed=None)).spec)
    rng = np.random.default_rng(2)
    ids, types = rng.integers(0, 50, (3, 16)), rng.integers(0, 2, (3, 16))
    mask = (np.arange(16) < np.array([[16], [11], [5]])).astype(np.int64)
    given, theirs = {"word_ids": ids, "mask": mask}, {"input_ids": ids, "attention_mask": mask}
    if family == "Bert":
        given, theirs = {**given, "word_types": types}, {**theirs, "token_type_ids": types}
    with torch.no_grad():
        wanted = peer(**{name: torch.tensor(value) for name, value in theirs.items()})
    got = model.predict(given)
    for side in ("start_logits", "end_logits"):
        np.testing.assert_allclose(got[side][mask == 1], getattr(wanted, side).numpy()[mask == 1], rtol=0, atol=1e-4)
        assert np.ptp(got[side]) > 0.1


def test_a_name_is_downloaded_from_the_hub(tmp_path, monkeypatch):
    asked = []

    def snapshot_download(name, *, allow_patterns):
        asked.append((name, set(allow_patterns)))
        return str(tmp_path)

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download))
    assert bert.folder_of("owner/some-model.v2") == tmp_path
    assert asked == [("owner/some-model.v2", set(bert.FILES))]
    assert bert.folder_of(tmp_path) == tmp_path
    assert len(asked) == 1


def test_without_a_connection_the_error_says_what_to_do(monkeypatch):
    def offline(name, **_):
        raise FileNotFoundError("no connection\nand a long story")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=offline))
    with pytest.raises(
        SpecError, match=r"no folder owner/model, .*\(no connection\); without a connection, give a folder"
    ):
        bert.folder_of("owner/model")
    for name in ("../owner/model", "a/b/c", "two words", ""):
        with pytest.raises(SpecError, match="neither a folder nor the name"):
            bert.folder_of(name)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"graphml-jax\[hub\]"):
        bert.folder_of("owner/model")


@pytest.mark.parametrize("types", [0, 2])
def test_checkpoints_and_networks_store_the_same_weights(tmp_path, types):
    config = bert.Config(width=8, inner=12, layers=1, heads=2, places=16, types=types, activation="relu", dropout=0.2)
    rng = np.random.default_rng(0)
    sizes = {"embeddings/words": (8, 20), "embeddings/places": (8, 16), "embeddings/types": (8, 2), "answer": (2, 8)}
    sizes |= {f"0/{name}": (8, 8) for name in ("query", "key", "value", "mixed")} | {
        "0/inner": (12, 8),
        "0/outer": (8, 12),
    }
    params: dict = {
        layer: {"weights": rng.normal(size=shape).astype(np.float32)}
        | ({} if layer.startswith("embed") else {"bias": rng.normal(size=shape[0]).astype(np.float32)})
        for layer, shape in sizes.items()
        if types or not layer.endswith("types")
    }
    for layer in ("embeddings/norm", "0/attention_norm", "0/norm"):
        params[layer] = {name: rng.normal(size=8).astype(np.float32) for name in ("gamma", "beta")}
    bert.network(config, params).save(tmp_path / "net.mlmodel")
    bert.write_checkpoint(tmp_path / "folder", config, params)
    for where in (tmp_path / "net.mlmodel", tmp_path / "folder"):
        again, weights = bert.read_checkpoint(where, seed=None)
        assert again == config
        assert {layer: set(fields) for layer, fields in weights.items()} == {n: set(f) for n, f in params.items()}
        for layer, fields in params.items():
            for name, value in fields.items():
                np.testing.assert_array_equal(weights[layer][name], value)
    from safetensors.numpy import load_file, save_file

    file = tmp_path / "folder" / "model.safetensors"
    halves = {name: value.astype("bfloat16") for name, value in load_file(file).items()}
    save_file(halves, file)
    _, weights = bert.read_checkpoint(tmp_path / "folder")
    assert weights["answer"]["weights"].dtype == np.float32
    np.testing.assert_allclose(weights["answer"]["weights"], params["answer"]["weights"], rtol=2**-8)
    graphml.NeuralNetworkBuilder({"x": graphml.datatypes.Array(1)}, {"y": None}).save(tmp_path / "other.mlmodel")
    with pytest.raises(SpecError):
        bert.read_checkpoint(tmp_path / "other.mlmodel")
    message = graphml.spec.read(tmp_path / "net.mlmodel")
    message.description.metadata.userDefined["encoder"] = '{"layers": [1]}'
    graphml.spec.write(message, tmp_path / "net.mlmodel")
    with pytest.raises(SpecError, match="has no sizes"):
        bert.read_network(tmp_path / "net.mlmodel")
