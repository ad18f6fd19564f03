"""Make a model small: matrices and tables of words as lookup tables, rounded so that the answers change least.

    python shrink.py qa.mlmodel train-v1.1.json small.mlmodel --bits 5

`build.py --weights quantized` takes the nearest entry of the table for each weight. Here the error that this makes in
a layer's output, on texts of the training data, is made up for by the weights of the layer that are rounded later
(Frantar et al. 2022, "GPTQ"); each layer sees what the layers before it give after rounding.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import squad

from graphml.interop import bert, qa
from graphml.models import load
from graphml.spec.weights import Quantized, quantize

TEXTS = 128  # windows to look at, 16 at a time
LENGTH = 192


def rounded(weights: np.ndarray, gram: np.ndarray, bits: int, *, damping: float = 0.01, block: int = 64) -> Quantized:
    """A matrix [out, in] with the entries of a table of 2^bits; gram: [in, in], the sum of x x^T over its inputs x.

    damping: of the gram, as a share of its mean diagonal. block: columns whose error is spread at once, for speed only.
    """
    table = quantize(weights, bits=bits, table=True).table
    assert table is not None
    borders, size = (table[1:] + table[:-1]) / 2, len(gram)
    order = np.argsort(-np.diag(gram))  # what matters most is rounded first, while others can still make up for it
    damped = gram[np.ix_(order, order)] + damping * np.mean(np.diag(gram)) * np.eye(size)
    spread = np.linalg.cholesky(np.linalg.inv(damped)).T
    left = weights[:, order].astype(np.float64)
    codes = np.empty(left.shape, np.uint8)
    for first in range(0, size, block):
        last = min(size, first + block)
        errors = np.empty((len(left), last - first))
        for i in range(first, last):
            codes[:, i] = np.searchsorted(borders, left[:, i])
            errors[:, i - first] = (left[:, i] - table[codes[:, i]]) / spread[i, i]
            left[:, i + 1 : last] -= np.outer(errors[:, i - first], spread[i, i + 1 : last])
        left[:, last:] -= errors @ spread[first:last, last:]
    return Quantized(codes[:, np.argsort(order)], None, None, table, bits)


def shrunk(
    config: bert.Config, params: bert.Params, batches: Sequence[dict[str, np.ndarray]], bits: int, *, words: int
) -> bert.Params:
    """The weights with matrices of `bits` and the table of words of `words` bits. batches: inputs of the network."""
    out = {layer: dict(fields) for layer, fields in params.items()}
    for layer in ("embeddings/words", "embeddings/places"):
        size = words if layer.endswith("words") else 8
        out[layer]["weights"] = quantize(params[layer]["weights"], bits=size, table=True)
    model: Any = load(bert.network(config, params).spec)
    lowered = model.lower()
    blobs = jax.jit(lowered.intermediates, static_argnums=2)
    for i in range(config.layers):
        reads = {"embeddings/norm" if i == 0 else f"{i - 1}/norm": ("query", "key", "value")}
        reads |= {f"{i}/together": ("mixed",), f"{i}/attention_norm": ("inner",), f"{i}/active": ("outer",)}
        grams: dict[str, Any] = dict.fromkeys(reads, 0.0)
        for batch in batches:
            seen = blobs(out, batch, tuple(reads))
            for blob in reads:
                rows = np.asarray(seen[blob], np.float64)[batch["mask"] > 0]
                grams[blob] = grams[blob] + rows.T @ rows
        for blob, layers in reads.items():
            for name in layers:
                layer = f"{i}/{name}"
                out[layer]["weights"] = rounded(params[layer]["weights"], grams[blob], bits)
    return out


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make a model small with as little change as can be.")
    parser.add_argument("model", type=Path, help="what train.py or build.py has written")
    parser.add_argument("data", type=Path, help="a SQuAD v1.1 file, whose first texts are looked at")
    parser.add_argument("output", type=Path)
    parser.add_argument("--bits", type=int, choices=range(2, 9), default=5, help="of matrices")
    parser.add_argument("--word-bits", type=int, choices=range(2, 9), default=5, help="of the table of words")
    parser.add_argument("--license", default="", help="what the file shall say of its licence")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of texts")
    given = parser.parse_args(arguments)
    config, params = bert.read_network(given.model)
    tokenizer = qa.read_tokenizer(given.model)
    examples = squad.drawn(squad.read(given.data), TEXTS, given.seed)
    rows = [row for example in examples for row in squad.features(tokenizer, example, length=LENGTH)][:TEXTS]
    batches = []
    for first in range(0, len(rows), 16):
        batch = squad.batch_of(rows[first : first + 16], LENGTH, types=bool(config.types))
        batches.append({name: value for name, value in batch.items() if name not in ("start", "end")})
    weights = shrunk(config, params, batches, given.bits, words=given.word_bits)
    builder = bert.network(config, weights)
    builder.license = given.license
    qa.save(builder, tokenizer, given.output)
    print(f"{given.output}: {given.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
