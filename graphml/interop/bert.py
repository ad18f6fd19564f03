"""BERT encoders for question answering: Hugging Face checkpoints to Core ML networks, and back.

A checkpoint is a folder (or a name on the Hugging Face hub) with the model.safetensors and config.json of a BERT,
MiniLM or DistilBERT, with the names that the library `transformers` uses. The network has the inputs word_ids,
word_types (not for DistilBERT) and mask, and the outputs start_logits and end_logits, all [texts, words].
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from graphml.build import NeuralNetworkBuilder
from graphml.build.datatypes import array
from graphml.errors import SpecError, UnsupportedError, need
from graphml.spec.weights import Quantized, quantize

Params = dict[str, dict[str, Any]]
"""{layer: {"weights" and "bias", or "gamma" and "beta"}}, in the layout of the Core ML file, as in `lower().params`."""

ACTIVATIONS = {"gelu": "EXACT", "gelu_new": "TANH_APPROXIMATION", "gelu_pytorch_tanh": "TANH_APPROXIMATION", "relu": ""}


@dataclass(frozen=True)
class Config:
    """The sizes and rates of an encoder.

    Attributes:
        width: The length of a word's vector.
        inner: The width between the two dense layers of a block.
        layers: The number of blocks.
        heads: The number of attention heads; it divides `width`.
        places: The greatest number of words in a text.
        types: The number of word types: 2 for BERT, 0 for DistilBERT, which has none.
        activation: A key of `ACTIVATIONS`.
        epsilon: Added to the variance in layer normalization.
        dropout: The dropout rate of vectors, 0 to 1.
        attention_dropout: The dropout rate of attention weights, 0 to 1.
    """

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
    """Read the sizes in config.json.

    Args:
        folder: The folder of a checkpoint.

    Returns:
        The sizes, checked.

    Raises:
        SpecError: config.json cannot be read, or a size is missing or impossible.
        UnsupportedError: The model has other position embeddings than a learned table, or another activation.
    """
    try:
        stored: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        distilled = stored.get("model_type") == "distilbert"
        if stored.get("position_embedding_type", "absolute") != "absolute" or stored.get("sinusoidal_pos_embds", False):
            raise UnsupportedError(
                f"{folder / 'config.json'}: only learned, absolute position embeddings are supported"
            )
        names = _NAMES["distilbert" if distilled else "bert"]
        width, inner, layers, heads = (int(stored[names[field]]) for field in ("width", "inner", "layers", "heads"))
        config = Config(
            *(width, inner, layers, heads, int(stored["max_position_embeddings"])),
            types=0 if distilled else int(stored["type_vocab_size"]),
            activation=str(stored.get(names["activation"], "gelu")),
            epsilon=1e-12 if distilled else float(stored.get("layer_norm_eps", 1e-12)),
            dropout=float(stored.get(names["dropout"], 0.1)),
            attention_dropout=float(stored.get(names["attention_dropout"], 0.1)),
        )
    except OSError as error:
        raise SpecError(f"{folder} has no readable config.json: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SpecError(f"{folder / 'config.json'} does not describe an encoder: {error!r}") from None
    return _checked(config)


def _checked(config: Config) -> Config:
    sizes = (config.width, config.inner, config.layers, config.heads, config.places, config.types + 1)
    if not all(type(size) is int and 1 <= size < 2**31 for size in sizes):  # they may come from a file
        raise SpecError(f"an encoder cannot have these sizes: {config}")
    if config.activation not in ACTIVATIONS:
        raise UnsupportedError(f"unsupported activation {config.activation!r}; supported: {', '.join(ACTIVATIONS)}")
    if config.width % config.heads:
        raise SpecError(f"the width {config.width} cannot be divided among {config.heads} heads")
    return config


FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


def folder_of(checkpoint: str | Path) -> Path:
    """Find a checkpoint on this computer, or download it.

    Args:
        checkpoint: A folder or an .mlmodel, which is returned as it is; or "owner/name" of a model on the Hugging Face
            hub. `huggingface_hub` (extra `hub`) keeps downloads, so only the first call needs a connection.

    Returns:
        The path of the folder or .mlmodel.

    Raises:
        SpecError: There is no such folder, and no such model could be downloaded.
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
            f"there is no folder {name}, and no model of that name could be downloaded from the Hugging Face hub "
            f"({reason}); without a connection, give the folder of a checkpoint or a name that was downloaded before"
        ) from None


