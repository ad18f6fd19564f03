"""Programs that serve several sizes: masked answers are the plain ones, and what would see the filling is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graphml.build import NeuralNetworkBuilder
from graphml.errors import ShapeError
from graphml.graph import Port, from_spec
from graphml.lower import lower
from graphml.padded import NotPaddable, padded
from graphml.shape_policy import ShapePolicy
from graphml.staging import Staged

WEIGHTS = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def made(function, shape=(5, 4), axis=0, size=16):
    arrays = {"x": jax.ShapeDtypeStruct((*shape[:axis], size, *shape[axis + 1 :]), jnp.float32)}
    return padded(lambda w, key, given: function(w, given["x"]), WEIGHTS, None, arrays, {"x": axis}), arrays["x"].shape


SERVED = {
    "elementwise": lambda w, x: jnp.where(x > 0, jnp.tanh(x), x * 2) + 1,
    "product": lambda w, x: x @ w + w[0],
    "softmax of rows": lambda w, x: jax.nn.softmax(x, -1),
    "softmax of columns": lambda w, x: jax.nn.softmax(x, 0),
    "sum": lambda w, x: x.sum(0),
    "product of columns": lambda w, x: jnp.prod(x, 0),
    "extremes": lambda w, x: (x.max(0), x.min(), x.argmax(0), x.argmin(0)),
    "any, all": lambda w, x: (jnp.any(x > 1, 0), jnp.all(x > -9, 0)),
    "contraction": lambda w, x: x.T @ x,
    "running sum": lambda w, x: jnp.cumsum(x, 0),
    "appending": lambda w, x: jnp.concatenate([x, x.max(0, keepdims=True)], 0) * 2,
    "appending twice": lambda w, x: jnp.concatenate([jnp.concatenate([x, w.T], 0), x[:, :4].sum(0)[None]], 0),
    "positions": lambda w, x: x + jnp.arange(x.shape[0])[:, None],
    "moved": lambda w, x: jax.nn.gelu(x).T.reshape(2, 2, x.shape[0]),
    "variance of rows": lambda w, x: jnp.var(x, axis=1, keepdims=True) + x,
    "looked up": lambda w, x: w[jnp.abs(x[:, 0]).astype(int) % 4],
    "norm": lambda w, x: jax.nn.standardize(x, axis=1),
}


@pytest.mark.parametrize("name", SERVED)
def test_answers_are_the_plain_ones(name):
    function = SERVED[name]
    program, full = made(function)
    run = jax.jit(program.run)
    for count in (1, 5, 16):
        x = np.random.default_rng(count).normal(size=(count, 4)).astype(np.float32)
        filled = np.full(full, np.nan, np.float32)  # whatever stands behind does not count
        filled[:count] = x
        for got, mark, want in zip(
            run(WEIGHTS, None, {"x": filled}, np.int32(count)),
            program.grown,
            jax.tree.leaves(function(WEIGHTS, x)),
            strict=True,
        ):
            got = np.asarray(got)
            cut = got if mark is None else np.take(got, np.arange(count + mark[1]), mark[0])
            np.testing.assert_allclose(cut, want, rtol=1e-5, atol=1e-6)


REFUSED = {
    "mean": lambda w, x: x.mean(0),
    "the size": lambda w, x: x * x.shape[0],
    "a number from the size": lambda w, x: x * (1 / x.shape[0] ** 2),
    "reversed": lambda w, x: x[::-1],
    "sorted": lambda w, x: jnp.sort(x, 0),
    "the last": lambda w, x: x[-1:],
    "every second": lambda w, x: x[::2],
    "two axes": lambda w, x: x @ x.T,
    "flattened": lambda w, x: x.reshape(-1),
    "a constant as long": lambda w, x: x + np.arange(x.shape[0], dtype=np.float32)[:, None],
    "summed from behind": lambda w, x: jax.lax.cumsum(x, 0, reverse=True),
    "a loop": lambda w, x: jax.lax.fori_loop(0, 3, lambda i, y: y + 1, x),
    "a choice of rows": lambda w, x: x[jnp.array([0, 1])],
    "random numbers": lambda w, x: x + jax.random.normal(jax.random.key(0), x.shape),
    "put in front": lambda w, x: jnp.concatenate([w.T, x], 0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_see_the_filling_is_refused(name):
    with pytest.raises(NotPaddable):
        made(REFUSED[name])


def test_policies():
    assert [ShapePolicy.buckets().size_for(n) for n in (1, 8, 9, 64, 65)] == [8, 8, 16, 64, 128]
    assert [ShapePolicy.maximum(50).size_for(n) for n in (1, 50, 51)] == [50, 50, 51]
    assert ShapePolicy.exact().size_for(7) == 7
    with pytest.raises(ShapeError, match="at least 1"):
        ShapePolicy.maximum(0)
    with pytest.raises(ShapeError, match="'exact', 'buckets' or 'maximum'"):
        ShapePolicy("some")  # pyright: ignore[reportArgumentType]


# In networks ----------------------------------------------------------------------------------------------------------


def part() -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder({}, {})


def chosen() -> NeuralNetworkBuilder:
    """The rows of x that begin with something other than 0, through a dense layer, then their sum."""
    builder = part().add("sliceStatic", "first", ["x"], ["f"], end_ids=(0, 1), begin_ids=(0, 0), strides=(1, 1))
    builder.network.layers[-1].sliceStatic.endMasks.extend([True, False])
    builder.network.layers[-1].sliceStatic.beginMasks.extend([True, True])
    builder.network.layers[-1].sliceStatic.squeezeMasks.extend([False, True])
    builder.add("whereNonZero", "where", ["f"], ["at"]).add("gatherND", "take", ["x", "at"], ["r"])
    builder.add("innerProduct", "dense", ["r"], ["d"], weights=WEIGHTS.T.copy(), bias=np.float32([1, 2, 3]))
    builder.add("softmaxND", "soft", ["d"], ["s"], axis=-1)
    return builder.add("reduceSum", "sum", ["s"], ["y"], axes=(0,), keep_dims=False)


def staged(builder, policy, **options) -> tuple[Staged, list[str]]:
    lowered = lower(from_spec(builder.network, (Port("x", None),), (Port("y", None),)), **options)
    traced: list[str] = []
    return Staged(lowered, policy=policy, traced=lambda what, seconds: traced.append(what)), traced


def rows_of(count: int, of: int = 40) -> np.ndarray:
    x = np.random.default_rng(count).normal(size=(of, 4)).astype(np.float32)
    x[np.random.default_rng(count).permutation(of)[count:], 0] = 0
    return x


def test_a_policy_trades_filling_for_programs():
    answers, programs = {}, {}
    for policy in (ShapePolicy.exact(), ShapePolicy.buckets(), ShapePolicy.maximum(40)):
        run, traced = staged(chosen(), policy)
        answers[policy.name] = [
            np.asarray(run(run.lowered.params, {"x": rows_of(n)})["y"]) for n in (3, 5, 7, 12, 15, 30, 31, 3)
        ]
        programs[policy.name] = len(traced)
    for name in ("buckets", "maximum"):
        for got, want in zip(answers[name], answers["exact"], strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    # one up to the count; then for each count, or for 8, 16 and 32, or for 40; and the first count by itself
    assert programs == {"exact": 1 + 7, "buckets": 1 + 2 * 3 + 1, "maximum": 1 + 2 + 1}


def test_derivatives_are_exact_under_every_policy():
    x = jnp.asarray(rows_of(3, of=6))
    slopes = []
    for policy in (ShapePolicy.exact(), ShapePolicy.buckets()):
        run, _ = staged(chosen(), policy)
        for n in (2, 4):  # it knows which axis changes
            run(run.lowered.params, {"x": rows_of(n, of=6)})
        slopes.append(jax.grad(lambda x, run=run: run(run.lowered.params, {"x": x})["y"][0])(x))
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-6)


def growing(*, reads_its_shape: bool) -> NeuralNetworkBuilder:
    """h = x; 20 times, as the host counts: h = tanh(h) ++ sum(tanh(h))."""
    body = part().add("tanh", "squash", ["h"], ["t"])
    body.add("reduceSum", "sum", ["t"], ["m"], axes=(0,), keep_dims=True)
    if reads_its_shape:
        body.add("getShape", "shape", ["h"], ["n"]).add("multiply", "times", ["m", "n"], ["k"])
    body.add("concatND", "append", ["t", "k" if reads_its_shape else "m"], ["h2"], axis=0)
    body.add("copy", "keep", ["h2"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("reduceSum", "count", ["x"], ["c"], axes=(0,), keep_dims=True)
    return builder.add("loop", "grow", ["c"], [], body_network=body).add("multiply", "out", ["h"], ["y"], alpha=1.0)


@pytest.mark.parametrize("reads_its_shape", [False, True])
def test_a_loop_that_grows(reads_its_shape):
    x = np.float32([10, 6, 4])
    exact, all_sizes = staged(growing(reads_its_shape=reads_its_shape), ShapePolicy.exact())
    buckets, some = staged(growing(reads_its_shape=reads_its_shape), ShapePolicy.buckets())
    want = exact(exact.lowered.params, {"x": x})["y"]
    assert want.shape == (23,)
    np.testing.assert_allclose(buckets(buckets.lowered.params, {"x": x})["y"], want, rtol=1e-6)
    assert len(all_sizes) == 1 + 20 + 1
    # the start, the first turn by itself, those of 8, 16 and 32, the end; a shape that is read is a fact of one size
    assert len(some) == (22 if reads_its_shape else 6)
