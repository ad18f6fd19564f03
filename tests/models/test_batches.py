"""Batches on several cores: the rows of a batch run at the same time, and give what single predictions give."""

from __future__ import annotations

import functools
import threading

import jax
import numpy as np
import pytest

import graphml
from graphml import datatypes
from graphml.errors import FeatureError
from graphml.interpreter.lower import Lowered
from graphml.models.compile import parallel
from graphml.models.compile.batches import batches_of
from graphml.models.compile.programs import Program

SIZE = 300  # four channels of this height and width are more than the blobs of one call may take


@functools.cache
def image_network():
    builder = graphml.NeuralNetworkBuilder([("x", datatypes.Array(1, SIZE, SIZE))], [("y", None)])
    weights = np.random.default_rng(0).standard_normal((3, 3, 1, 16)).astype(np.float32)
    builder.add_convolution(
        "conv",
        kernel_channels=1,
        output_channels=16,
        height=3,
        width=3,
        stride_height=1,
        stride_width=1,
        border_mode="same",
        groups=1,
        W=weights,
        b=None,
        has_bias=False,
        input_name="x",
        output_name="c",
    )
    builder.add_pooling("pool", 2, 2, 2, 2, "MAX", "VALID", input_name="c", output_name="p")
    builder.add_activation("act", "TANH", "p", "y")
    return graphml.load(builder.spec)


def images(count):
    return [{"x": np.random.default_rng(i).standard_normal((1, SIZE, SIZE)).astype(np.float32)} for i in range(count)]


@pytest.fixture
def calls(monkeypatch):
    """The threads that ran a part of a batch, on a machine with two cores."""
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    found = []
    run = Program._run_part

    def note(self, *arguments):
        found.append(threading.get_ident())
        return run(self, *arguments)

    monkeypatch.setattr(Program, "_run_part", note)
    return found


def test_large_images_run_at_the_same_time(calls, monkeypatch):
    both = threading.Barrier(2, timeout=60)
    run = Program._run_equal

    def meet(self, *arguments):
        both.wait()
        return run(self, *arguments)

    monkeypatch.setattr(Program, "_run_equal", meet)
    image_network().predict_batch(images(2))  # the barrier breaks if one waits for the other
    assert len(set(calls)) == 2


def test_a_batch_equals_single_predictions_in_order(calls):
    rows = images(5)
    found = image_network().predict_batch(rows)
    assert len(calls) == 5
    for row, answer in zip(rows, found, strict=True):
        np.testing.assert_array_equal(answer["y"], image_network().predict(row)["y"])


def test_settings_of_the_calling_thread_hold_for_all_rows(calls):
    with jax.default_matmul_precision("highest"):
        image_network().predict_batch(images(3))
    assert set(calls) == {threading.get_ident()}


def test_short_vectors_run_in_one_call(calls):
    builder = graphml.NeuralNetworkBuilder([("x", datatypes.Array(3))], [("y", None)])
    builder.add_activation("act", "TANH", "x", "y")
    found = graphml.load(builder.spec).predict_batch([{"x": [i, 0, 0]} for i in range(100)])
    assert len(calls) == 1
    assert [round(float(each["y"][0]), 3) for each in found[:2]] == [0, 0.762]


def test_the_first_row_that_fails_is_named(calls):
    rows = images(3)
    rows[1] = {"x": np.zeros((2, SIZE, SIZE))}
    with pytest.raises(FeatureError, match=r"row 2"):
        image_network().predict_batch(rows)


def test_a_program_that_needs_much_memory_runs_alone():
    lowered = image_network().lower()
    by_size = {
        size: batches_of(lowered, lowered.params, {"x": jax.ShapeDtypeStruct((1, size, size), np.float32)}, None)
        for size in (64, 300, 3000)
    }
    assert [(each.rows, each.calls) for each in by_size.values()] == [(16, 64), (1, 46), (1, 1)]


def test_how_rows_run_is_known_without_reading_weights_again(monkeypatch):
    image_network().predict(images(1)[0])
    monkeypatch.setattr(Lowered, "read_params", lambda self: pytest.fail("weights are read"))
    assert image_network()._program._batches({"x": np.zeros((1, 64, 64), np.float32)}, None) == (16, 64)


def test_stored_weights_of_a_program_do_not_count_as_its_blobs():
    builder = graphml.ProgramBuilder("CoreML7")
    builder.output("y", builder.linear(builder.input("x", (1, 512)), np.ones((1024, 512), np.float32)))
    lowered = builder.model().lower()
    row = {"x": jax.ShapeDtypeStruct((1, 512), np.float32)}
    assert batches_of(lowered, lowered.params, row, None).rows == 1024
