"""Compress a model: store matrices and embeddings as lookup tables, rounded so that outputs change least (GPTQ).

    python shrink.py qa.mlmodel train-v1.1.json small.mlmodel --bits 5

`build.py --weights quantized` rounds each weight to the nearest entry of the table. Here, the weights of a layer that
are rounded later compensate for the output error of the earlier ones, measured on texts of the training data (Frantar
et al. 2022, "GPTQ"). The inputs of each layer come from the preceding rounded layers.
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

TEXTS = 128  # number of windows for measuring errors, 16 at a time
LENGTH = 192
MATRICES = ("query", "key", "value", "mixed", "inner", "outer")


def rounded(weights: np.ndarray, gram: np.ndarray, bits: int, *, damping: float = 0.01, block: int = 64) -> Quantized:
    """Round a matrix to the entries of a table.

    Args:
        weights: [out, in].
        gram: The sum of x x^T over the inputs x of the layer, [in, in].
        bits: The table has 2^bits entries.
        damping: Added to the diagonal of `gram`, as a fraction of its mean.
        block: The number of columns whose error is distributed at once; it affects speed only.
    """
    table = quantize(weights, bits=bits, table=True).table
    assert table is not None
    borders, size = (table[1:] + table[:-1]) / 2, len(gram)
    order = np.argsort(-np.diag(gram))  # the most important columns first, while others can still compensate
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
    config: bert.Config,
    params: bert.Params,
    batches: Sequence[dict[str, np.ndarray]],
    bits: int,
    *,
    words: int,
    finer: Sequence[str] = (),
) -> bert.Params:
    """Round matrices to tables of 2^bits entries, twice as many for those named in `finer`, and word embeddings to
    tables of 2^words entries; `batches` are example inputs."""
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
                out[layer]["weights"] = rounded(params[layer]["weights"], grams[blob], bits + (name in finer))
    return out


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Compress a model with the least change to its answers.")
    parser.add_argument("model", type=Path, help="an .mlmodel written by train.py or build.py")
    parser.add_argument("data", type=Path, help="a SQuAD v1.1 file, from which texts are drawn")
    parser.add_argument("output", type=Path)
    parser.add_argument("--bits", type=int, choices=range(2, 9), default=5, help="bits of matrices")
    parser.add_argument("--word-bits", type=int, choices=range(2, 9), default=5, help="bits of the word embeddings")
    parser.add_argument(
        "--finer", nargs="*", choices=MATRICES, default=(), help="matrices of each block that get an extra bit"
    )
    parser.add_argument("--license", default="", help="the licence to write into the file")
    parser.add_argument("--seed", type=int, default=0, help="random seed for choosing texts")
    given = parser.parse_args(arguments)
    config, params = bert.read_network(given.model)
    tokenizer = qa.read_tokenizer(given.model)
    examples = squad.drawn(squad.read(given.data), TEXTS, given.seed)
    rows = [row for example in examples for row in squad.features(tokenizer, example, length=LENGTH)][:TEXTS]
    batches = []
    for first in range(0, len(rows), 16):
        batch = squad.batch_of(rows[first : first + 16], LENGTH, types=bool(config.types))
        batches.append({name: value for name, value in batch.items() if name not in ("start", "end")})
    weights = shrunk(config, params, batches, given.bits, words=given.word_bits, finer=given.finer)
    builder = bert.network(config, weights)
    builder.license = given.license
    qa.save(builder, tokenizer, given.output)
    print(f"{given.output}: {given.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
