"""Half precision: what it breaks is found and named, and so is what fixes it."""

from __future__ import annotations

import html.parser
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from graphml import ProgramBuilder
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import FeatureError, UnsupportedError
from graphml.graph import Node
from graphml.inspect.measure import measure
from graphml.inspect.mending import Mend
from graphml.inspect.precision import precision
from graphml.inspect.precision_page import as_page, conclusions, plot
from graphml.models import load

LARGE = {"x": np.linspace(200, 400, 8, dtype=np.float32).reshape(1, 8)}
SMALL = {"x": np.ones((1, 8), np.float32)}


def rms(dtype: str = "float32") -> ProgramBuilder:
    """x divided by the root of the mean of its squares."""
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (1, 8), dtype)
    square = builder.square(x, name="square")
    mean = builder.reduce_mean(square, axes=[-1], keep_dims=True, name="mean")
    builder.output("y", builder.mul(x, builder.rsqrt(mean, epsilon=1e-12, name="root"), name="scaled"))
    return builder


def row(report, name):
    return next(row for row in report.rows if row.operation == name)


def test_operations_are_recognized_by_their_names_in_coremltools():
    nodes = tuple(Node("", name, "program", "mul", (), ()) for name in ("op_4_cast_fp16", "a_b"))
    mend = Mend(nodes, mends=True, minimal=True, runs=1)
    assert [mend.op_selector(SimpleNamespace(name=name)) for name in ("4", "a.b", "5")] == [False, False, True]


@pytest.fixture(scope="module")
def broken():
    return precision(rms().model(), LARGE, half="float16")


# What breaks ---------------------------------------------------------------------------------------------------------


def test_a_square_that_overflows_is_found_and_named(broken):
    assert not broken.holds
    assert broken.start is row(broken, "square")
    assert broken.start.label == "operation 'square' (square), number 1"
    assert broken.start.overflow == int(np.sum(LARGE["x"] >= 256)) == 6
    assert broken.start.note == "reaches 1.6e+05; half precision ends at 65504: squares overflow from 256 on"
    assert row(broken, "scaled").underflow == 8, "1 / inf is 0"
    assert row(broken, "scaled").error == 1
    assert row(broken, "scaled").own < 1e-3, "the multiplication adds nothing to it"


def test_what_must_stay_in_float32_is_exactly_what_fixes_it(broken):
    assert broken.mend.operations == ("square", "mean", "root")
    names = ["square", "mean", "scaled", "root"]
    assert [broken.mend.op_selector(SimpleNamespace(name=name)) for name in names] == [False, False, True, False]
    assert broken.mend.mends
    assert broken.mend.minimal
    assert precision(rms().model(), SMALL, half="float16").holds


def test_a_constant_epsilon_that_becomes_zero_is_found_and_named():
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (3,))
    shifted = builder.add(x, builder.const(np.float32(1e-10), name="tiny"), name="shifted")
    builder.output("y", builder.real_div(x, shifted, name="share"))
    report = precision(builder.model(), {"x": np.float32([0, 1, 2])}, half="float16")
    assert row(report, "tiny").note == "1e-10 becomes 0"
    assert row(report, "shifted").underflow == 1
    assert report.start is row(report, "share")
    assert report.start.nan == 1
    assert report.start.note == "numbers of shifted have become 0"
    assert report.mend.operations == ("shifted", "share")


def test_an_epsilon_of_a_layer_that_becomes_zero_is_found_and_named():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("unary", "log", ["x"], ["y"], type="LOG", epsilon=1e-10)
    report = precision(builder.model(), {"x": np.float32([0, 1, 2])})
    assert report.half == "float16"
    assert "its epsilon 1e-10 is 0 in half precision" in row(report, "log").note
    assert report.mend.operations == ("log",)


def test_a_softmax_of_large_logits_is_safe_and_one_by_hand_is_not():
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (1, 8))
    builder.output("safe", builder.softmax(x, axis=-1, name="probabilities"))
    powers = builder.exp(x, name="powers")
    total = builder.reduce_sum(powers, axes=[-1], keep_dims=True, name="total")
    builder.output("by_hand", builder.real_div(powers, total, name="shares"))
    report = precision(builder.model(), {"x": np.linspace(0, 60, 8, dtype=np.float32)[None]}, half="float16")
    safe = row(report, "probabilities")
    assert not safe.fails(1e-3)
    assert safe.note.startswith("safe: inputs reach 60, whose exponentials would overflow")
    assert report.start is row(report, "powers")
    assert "subtract the largest input first, or use softmax" in report.start.note
    assert report.mend.operations == ("powers", "total", "shares")


