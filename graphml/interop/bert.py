"""BERT encoders that answer questions: from a checkpoint in the form of Hugging Face to a Core ML network.

A checkpoint is a folder (or a name on the Hugging Face hub) with model.safetensors and config.json of a BERT, MiniLM or
DistilBERT. The network takes word_ids, word_types (not for DistilBERT) and mask, and gives start_logits and end_logits,
all [texts, words]. Sizes and names of weights: those of the library `transformers`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from graphml.build import NeuralNetworkBuilder
from graphml.build.datatypes import array
from graphml.errors import SpecError, UnsupportedError, need
from graphml.spec.weights import Quantized, quantize

Params = dict[str, dict[str, Any]]
"""{layer: {"weights" and "bias", or "gamma" and "beta"}}, in the layout of the file: what `lower().params` holds."""

ACTIVATIONS = {"gelu": "EXACT", "gelu_new": "TANH_APPROXIMATION", "gelu_pytorch_tanh": "TANH_APPROXIMATION", "relu": ""}


@dataclass(frozen=True)
class Config:
    """Sizes of an encoder. types: kinds of words, 0 where the network does not tell them apart."""

    width: int
    inner: int
    layers: int
    heads: int
    places: int
    types: int
    activation: str = "gelu"
    epsilon: float = 1e-12
    dropout: float = 0.1
    attention_dropout: float = 0.1


def read_config(folder: Path) -> Config:
    """The sizes in config.json. Raises SpecError where they are not said, UnsupportedError for other models."""
    try:
        said = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        distilled = said.get("model_type") == "distilbert"
        if said.get("position_embedding_type", "absolute") != "absolute" or said.get("sinusoidal_pos_embds", False):
            raise UnsupportedError("positions are not embedded as rows of a learned table")
        names = _NAMES["distilbert" if distilled else "bert"]
        width, inner, layers, heads = (int(said[names[field]]) for field in ("width", "inner", "layers", "heads"))
        config = Config(
            *(width, inner, layers, heads, int(said["max_position_embeddings"])),
            types=0 if distilled else int(said["type_vocab_size"]),
            activation=str(said.get(names["activation"], "gelu")),
            epsilon=1e-12 if distilled else float(said.get("layer_norm_eps", 1e-12)),
            dropout=float(said.get(names["dropout"], 0.1)),
            attention_dropout=float(said.get(names["attention_dropout"], 0.1)),
        )
    except OSError as error:
        raise SpecError(f"{folder} has no readable config.json: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SpecError(f"{folder / 'config.json'} does not describe an encoder: {error!r}") from None
    return _checked(config)


def _checked(config: Config) -> Config:
    sizes = (config.width, config.inner, config.layers, config.heads, config.places, config.types + 1)
    if not all(isinstance(size, int) and 1 <= size < 2**31 for size in sizes):
        raise SpecError(f"an encoder cannot have these sizes: {config}")
    if config.activation not in ACTIVATIONS:
        raise UnsupportedError(f"activation {config.activation!r}; there are {', '.join(ACTIVATIONS)}")
    if config.width % config.heads:
        raise SpecError(f"{config.heads} heads do not share a width of {config.width}")
    return config


FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


def folder_of(checkpoint: str | Path) -> Path:
    """Where a checkpoint is: itself, or a folder with a copy of what the Hugging Face hub has under "owner/name".

    The copy is kept by `huggingface_hub` (extra `hub`), which needs a connection the first time only. Raises SpecError
    where there is neither a folder nor such a copy.
    """
    name, folder = str(checkpoint), Path(checkpoint)
    if name and (folder.is_dir() or folder.suffix == ".mlmodel"):
        return folder
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", name):
        raise SpecError(f"{name} is neither a folder nor the name of a model on the Hugging Face hub")
    hub = need("huggingface_hub", "hub")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=list(FILES)))
    except (OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SpecError(
            f"there is no folder {name}, and the Hugging Face hub gave no model of that name ({reason}); without "
            "a connection, give the folder of a checkpoint, or a name that was fetched before"
        ) from None


def read_checkpoint(checkpoint: str | Path, *, seed: int | None = 0) -> tuple[Config, Params]:
    """Sizes and weights of an encoder: in a folder, on the hub (see `folder_of`), or in an .mlmodel by `network`.

    Where it has no head for questions, a fresh one is drawn with `seed`; without a seed it is refused. Raises SpecError
    naming the weight that is missing or has another shape.
    """
    folder = folder_of(checkpoint)
    if folder.suffix == ".mlmodel":
        return read_network(folder)
    config = read_config(folder)
    need("safetensors", "qa")
    import ml_dtypes  # noqa: F401  (teaches NumPy bfloat16; comes with JAX)
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(str(folder / "model.safetensors"))
    except (OSError, SafetensorError) as error:
        raise SpecError(f"{folder} has no readable model.safetensors: {error}") from None
    tensors = {name.removeprefix("bert.").removeprefix("distilbert."): value for name, value in tensors.items()}
    params: Params = {}
    for layer, source, shape in _sources(config):
        if layer == "answer" and f"{source}.weight" not in tensors and seed is not None:
            drawn = np.random.default_rng(seed).normal(0, 0.02, shape).astype(np.float32)
            params[layer] = {"weights": drawn, "bias": np.zeros(2, np.float32)}
            continue
        normalizes = len(shape) == 1
        names = {"gamma": "weight", "beta": "bias"} if normalizes else {"weights": "weight"}
        if not normalizes and not layer.startswith("embeddings/"):
            names["bias"] = "bias"
        params[layer] = {}
        for name, stored in names.items():
            other = f"{source}.{name}"  # what the oldest checkpoints call gamma and beta
            key = other if other in tensors else f"{source}.{stored}"
            value = tensors.get(key)
            wanted = (shape[0],) if name == "bias" else shape
            if value is None:
                raise SpecError(f"the checkpoint has no {key}")
            if len(value.shape) != len(wanted) or any(
                n not in (m, -1) for n, m in zip(wanted, value.shape, strict=True)
            ):
                raise SpecError(f"{key} has shape {list(value.shape)}; config.json says {list(wanted)}")
            value = value.astype(np.float32)
            params[layer][name] = np.ascontiguousarray(value.T) if layer in _TABLES else value
    return config, params


def read_network(path: str | Path) -> tuple[Config, Params]:
    """Sizes and weights in an .mlmodel that `network` made. Raises SpecError for another one."""
    from graphml.models import load

    model: Any = load(path)
    try:
        config = _checked(Config(**json.loads(model.spec.description.metadata.userDefined.get(_SIZES, ""))))
    except (TypeError, ValueError):
        raise SpecError(f"{path} is not an encoder written by graphml: its metadata has no sizes") from None
    plain = lambda value: value.dequantize() if isinstance(value, Quantized) else np.asarray(value, np.float32)  # noqa: E731
    stored, params = getattr(model, "parameters", {}), {}
    for layer, _, _ in _sources(config):
        if layer not in stored:
            raise SpecError(f"{path} has no layer {layer}")
        params[layer] = {name: plain(value) for name, value in stored[layer].items()}
    return config, params


def write_checkpoint(folder: str | Path, config: Config, params: Params) -> None:
    """Write model.safetensors and config.json of a BERT or DistilBERT that answers questions, as `transformers` reads
    them."""
    need("safetensors", "qa")
    from safetensors.numpy import save_file

    family = "bert" if config.types else "distilbert"
    tensors = {}
    for layer, source, _ in _sources(config):
        for name, value in params[layer].items():
            kept = {"weights": "weight", "gamma": "weight", "beta": "bias"}.get(name, name)
            value = np.ascontiguousarray(value.T if layer in _TABLES else value, np.float32)
            tensors[f"{source}.{kept}" if layer == "answer" else f"{family}.{source}.{kept}"] = value
    said: dict[str, Any] = {"model_type": family, "max_position_embeddings": config.places}
    said["architectures"] = [f"{'Bert' if config.types else 'DistilBert'}ForQuestionAnswering"]
    said["vocab_size"] = params["embeddings/words"]["weights"].shape[1]
    if config.types:
        said |= {"type_vocab_size": config.types, "layer_norm_eps": config.epsilon}
    names = _NAMES[family]
    said |= {name: getattr(config, field) for field, name in names.items()}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    save_file(tensors, str(folder / "model.safetensors"))


_MEANINGS = {
    "word_ids": "numbers of the word pieces: [CLS] question [SEP] text [SEP]",
    "word_types": "0 for the question, 1 for the text",
    "mask": "1 for each word piece, 0 for filling",
}
_SIZES = "encoder"  # the key of the sizes in the metadata of a network
_NAMES = {
    "bert": {
        "width": "hidden_size",
        "inner": "intermediate_size",
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "activation": "hidden_act",
        "dropout": "hidden_dropout_prob",
        "attention_dropout": "attention_probs_dropout_prob",
    },
    "distilbert": {
        "width": "dim",
        "inner": "hidden_dim",
        "layers": "n_layers",
        "heads": "n_heads",
        "activation": "activation",
        "dropout": "dropout",
        "attention_dropout": "attention_dropout",
    },
}
_TABLES = ("embeddings/words", "embeddings/places", "embeddings/types")


def _sources(config: Config) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """For each layer its name, its name in a checkpoint, and the shape of its weight there; -1 is any size."""
    width, inner, distilled = config.width, config.inner, not config.types
    yield "embeddings/words", "embeddings.word_embeddings", (-1, width)
    yield "embeddings/places", "embeddings.position_embeddings", (config.places, width)
    if not distilled:
        yield "embeddings/types", "embeddings.token_type_embeddings", (config.types, width)
    yield "embeddings/norm", "embeddings.LayerNorm", (width,)
    below = "transformer.layer" if distilled else "encoder.layer"
    names = {
        "query": ("attention.q_lin", "attention.self.query", (width, width)),
        "key": ("attention.k_lin", "attention.self.key", (width, width)),
        "value": ("attention.v_lin", "attention.self.value", (width, width)),
        "mixed": ("attention.out_lin", "attention.output.dense", (width, width)),
        "attention_norm": ("sa_layer_norm", "attention.output.LayerNorm", (width,)),
        "inner": ("ffn.lin1", "intermediate.dense", (inner, width)),
        "outer": ("ffn.lin2", "output.dense", (width, inner)),
        "norm": ("output_layer_norm", "output.LayerNorm", (width,)),
    }
    for number in range(config.layers):
        for name, (one, other, shape) in names.items():
            yield f"{number}/{name}", f"{below}.{number}.{one if distilled else other}", shape
    yield "answer", "qa_outputs", (2, width)


# The network ---------------------------------------------------------------------------------------------------------


def network(
    config: Config, params: Params, *, length: int | None = None, dropout: bool = False
) -> NeuralNetworkBuilder:
    """The encoder as a builder. length: of its one text; None is any number of texts of 1 to `config.places` words.

    dropout: with layers that drop values by chance, for training: `lower().fn` then takes a key, and the weights stay
    those of the network without. Raises SpecError for more words than there are places.
    """
    if length is not None and not 1 <= length <= config.places:
        raise SpecError(f"length is {length}; the checkpoint has 1 to {config.places} places")
    sizes = json.dumps(asdict(config))
    if not dropout:
        config = replace(config, dropout=0.0, attention_dropout=0.0)
    taken: Any = array(1, min(128, config.places) if length is None else length, dtype="int32")
    if length is None:
        for most in (-1, config.places):
            taken.multiArrayType.shapeRange.sizeRanges.add(lowerBound=1, upperBound=most)
    inputs = {"word_ids": taken, **({"word_types": taken} if config.types else {}), "mask": taken}
    builder = NeuralNetworkBuilder(inputs, {"start_logits": None, "end_logits": None}, exact=True)
    builder.short_description = "Finds the answer to a question in a text."
    builder.user_defined_metadata[_SIZES] = sizes
    for name in inputs:
        builder.input_description[name] = _MEANINGS[name]
    for side in ("start", "end"):
        builder.output_description[f"{side}_logits"] = f"how well an answer would {side} at each word piece"

    def add(kind: str, output: str, *inputs: str, **fields: Any) -> str:
        builder.add(kind, output, list(inputs), [output], **fields)
        return output

    def weighted(kind: str, layer: str, x: str, **fields: Any) -> str:
        return add(kind, layer, x, **params[layer], **fields)

    def normalized(layer: str, x: str) -> str:
        return weighted("layerNormalization", layer, x, eps=config.epsilon, normalized_shape=(config.width,))

    def dropped(x: str, rate: float) -> str:
        if not rate:
            return x
        chance = add("randomUniformLike", f"{x}/chance", x, seed=-1, min_val=0.0, max_val=1.0)
        kept = add("greaterEqual", f"{x}/kept", chance, alpha=rate)
        scaled = add("activation", f"{x}/kept/scaled", kept, linear={"alpha": 1 / (1 - rate), "beta": 0.0})
        return add("multiplyBroadcastable", f"{x}/dropped", x, scaled)

    def looked_up(layer: str, x: str) -> str:
        return weighted("embeddingND", layer, add("expandDims", f"{layer}/column", x, axes=(-1,)))

    # places, and the shapes with heads apart and together
    size_of_head = config.width // config.heads
    apart: tuple[int, ...] = (config.heads, size_of_head)
    together: tuple[int, ...] = (config.width,)
    if length is None:
        size = add("getShape", "size", "word_ids")
        end = add("sliceStatic", "length", size, begin_ids=(1,), end_ids=(2,), strides=(1,), begin_masks=(False,),
                  end_masks=(False,), squeeze_masks=(False,))  # fmt: skip
        place = add("rangeDynamic", "places", end, start_value=0.0, step_size_value=1.0)
        shapes = {
            sizes: add(
                "concatND", f"size/{name}", size, add("loadConstantND", name, data=np.array(sizes, np.float32)), axis=0
            )
            for name, sizes in (("apart", apart), ("together", together))
        }
    else:
        place = add("rangeStatic", "places", start_value=0.0, end_value=float(length), step_size_value=1.0)
        shapes: dict[tuple[int, ...], str] = {}

    def reshaped(output: str, x: str, sizes: tuple[int, ...]) -> str:
        if length is None:
            return add("reshapeDynamic", output, x, shapes[sizes])
        return add("reshapeStatic", output, x, target_shape=(-1, length, *sizes))

    x = looked_up("embeddings/words", "word_ids")
    x = add("addBroadcastable", "embeddings/placed", x, looked_up("embeddings/places", place))
    if config.types:
        x = add("addBroadcastable", "embeddings/sum", x, looked_up("embeddings/types", "word_types"))
    x = dropped(normalized("embeddings/norm", x), config.dropout)
    # 0 where there is a word, -10000 where there is none: small enough in every precision
    absent = add("activation", "absent", "mask", linear={"alpha": 1e4, "beta": -1e4})
    absent = add("expandDims", "absent/keys", absent, axes=(1, 2))
    swapped = (0, 2, 1, 3)
    for i in range(config.layers):
        q, k, v = (
            add("transpose", f"{i}/{name}/heads",
                reshaped(f"{i}/{name}/parts", weighted("batchedMatmul", f"{i}/{name}", x), apart), axes=swapped)
            for name in ("query", "key", "value")
        )  # fmt: skip
        scores = add("batchedMatmul", f"{i}/products", q, k, transpose_b=True)
        scores = add("activation", f"{i}/scores", scores, linear={"alpha": size_of_head**-0.5, "beta": 0.0})
        scores = add("addBroadcastable", f"{i}/scores/masked", scores, absent)
        shares = dropped(add("softmaxND", f"{i}/shares", scores, axis=-1), config.attention_dropout)
        heads = add("transpose", f"{i}/answers", add("batchedMatmul", f"{i}/read", shares, v), axes=swapped)
        mixed = weighted("batchedMatmul", f"{i}/mixed", reshaped(f"{i}/together", heads, together))
        mixed = dropped(mixed, config.dropout)
        x = normalized(f"{i}/attention_norm", add("addBroadcastable", f"{i}/attended", x, mixed))
        inner_x = weighted("batchedMatmul", f"{i}/inner", x)
        if mode := ACTIVATIONS[config.activation]:
            inner_x = add("gelu", f"{i}/active", inner_x, mode=mode)
        else:
            inner_x = add("activation", f"{i}/active", inner_x, ReLU={})
        outer = dropped(weighted("batchedMatmul", f"{i}/outer", inner_x), config.dropout)
        x = normalized(f"{i}/norm", add("addBroadcastable", f"{i}/sum", x, outer))
    both = weighted("batchedMatmul", "answer", x)
    builder.add("splitND", "sides", [both], ["start", "end"], axis=-1, num_splits=2)
    add("squeeze", "start_logits", "start", axes=(-1,))
    add("squeeze", "end_logits", "end", axes=(-1,))
    return builder


# Storage of weights --------------------------------------------------------------------------------------------------


def stored_as(params: Params, weights: str, *, bits: int = 8) -> Params:
    """The weights with matrices and tables in `weights`: "float32", "float16" or "quantized" (a table of 2^bits)."""
    how = {"float32": lambda w: w, "float16": np.float16, "quantized": lambda w: quantize(w, bits=bits, table=True)}[
        weights
    ]
    return {
        layer: {name: how(value) if value.ndim == 2 else value for name, value in fields.items()}
        for layer, fields in params.items()
    }
