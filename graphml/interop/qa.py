"""Question answering: find the span of a text that answers a question.

The text is cut into overlapping windows, a network scores each token as the start and the end of an answer, and the
best spans are returned. The network has the inputs word_ids, mask and optionally word_types, [1, words], and the
outputs start_logits and end_logits. Tokenizers come from the package `tokenizers` (extra `qa`).
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphml.errors import FeatureError, SpecError, need, quoted, reason

_MODELS = (".mlmodel", ".mlpackage", ".mlmodelc")
_STEP = 64  # models of flexible length see windows padded to a multiple of this, so that few programs are compiled


@dataclass(frozen=True)
class Answer:
    """A span of the text.

    Attributes:
        text: The characters of the span.
        start: The index of its first character.
        end: The index after its last character.
        confidence: Its softmax probability among all possible spans and "no answer" (the logits at [CLS]), 0 to 1.
        score: The sum of its start and end logits.
        margin: Its score minus that of "no answer". Below 0 the network considers it likelier that the text does not
            answer the question.
    """

    text: str
    start: int
    end: int
    confidence: float
    score: float
    margin: float


@dataclass(frozen=True, eq=False)
class TextWindow:
    """A question and a piece of a text, in the form that a network reads: [CLS] question [SEP] piece [SEP].

    Attributes:
        ids: The vocabulary index of each token, [tokens].
        types: 0 for tokens up to the first [SEP], 1 for the rest, [tokens].
        spans: The first character of each token in the text and the one after its last, [tokens, 2]; -1 for tokens
            that are not part of the text.
    """

    ids: np.ndarray
    types: np.ndarray
    spans: np.ndarray

    def features(self, length: int, *, types: bool = True, padding: int = 0) -> dict[str, np.ndarray]:
        """Pad the window to the inputs of a network.

        Args:
            length: The number of tokens after padding.
            types: Whether the network has the input word_types.
            padding: The vocabulary index of the padding token.

        Returns:
            word_ids, mask and, with `types`, word_types: each [1, length].
        """
        more = length - len(self.ids)
        out = {"word_ids": np.pad(self.ids, (0, more), constant_values=padding)[None]}
        out["mask"] = np.pad(np.ones(len(self.ids), np.int32), (0, more))[None]
        if types:
            out["word_types"] = np.pad(self.types, (0, more))[None]
        return out


def read_tokenizer(path: str | Path) -> Any:
    """Read a tokenizer.

    Args:
        path: A tokenizer.json or vocab.txt, a folder that contains one, or a model. For a model net.mlmodel, the
            tokenizer is net.tokenizer.json, or a tokenizer.json or vocab.txt in the same folder. With a vocab.txt, text
            is lower-cased unless a tokenizer_config.json in the same folder overrides that.

    Returns:
        A `tokenizers.Tokenizer` without truncation and padding.

    Raises:
        SpecError: There is no vocabulary, or it cannot be read, or it has no [CLS] or [SEP].
    """
    tokenizers = need("tokenizers", "qa")
    path = Path(path)
    places = [path]
    if path.suffix in _MODELS:
        places = [_vocabulary_of(path), path.parent / "tokenizer.json", path.parent / "vocab.txt"]
    elif path.is_dir():
        places = [path / "tokenizer.json", path / "vocab.txt"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise SpecError(f"no vocabulary found: none of {', '.join(str(place) for place in places)} exists")
    try:
        if found.suffix == ".json":
            tokenizer = tokenizers.Tokenizer.from_file(str(found))
        else:
            words = found.read_text(encoding="utf-8").split("\n")
            beside = found.parent / "tokenizer_config.json"
            settings: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
            tokenizer = _word_pieces(tokenizers, words, lower=bool(settings.get("do_lower_case", True)))
        tokenizer.no_truncation()
        tokenizer.no_padding()
    except Exception as error:  # tokenizers raises plain Exceptions
        raise SpecError(f"{found} cannot be read as a vocabulary: {reason(error)}") from None
    missing = [word for word in ("[CLS]", "[SEP]") if tokenizer.token_to_id(word) is None]
    if missing:
        raise SpecError(f"the vocabulary {found} lacks {' and '.join(missing)}")
    return tokenizer


def _word_pieces(tokenizers: Any, words: list[str], *, lower: bool) -> Any:
    vocabulary = {word.rstrip("\r"): number for number, word in enumerate(words) if word.rstrip("\r")}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    return tokenizer


def windows(
    tokenizer: Any, question: str, text: str, *, length: int = 384, stride: int = 128, question_length: int = 64
) -> list[TextWindow]:
    """Cut a text into overlapping windows, each with the question in front.

    Args:
        tokenizer: As `read_tokenizer` returns it.
        question: The question; tokens after the first `question_length` are dropped.
        text: The text to read.
        length: The largest number of tokens in a window.
        stride: The number of text tokens that two neighbouring windows share.
        question_length: The largest number of tokens of the question.

    Returns:
        One or more windows that together cover the text.

    Raises:
        FeatureError: The question or the text is empty or not a string, or a window has too little room for the text.
    """
    arguments: dict[str, object] = {"question": question, "text": text}  # untyped callers may pass anything
    for what, given in arguments.items():
        if not isinstance(given, str):
            raise FeatureError(f"the {what} must be a string, got {type(given).__name__}")
        if not given.strip():
            raise FeatureError(f"the {what} is empty")
        if re.search("[\ud800-\udfff]", given):
            raise FeatureError(f"the {what} contains unpaired surrogates")
    asked = tokenizer.encode(question, add_special_tokens=False).ids[:question_length]
    read = tokenizer.encode(text, add_special_tokens=False)
    if not read.ids:
        raise FeatureError("the text contains no words")
    room = length - len(asked) - 3
    if room < 1:
        raise FeatureError(f"a window of {length} tokens has no room for the text after {len(asked)} of the question")
    if len(read.ids) > room and not 0 <= stride < room:
        raise FeatureError(f"stride must be from 0 to {room - 1} (a window has {room} tokens of text), got {stride}")
    first, between = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    spans = np.array(read.offsets, np.int32).reshape(-1, 2)
    out: list[TextWindow] = []
    for start in range(0, len(read.ids), room - stride if len(read.ids) > room else room):
        piece = slice(start, start + room)
        ids = [first, *asked, between, *read.ids[piece], between]
        places = np.full((len(ids), 2), -1, np.int32)
        places[len(asked) + 2 : -1] = spans[piece]
        types = (np.arange(len(ids)) > len(asked) + 1).astype(np.int32)
        out.append(TextWindow(np.array(ids, np.int32), types, places))
        if start + room >= len(read.ids):
            break
    return out


def best_spans(
    read: Sequence[TextWindow],
    logits: Sequence[Sequence[np.ndarray]],
    text: str,
    *,
    count: int = 1,
    longest: int = 30,
) -> list[Answer]:
    """Find the best answers in the logits of all windows of a text.

    A span that occurs in two windows has the higher of its two scores; "no answer" has the lowest of its scores in all
    windows.

    Args:
        read: The windows.
        logits: For each window its start and end logits, each [tokens].
        text: The text of the windows.
        count: The largest number of answers.
        longest: The largest number of tokens in an answer.

    Returns:
        Up to `count` answers inside the text, best first.

    Raises:
        FeatureError: A logit is not finite.
    """
    keys: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    none = np.inf
    for window, (start, end) in zip(read, logits, strict=True):
        inside = np.flatnonzero(window.spans[:, 0] >= 0)
        if not len(inside):
            continue
        start, end = (np.asarray(side, np.float64).ravel() for side in (start, end))
        if not (np.isfinite(start).all() and np.isfinite(end).all()):
            raise FeatureError("the model returned logits that are not finite")
        none = min(none, start[0] + end[0])
        start, end = start[inside], end[inside]
        first, last = np.triu_indices(len(inside))
        near = last - first < longest
        first, last = first[near], last[near]
        spans = window.spans[inside].astype(np.int64)
        keys.append(spans[first, 0] * (len(text) + 1) + spans[last, 1])
        scores.append(start[first] + end[last])
    if not keys:
        return []
    unique: np.ndarray
    unique, where = np.unique(np.concatenate(keys), return_inverse=True)
    best = np.full(len(unique), -np.inf)
    np.maximum.at(best, where, np.concatenate(scores))
    highest = max(none, best.max())
    shares = np.exp(best - highest)
    shares /= shares.sum() + np.exp(none - highest)
    out: list[Answer] = []
    for place in np.argsort(-best, kind="stable")[:count]:
        begin, stop = divmod(int(unique[place]), len(text) + 1)
        score = float(best[place])
        out.append(Answer(text[begin:stop], begin, stop, float(shares[place]), score, score - float(none)))
    return out


def answers(
    model: Any,
    tokenizer: Any,
    text: str,
    question: str,
    *,
    count: int = 1,
    threshold: float = 0.0,
    length: int = 384,
    stride: int = 128,
    longest: int = 30,
) -> list[Answer]:
    """Answer a question from a text.

    Args:
        model: A model as `graphml.load` returns it.
        tokenizer: As `read_tokenizer` returns it.
        text: The text to read.
        question: The question.
        count: The largest number of answers.
        threshold: Answers with a lower confidence are dropped, 0 to 1.
        length: The largest number of tokens in a window; ignored if the model has a fixed length.
        stride: The number of text tokens that two neighbouring windows share.
        longest: The largest number of tokens in an answer.

    Returns:
        The answers, best first; an empty list if none reaches the threshold.

    Raises:
        FeatureError: The model has other inputs or outputs, the text or the question is empty, or `count` or
            `longest` is not positive.
    """
    return answers_to_many(
        model,
        tokenizer,
        [(text, question)],
        count=count,
        threshold=threshold,
        length=length,
        stride=stride,
        longest=longest,
    )[0]


def answers_to_many(
    model: Any,
    tokenizer: Any,
    asked: Iterable[tuple[str, str]],
    *,
    count: int = 1,
    threshold: float = 0.0,
    length: int = 384,
    stride: int = 128,
    longest: int = 30,
) -> list[list[Answer]]:
    """Answer many questions; windows of the same length run together, even from different texts.

    Args:
        model: As for `answers`, and so are the arguments after `asked`.
        tokenizer: As for `answers`.
        asked: Pairs of a text and a question.
        count: As for `answers`.
        threshold: As for `answers`.
        length: As for `answers`.
        stride: As for `answers`.
        longest: As for `answers`.

    Returns:
        The answers to each question, in order.

    Raises:
        FeatureError: As for `answers`.
    """
    if count < 1 or longest < 1:
        raise FeatureError(f"count and longest must be positive, got {count} and {longest}")
    most, fixed, names = _takes(model)
    length = most if fixed else min(length, most)
    padding = tokenizer.token_to_id("[PAD]")
    padding = 0 if padding is None else padding
    asked = list(asked)
    read = [
        windows(tokenizer, question, text, length=length, stride=min(stride, length // 3)) for text, question in asked
    ]
    rows: list[dict[str, np.ndarray]] = []
    for window in itertools.chain(*read):
        filled = length if fixed else min(most, -(-len(window.ids) // _STEP) * _STEP)
        rows.append(window.features(filled, types="word_types" in names, padding=padding))
    logits = iter((found["start_logits"], found["end_logits"]) for found in model.predict_batch(rows))
    out: list[list[Answer]] = []
    for (text, _), some in zip(asked, read, strict=True):
        own = [[np.ravel(side)[: len(window.ids)] for side in next(logits)] for window in some]
        found = best_spans(some, own, text, count=count, longest=longest)
        out.append([answer for answer in found if answer.confidence >= threshold])
    return out


def load(where: str | Path, *, vocabulary: str | Path | None = None) -> tuple[Any, Any]:
    """Load a model that answers questions, and its tokenizer.

    Args:
        where: A Core ML file; or a checkpoint with a question answering head, as a folder or a name on the Hugging Face
            hub (see `graphml.interop.bert`).
        vocabulary: A path for `read_tokenizer`; by default, the vocabulary stored with the model.

    Returns:
        The model and its `tokenizers.Tokenizer`.

    Raises:
        SpecError: The model or the vocabulary is missing or cannot be read.
        FeatureError: The model has other inputs or outputs.
    """
    from graphml import models

    path = Path(where)
    if path.suffix in _MODELS:
        model = models.load(path)
        _takes(model)
        return model, read_tokenizer(path if vocabulary is None else vocabulary)
    from graphml.interop import bert

    folder = bert.folder_of(where)
    tokenizer = read_tokenizer(folder if vocabulary is None else vocabulary)
    return models.load(bert.network(*bert.read_checkpoint(folder, seed=None)).spec), tokenizer


def save(network: Any, tokenizer: Any, path: str | Path) -> None:
    """Write a network and its vocabulary in the form that `load` reads.

    Args:
        network: A builder.
        tokenizer: A `tokenizers.Tokenizer`.
        path: The .mlmodel to write; for net.mlmodel, the vocabulary is written to net.tokenizer.json.
    """
    network.save(path)
    tokenizer.save(str(_vocabulary_of(Path(path))))


def _vocabulary_of(model: Path) -> Path:
    return model.with_suffix(".tokenizer.json")


def _takes(model: Any) -> tuple[int, bool, set[str]]:
    """The largest number of words that a model takes, whether that number is fixed, and the names of its inputs."""
    description = model.spec.description
    inputs = {feature.name: feature.type for feature in description.input}
    outputs = [feature.name for feature in description.output]
    needed, results = {"word_ids", "mask"}, {"start_logits", "end_logits"}
    if not (needed <= inputs.keys() <= needed | {"word_types"} and results <= set(outputs)):
        path = getattr(model, "path", None)
        raise FeatureError(
            f"{'the model' if path is None else path} does not answer questions: it takes {_listed(inputs)} and "
            f"returns {_listed(outputs)}; such a model takes word_ids, mask and perhaps word_types, and returns "
            "start_logits and end_logits"
        )
    kind = inputs["word_ids"].multiArrayType
    if kind.WhichOneof("ShapeFlexibility") == "shapeRange":
        most = kind.shapeRange.sizeRanges[-1].upperBound
        return (int(most) if most > 0 else 512), False, set(inputs)
    if len(kind.shape) != 2:
        raise FeatureError(f"word_ids must have the shape [1, words], got {list(kind.shape)}")
    return int(kind.shape[-1]), True, set(inputs)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names)) or "nothing"