def pixels() -> NeuralNetworkBuilder:
    builder = NeuralNetworkBuilder({"x": array(1, 200, 200)}, {"y": None}, exact=True)
    return builder.add("reduce", "mean", ["x"], ["y"], mode="AVG", axis="HW")


def test_a_mean_over_many_pixels_is_found_and_named():
    report = precision(pixels().model(), {"x": np.full((1, 200, 200), 5, np.float32)})
    assert report.start is row(report, "mean")
    assert report.start.largest == 5
    assert report.start.note == "the result fits, but a sum of 40000 numbers or product in between does not"


def test_a_program_accumulates_in_float32_unless_it_is_strict():
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (1, 1, 200, 200), "float16")
    builder.output("y", builder.reduce_mean(x, axes=[2, 3], name="mean"))
    model, inputs = builder.model(), {"x": np.full((1, 1, 200, 200), 5, np.float16)}
    assert precision(model, inputs).holds
    strict = precision(model, inputs, strict=True)
    assert strict.start is row(strict, "mean")


def test_indices_that_half_precision_cannot_count_are_named():
    builder = NeuralNetworkBuilder({"i": array(2, 1)}, {"y": None}, exact=True)
    odd = np.arange(5000, dtype=np.float32)[None] % 2
    builder.add("embeddingND", "words", ["i"], ["y"], weights=odd)
    report = precision(builder.model(), {"i": np.float32([[7], [4097]])})
    assert row(report, "i").note.startswith("integers above 2048 are rounded")
    assert report.start is row(report, "words")


# What fixes it -------------------------------------------------------------------------------------------------------


def cancelling() -> ProgramBuilder:
    """An error that arises before it shows: a difference of large numbers."""
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (1, 8))
    other = builder.relu(x, name="other")
    large = builder.add(x, 1000.0, name="large")
    difference = builder.sub(large, 1000.0, name="difference")
    builder.output("y", builder.add(difference, other, name="sum"))
    return builder


def test_the_search_goes_back_to_where_an_error_arises():
    inputs = {"x": np.float32([[0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]])}
    report = precision(cancelling().model(), inputs, half="float16")
    assert report.start is row(report, "difference")
    assert row(report, "large").error < 1e-3
    assert report.mend.operations == ("large", "difference")
    assert report.mend.minimal


def test_outputs_alone_can_be_judged():
    builder = cancelling()
    builder.output("z", builder.mul(builder.sub(builder.identity(builder.input("v", (1,))), 0.0), 1.0, name="plain"))
    model = builder.model()
    inputs = {"x": np.float32([[0.1] * 8]), "v": np.float32([1])}
    assert precision(model, inputs, half="float16", outputs_only=True, tolerance=0.6).holds
    report = precision(model, inputs, half="float16", outputs_only=True)
    assert report.mend.operations == ("large", "difference")
    assert [row.blob for row in report.judged if row.fails(0.01)] == ["y"]


def test_no_search_where_none_is_wanted(broken):
    report = precision(rms().model(), LARGE, half="float16", mend=False)
    assert report.mend is None
    assert report.rows == broken.rows


# Types ---------------------------------------------------------------------------------------------------------------


def test_what_is_not_finite_in_float32_either_is_said():
    report = precision(rms().model(), {name: np.full_like(x, np.nan) for name, x in SMALL.items()}, half="float16")
    assert report.holds
    said = "in float32, too, 5 of 5 results have infinities or NaN, first at operation 'square' (square), number 1"
    assert conclusions(report)[-1].startswith(said)


def test_declared_types_are_what_a_program_declares():
    report = precision(rms().model(), LARGE)
    assert report.half == "declared"
    assert report.holds
    assert not report.is_half
    assert [line[:40] for line in conclusions(report)] == ["nothing is declared in half precision: h"]
    narrow = precision(rms("float16").model(), {"x": LARGE["x"].astype(np.float16)})
    assert narrow.is_half
    assert narrow.start is row(narrow, "square")


def test_float32_values_in_a_half_precision_program_stay_float32():
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (1, 8), "float16")
    square = builder.square(builder.cast(x, dtype="fp32"), name="square")
    mean = builder.reduce_mean(square, axes=[-1], keep_dims=True, name="mean")
    builder.output("y", builder.cast(builder.rsqrt(mean, epsilon=1e-6), dtype="fp16"))
    report = precision(builder.model(), {"x": LARGE["x"].astype(np.float16)})
    assert report.holds
    assert row(report, "square").type == "float32"


