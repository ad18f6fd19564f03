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
_SWAPPED = (0, 2, 1, 3)  # words and heads
_SIZES = "encoder"  # the metadata key under which a network stores its sizes


def network(
    config: Config, params: Params, *, length: int | None = None, dropout: bool = False
) -> NeuralNetworkBuilder:
    """Build the encoder as a Core ML network.

    Args:
        config: The sizes.
        params: The weights.
        length: The number of words of a single text; None: any number of texts of 1 to `config.places` words.
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

    _Encoder(builder, config, params, length).write()
    return builder


class _Encoder:
    """Adds the layers of an encoder to a builder. Methods return the blob that they write."""

    def __init__(self, builder: NeuralNetworkBuilder, config: Config, params: Params, length: int | None) -> None:
        self._builder = builder
        self._config = config
        self._params = params
        self._length = length
        self._size_of_head = config.width // config.heads
        # the shapes with and without a separate axis of heads
        self._apart: tuple[int, ...] = (config.heads, self._size_of_head)
        self._together: tuple[int, ...] = (config.width,)
        self._shapes: dict[tuple[int, ...], str] = {}  # the blobs that hold them if the length is unknown

    def write(self) -> None:
        x = self._embedded(self._places())
        # 0 for words, -10000 for padding, which every precision can represent
        absent = self._add("activation", "absent", "mask", linear={"alpha": 1e4, "beta": -1e4})
        absent = self._add("expandDims", "absent/keys", absent, axes=(1, 2))
        for i in range(self._config.layers):
            x = self._fed_forward(i, self._attended(i, x, absent))
        both = self._weighted("batchedMatmul", "answer", x)
        self._builder.add("splitND", "sides", [both], ["start", "end"], axis=-1, num_splits=2)
        self._add("squeeze", "start_logits", "start", axes=(-1,))
        self._add("squeeze", "end_logits", "end", axes=(-1,))

    def _places(self) -> str:
        """The positions of the words."""
        if self._length is not None:
            return self._add(
                "rangeStatic", "places", start_value=0.0, end_value=float(self._length), step_size_value=1.0
            )
        size = self._add("getShape", "size", "word_ids")
        end = self._add("sliceStatic", "length", size, begin_ids=(1,), end_ids=(2,), strides=(1,), begin_masks=(False,),
                        end_masks=(False,), squeeze_masks=(False,))  # fmt: skip
        places = self._add("rangeDynamic", "places", end, start_value=0.0, step_size_value=1.0)
        for name, sizes in (("apart", self._apart), ("together", self._together)):
            rest = self._add("loadConstantND", name, data=np.array(sizes, np.float32))
            self._shapes[sizes] = self._add("concatND", f"size/{name}", size, rest, axis=0)
        return places

    def _embedded(self, places: str) -> str:
        x = self._looked_up("embeddings/words", "word_ids")
        x = self._add("addBroadcastable", "embeddings/placed", x, self._looked_up("embeddings/places", places))
        if self._config.types:
            types = self._looked_up("embeddings/types", "word_types")
            x = self._add("addBroadcastable", "embeddings/sum", x, types)
        return self._dropped(self._normalized("embeddings/norm", x), self._config.dropout)

    def _attended(self, i: int, x: str, absent: str) -> str:
        """Attention of layer i, with the residual connection."""
        q, k, v = (self._heads(f"{i}/{name}", x) for name in ("query", "key", "value"))
        scores = self._add("batchedMatmul", f"{i}/products", q, k, transpose_b=True)
        scores = self._add("activation", f"{i}/scores", scores, linear={"alpha": self._size_of_head**-0.5, "beta": 0.0})
        scores = self._add("addBroadcastable", f"{i}/scores/masked", scores, absent)
        shares = self._add("softmaxND", f"{i}/shares", scores, axis=-1)
        shares = self._dropped(shares, self._config.attention_dropout)
        read = self._add("batchedMatmul", f"{i}/read", shares, v)
        heads = self._add("transpose", f"{i}/answers", read, axes=_SWAPPED)
        mixed = self._weighted("batchedMatmul", f"{i}/mixed", self._reshaped(f"{i}/together", heads, self._together))
        mixed = self._dropped(mixed, self._config.dropout)
        return self._normalized(f"{i}/attention_norm", self._add("addBroadcastable", f"{i}/attended", x, mixed))

    def _heads(self, layer: str, x: str) -> str:
        parts = self._reshaped(f"{layer}/parts", self._weighted("batchedMatmul", layer, x), self._apart)
        return self._add("transpose", f"{layer}/heads", parts, axes=_SWAPPED)

    def _fed_forward(self, i: int, x: str) -> str:
        """The dense layers of layer i, with the residual connection."""
        inner = self._weighted("batchedMatmul", f"{i}/inner", x)
        if mode := ACTIVATIONS[self._config.activation]:
            inner = self._add("gelu", f"{i}/active", inner, mode=mode)
        else:
            inner = self._add("activation", f"{i}/active", inner, ReLU={})
        outer = self._dropped(self._weighted("batchedMatmul", f"{i}/outer", inner), self._config.dropout)
        return self._normalized(f"{i}/norm", self._add("addBroadcastable", f"{i}/sum", x, outer))

    # Any: fields of any type
    def _add(self, kind: str, output: str, *inputs: str, **fields: Any) -> str:
        self._builder.add(kind, output, list(inputs), [output], **fields)
        return output

    def _weighted(self, kind: str, layer: str, x: str, **fields: Any) -> str:
        return self._add(kind, layer, x, **self._params[layer], **fields)

    def _normalized(self, layer: str, x: str) -> str:
        width, epsilon = self._config.width, self._config.epsilon
        return self._weighted("layerNormalization", layer, x, eps=epsilon, normalized_shape=(width,))

    def _dropped(self, x: str, rate: float) -> str:
        if not rate:
            return x
        chance = self._add("randomUniformLike", f"{x}/chance", x, seed=-1, min_val=0.0, max_val=1.0)
        kept = self._add("greaterEqual", f"{x}/kept", chance, alpha=rate)
        scaled = self._add("activation", f"{x}/kept/scaled", kept, linear={"alpha": 1 / (1 - rate), "beta": 0.0})
        return self._add("multiplyBroadcastable", f"{x}/dropped", x, scaled)

    def _looked_up(self, layer: str, x: str) -> str:
        return self._weighted("embeddingND", layer, self._add("expandDims", f"{layer}/column", x, axes=(-1,)))

    def _reshaped(self, output: str, x: str, sizes: tuple[int, ...]) -> str:
        if self._length is None:
            return self._add("reshapeDynamic", output, x, self._shapes[sizes])
        return self._add("reshapeStatic", output, x, target_shape=(-1, self._length, *sizes))


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
