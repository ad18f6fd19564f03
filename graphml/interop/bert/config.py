"""The sizes of an encoder, and the names of its layers in a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphml.errors import SpecError, UnsupportedError

Params = dict[str, dict[str, Any]]
"""{layer: {"weights" and "bias", or "gamma" and "beta"}}, in the layout of the Core ML file, as in `lower().params`."""

ACTIVATIONS = {"gelu": "EXACT", "gelu_new": "TANH_APPROXIMATION", "gelu_pytorch_tanh": "TANH_APPROXIMATION", "relu": ""}

NAMES = {
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
"""{family: {field of `Config`: key in config.json}}."""


@dataclass(frozen=True)
class Config:
    """The sizes and rates of an encoder.

    Attributes:
        width: The size of an embedding.
        inner: The hidden size between the two dense layers of a block.
        layers: The number of blocks.
        heads: The number of attention heads; it divides `width`.
        places: The largest number of words in a text.
        types: The number of word types: 2 for BERT, 0 for DistilBERT, which has none.
        activation: A key of `ACTIVATIONS`.
        epsilon: Added to the variance in layer normalization.
        dropout: The dropout rate of activations, 0 to 1.
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
        SpecError: config.json cannot be read, or a size is missing or invalid.
        UnsupportedError: The model has other position embeddings than a learned table, or another activation.
    """
    try:
        stored: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        distilled = stored.get("model_type") == "distilbert"
        if stored.get("position_embedding_type", "absolute") != "absolute" or stored.get("sinusoidal_pos_embds", False):
            raise UnsupportedError(
                f"{folder / 'config.json'}: only learned, absolute position embeddings are supported"
            )
        names = NAMES["distilbert" if distilled else "bert"]
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
    return checked(config)


def checked(config: Config) -> Config:
    """Return the sizes if they are valid.

    Args:
        config: Sizes from any source.

    Raises:
        SpecError: A size is invalid.
        UnsupportedError: The activation is not supported.
    """
    sizes = (config.width, config.inner, config.layers, config.heads, config.places, config.types + 1)
    if not all(type(size) is int and 1 <= size < 2**31 for size in sizes):  # they may come from a file
        raise SpecError(f"invalid sizes of an encoder: {config}")
    if config.activation not in ACTIVATIONS:
        raise UnsupportedError(f"unsupported activation {config.activation!r}; supported: {', '.join(ACTIVATIONS)}")
    if config.width % config.heads:
        raise SpecError(f"the width {config.width} is not divisible by {config.heads} heads")
    return config


def weight_sources(config: Config) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """For each layer its name, its name in a checkpoint, and the shape of its weight there; -1 means any size."""
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
