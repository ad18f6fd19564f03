"""Compiled programs of all models together stay within one limit of bytes."""

from __future__ import annotations

import gc

import jax
import numpy as np
import pytest

import graphml
from graphml import FeatureError
from graphml.build import NeuralNetworkBuilder, array
from graphml.interpreter.program_memory import DEFAULT_LIMIT, Held, ProgramMemory, limit_program_memory, program_memory
from graphml.models import load


@pytest.fixture(autouse=True)
def limits_end_with_a_test():
    gc.collect()
    limit_program_memory(0)
    limit_program_memory(DEFAULT_LIMIT)
    yield
    limit_program_memory(DEFAULT_LIMIT)


def network(alpha):
    """Takes vectors of 1 to 2,000 numbers."""
    builder = NeuralNetworkBuilder({"x": array(5)}, {"y": array(5)})
    builder.add("add", "y", ["x"], ["y"], alpha=alpha)
    message = builder.spec
    for feature in (message.description.input[0], message.description.output[0]):
        size = feature.type.multiArrayType.shapeRange.sizeRanges.add()
        size.lowerBound, size.upperBound = 1, 2000
    return load(message)


def answer(model, count):
    return model.predict({"x": np.zeros(count, np.float32)})["y"]


def executables():
    gc.collect()
    return len(jax.local_devices()[0].client.live_executables())


def test_programs_take_no_more_than_the_limit():
    first, second = network(1.0), network(2.0)
    answer(first, 1)
    one = program_memory()
    assert 1_600_000 < one < 3_000_000
    limit_program_memory(4 * one)
    before = executables()
    for count in range(2, 10):
        assert answer(first, count).tolist() == [1.0] * count
        assert answer(second, count).tolist() == [2.0] * count
        assert program_memory() <= 4 * one
    assert executables() - before <= 3
    assert (first.trace_count, second.trace_count) == (9, 8)


def test_what_is_used_all_the_time_stays():
    busy, other = network(1.0), network(2.0)
    answer(busy, 1)
    limit_program_memory(3 * program_memory() + 1000)
    for count in range(1, 8):
        answer(other, count)
        answer(busy, 1)
    assert busy.trace_count == 1
    assert other.trace_count == 7
    answer(other, 7)
    assert other.trace_count == 7
    answer(other, 1)
    assert other.trace_count == 8


def test_a_lower_limit_holds_at_once_and_the_last_program_may_exceed_it():
    model = network(1.0)
    for count in range(1, 4):
        answer(model, count)
    limit_program_memory(0)
    assert program_memory() == 0
    answer(model, 3)
    assert model.trace_count == 4
    assert program_memory() > 0
    answer(model, 3)
    assert model.trace_count == 4


def test_programs_of_dropped_models_that_nothing_can_use_do_not_count():
    model = network(1.0)
    answer(model, 1)
    from graphml.models.compile import content

    content.forget()
    del model
    gc.collect()
    assert program_memory() == 0


def test_larger_programs_leave_fewer():
    dropped = []

    def held(name, size):
        return Held(lambda: name, size, lambda: dropped.append(name))

    memory = ProgramMemory(10)
    a, b, c = held("a", 4), held("b", 4), held("c", 2)
    for each in (a, b, c):
        memory.hold(each)
    assert (memory.size, dropped) == (10, [])
    a.touch()
    d = held("d", 6)
    memory.hold(d)
    assert (memory.size, dropped) == (10, ["b", "c"])
    assert a.program is not None
    assert b.program is None
    e = held("e", 11)
    memory.hold(e)
    assert (memory.size, dropped) == (11, ["b", "c", "a", "d"])


@pytest.mark.parametrize("size", [-1, 2.5, "3", True, None])
def test_what_is_not_a_size_is_refused(size):
    with pytest.raises(FeatureError, match="the limit must be a number of bytes of at least 0, got"):
        graphml.limit_program_memory(size)
