"""Answers to questions from a text: windows over the text, a network that says where an answer starts and ends, the
best spans. The model is a network with inputs word_ids, mask and perhaps word_types, [1, words], and outputs
start_logits and end_logits; tokenizers of the package `tokenizers` (extra `qa`)."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphml.errors import FeatureError, SpecError, need

_STEP = 64  # lengths of windows are multiples of it where the model takes any, so that few programs are compiled


@dataclass(frozen=True)
class Answer:
    """A span of the text. start, end: its characters; score: the sum of its logits; confidence: its share, by softmax,
    among all spans that were possible and the model's word that there is no answer (its logits at [CLS])."""

    text: str
    start: int
    end: int
    confidence: float
    score: float


@dataclass(frozen=True, eq=False)
class Window:
    """A question and a piece of a text, as a network reads them: [CLS] question [SEP] piece [SEP].

    ids, types: a number for each token. spans: [tokens, 2], the characters of the text that a token stands for;
    -1 for tokens that are not of the text.
    """

    ids: np.ndarray
    types: np.ndarray
    spans: np.ndarray

    def features(self, length: int, *, types: bool = True, padding: int = 0) -> dict[str, np.ndarray]:
        """The inputs of a network for texts of `length`, [1, length]."""
        more = length - len(self.ids)
        out = {"word_ids": np.pad(self.ids, (0, more), constant_values=padding)[None]}
        out["mask"] = np.pad(np.ones(len(self.ids), np.int32), (0, more))[None]
        if types:
            out["word_types"] = np.pad(self.types, (0, more))[None]
        return out


