"""The forms of reductions give what the plain ones give, forward and backward, and only CPUs take them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import numbers
from compiling import QUICK
from one_layer import same

from graphml.catalogue import Target, lowering_for
from graphml.ops.kernels import reductions

FORMS = {
    "reduce_sum": (reductions.reduce_sum, jnp.sum),
    "reduce_sum, fused": (lambda x, axes: reductions.reduce_sum(x, axes, fuse=True), jnp.sum),
    "reduce_mean": (reductions.reduce_mean, jnp.mean),
    "reduce_max": (reductions.reduce_max, jnp.max),
    "reduce_min": (reductions.reduce_min, jnp.min),
}
# last axes, long and short, of a length that no fold divides; runs separated or ended by 1; separate axes; first axes
SHAPES = [
    ((3, 307), (1,)),
    ((3, 16), (1,)),
    ((2, 3, 9, 11), (-2, -1)),
    ((2, 5, 1, 23, 1), (3, 1)),
    ((40, 3, 35), (0, 2)),
]


def compiled(function, *arguments):
    return jax.jit(function, compiler_options=QUICK)(*arguments)


def plainly(axes):
    return {name: lambda x, f=plain: f(x, axes, keepdims=True) for name, (_, plain) in FORMS.items()}


def formed(axes):
    return {name: lambda x, f=form: f(x, axes) for name, (form, _) in FORMS.items()}


def compare(got, wanted, tolerance):
    for name in FORMS:
        assert got[name].dtype == wanted[name].dtype, name
        same(got[name], wanted[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("shape", "axes"), SHAPES)
def test_forms_give_what_the_plain_reduction_gives(shape, axes):
    def values(functions, x):
        return {name: f(x) for name, f in functions.items()}

    def both(x):
        return values(formed(axes), x), values(plainly(axes), x)

    x = numbers(2, *shape)
    compare(*compiled(jax.vmap(both), x), 1e-5)
    with jax.enable_x64(True):
        compare(*compiled(both, x[0].astype(np.float64)), 1e-14)


@pytest.mark.parametrize(("shape", "axes"), [((2, 3, 9, 11), (2, 3)), ((2, 70, 3), (1,))])
def test_gradients_are_those_of_the_plain_reduction_also_at_ties(shape, axes):
    def gradients(functions, x, dx):
        def one(f):
            y, back = jax.vjp(f, x)
            return jnp.concatenate(
                [
                    back(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))[0].ravel(),
                    jax.jvp(f, (x,), (dx,))[1].ravel(),
                ]
            )

        return {name: one(f) for name, f in functions.items()}

    x, dx = np.round(2 * numbers(*shape)).astype(np.float32), numbers(*shape, seed=3)
    compare(*compiled(lambda x, dx: (gradients(formed(axes), x, dx), gradients(plainly(axes), x, dx)), x, dx), 1e-5)


def test_infinities_and_nan_are_kept():
    x = numbers(4, 100)
    x[[0, 1, 2], 37] = np.nan, np.inf, -np.inf
    compare({n: f(x) for n, f in formed(1).items()}, {n: f(x) for n, f in plainly(1).items()}, 1e-5)


def test_the_sum_of_no_elements_is_zero():
    same(reductions.reduce_sum(np.zeros((2, 0), np.float32), 1), np.zeros((2, 1)))
    assert np.isnan(reductions.reduce_mean(np.zeros((2, 0), np.float32), 1)).all()


@pytest.mark.parametrize(("find", "wanted"), [(reductions.argmax, np.argmax), (reductions.argmin, np.argmin)])
def test_the_first_of_equal_extremes_is_found_and_a_nan_before_all(find, wanted):
    x = np.round(numbers(5, 90)).astype(np.float32)
    x[3, [20, 60]] = np.nan
    got = find(x, 1)
    same(got[:, 0], wanted(x, 1).astype(np.float32))
    gradient = jax.grad(lambda x: find(x, 1).sum())(x)
    assert not np.any(gradient)


def test_the_gradient_of_a_norm_at_zero_is_zero():
    assert not np.any(jax.grad(lambda x: reductions.reduce_l2_norm(x, 0)[0])(jnp.zeros(50)))


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_other_platforms_take_the_definition(platform):
    x = np.zeros((4, 9, 11), np.float32)
    for form in (reductions.reduce_sum, reductions.reduce_max):
        with lowering_for(Target(platform)):
            program = str(jax.make_jaxpr(lambda x, form=form: form(x, (1, 2)))(x))
        assert "dot_general" not in program
        assert " max " not in program
        assert "slice" not in program
        with lowering_for(Target("cpu")):
            program = str(jax.make_jaxpr(lambda x, form=form: form(x, (1, 2)))(x))
        assert "dot_general" in program or "slice" in program
