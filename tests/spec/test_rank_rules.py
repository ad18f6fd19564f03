"""Ranks without running anything: what is inferred equals what the oracles give, and misfits are named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from cases import Case, load_all
from model_problems import errors_of
from one_layer import input_names, output_names

import graphml
from graphml import spec
from graphml.build import NeuralNetworkBuilder, datatypes
from graphml.spec import attributes
from graphml.spec.rules.ranks import Ranks, rank_problems, ranks_after
from graphml.spec.validate import problems

KINDS = load_all()


def inferred(kind: str, case: Case) -> tuple[list[str], list[int | None]]:
    layers = list(case.layers)
    if not layers:
        layers = [attributes.encode(kind, dict(case.fields))]
        layers[0].name = "layer"
        layers[0].input.extend(input_names(case))
        layers[0].output.extend(output_names(case))
    ranks = Ranks({name: x.ndim for name, x in zip(input_names(case), case.inputs, strict=True)})
    found = [str(problem) for problem in ranks_after(layers, ranks)]
    return found, [ranks.get(name) for name in output_names(case)]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_ranks_are_those_of_the_answers(kind):
    of_kind = KINDS[kind]
    answered = [*of_kind.worked]
    if of_kind.measure is None:
        answered += [(case, of_kind.answers(case)) for case in [of_kind.base, *(c for _, c in of_kind.variations())]]
    for case, answers in answered:
        found, ranks = inferred(kind, case)
        assert found == [], f"{case}"
        for rank, array in zip(ranks, answers, strict=True):
            # a scalar leaves the network with one axis; which of the two it is inside is tested below
            legal = {None, 0, 1} if np.size(array) == 1 and np.ndim(array) <= 1 else {None, np.ndim(array)}
            assert rank in legal, f"{case}"


def test_most_ranks_are_known():
    known = {kind for kind in KINDS if None not in inferred(kind, KINDS[kind].base)[1]}
    assert len(KINDS) - len(known) <= 25, sorted(set(KINDS) - known)


def builder(shape=(2, 3, 4)) -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder([("x", datatypes.Array(*shape))], [("y", None)], disable_rank5_shape_mapping=True)


MISFITS = [
    ("softmaxND", {"axis": 3}, "axis 3 is out of range for an input with 3 axes"),
    ("softmaxND", {"axis": -4}, "axis -4 is out of range"),
    ("transpose", {"axes": (1, 0)}, "axes must have 3 values for its input, got 2"),
    ("expandDims", {"axes": (5,)}, "axis 5 is out of range for a result with 4 axes"),
    ("squeeze", {"axes": (3,)}, "axis 3 is out of range"),
    ("reduceSum", {"axes": (0, 4)}, "axis 4 is out of range"),
    ("pooling3d", {"kernel_depth": 1}, "expected an input with at least 5 axes, got 3"),
    ("reverse", {"reverse_dim": (True,)}, "reverseDim must have 3 values for its input, got 1"),
    ("rankPreservingReshape", {"target_shape": (2, 12)}, "targetShape must have 3 values for its input, got 2"),
    ("constantPad", {"pad_amounts": (1, 1)}, "padAmounts must have 6 values for its input, got 2"),
    (
        "broadcastToStatic",
        {"target_shape": (3, 4)},
        "targetShape must have at least 3 sizes, the rank of the input, got 2",
    ),
]


@pytest.mark.parametrize(("kind", "fields", "words"), MISFITS, ids=[f"{m[0]}-{i}" for i, m in enumerate(MISFITS)])
def test_misfits_are_found_when_a_model_is_validated(kind, fields, words):
    message = builder().add("add", "first", ["x"], ["h"], alpha=1.0).add(kind, "second", ["h"], ["y"], **fields).spec
    found = [str(p) for p in problems(message) if p.severity == "error" and "second" in p.where]
    assert any(f"layer 'second' ({kind}), number 2" in each and words in each for each in found), found
    with pytest.raises(graphml.SpecError, match="second"):
        graphml.load(message).predict({"x": np.zeros((2, 3, 4), np.float32)})


def test_ranks_are_followed_into_branches_and_loops():
    def part():
        return NeuralNetworkBuilder({}, {})

    sides = {
        "if_branch": part().add("expandDims", "e", ["x"], ["h"], axes=(0,)),
        "else_branch": part().add("copy", "c", ["x"], ["h"]),
    }
    whole = builder().add("reduceSum", "s", ["x"], ["p"], reduce_all=True, axes=(), keep_dims=False)
    whole.add("branch", "b", ["p"], [], **sides).add("softmaxND", "after", ["h"], ["y"], axis=3)
    assert errors_of(whole.spec) == []  # the rank depends on the branch
    body = part().add("softmaxND", "deep", ["x"], ["t"], axis=7)
    whole = builder().add("loop", "l", [], [], max_loop_iterations=2, body_network=body).add("copy", "o", ["x"], ["y"])
    assert [p for p in errors_of(whole.spec) if "layer 'l' (loop), number 1 > body > layer 'deep'" in p]


def test_a_rank_that_changes_from_one_iteration_to_the_next_is_not_known():
    body = NeuralNetworkBuilder({}, {}).add("expandDims", "e", ["h"], ["t"], axes=(0,)).add("copy", "c", ["t"], ["h"])
    whole = builder().add("copy", "start", ["x"], ["h"])
    whole.add("loop", "l", [], [], max_loop_iterations=2, body_network=body)
    assert errors_of(whole.add("softmaxND", "s", ["h"], ["y"], axis=4).spec) == []


def test_real_networks_have_no_misfits():
    folder = os.environ.get("GRAPHML_MODELS")
    if not folder:
        pytest.skip("GRAPHML_MODELS does not name the folder of real models")
    seen = 0
    for path in sorted(Path(folder).rglob("*.mlmodel")):
        model = spec.read(path)
        kind = model.WhichOneof("Type") or ""
        if kind.startswith("neuralNetwork"):
            network = getattr(model, kind)
            assert [str(p) for p in rank_problems(network, model.description.input)] == [], path.name
            seen += 1
    assert seen > 10
