"""SQuAD v1.1: the file format, the scores, and training data for a network."""

from __future__ import annotations

import json
import lzma
import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphml.errors import SpecError
from graphml.interop import qa


@dataclass(frozen=True)
class Example:
    """A question about a text, and its answers as (text, first character)."""

    id: str
    question: str
    text: str
    answers: tuple[tuple[str, int], ...]


def read(path: str | Path) -> list[Example]:
    """Read the questions of a SQuAD file, which may be xz-compressed. Raises SpecError for any other file."""
    path = Path(path)
    try:
        raw = path.read_bytes()
        data = json.loads(lzma.decompress(raw) if path.suffix == ".xz" else raw)
        return [
            Example(
                str(question["id"]),
                question["question"],
                paragraph["context"],
                tuple((answer["text"], int(answer["answer_start"])) for answer in question["answers"]),
            )
            for article in data["data"]
            for paragraph in article["paragraphs"]
            for question in paragraph["qas"]
        ]
    except (OSError, lzma.LZMAError) as error:
        raise SpecError(f"{path} cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise SpecError(f"{path} is not a SQuAD file: {error!r}") from None


def drawn(examples: Sequence[Example], count: int | None, seed: int) -> list[Example]:
    """`count` examples drawn at random; None returns all of them in order."""
    if count is None:
        return list(examples)
    return [examples[i] for i in np.random.default_rng(seed).permutation(len(examples))[:count]]


# Scores --------------------------------------------------------------------------------------------------------------


def normalized(text: str) -> str:
    """The text in lower case, without ASCII punctuation and the articles a, an and the, with single spaces."""
    text = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def exact_match(given: str, gold: str) -> float:
    """1 if both are equal after normalization, else 0."""
    return float(normalized(given) == normalized(gold))


def f1(given: str, gold: str) -> float:
    """The harmonic mean of precision and recall of words, counted with repetition."""
    one, other = normalized(given).split(), normalized(gold).split()
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other)) if common else 0.0


def scores(examples: Iterable[Example], predictions: Mapping[str, str]) -> dict[str, float]:
    """Exact match and F1 in percent: for each question the best score over its answers, 0 without a prediction."""
    exact, overlap = [], []
    for example in examples:
        given = predictions.get(example.id)
        golds = [gold for gold, _ in example.answers]
        exact.append(0.0 if given is None else max((exact_match(given, gold) for gold in golds), default=0.0))
        overlap.append(0.0 if given is None else max((f1(given, gold) for gold in golds), default=0.0))
    if not exact:
        raise SpecError("there are no questions to score")
    return {"exact_match": 100 * float(np.mean(exact)), "f1": 100 * float(np.mean(overlap))}


# Training data -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Feature:
    """A window with the start and end tokens of its answer; both are 0, which is [CLS], if it contains no answer."""

    window: qa.TextWindow
    start: int
    end: int


def features(tokenizer: Any, example: Example, *, length: int = 256, stride: int = 96) -> Iterator[Feature]:
    """The windows of a question, each with the position of the first answer if the window contains all of it."""
    if not example.answers:
        return
    answer, first = example.answers[0]
    last = first + len(answer)
    for window in qa.windows(tokenizer, example.question, example.text, length=length, stride=stride):
        begins, ends = window.spans.T
        start = np.flatnonzero((begins >= 0) & (begins <= first) & (ends > first))
        end = np.flatnonzero((begins >= 0) & (begins < last) & (ends >= last))
        found = len(start) and len(end) and start[0] <= end[-1]
        yield Feature(window, int(start[0]) if found else 0, int(end[-1]) if found else 0)


def batch_of(rows: Sequence[Feature], length: int, *, types: bool = True) -> dict[str, np.ndarray]:
    """The inputs for several windows, [windows, length], and "start" and "end", [windows]."""
    filled = [row.window.features(length, types=types) for row in rows]
    out = {name: np.concatenate([one[name] for one in filled]) for name in filled[0]}
    return {**out, "start": np.array([r.start for r in rows]), "end": np.array([r.end for r in rows])}


def batches(
    rows: Sequence[Feature], lengths: Sequence[int], size: int, rng: np.random.Generator
) -> list[tuple[int, np.ndarray]]:
    """The mini-batches of one epoch, in random order: (length, indices of rows) for each.

    Each row is padded to the shortest length that fits. The last mini-batch of a length is filled with other rows of
    the same length, so that each length compiles once; if there are fewer than `size`, rows are repeated.
    """
    sizes = np.array([len(row.window.ids) for row in rows])
    place = np.searchsorted(np.array(sorted(lengths)), sizes)
    out = []
    for number, length in enumerate(sorted(lengths)):
        mine = rng.permutation(np.flatnonzero(place == number))
        for first in range(0, len(mine), size):
            out.append((length, np.resize(mine, size) if len(mine) < size else mine[first:][:size]))
            if 0 < len(out[-1][1]) < size:
                out[-1] = (length, mine[-size:])
    return [out[number] for number in rng.permutation(len(out))]
