"""Real files of other kinds than networks: each predicts, or says exactly what is missing."""

from __future__ import annotations

import model_table

import graphml
from graphml.spec.layers import NETWORKS

MISSING = (
    "part of Apple's systems, not of the file",
    "part of Apple's systems, can read",
    "no module runs them",
)


def test_they_predict_or_say_what_is_missing(real_models):
    answers = {}
    for path in sorted(path for path in real_models.rglob("*.mlmodel") if ".mlpackage" not in str(path)):
        model = graphml.load(path)
        if model.kind not in NETWORKS:
            answers[str(path.relative_to(real_models))] = model_table.predicts(model, {})
    refused = {name: answer for name, answer in answers.items() if answer != "yes"}
    assert len(answers) - len(refused) >= 8
    for name, answer in refused.items():
        assert any(words in answer for words in MISSING), f"{name}: {answer}"
