"""Every layer kind has all that it needs. Where something is missing, the message says what to write, and where."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
from cases import load_all

from graphml import catalogue
from graphml.build.table import ROWS
from graphml.spec import layers
from graphml.spec.attributes import weight_names
from graphml.spec.layers import weight_shapes
from graphml.spec.rules import layer_fields, ranks
from graphml.spec.wire import layers_nd_pb2, layers_pb2

WIRE = Path(__file__).resolve().parents[1] / "spec" / "wire"
CASES = load_all()

every_kind = pytest.mark.parametrize("kind", layers.kinds())


@every_kind
def test_it_has_an_operator(kind):
    assert kind in catalogue.rows("layer"), (
        f"layer kind {kind!r} has no operator: write a function @layer({kind!r}) in ops/layers"
    )


@every_kind
def test_it_has_cases(kind):
    assert kind in CASES, f"layer kind {kind!r} has no test cases: call kind({kind!r}, ...) in a module of tests/cases"


# The input of these is ignored: their operators take none.
_IGNORE_INPUT = ("randomNormalStatic", "randomUniformStatic", "randomBernoulliStatic")


@every_kind
def test_its_number_of_inputs_is_that_of_its_operator(kind):
    if kind not in catalogue.rows("layer"):
        pytest.skip("the kind has no operator, which another test reports")
    parameters = inspect.signature(catalogue.rows("layer")[kind].function).parameters.values()
    inputs = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    fewest, most = sum(p.default is p.empty for p in inputs), len(inputs)
    declared = layers.input_range(kind)
    words = (
        f"layer kind {kind!r} takes {declared[0]} to {declared[1]} inputs according to _INPUTS in spec/layers/kinds.py"
    )
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        assert declared != (1, 1), f"{words}, but its operator takes any number: add the kind there"
        assert fewest <= declared[0], f"{words}, but its operator takes {fewest} or more: correct one of them"
    elif kind not in _IGNORE_INPUT:
        assert declared == (fewest, most), f"{words}, but its operator takes {fewest} to {most}: correct one of them"


@every_kind
def test_its_number_of_outputs_is_that_of_its_cases(kind):
    if kind not in CASES:
        pytest.skip("the kind has no cases, which another test reports")
    of_kind = CASES[kind]
    counts = {case.outputs for case in (of_kind.base, *(case for _, case in of_kind.variations())) if not case.layers}
    fewest, most = layers.output_range(kind)
    assert all(fewest <= count <= most for count in counts), (
        f"layer kind {kind!r} has {fewest} to {most} outputs according to _OUTPUTS in spec/layers/kinds.py, "
        f"but its cases have {sorted(counts)}: correct one of them"
    )


@every_kind
def test_the_rank_of_its_outputs_is_stated(kind):
    assert kind in ranks.RULED, (
        f"layer kind {kind!r} has no rule for the rank of its outputs: add it to _SAME (rank of the first input), "
        "_BROADCAST, _CONSTANT, _FROM_FIELD, _RANKS or _UNKNOWN in spec/rules/ranks.py; "
        "to _AXIS there if its field `axis` names an axis of the input; "
        "and to KEEP_SCALARS in spec/layers/kinds.py if it takes an array without axes as it is"
    )


@every_kind
def test_the_legal_values_of_its_fields_are_stated(kind):
    assert kind in layer_fields.RULED or not layers.descriptor(kind).fields, (
        f"layer kind {kind!r} has fields, but no rule says which values are legal: add it to _RULES in "
        "spec/rules/layer_fields.py, or to _ANY_VALUE there"
    )


@every_kind
def test_the_shapes_of_its_weights_are_stated(kind):
    assert kind in weight_shapes.SHAPED or not weight_names(kind), (
        f"layer kind {kind!r} has weights, but their shapes are not stated: add it to _WEIGHT_SHAPES and _SIZES in "
        "spec/layers/weight_shapes.py, or to _ANY_LENGTH there"
    )


@every_kind
def test_it_has_a_builder_method(kind):
    assert any(kind in row.all_kinds for row in ROWS.values()), (
        f"layer kind {kind!r} has fields that are messages, so its builder method cannot be derived: "
        "write its row in graphml/build/table.py"
    )


def test_where_the_schema_says_that_zero_or_empty_means_something_the_decoder_knows_it():
    used = {
        message.name
        for module in (layers_pb2, layers_nd_pb2)
        for message in module.DESCRIPTOR.message_types_by_name.values()
    }
    said = {key: value for key, value in _zero_means().items() if key[0] in used}
    table = {key: list(value) if isinstance(value, tuple) else value for key, value in layers.ZERO_MEANS.items()}
    for message, field in said.keys() | table.keys():
        key = (message, field)
        assert said.get(key) == table.get(key), (
            f"the comment of {message}.{field} in spec/wire says that zero or empty means {said.get(key)}, "
            f"ZERO_MEANS in spec/layers/kinds.py says {table.get(key)}: make them equal"
        )


def _zero_means() -> dict[tuple[str, str], object]:
    """{(message, field): value} of the comments "zero means 1" and "empty means [1, 1]" behind fields."""
    found: dict[tuple[str, str], object] = {}
    for path in sorted(WIRE.glob("layers*.proto")):
        message = ""
        for line in path.read_text().splitlines():
            if opened := re.match(r"message (\w+)", line):
                message = opened[1]
            if said := re.search(r"(\w+) = \d+;.*(?:zero|empty) means (\[[^]]*\]|[-+.\de]+)", line):
                found[message, said[1]] = ast.literal_eval(said[2])
    return found
