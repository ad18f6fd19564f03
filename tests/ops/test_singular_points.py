"""Gradients where the plain formula would give 0/0, and positions among NaN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from one_layer import blobs, compiled, lowered, same

_ZERO = np.zeros((2, 3, 1, 1), np.float32)
_ONES = np.ones((2, 3, 1, 1), np.float32)

# (kind, fields, inputs, gradient of the sum of all outputs by the first input)
_POINTS = [
    ("reduce", {"mode": "L2", "axis": "CHW"}, (_ZERO,), 0),
    ("reduceL2", {"axes": (1,)}, (_ZERO,), 0),
    ("reduceL1", {"axes": (1,)}, (_ZERO,), 1),  # of its two gradients
    ("reduceProd", {"axes": (0, 1)}, (_ZERO,), 0),
    ("dot", {"cosine_similarity": True}, (_ZERO, _ONES), 0),
    ("unary", {"type": "POWER", "alpha": 1.5}, (_ZERO,), 0),
    ("unary", {"type": "POWER", "alpha": 1.0}, (_ZERO,), 1),
    ("unary", {"type": "ABS"}, (_ZERO,), 1),
    ("l2normalize", {"epsilon": 0.25}, (_ZERO,), 2),
    ("mvn", {"normalize_variance": True, "across_channels": True}, (_ONES,), 0),
    ("batchnorm", {"compute_mean_var": True}, (_ONES,), 0),
    ("layerNormalization", {"normalized_shape": (3, 1, 1), "eps": 1e-5}, (_ONES,), 0),
    ("lrn", {"alpha": 1.0, "beta": 0.75, "local_size": 3}, (_ZERO,), 1),
]


@pytest.mark.parametrize(
    ("kind", "fields", "inputs", "gradient"), _POINTS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_gradients_are_finite_where_the_value_is(kind, fields, inputs, gradient):
    network = lowered(kind, Case(inputs, fields))

    def total(x):
        return jnp.sum(blobs(network, network.params, (x, *inputs[1:]))[0])

    reverse, forward = jax.jit(lambda x: (jax.grad(total)(x), jax.jacfwd(total)(x)))(inputs[0])
    same(reverse, np.full(inputs[0].shape, gradient), atol=1e-4)
    same(forward, reverse, atol=1e-4)


def test_a_product_with_one_zero_has_a_gradient_there():
    network = lowered("reduceProd", Case((np.float32([2, 0, 3]),), {"reduce_all": True}))
    gradient = jax.jit(jax.grad(lambda x: blobs(network, network.params, (x,))[0][0]))(np.float32([2, 0, 3]))
    same(gradient, np.float32([0, 6, 0]))


@pytest.mark.parametrize(
    ("kind", "fields"), [("argMax", {}), ("argMin", {}), ("reduce", {"mode": "ARGMAX", "axis": "W"})]
)
def test_the_first_nan_is_the_extreme_as_in_numpy(kind, fields):
    x = np.float32([1, np.nan, 5, np.nan, -np.inf])
    same(compiled(kind, Case((x,), fields))[0], np.float32([np.argmax(x)]))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_the_extreme_of_equal_infinities_is_the_first(value):
    x = np.full(3, value, np.float32)
    for kind in ("argMax", "argMin"):
        same(compiled(kind, Case((x,)))[0], np.float32([0]))
