"""Pictures of graphs: boxes, edges, scopes, places, and pages."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from example_programs import HOSTILE, two_functions

from graphml.build import NeuralNetworkBuilder, array
from graphml.inspect.picture.blocks import diagram
from graphml.inspect.picture.drawing import as_svg, picture
from graphml.inspect.picture.layout import Area, box_size
from graphml.inspect.picture.page import as_page
from graphml.inspect.picture.scopes import Scope, scoped
from graphml.inspect.summary import summarize


def network(*, name="", names=("a", "b", "c")):
    """x -> first -> second; the sum of both is the output."""
    first, second, last = (name + one for one in names)
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("sinh", first, ["x"], [first])
    builder.add("tanh", second, [first], [second])
    builder.add("addBroadcastable", last, [first, second], ["y"])
    return builder


def edges(drawn):
    return sorted((a.name or a.kind, b.name or b.kind) for a, b in drawn.edges)


def named(drawn, name):
    (found,) = [block for block in drawn.root.walk() if block.name == name]
    return found


def test_edges_go_from_what_wrote_a_value_last():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("sinh", "a", ["x"], ["h"])
    builder.add("tanh", "b", ["h"], ["h"])
    builder.add("sinh", "c", ["h"], ["y"])
    assert edges(diagram(summarize(builder.spec), "m")) == [("a", "b"), ("b", "c"), ("c", "y"), ("x", "a")]


def test_conditionals_are_drawn_as_boxes_of_their_branches():
    builder = NeuralNetworkBuilder({"x": array(3), "p": array(1)}, {"y": array(3)}, exact=True)
    branch = builder.nn_spec.layers.add(name="choice", input=["p"]).branch
    for side, inner in (("if", branch.ifBranch), ("else", branch.elseBranch)):
        inner.layers.add(name=side + "1", input=["x"], output=["h"]).sinh.SetInParent()
    builder.add("tanh", "after", ["h"], ["y"])
    drawn = diagram(summarize(builder.spec), "m")
    assert [part.kind for part in named(drawn, "choice").parts or ()] == ["if", "else"]
    wanted = [("after", "y"), ("else1", "after"), ("if1", "after"), ("p", "choice"), ("x", "else1"), ("x", "if1")]
    assert edges(drawn) == wanted


def test_loops_of_programs_pass_their_values_on():
    drawn = diagram(summarize(two_functions().model().spec), "m")
    functions = [block for block in drawn.root.walk() if block.kind == "function"]
    assert [block.name for block in functions] == ["decode", "prefill"]
    loop = next(block for block in drawn.root.walk() if block.kind == "while_loop")
    condition, body = loop.parts
    assert [part.kind for part in (condition, body)] == ["condition", "body"]
    adds = [block for block in body.walk() if block.kind == "add"]
    assert ("logits", True) in {(b.name, a in adds) for a, b in drawn.edges}
    sides = {block for side in named(drawn, "chosen").parts or () for block in side.walk()}
    assert {block.kind for block in sides & {a for a, b in drawn.edges if b in adds}} == {"mul", "sub"}


def test_outputs_without_a_blob_of_their_name_come_from_the_last_layer():
    builder = NeuralNetworkBuilder({"x": array(3)}, {}, class_labels=["a", "b", "c"], probabilities="p", exact=True)
    builder.add("softmaxND", "s", ["x"], ["p"], axis=-1)
    assert ("s", "classLabel") in edges(diagram(summarize(builder.spec), "m"))


# Scopes --------------------------------------------------------------------------------------------------------------


def shown(parts):
    return [part if isinstance(part, int) else (part.name, shown(part.parts)) for part in parts]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a/x", "a/y", "b/x", "b/y"], [("a", [0, 1]), ("b", [2, 3])]),
        (
            ["m/a/x", "m/a/y", "m/b/x", "m/b/y"],
            [("m/a", [0, 1]), ("m/b", [2, 3])],
        ),  # a box around everything is left out
        (["a/x", "a/y", "b/x", "a/z", "c"], [("a", [0, 1, 2, 3]), 4]),  # a few others do not end a scope
        (["a/x", "b/y", "c/z"], [0, 1, 2]),  # nothing in common
        (["input.1", "input.2", "input.3"], [0, 1, 2]),  # these dots count values
        (["conv_1", "relu_1"], [0, 1]),
        ([], []),
    ],
)
def test_scopes_are_runs_of_layers_with_a_path_in_common(names, expected):
    assert shown(scoped(names)) == expected


def test_long_programs_are_divided_at_underscores():
    names = [f"layer_{number}_{one}_cast_fp16" for number in range(12) for one in ("query", "key", "value", "norm")]
    found = scoped(names)
    assert [part.name for part in found if isinstance(part, Scope)] == [f"layer_{number}" for number in range(12)]


def test_names_in_a_scope_are_shown_without_its_path():
    builder = network(name="net/block/", names=("a", "b", "c"))
    builder.add("sinh", "tail", ["y"], ["z"])
    drawn = diagram(summarize(builder.spec), "m")
    scope = named(drawn, "net/block")
    assert scope.parts is not None
    assert [part.name for part in scope.parts] == ["a", "b", "c"]
    assert scope.parts[0].details[0] == "net/block/a"


# Places --------------------------------------------------------------------------------------------------------------


def random_network(seed, count=60):
    """Layers that read any earlier ones, in scopes at random."""
    generator = np.random.default_rng(seed)
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    blobs = ["x"]
    for number in range(count):
        inputs = [blobs[int(i)] for i in generator.integers(0, len(blobs), 2)]
        name = f"s{number // 20}/t{generator.integers(0, 3)}/l{number}"
        builder.add("addBroadcastable", name, inputs, [name])
        blobs.append(name)
    builder.add("sinh", "last", [blobs[-1]], ["y"])
    return builder.spec


@pytest.mark.parametrize("seed", range(4))
def test_boxes_do_not_overlap_and_edges_go_down(seed):
    drawn = diagram(summarize(random_network(seed)), "m")
    found = picture(drawn)
    for area in found.areas.values():
        rank = {block: number for number, row in enumerate(area.rows) for block in row}
        for row in area.rows:
            ends = [(area.left[block], area.left[block] + width(block, found.areas)) for block in row]
            assert all(a[1] < b[0] for a, b in itertools.pairwise(ends))
            assert all(left >= 0 and right <= area.width for left, right in ends)
        for piece in area.pieces:
            assert piece.source is None or rank[piece.source] == piece.row
            assert piece.target is None or rank[piece.target] == piece.last == piece.row + 1
    assert {piece.writer for area in found.areas.values() for piece in area.pieces} == {a for a, _ in drawn.edges}


def width(block, areas: dict[object, Area]):
    return areas[block].width if block in areas else box_size(block)[0]


def test_every_edge_is_drawn_completely():
    drawn = diagram(summarize(random_network(7)), "m")
    reached = {piece.target for area in picture(drawn).areas.values() for piece in area.pieces}
    assert {b for _, b in drawn.edges} <= reached


def test_edges_of_which_too_many_are_long_go_straight(monkeypatch):
    drawn = diagram(summarize(random_network(7)), "m")
    monkeypatch.setattr("graphml.inspect.picture.layout._MOST_BENDS", 10)
    pieces = [piece for area in picture(drawn).areas.values() for piece in area.pieces]
    assert max(piece.last - piece.row for piece in pieces) > 1
    assert {b for _, b in drawn.edges} <= {piece.target for piece in pieces}


def test_a_thousand_layers_are_drawn_in_seconds():
    found = picture(diagram(summarize(random_network(1, count=1000)), "m"))
    assert as_svg(found).count('class="b layer') >= 1000


# Pages ---------------------------------------------------------------------------------------------------------------


def test_the_drawing_is_xml_and_has_every_layer():
    root = ET.fromstring(as_svg(picture(diagram(summarize(network().spec), "m"))))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"sinh", "tanh", "addBroadcastable", "a", "b", "c", "input", "output"} <= set(texts)


def test_the_page_loads_nothing_and_holds_what_its_script_needs():
    page = as_page(summarize(random_network(3)), "m")
    assert not re.findall(r"(?:src|href)\s*=|url\((?!#arrow)|import\(|fetch\(", page)
    assert page.count("http://www.w3.org/2000/svg") == page.count("http")
    held = {name: json.loads(value) for name, value in re.findall(r"^const ([A-Z]+) = (.*);$", page, re.M)}
    groups = page.count('<g class="b ')
    assert len(held["BLOCKS"]) == len(held["PIECES"]) == groups
    assert page.count("<path d=") == 1 + sum(map(len, held["PIECES"]))  # one is the arrow
    children = [child for block in held["BLOCKS"] for row in block[3] or [] for child in row]
    assert sorted(children) == list(range(1, groups))


def test_large_pictures_begin_folded():
    small, large = (as_page(summarize(random_network(3, count=count)), "m") for count in (60, 120))
    assert "const FOLDED = [];" in small
    assert re.search(r"const FOLDED = \[\d", large)


def test_names_cannot_leave_the_text():
    bad = HOSTILE + '</script><img src=x onerror="alert(1)">'
    page = as_page(summarize(network(names=(bad, "b", "c")).spec), bad)
    assert "<img" not in page
    assert not set(page) & set("\x1b\u202e")
    assert page.count("</script>") == 1