def read_checkpoint(checkpoint: str | Path, *, seed: int | None = 0) -> tuple[Config, Params]:
    """Read the sizes and weights of an encoder.

    Args:
        checkpoint: A folder, a name on the Hugging Face hub (see `folder_of`), or an .mlmodel written by `network`.
        seed: Initializes the question answering head if the checkpoint has none; None: such a checkpoint is refused.

    Returns:
        The sizes and the weights in float32.

    Raises:
        SpecError: The checkpoint cannot be read, or a weight, which the message names, is missing or has another shape.
        UnsupportedError: The model is not one of the supported encoders.
    """
    folder = folder_of(checkpoint)
    if folder.suffix == ".mlmodel":
        return read_network(folder)
    config = read_config(folder)
    need("safetensors", "qa")
    import_module("ml_dtypes")  # registers bfloat16 with NumPy; installed with JAX
    from safetensors import SafetensorError
    from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]  (a bare PathLike)

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
            other = f"{source}.{name}"  # the oldest checkpoints say gamma and beta
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
    """Read the sizes and weights of an encoder from an .mlmodel written by `network`.

    Args:
        path: The .mlmodel.

    Returns:
        The sizes and the weights in float32.

    Raises:
        SpecError: The file cannot be read, or was not written by `network`.
    """
    from graphml.models import load

    model: Any = load(path)
    try:
        config = _checked(Config(**json.loads(model.spec.description.metadata.userDefined.get(_SIZES, ""))))
    except (TypeError, ValueError):
        raise SpecError(f"{path} is not an encoder written by graphml: its metadata has no sizes") from None
    stored: dict[str, dict[str, Any]] = getattr(model, "parameters", {})
    params: Params = {}
    for layer, _, _ in _sources(config):
        if layer not in stored:
            raise SpecError(f"{path} has no layer {layer}")
        params[layer] = {
            name: value.dequantize() if isinstance(value, Quantized) else np.asarray(value, np.float32)
            for name, value in stored[layer].items()
        }
    return config, params


def write_checkpoint(folder: str | Path, config: Config, params: Params) -> None:
    """Write model.safetensors and config.json of a BERT or DistilBERT for question answering, as `transformers` reads
    them.

    Args:
        folder: Where to write; it is created if necessary.
        config: The sizes.
        params: The weights.
    """
    need("safetensors", "qa")
    from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]  (a bare PathLike)

    family = "bert" if config.types else "distilbert"
    tensors: dict[str, np.ndarray] = {}
    for layer, source, _ in _sources(config):
        for name, value in params[layer].items():
            kept = {"weights": "weight", "gamma": "weight", "beta": "bias"}.get(name, name)
            value = np.ascontiguousarray(value.T if layer in _TABLES else value, np.float32)
            tensors[f"{source}.{kept}" if layer == "answer" else f"{family}.{source}.{kept}"] = value
    stored: dict[str, Any] = {"model_type": family, "max_position_embeddings": config.places}
    stored["architectures"] = [f"{'Bert' if config.types else 'DistilBert'}ForQuestionAnswering"]
    stored["vocab_size"] = params["embeddings/words"]["weights"].shape[1]
    if config.types:
        stored |= {"type_vocab_size": config.types, "layer_norm_eps": config.epsilon}
    names = _NAMES[family]
    stored |= {name: getattr(config, field) for field, name in names.items()}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    save_file(tensors, str(folder / "model.safetensors"))


_MEANINGS = {
    "word_ids": "vocabulary indices of the word pieces: [CLS] question [SEP] text [SEP]",
    "word_types": "0 for the question, 1 for the text",
    "mask": "1 for each word piece, 0 for padding",
}
_SIZES = "encoder"  # the metadata key under which a network stores its sizes
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
    """For each layer its name, its name in a checkpoint, and the shape of its weight there; -1 stands for any size."""
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
    """Build the encoder as a Core ML network.

    Args:
        config: The sizes.
        params: The weights.
        length: The number of words of its only text; None: any number of texts of 1 to `config.places` words.
        dropout: Whether to add dropout layers, for training. `lower().fn` then takes a key; the weights are the same.

    Returns:
        A builder with the network.

    Raises:
        SpecError: `length` is not between 1 and `config.places`.
    """
    if length is not None and not 1 <= length <= config.places:
        raise SpecError(
            f"length must be from 1 to {config.places}, the number of positions in the checkpoint; got {length}"
        )
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
        builder.output_description[f"{side}_logits"] = f"score of an answer that {side}s at each word piece"

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

    # positions, and the shapes with heads on an axis of their own and without
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
    # 0 for words, -10000 for padding, which every precision can represent
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
    """Change how matrices and embedding tables are stored; vectors stay float32.

    Args:
        params: Weights in float32.
        weights: "float32", "float16" or "quantized" (a lookup table of 2^bits entries for each array).
        bits: 1 to 8, for quantized weights.

    Returns:
        The weights in the new storage.
    """

    def stored(value: np.ndarray) -> Any:
        if weights == "quantized":
            return quantize(value, bits=bits, table=True)
        return value.astype({"float32": np.float32, "float16": np.float16}[weights])

    return {
        layer: {name: stored(value) if value.ndim == 2 else value for name, value in fields.items()}
        for layer, fields in params.items()
    }
