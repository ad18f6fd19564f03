"""Pictures of control flow: what they name, and that they accept any name."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from graphml.build import NeuralNetworkBuilder
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.inspect.flow import as_dot, as_html, as_text, flow
from graphml.interpreter.lower import lower
from graphml.visible import visible


def part() -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder({}, {})


def steps(builder, shape=(1,), output="y"):
    return flow(lower(*read_network(builder.network, (Port("x", shape),), (Port(output, None),))))


def allocating() -> NeuralNetworkBuilder:
    body = part().add("add", "plus", ["z"], ["z2"], alpha=1.0).add("copy", "keep", ["z2"], ["z"])
    builder = part().add("multiply", "five", ["x"], ["n"], alpha=5.0)
    builder.add("fillDynamic", "malloc", ["n"], ["z"], value=0.0).add("loop", "for", ["n"], [], body_network=body)
    return builder.add("copy", "out", ["z"], ["y"])


def test_stages_and_what_decides_them():
    assert as_text(steps(allocating())).splitlines() == [
        "stage 1: five (multiply)",
        "stage 2: malloc (fillDynamic)",
        "  ('n' of layer 'five' decides the shape of 'z')",
        "loop 'for', 'n' of layer 'five' times",
        "  (carries z)",
        "  body:",
        "    plus (add), keep (copy)",
        "out (copy)",
    ]


def growing() -> NeuralNetworkBuilder:
    body = part().add("concatND", "twice", ["h", "h"], ["d"], axis=0).add("copy", "keep", ["d"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"]).add("loop", "grow", ["x"], [], body_network=body)
    return builder.add("copy", "out", ["h"], ["y"])


def test_a_loop_that_changes_shapes_is_found_by_tracing():
    text = as_text(steps(growing()))
    for words in ("(the host decides: ", "another shape", "stage 3: out (copy)"):
        assert words in text
    assert "the host" not in as_text(steps(growing(), shape=None))  # without shapes nothing is traced


def choosing(name: str = "b") -> NeuralNetworkBuilder:
    leave = part().add("loopBreak", "stop", [], [])
    condition = part().add("lessThan", "small", ["h"], ["go"], alpha=9.0)
    body = part().add("branch", name, ["h"], [], if_branch=leave, else_branch=part().add("copy", "c", ["x"], ["k"]))
    body.add("add", "plus", ["h"], ["t"], alpha=1.0).add("copy", "keep", ["t"], ["h"])
    builder = part().add("loadConstantND", "zero", [], ["h0"], data=np.float32([0])).add("copy", "s", ["h0"], ["h"])
    builder.add("loop", "l", [], [], condition_var="go", condition_network=condition, body_network=body)
    return builder.add("copy", "out", ["h"], ["y"])


def test_branches_loops_and_leaving():
    text = as_text(steps(choosing()))
    for words in ("branch 'b' on 'h' of layer", "loop 'l', while 'go'", "if:", "else:", "condition:", "  break"):
        assert words in text
    assert "unbounded: it runs" in text
    assert "(carries h)" in text


def test_long_runs_are_abbreviated():
    builder = part()
    for i in range(20):
        builder.add("add", f"a{i}", ["x" if i == 0 else f"b{i}"], ["y" if i == 19 else f"b{i + 1}"], alpha=1.0)
    (step,) = steps(builder)
    assert "a4 (add), ... 14 more ..., a19 (add)" in step.title


@pytest.mark.parametrize("name", ["b", 'a"; evil [label="', "<script>alert(1)</script>", "back\\slash\nline"])
def test_drawings_hold_any_name(name):
    found = steps(choosing(name))
    dot = as_dot(found, name)
    plain = re.sub(r'"(\\.|[^"\\])*"', "TEXT", dot)  # what is left of it is structure
    assert set(re.findall(r"[A-Za-z]\w*", plain)) <= _DOT_WORDS | set(re.findall(r"n\d+\w*|cluster_n\d+_\w+", plain))
    assert plain.count("{") == plain.count("}") == 1 + 4
    page = as_html(found, name)
    reader = _Tags()
    reader.feed(page)
    assert reader.open == []
    assert "script" not in reader.seen
    assert visible(name) in "".join(reader.text)


_DOT_WORDS = {"digraph", "TEXT", "node", "shape", "box", "fontname", "sans", "label", "diamond", "style", "filled"}
_DOT_WORDS |= {"fillcolor", "subgraph", "dashed", "begin", "end", "circle", "doublecircle"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
