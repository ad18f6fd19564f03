"""Answering questions: windows, spans, confidence, refusals, and the command line, with a scripted model."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import graphml
from graphml.build.datatypes import array
from graphml.errors import FeatureError, MissingExtraError, SpecError

pytest.importorskip("tokenizers", reason="the extra 'qa' is not installed")

from graphml.interop import qa

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "who",
    "lives",
    "in",
    "?",
    "the",
    "cat",
    "sleeps",
    "on",
    "a",
    "red",
    "roof",
    ".",
    "dog",
    "##s",
    "bark",
    "paris",
    "rome",
]
TEXT = "The cat sleeps on a red roof. Dogs bark in Paris."


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return tmp_path


@pytest.fixture
def tokenizer(folder):
    return qa.read_tokenizer(folder)


class Scripted:
    """Says that an answer starts at the words of `starts` and ends at those of `ends`: {word: logit}."""

    def __init__(self, starts, ends, *, length=None, types=True):
        kind = array(1, length if length else 8, dtype="int32")
        if length is None:
            for most in (1, 512):
                kind.multiArrayType.shapeRange.sizeRanges.add(lowerBound=1, upperBound=most)
        names = ["word_ids", "mask", *(["word_types"] if types else [])]
        self.spec = graphml.NeuralNetworkBuilder(
            dict.fromkeys(names, kind), {"start_logits": None, "end_logits": None}
        ).spec
        self.logits, self.seen = {"start_logits": starts, "end_logits": ends}, []

    def predict(self, features):
        self.seen.append(features)
        ids = features["word_ids"]
        words = {name: {WORDS.index(w): v for w, v in said.items()} for name, said in self.logits.items()}
        return {name: np.vectorize(lambda i: said.get(i, -9.0))(ids) for name, said in words.items()}

    def predict_batch(self, rows):
        return [self.predict(row) for row in rows]


def test_windows_cover_the_text_and_overlap(tokenizer):
    found = qa.windows(tokenizer, "who sleeps?", TEXT, length=12, stride=2)
    assert [len(w.ids) for w in found] == [12, 12, 12]
    pieces = [[TEXT[a:b] for a, b in w.spans if a >= 0] for w in found]
    assert pieces[0] == ["The", "cat", "sleeps", "on", "a", "red"]
    assert pieces[1] == ["a", "red", "roof", ".", "Dog", "s"]
    assert pieces[2] == ["Dog", "s", "bark", "in", "Paris", "."]
    first = found[0]
    assert [WORDS[i] for i in first.ids[:5]] == ["[CLS]", "who", "sleeps", "?", "[SEP]"]
    assert first.types.tolist() == [0] * 5 + [1] * 7
    assert (first.spans[:5] == -1).all()
    assert WORDS[first.ids[-1]] == "[SEP]"
    assert len(qa.windows(tokenizer, "who?", TEXT, length=64)) == 1


@pytest.mark.parametrize("length", [None, 12, 40])
def test_answer_is_the_known_span(tokenizer, length):
    model = Scripted({"red": 5.0, "who": 50.0}, {"roof": 5.0, "?": 50.0}, length=length)
    (answer,) = qa.answers(model, tokenizer, TEXT, "who sleeps?")
    assert (answer.text, answer.start, answer.end) == ("red roof", 20, 28)
    assert TEXT[answer.start : answer.end] == answer.text
    assert answer.score == 10
    assert 0.99 < answer.confidence <= 1
    assert {f["word_ids"].shape[1] for f in model.seen} == {length or 64}


def test_an_answer_ends_after_its_start_and_is_not_too_long(tokenizer):
    model = Scripted({"roof": 9.0, "cat": 4.0, "paris": 1.0}, {"red": 9.0, "paris": 1.0, "roof": -5.0})
    best = qa.answers(model, tokenizer, TEXT, "who?", count=3)
    assert best[0].text == "cat sleeps on a red"
    assert best[1].text == "roof. Dogs bark in Paris"
    (short,) = qa.answers(model, tokenizer, TEXT, "who?", longest=2)
    assert short.text == "roof."[:4]
    assert [a.score for a in best] == sorted((a.score for a in best), reverse=True)


def test_confidence_is_a_softmax_over_spans(tokenizer):
    read = qa.windows(tokenizer, "who?", "red roof", length=16)
    start, end = np.zeros(len(read[0].ids)), np.zeros(len(read[0].ids))
    start[4], end[5] = 1.0, 2.0
    found = qa.best_spans(read, [(start, end)], "red roof", count=9)
    scores = {"red": 1.0 + 0.0, "red roof": 3.0, "roof": 2.0}
    total = sum(np.exp(list(scores.values()))) + np.exp(0)  # the last one: [CLS], for no answer
    assert {a.text: a.confidence for a in found} == pytest.approx({t: np.exp(s) / total for t, s in scores.items()})
    start[0], end[0] = 6.0, 6.0
    (unsure,) = qa.best_spans(read, [(start, end)], "red roof")
    assert unsure.confidence == pytest.approx(np.exp(3) / (np.exp(12) + total - 1))
    # another window that does find it
    (sure,) = qa.best_spans([*read, *read], [(start, end), (start - 6 * (start == 6), end)], "red roof")
    assert sure.confidence == pytest.approx(np.exp(3) / (np.exp(6) + total - 1))


def test_many_questions_get_the_same_answers_as_single_ones(tokenizer):
    model = Scripted({"red": 5.0, "dog": 4.0, "paris": 3.0}, {"roof": 5.0, "##s": 4.0, "paris": 3.0})
    asked = [(TEXT, "who sleeps?"), ("Dogs bark.", "who?"), (TEXT * 9, "who lives in rome?")]
    found = qa.answers_to_many(model, tokenizer, asked, length=24, count=2)
    assert [some[0].text for some in found] == ["red roof", "Dogs", "red roof"]
    assert found == [qa.answers(model, tokenizer, *one, length=24, count=2) for one in asked]
    assert qa.answers_to_many(model, tokenizer, []) == []


def test_no_answer_below_the_threshold(tokenizer):
    unsure = Scripted({}, {})
    assert qa.answers(unsure, tokenizer, TEXT, "who?", threshold=0.5) == []
    assert len(qa.answers(unsure, tokenizer, TEXT, "who?", count=2)) == 2


def test_models_without_word_types(tokenizer):
    model = Scripted({"paris": 3.0}, {"paris": 3.0}, types=False)
    assert qa.answers(model, tokenizer, TEXT, "who?")[0].text == "Paris"
    assert set(model.seen[0]) == {"word_ids", "mask"}
    assert model.seen[0]["mask"].sum() == (model.seen[0]["word_ids"] != 0).sum()


def test_refusals(tokenizer, folder, monkeypatch):
    model = Scripted({}, {})
    with pytest.raises(FeatureError, match="the question is empty"):
        qa.answers(model, tokenizer, TEXT, " \n")
    with pytest.raises(FeatureError, match="the text is empty"):
        qa.answers(model, tokenizer, "", "who?")
    with pytest.raises(FeatureError, match="the text must be a string, got bytes"):
        qa.windows(tokenizer, "who?", b"The cat")  # pyright: ignore[reportArgumentType]
    with pytest.raises(FeatureError, match="the question contains unpaired surrogates"):
        qa.answers(model, tokenizer, TEXT, "who \ud800?")
    with pytest.raises(FeatureError, match="a window of 8 tokens has no room for the text"):
        qa.windows(tokenizer, "who lives in paris?", TEXT, length=8)
    with pytest.raises(FeatureError, match="not finite"):
        qa.answers(Scripted({"red": np.nan}, {}), tokenizer, TEXT, "who?")
    with pytest.raises(FeatureError, match="count and longest must be positive, got 0"):
        qa.answers(model, tokenizer, TEXT, "who?", count=0)
    other = SimpleNamespace(spec=graphml.NeuralNetworkBuilder({"x": array(1)}, {"y": None}).spec)
    with pytest.raises(
        FeatureError,
        match="the model does not answer questions: it takes 'x' and returns 'y'; such a model takes word_ids",
    ):
        qa.answers(other, tokenizer, TEXT, "who?")
    with pytest.raises(SpecError, match="no vocabulary found"):
        qa.read_tokenizer(folder / "elsewhere" / "net.mlmodel")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(SpecError, match="cannot be read as a vocabulary"):
        qa.read_tokenizer(folder)
    (folder / "some.txt").write_text("a\nb\n[UNK]\n")
    with pytest.raises(SpecError, match=r"lacks \[CLS\] and \[SEP\]"):
        qa.read_tokenizer(folder / "some.txt")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"graphml-jax\[qa\]"):
        qa.read_tokenizer(folder)


def test_command_line(folder, monkeypatch, capsys):
    pytest.importorskip("typer", reason="the extra 'cli' is not installed")
    from graphml import cli, models

    monkeypatch.setattr(models, "load", lambda path: Scripted({"red": 5.0}, {"roof": 5.0}))
    (folder / "text.txt").write_text(TEXT)
    base = ["qa", str(folder / "text.txt"), "who sleeps?", "--model", str(folder / "net.mlmodel")]
    cli.app(args=[*base, "--json"], standalone_mode=False)
    (answer,) = json.loads(capsys.readouterr().out)
    assert (answer["text"], answer["start"], answer["end"]) == ("red roof", 20, 28)
    cli.app(args=base, standalone_mode=False)
    assert "red roof  (characters 20 to 28)" in capsys.readouterr().out
    assert cli.app(args=[*base, "--threshold", "1"], standalone_mode=False) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "the text does not answer the question: who sleeps?\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    cli.app(args=["qa", "-", *base[2:]], standalone_mode=False)
    assert "red roof  (characters 20 to 28)" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    with pytest.raises(FeatureError, match="standard input cannot be read as text: 'utf-8' codec"):
        cli.app(args=["qa", "-", *base[2:]], standalone_mode=False)
    none = {"[CLS]": 9.0}
    monkeypatch.setattr(models, "load", lambda path: Scripted({"red": 5.0, **none}, {"roof": 5.0, **none}))
    assert cli.app(args=base, standalone_mode=False) == 2  # "no answer" has the higher score
    assert not cli.app(args=[*base, "--threshold", "0"], standalone_mode=False)
    assert "red roof" in capsys.readouterr().out


def test_a_model_that_does_not_answer_questions_is_named(run, folder):
    pytest.importorskip("typer", reason="the extra 'cli' is not installed")
    (folder / "text.txt").write_text(TEXT)
    builder = graphml.NeuralNetworkBuilder({"x": array(1)}, {"y": None})
    builder.add("activation", "a", ["x"], ["y"], nonlinearity_type="sigmoid")
    builder.save(folder / "net.mlmodel")
    status, _, err = run("qa", folder / "text.txt", "who?", "--model", folder / "net.mlmodel")
    said = f"FeatureError: {folder}/net.mlmodel does not answer questions: it takes 'x' and returns 'y'; such a model"
    assert (status, err.startswith(said)) == (1, True), err
    status, _, err = run("qa", folder / "text.txt", "who?", "--model", folder / "text.txt")
    assert (status, "text.txt is neither a folder nor the name of a model" in err) == (1, True), err
