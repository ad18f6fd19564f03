"""Encoders as Core ML networks: build and read them, and change how their weights are stored."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from graphml.build import NeuralNetworkBuilder
from graphml.build.datatypes import array
from graphml.errors import SpecError
from graphml.interop.bert.config import ACTIVATIONS, Config, Params, checked, weight_sources
from graphml.spec.weights import Quantized, quantize

_DESCRIPTIONS = {
    "word_ids": "vocabulary indices of the word pieces: [CLS] question [SEP] text [SEP]",
    "word_types": "0 for the question, 1 for the text",
    "mask": "1 for each word piece, 0 for padding",
}
_SIZES = "encoder"  # the metadata key under which a network stores its sizes


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
        builder.input_description[name] = _DESCRIPTIONS[name]
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
        config = checked(Config(**json.loads(model.spec.description.metadata.userDefined.get(_SIZES, ""))))
    except (TypeError, ValueError):
        raise SpecError(f"{path} is not an encoder written by graphml: its metadata has no sizes") from None
    stored: dict[str, dict[str, Any]] = getattr(model, "parameters", {})
    params: Params = {}
    for layer, _, _ in weight_sources(config):
        if layer not in stored:
            raise SpecError(f"{path} has no layer {layer}")
        params[layer] = {
            name: value.dequantize() if isinstance(value, Quantized) else np.asarray(value, np.float32)
            for name, value in stored[layer].items()
        }
    return config, params


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