def test_loops_states_and_random_numbers_run():
    builder = ProgramBuilder("CoreML8")
    x = builder.input("x", (4,), "float16")
    kept = builder.state("kept", (4,))
    builder.write_state(kept, builder.add(builder.read_state(kept), x))
    _, total = builder.while_loop(
        lambda i, total: builder.less(i, 3),
        lambda i, total: (builder.add(i, 1), builder.mul(total, total)),
        (0, builder.read_state(kept)),
    )
    noise = builder.random_uniform(np.int32([4]), low=0.5, high=1.5, seed=3, name="noise")
    builder.output("y", builder.mul(builder.cast(total, dtype="fp32"), noise, name="noisy"))
    report = precision(builder.model(), {"x": np.float16([1, 2, 4, 5])})
    loop = next(row for row in report.rows if row.kind == "while_loop" and row.type == "float16")
    assert loop.overflow == 2, "4 and 5 to the power of 8 are beyond 65504"
    assert row(report, "noise").error == 0
    assert {each.kind for each in report.mend.nodes} >= {"while_loop"}


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(FeatureError, match="a network declares no types of intermediate values"):
        precision(pixels().model(), half="declared")
    with pytest.raises(FeatureError, match="'x'"):
        precision(rms().model(), {"x": np.ones(3)})
    message = load(rms().model().spec).spec
    pipeline = type(message)(specificationVersion=6)
    pipeline.pipeline.models.add().CopyFrom(message)
    with pytest.raises(UnsupportedError, match="this is a pipeline"):
        precision(load(pipeline))


def test_measures_of_numbers_that_are_not_finite():
    found = measure(np.float32([np.inf, np.nan, 1, 2, 3]), np.float16([np.inf, np.nan, np.inf, np.nan, 0]))
    assert found[1:] == (1, 1, 1, 2, np.inf)
    assert found.largest == 3
    assert measure(np.float32([np.inf, np.nan, 4]), np.float16([np.inf, np.nan, 3])).error == 0.25
    assert measure(np.float32([np.inf]), np.float32([5])).error == np.inf
    assert measure(np.zeros(3), np.zeros(2)).error == np.inf
    assert measure(np.zeros(3), np.zeros(3)).error == 0


# The command line and the page ---------------------------------------------------------------------------------------


class _Page(html.parser.HTMLParser):
    """The names of all tags, and whether each is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)


def test_the_page_has_a_plot_and_no_scripts(broken):
    page = as_page(broken, "<script>alert(1)</script>")
    found = _Page(page)
    assert found.open == []
    assert "script" not in found.tags
    assert found.tags.count("svg") == 1
    computed = [row for row in broken.rows if not row.is_given]
    assert found.tags.count("circle") + found.tags.count("path") == len(computed)
    assert plot(broken).count("<path") == 2, "square and mean overflow"
    assert "squares overflow from 256 on" in page


@pytest.fixture
def run(monkeypatch, capsys):
    pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")
    from graphml import cli

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["graphml", "precision", *map(str, arguments)])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        return status, capsys.readouterr().out

    return call


def test_the_command_says_what_breaks_and_fails(run, tmp_path):
    file, page = tmp_path / "rms.mlpackage", tmp_path / "page.html"
    rms().save(file)
    np.save(tmp_path / "x.npy", LARGE["x"])
    given = ("-i", f"x={tmp_path / 'x.npy'}", "--half", "float16")
    status, out = run(file, *given, "--format", "html", "-o", page)
    assert status == 1
    assert "half precision first exceeds the tolerance of 0.01 at operation 'square' (square), number 1" in out
    assert "  square (square)\n  mean (reduce_mean)\n  root (rsqrt)\nall of them are needed" in out
    assert "<svg" in page.read_text()
    status, out = run(file, *given, "--json", "--no-mend")
    report = json.loads(out)
    assert status == 1
    assert (report["holds"], report["first"], report["mend"]) == (False, "square", None)
    assert [value["error"] for value in report["values"] if value["blob"] == "square"] == [None]


def test_the_command_succeeds_where_half_precision_holds(run, tmp_path):
    file = tmp_path / "rms.mlpackage"
    rms().save(file)
    status, out = run(file, "--half", "float16")
    assert status == 0
    assert "half precision holds: every operation is within 0.01 of float32" in out
