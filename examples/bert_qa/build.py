"""Convert a Hugging Face checkpoint to an .mlmodel that answers questions.

    python build.py CHECKPOINT bert.mlmodel                       # any length that the checkpoint allows
    python build.py CHECKPOINT bert.mlmodel --length 384 --weights quantized

CHECKPOINT is a folder with model.safetensors and config.json of a BERT, MiniLM or DistilBERT, the name of one on the
Hugging Face hub (extra `hub`), or an .mlmodel that this program or train.py has written. The vocabulary is written next
to the model. If the checkpoint has no question answering head, a randomly initialized one is added for training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from graphml.interop import bert, qa


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write an .mlmodel that answers questions.")
    parser.add_argument("checkpoint", help="a folder, a name on the hub, or an .mlmodel")
    parser.add_argument("output", type=Path)
    parser.add_argument("--length", type=int, help="fixed length of the inputs in tokens; default: flexible")
    parser.add_argument("--weights", choices=("float32", "float16", "quantized"), default="float32")
    parser.add_argument("--bits", type=int, choices=range(1, 9), default=8, help="bits of quantized weights")
    parser.add_argument("--seed", type=int, default=0, help="seed of a new question answering head")
    given = parser.parse_args(arguments)
    folder = bert.folder_of(given.checkpoint)
    config, params = bert.read_checkpoint(folder, seed=given.seed)
    tokenizer = qa.read_tokenizer(folder)
    stored = bert.stored_as(params, given.weights, bits=given.bits)
    qa.save(bert.network(config, stored, length=given.length), tokenizer, given.output)
    print(f"{given.output}: {given.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
