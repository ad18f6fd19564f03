"""Operations of ML Programs whose results depend on whether values are known when a program is traced."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_operation import node, nodes

from graphml.errors import ShapeError, UnsupportedError
from graphml.graph import Graph
from graphml.interpreter.lower import lower
from graphml.interpreter.stages import Staged

I32 = np.int32


def _program(inputs: str, outputs: str, *each):
    return lower(Graph(tuple(inputs.split()), tuple(outputs.split()), nodes(*each)))


def _constant(name, value):
    return node("const", "", name, val=value)


def _runs(program, **inputs):
    """The outputs, run eagerly and in stages, which agree."""
    eager = program.fn(program.params, inputs)
    staged = Staged(program)(program.params, inputs)
    for name, value in eager.items():
        np.testing.assert_array_equal(staged[name], value)
        assert staged[name].dtype == value.dtype
    return eager


# A cache -------------------------------------------------------------------------------------------------------------


def test_a_cache_is_written_at_a_data_dependent_position():
    """begin = [0, 0, position, 0] is put together of a traced number, as decoders do."""
    program = _program(
        "cache new position",
        "y",
        _constant("zero", I32([0])),
        _constant("one", I32([1])),
        node("concat", "zero zero position zero", "begin", axis=0),
        node("add", "position one", "next"),
        node("concat", "zero zero next zero", "end", axis=0),
        node(
            "slice_update",
            "cache new begin end",
            "y",
            begin_mask=(True, True, False, True),
            end_mask=(True, True, False, True),
        ),
    )
    run = jax.jit(lambda position: program.fn(program.params, {"cache": cache, "new": new, "position": position})["y"])
    cache, new = np.zeros((1, 2, 5, 3), np.float32), np.ones((1, 2, 1, 3), np.float32)
    for position in (0, 3, -1):
        wanted = cache.copy()
        wanted[:, :, position] = 1
        np.testing.assert_array_equal(run(I32([position])), wanted)


def test_an_update_at_a_computed_position_is_checked_if_shapes_allow():
    program = _program("x new at", "y", node("slice_update", "x new at at", "y"))
    run = jax.jit(lambda new: program.fn(program.params, {"x": np.ones((3, 4), np.float32), "new": new, "at": at})["y"])
    at = I32([0, 0])
    with pytest.raises(ShapeError, match="update has rank 1; the slice of x has 2"):
        jax.jit(lambda at: program.fn(program.params, {"x": np.ones((3, 4)), "new": np.ones(4), "at": at}))(at)
    with pytest.raises(ShapeError, match=r"update has shape \[1, 4\]; the slice of x has \[0, 0\]"):
        run(np.ones((1, 4), np.float32))
    with pytest.raises(ShapeError, match=r"update fills \[4, 4\] elements of x"):
        jax.jit(lambda at: program.fn(program.params, {"x": np.ones((3, 4)), "new": np.ones((4, 4)), "at": at}))(at)


# Slices --------------------------------------------------------------------------------------------------------------


def test_a_slice_of_computed_bounds_is_one_program_for_all_bounds_of_a_size():
    """As an image, whose axes may be in another order."""
    program = _program(
        "x begin end",
        "y",
        node("space_to_depth", "x", "image", block_size=1),
        node("add", "begin begin", "twice"),
        node("slice_by_index", "image twice end", "sliced", stride=(1, -1, 1, 2)),
        node("space_to_depth", "sliced", "y", block_size=1),
    )
    x = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    for begin, end in (([0, 1, 0, 0], [1, 0, 3, 5]), ([0, 1, 1, 1], [9, -3, 4, 4]), ([0, 1, 0, 1], [0, 0, 0, 0])):
        y = _runs(program, x=x, begin=I32(begin), end=I32(end))["y"]
        where = tuple(slice(2 * b, e, s) for b, e, s in zip(begin, end, (1, -1, 1, 2), strict=True))
        np.testing.assert_array_equal(y, x[where])


def test_a_slice_of_fixed_size_may_start_at_a_data_dependent_position():
    program = _program("x begin", "y", _constant("size", I32([2, 1])), node("slice_by_size", "x begin size", "y"))
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    run = jax.jit(lambda begin: program.fn(program.params, {"x": x, "begin": begin})["y"])
    np.testing.assert_array_equal(run(I32([1, 2])), x[1:3, 2:3])
    np.testing.assert_array_equal(run(I32([-3, -1])), x[0:2, 3:4])
    np.testing.assert_array_equal(run(I32([2, 0])), x[1:3, 0:1])  # moved back


def test_a_size_that_ends_at_the_edge_needs_to_know_where_it_begins():
    program = _program(
        "x begin",
        "y",
        _constant("size", I32([2, -1])),
        node("add", "begin begin", "twice"),
        node("slice_by_size", "x twice size", "y"),
    )
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    for begin in ([0, 1], [0, 0], [-1, -1]):
        y = _runs(program, x=x, begin=I32(begin))["y"]
        first, second = (2 * b + n if b < 0 else 2 * b for b, n in zip(begin, x.shape, strict=True))
        np.testing.assert_array_equal(y, x[first : first + 2, second:])
    begin = I32([0, 1])
    with pytest.raises(UnsupportedError, match=r"the value of 'twice' decides a shape.* static=\{'twice': ...\}"):
        jax.jit(program.fn)(program.params, {"x": x, "begin": begin})
    given = jax.jit(
        lambda begin: program.fn(program.params, {"x": x, "begin": begin}, static={"twice": 2 * I32([0, 1])})
    )
    np.testing.assert_array_equal(given(begin)["y"], x[0:2, 2:])


# Shapes --------------------------------------------------------------------------------------------------------------


def test_arithmetic_of_shapes_is_known_under_jit():
    """The sequence that converters write to merge axes, in versions that differ in the rules of 0."""
    program = _program(
        "x",
        "y shape",
        node("shape", "x", "sizes"),
        _constant("which", I32([0, -2])),
        node("gather", "sizes which", "two", version=16, axis=0, batch_dims=0),
        _constant("rest", I32([-1])),
        node("concat", "two rest", "shape", axis=0),
        node("reshape", "x shape", "y"),
    )
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4, 1)
    found = jax.jit(lambda x: program.fn(program.params, {"x": x}))(x)
    np.testing.assert_array_equal(found["y"], x.reshape(2, 4, 3))
    assert found["shape"].dtype == np.int32
    assert found["shape"].tolist() == [2, 4, -1]


def test_positions_that_are_not_zero_are_counted_between_stages():
    program = _program(
        "x", "y", node("add", "x x", "twice"), node("non_zero", "twice", "places"), node("gather_nd", "x places", "y")
    )
    for x in ([[0, 1, 2], [3, 0, 0]], [[0, 0, 0], [0, 0, 5]]):
        values = np.float32(x)
        np.testing.assert_array_equal(_runs(program, x=values)["y"], values[values != 0])


# Lists ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "int32", "bool"])
def test_a_list_keeps_its_type(dtype):
    """It is made with elements of unknown shape, and gets that of the first one."""
    graph = Graph(
        ("x", "at"),
        ("y", "z", "length"),
        nodes(
            node("make_list", "", "empty", elem_shape=(0, 2), dtype=dtype, init_length=None, grows=False),
            node("list_write", "empty at x", "one", grows=False),
            node("list_read", "one at", "y"),
            node("list_gather", "one index", "z"),
            node("list_length", "one", "length"),
        ),
    )
    index = _constant("index", I32([0, 0]))
    program = lower(Graph(graph.inputs, graph.outputs, nodes(index, *graph.body.nodes)), dtype=None)
    x = np.ones((3, 2), dtype)
    found = jax.jit(lambda at: program.fn(program.params, {"x": x, "at": at}))(I32(0))
    assert found["y"].dtype == found["z"].dtype == dtype
    np.testing.assert_array_equal(found["y"], x)
    assert found["z"].shape == (2, 3, 2)
    assert found["length"].dtype == np.int32
    assert found["length"].shape == ()


def test_a_list_that_grows_must_know_where():
    program = _program("ls at x", "y", node("list_write", "ls at x", "y", grows=True))
    inputs = {"ls": np.zeros((1, 2), np.float32), "at": I32(2), "x": np.float32([1, 2])}
    assert program.fn(program.params, inputs)["y"].tolist() == [[0, 0], [0, 0], [1, 2]]
    with pytest.raises(UnsupportedError, match="the value of 'at' decides a shape"):
        jax.jit(program.fn)(program.params, inputs)
    assert jnp.shape(Staged(program)(program.params, inputs)["y"]) == (3, 2)