def read_tokenizer(path: str | Path) -> Any:
    """The tokenizer in a tokenizer.json or vocab.txt, in a folder with one, or beside a model.

    Of a model net.mlmodel these are net.tokenizer.json, or a tokenizer.json or vocab.txt in its folder. A vocab.txt is
    split into lower-case word pieces unless a tokenizer_config.json beside it says otherwise. Raises SpecError where
    there is none, or one that cannot be read.
    """
    tokenizers = need("tokenizers", "qa")
    path = Path(path)
    places = [path]
    if path.suffix in (".mlmodel", ".mlpackage"):
        places = [_vocabulary_of(path), path.parent / "tokenizer.json", path.parent / "vocab.txt"]
    elif path.is_dir():
        places = [path / "tokenizer.json", path / "vocab.txt"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise SpecError(f"there is no vocabulary: none of {', '.join(str(place) for place in places)} exists")
    try:
        if found.suffix == ".json":
            tokenizer = tokenizers.Tokenizer.from_file(str(found))
        else:
            words = found.read_text(encoding="utf-8").split("\n")
            beside = found.parent / "tokenizer_config.json"
            said = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
            tokenizer = _word_pieces(tokenizers, words, said)
        tokenizer.no_truncation()
        tokenizer.no_padding()
    except Exception as error:  # tokenizers raises plain Exceptions
        raise SpecError(f"{found} cannot be read as a vocabulary: {error}") from None
    missing = [word for word in ("[CLS]", "[SEP]") if tokenizer.token_to_id(word) is None]
    if missing:
        raise SpecError(f"the vocabulary {found} lacks {' and '.join(missing)}")
    return tokenizer


def _word_pieces(tokenizers: Any, words: list[str], said: dict[str, Any]) -> Any:
    vocabulary = {word.rstrip("\r"): number for number, word in enumerate(words) if word.rstrip("\r")}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    lower = bool(said.get("do_lower_case", True))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    return tokenizer


def windows(
    tokenizer: Any, question: str, text: str, *, length: int = 384, stride: int = 128, question_length: int = 64
) -> list[Window]:
    """Windows of at most `length` tokens over a text, each with the question in front.

    stride: how many tokens of the text two neighbours have in common. question_length: longer questions are cut.
    Raises FeatureError for a question or text that is empty or no text, and where so little room is left for the text
    that the windows would not move on.
    """
    for what, given in (("question", question), ("text", text)):
        if not isinstance(given, str):
            raise FeatureError(f"the {what} is of type {type(given).__name__}; a string is needed")
        if not given.strip():
            raise FeatureError(f"the {what} is empty")
        if re.search("[\ud800-\udfff]", given):
            raise FeatureError(f"the {what} holds halves of characters (surrogates)")
    asked = tokenizer.encode(question, add_special_tokens=False).ids[:question_length]
    read = tokenizer.encode(text, add_special_tokens=False)
    if not read.ids:
        raise FeatureError("the text holds no words")
    room = length - len(asked) - 3
    if room < 1 or (len(read.ids) > room and not 0 <= stride < room):
        raise FeatureError(f"{room} of {length} words are left for the text, and windows overlap by {stride}")
    first, between = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    spans = np.array(read.offsets, np.int32).reshape(-1, 2)
    out = []
    for start in range(0, len(read.ids), room - stride if len(read.ids) > room else room):
        piece = slice(start, start + room)
        ids = [first, *asked, between, *read.ids[piece], between]
        places = np.full((len(ids), 2), -1, np.int32)
        places[len(asked) + 2 : -1] = spans[piece]
        types = (np.arange(len(ids)) > len(asked) + 1).astype(np.int32)
        out.append(Window(np.array(ids, np.int32), types, places))
        if start + room >= len(read.ids):
            break
    return out


def best_spans(
    read: Sequence[Window],
    logits: Sequence[Sequence[np.ndarray]],
    text: str,
    *,
    count: int = 1,
    longest: int = 30,
) -> list[Answer]:
    """The `count` best answers, the best first, from the start and end logits of each window, [tokens].

    An answer lies inside the text, does not end before it starts and has at most `longest` tokens. A span that two
    windows see has the better of its scores; "no answer" has the worst of those that the windows give it. Raises
    FeatureError for logits that are no numbers.
    """
    keys, scores, none = [], [], np.inf
    for window, (start, end) in zip(read, logits, strict=True):
        inside = np.flatnonzero(window.spans[:, 0] >= 0)
        if not len(inside):
            continue
        start, end = (np.asarray(side, np.float64).ravel() for side in (start, end))
        if not (np.isfinite(start).all() and np.isfinite(end).all()):
            raise FeatureError("the model gave logits that are not finite")
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
    unique, where = np.unique(np.concatenate(keys), return_inverse=True)
    best = np.full(len(unique), -np.inf)
    np.maximum.at(best, where, np.concatenate(scores))
    highest = max(none, best.max())
    shares = np.exp(best - highest)
    shares /= shares.sum() + np.exp(none - highest)
    out = []
    for place in np.argsort(-best, kind="stable")[:count]:
        begin, stop = (int(number) for number in divmod(unique[place], len(text) + 1))
        out.append(Answer(text[begin:stop], begin, stop, float(shares[place]), float(best[place])))
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
    """The `count` best answers to a question from a text; none where the text does not say it with confidence.

    model: what `graphml.load` gives. threshold: answers of less confidence are left out. length: of the
    windows, at most; of a model of fixed length it is that length. Raises FeatureError for a model of another
    interface, an empty text or question, or a count or answer length below 1.
    """
    asked = [(text, question)]
    options = {"count": count, "threshold": threshold, "length": length, "stride": stride, "longest": longest}
    return answers_to_many(model, tokenizer, asked, **options)[0]


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
    """`answers` for each (text, question); windows of like length run together, from many texts."""
    if count < 1 or longest < 1:
        raise FeatureError("at least one answer of at least one word is asked for")
    most, fixed, names = _takes(model)
    length = most if fixed else min(length, most)
    padding = tokenizer.token_to_id("[PAD]")
    padding = 0 if padding is None else padding
    asked = list(asked)
    read = [
        windows(tokenizer, question, text, length=length, stride=min(stride, length // 3)) for text, question in asked
    ]
    rows = []
    for window in itertools.chain(*read):
        filled = length if fixed else min(most, -(-len(window.ids) // _STEP) * _STEP)
        rows.append(window.features(filled, types="word_types" in names, padding=padding))
    logits = [(got["start_logits"], got["end_logits"]) for got in model.predict_batch(rows)]
    out, given = [], iter(logits)
    for (text, _), some in zip(asked, read, strict=True):
        own = [[np.ravel(side)[: len(window.ids)] for side in next(given)] for window in some]
        found = best_spans(some, own, text, count=count, longest=longest)
        out.append([answer for answer in found if answer.confidence >= threshold])
    return out


def load(where: str | Path, *, vocabulary: str | Path | None = None) -> tuple[Any, Any]:
    """(model, tokenizer) from a Core ML file, or from a checkpoint with a head for questions, in a folder or on the
    Hugging Face hub (see `graphml.interop.bert`). vocabulary: see `read_tokenizer`; None: the one beside the model."""
    from graphml import models

    path = Path(where)
    if path.suffix in (".mlmodel", ".mlpackage"):
        tokenizer = read_tokenizer(path if vocabulary is None else vocabulary)
        return models.load(path), tokenizer
    from graphml.interop import bert

    folder = bert.folder_of(where)
    tokenizer = read_tokenizer(folder if vocabulary is None else vocabulary)
    return models.load(bert.network(*bert.read_checkpoint(folder, seed=None)).spec), tokenizer


def save(network: Any, tokenizer: Any, path: str | Path) -> None:
    """Write what `load` reads: a builder's network as an .mlmodel, and its vocabulary beside it."""
    network.save(path)
    tokenizer.save(str(_vocabulary_of(Path(path))))


def _vocabulary_of(model: Path) -> Path:
    return model.with_suffix(".tokenizer.json")


def _takes(model: Any) -> tuple[int, bool, set[str]]:
    """The most words that a model takes, whether it is always so many, and the names of its inputs."""
    description = model.spec.description
    inputs = {feature.name: feature.type for feature in description.input}
    outputs = {feature.name for feature in description.output}
    extra = set(inputs) - {"word_ids", "word_types", "mask"}
    lacking = sorted({"word_ids", "mask"} - set(inputs)) + sorted({"start_logits", "end_logits"} - outputs)
    if lacking or extra:
        wrong = f"it has no {', '.join(lacking)}" if lacking else f"it wants {', '.join(sorted(extra))} too"
        raise FeatureError(f"the model does not answer questions: {wrong}")
    kind = inputs["word_ids"].multiArrayType
    if kind.WhichOneof("ShapeFlexibility") == "shapeRange":
        most = kind.shapeRange.sizeRanges[-1].upperBound
        return (int(most) if most > 0 else 512), False, set(inputs)
    if len(kind.shape) != 2:
        raise FeatureError(f"word_ids has the shape {list(kind.shape)}; [1, words] is needed")
    return int(kind.shape[-1]), True, set(inputs)
