"""Compute exact match and F1 of a model on a SQuAD file: `python evaluate.py qa.mlmodel dev-v1.1.json`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import squad

from graphml.interop import qa


def predictions(model: Any, tokenizer: Any, examples: list[squad.Example], **options: Any) -> dict[str, str]:
    """{id: text of the best answer}; `options` are those of `qa.answers`."""
    asked = [(example.text, example.question) for example in examples]
    found = qa.answers_to_many(model, tokenizer, asked, **options)
    return {example.id: best[0].text if best else "" for example, best in zip(examples, found, strict=True)}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Score a model on a SQuAD file.")
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--questions", type=int, help="number of questions, drawn at random; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="file for the predictions, {id: text}")
    given = parser.parse_args(arguments)
    examples = squad.drawn(squad.read(given.data), given.questions, given.seed)
    found = predictions(*qa.load(given.model), examples)
    if given.output is not None:
        given.output.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    print(json.dumps({"questions": len(examples), **squad.scores(examples, found)}))


if __name__ == "__main__":
    main()
