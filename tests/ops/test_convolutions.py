"""Every form of a convolution gives what the plain one gives, forward and backward, and is taken where it should be."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case, numbers
from one_layer import blobs, compiled, lowered, same

from graphml.ops.kernels.convolution import (
    Convolution,
    ConvolutionWindow,
    TransposedConvolution,
    TransposedWindow,
)
from graphml.ops.kernels.convolution_choice import choose, choose_transposed
from graphml.ops.kernels.cpu import convolution as cpu
from graphml.ops.kernels.cpu.convolution import (
    DenseBlocks,
    MatrixProduct,
    PaddedConvolution,
    Polyphase,
    ShiftedImages,
    ShiftedProducts,
    TrainableConvolution,
    Winograd,
)
from graphml.ops.kernels.cpu.matmul import PaddedOutputs
from graphml.spec.attributes import Choice

CPU: dict[str, Any] = {"platform": "cpu", "train": False}
TRAINING: dict[str, Any] = {"platform": "cpu", "train": True}
GPU: dict[str, Any] = {"platform": "cuda", "train": False}


def _kernel(*shape):
    return jnp.asarray(numbers(*shape, seed=1))


def _blocks(kernel, window):
    return DenseBlocks.of(kernel, window, partial(choose, **CPU))


# (form of a kernel and window, kernel, channels, window)
PADDED = ((1, 2), (0, 1))
FORMS = [
    pytest.param(lambda k, w: MatrixProduct(k), (1, 1, 3, 5), 3, ConvolutionWindow(), id="dot"),
    pytest.param(lambda k, w: MatrixProduct(k), (1, 1, 3, 5), 3, ConvolutionWindow((2, 3), PADDED), id="dot-strided"),
    pytest.param(
        lambda k, w: MatrixProduct(PaddedOutputs.of(k)),
        (1, 1, 3, 5),
        3,
        ConvolutionWindow((2, 3)),
        id="dot-apart",
    ),
    pytest.param(
        lambda k, w: PaddedConvolution(PaddedOutputs.of(k)),
        (3, 2, 3, 5),
        3,
        ConvolutionWindow((2, 3), PADDED),
        id="apart",
    ),
    pytest.param(
        lambda k, w: ShiftedImages(k), (3, 3, 1, 4), 4, ConvolutionWindow(padding=PADDED, groups=4), id="depthwise"
    ),
    pytest.param(
        lambda k, w: ShiftedImages(k), (3, 2, 1, 4), 4, ConvolutionWindow((2, 3), groups=4), id="depthwise-strided"
    ),
    pytest.param(
        lambda k, w: ShiftedImages(k),
        (3, 3, 1, 8),
        4,
        ConvolutionWindow(dilation=(2, 1), groups=4),
        id="depthwise-multiplied",
    ),
    pytest.param(
        lambda k, w: ShiftedImages(k), (3, 3, 3, 4), 6, ConvolutionWindow(padding=PADDED, groups=2), id="few-in-a-group"
    ),
    pytest.param(_blocks, (3, 3, 5, 8), 20, ConvolutionWindow((2, 1), PADDED, groups=4), id="blocks-joined"),
    pytest.param(_blocks, (1, 1, 40, 4), 80, ConvolutionWindow(groups=2), id="blocks-separate"),
    pytest.param(_blocks, (3, 3, 8, 24), 192, ConvolutionWindow(groups=24), id="blocks-many"),
    pytest.param(lambda k, w: ShiftedProducts(k), (3, 2, 5, 3), 5, ConvolutionWindow(padding=PADDED), id="outputs"),
    pytest.param(
        lambda k, w: ShiftedProducts(k),
        (3, 2, 5, 3),
        5,
        ConvolutionWindow((2, 1), PADDED, (1, 2)),
        id="outputs-dilated",
    ),
    pytest.param(lambda k, w: Winograd.of(k), (3, 3, 5, 7), 5, ConvolutionWindow(), id="winograd"),
    pytest.param(lambda k, w: Winograd.of(k), (3, 3, 5, 7), 5, ConvolutionWindow(padding=PADDED), id="winograd-padded"),
    pytest.param(lambda k, w: TrainableConvolution(k), (3, 2, 4, 3), 4, ConvolutionWindow(), id="canonical"),
    pytest.param(
        lambda k, w: TrainableConvolution(k), (3, 2, 4, 3), 4, ConvolutionWindow((2, 3), PADDED), id="canonical-strided"
    ),
    pytest.param(
        lambda k, w: TrainableConvolution(k),
        (3, 2, 4, 3),
        4,
        ConvolutionWindow((3, 1), PADDED, (1, 2)),
        id="canonical-dilated",
    ),
    # more padding than the kernel reaches, and rows that no window sees: negative paddings in the gradient
    pytest.param(
        lambda k, w: TrainableConvolution(k),
        (2, 2, 4, 3),
        4,
        ConvolutionWindow((4, 4), ((3, 0), (2, 4))),
        id="canonical-wide",
    ),
]


@pytest.mark.parametrize(("form", "kernel", "channels", "window"), FORMS)
def test_a_form_gives_the_numbers_and_gradients_of_the_plain_one(form, kernel, channels, window):
    with jax.enable_x64(True):
        x, kernel = (jnp.asarray(a, jnp.float64) for a in (numbers(2, 7, 6, channels), _kernel(*kernel)))
        gradient = jnp.asarray(numbers(*Convolution(kernel)(x, window).shape, seed=2), jnp.float64)

        def both(make):
            y, back = jax.vjp(lambda x, kernel: make(kernel, window)(x, window), x, kernel)
            return y, *back(gradient)

        one, other = jax.jit(lambda: (both(form), both(lambda k, w: Convolution(k))))()
        for got, want in zip(one, other, strict=True):
            same(got, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("kernel", "stride", "groups"),
    [
        ((4, 4), (2, 2), 1),
        ((3, 2), (2, 2), 3),
        ((1, 1), (3, 2), 1),
        ((2, 5), (3, 2), 1),
        ((3, 3), (1, 1), 1),
        ((5, 1), (2, 1), 6),
    ],
)
def test_the_polyphase_form_equals_the_plain_transposed_convolution(kernel, stride, groups):
    x, weights = numbers(2, 4, 5, 6), _kernel(*kernel, 6 // groups, 18)
    full = [(n - 1) * s + k for n, s, k in zip((4, 5), stride, kernel, strict=True)]
    cuts = []
    for start, end in [((0, 0), (0, 0)), ((1, 0), (0, 2)), ((0, 3), (1 - stride[0], 0))]:
        size = tuple(f - s - e for f, s, e in zip(full, start, end, strict=True))
        cuts.append(TransposedWindow(kernel, stride, start, size, groups))
    for target in (CPU, TRAINING):
        phases = choose_transposed(weights, stride, groups, **target)
        assert isinstance(phases, Polyphase)
        results = jax.jit(lambda form: [(form(x, cut), TransposedConvolution(weights)(x, cut)) for cut in cuts])(phases)
        for got, want in results:
            same(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("kernel", "window", "target", "form"),
    [
        ((1, 1, 8, 8), ConvolutionWindow(), CPU, MatrixProduct),
        ((3, 3, 1, 8), ConvolutionWindow(groups=8), CPU, ShiftedImages),
        ((3, 3, 8, 32), ConvolutionWindow(groups=4), CPU, DenseBlocks),
        ((3, 3, 32, 64), ConvolutionWindow(), CPU, Winograd),
        ((3, 3, 31, 64), ConvolutionWindow(), CPU, Convolution),
        ((3, 3, 64, 3), ConvolutionWindow(), CPU, ShiftedProducts),
        ((3, 3, 64, 3), ConvolutionWindow(stride=(2, 1)), CPU, Convolution),
        ((11, 11, 64, 3), ConvolutionWindow(), CPU, Convolution),
        ((3, 3, 3, 8), ConvolutionWindow(), CPU, Convolution),
        ((3, 3, 64, 64), ConvolutionWindow(stride=(2, 2)), CPU, Convolution),
        ((3, 3, 64, 64), ConvolutionWindow(dilation=(1, 2)), CPU, Convolution),
        ((3, 3, 8, 512), ConvolutionWindow(stride=(2, 2)), CPU, PaddedConvolution),
        ((3, 3, 8, 512), ConvolutionWindow(stride=(2, 2)), TRAINING, TrainableConvolution),
        ((3, 3, 8, 512), ConvolutionWindow(stride=(2, 2)), GPU, Convolution),
        ((3, 3, 64, 64), ConvolutionWindow(), TRAINING, TrainableConvolution),
        ((1, 1, 8, 8), ConvolutionWindow(), GPU, Convolution),
        ((3, 3, 1, 8), ConvolutionWindow(groups=8), GPU, Convolution),
        ((3, 3, 64, 64), ConvolutionWindow(), GPU, Convolution),
    ],
)
def test_the_choice(kernel, window, target, form):
    assert isinstance(choose(jnp.zeros(kernel, jnp.float32), window, **target), form)


def test_float64_is_never_rounded_by_winograd():
    with jax.enable_x64(True):
        assert isinstance(choose(jnp.zeros((3, 3, 64, 64), jnp.float64), ConvolutionWindow(), **CPU), Convolution)


def test_winograd_is_as_exact_as_the_plain_form_in_float32():
    x, kernel = numbers(1, 12, 12, 64), _kernel(3, 3, 64, 64)
    window = ConvolutionWindow(padding=((1, 1), (1, 1)))
    exact = np.asarray(_in_float64(x, kernel, window))
    error = np.abs(np.asarray(Winograd.of(kernel)(x, window)) - exact).max() / np.abs(exact).max()
    assert error < 2e-6


def _in_float64(x, kernel, window):
    with jax.enable_x64(True):
        return Convolution(jnp.asarray(np.asarray(kernel), jnp.float64))(jnp.asarray(x, jnp.float64), window)


@pytest.mark.parametrize("outputs", [5, 7])
@pytest.mark.parametrize("form", [Winograd.of, ShiftedProducts], ids=["winograd", "outputs"])
@pytest.mark.parametrize("tile", [1, 1 << 14])
def test_tiles_of_rows_give_the_same_bits(form, outputs, tile, monkeypatch):
    x, kernel = numbers(2, 13, 7, 5), _kernel(3, 3, 5, outputs)
    window = ConvolutionWindow(padding=((1, 1), (2, 0)))
    whole = jax.jit(lambda form: form(x, window))(form(kernel))
    monkeypatch.setattr(cpu, "_MOST_AT_ONCE", 0)
    monkeypatch.setattr(cpu, "_TILE", tile)
    assert "scan" in str(jax.make_jaxpr(lambda form: form(x, window))(form(kernel)))
    tiled = jax.jit(lambda form: form(x, window))(form(kernel))
    np.testing.assert_array_equal(tiled, whole)


def test_training_convolutions_are_in_canonical_order():
    """XLA's CPU kernels take [batch, h, w, channels] x [h, w, in, out] only; both convolutions must have it. The
    gradient of the kernel is made of matrix products."""
    x, kernel, window = numbers(2, 6, 6, 4), _kernel(3, 3, 4, 5), ConvolutionWindow((2, 2), ((1, 1), (1, 1)))
    form = choose(kernel, window, **TRAINING)

    def loss(x, form):
        return jnp.sum(form(x, window) ** 2)

    program = str(jax.make_jaxpr(jax.grad(loss, argnums=(0, 1)))(x, form))
    orders = program.count("ConvDimensionNumbers(lhs_spec=(0, 3, 1, 2), rhs_spec=(3, 2, 0, 1), out_spec=(0, 3, 1, 2))")
    assert orders == program.count("ConvDimensionNumbers(") == 2


def test_training_convolutions_of_vmapped_samples_are_not_grouped():
    """Grouped ones, a group for each sample, run as scalar loops."""
    x, kernel, window = numbers(7, 6, 6, 4), _kernel(3, 3, 4, 5), ConvolutionWindow((2, 2), ((1, 1), (1, 1)))

    def loss(form):
        return jnp.sum(jax.vmap(lambda image: form(image[None], window) ** 2)(x))

    program = str(jax.make_jaxpr(jax.grad(loss))(choose(kernel, window, **TRAINING)))
    assert "_group_count=1" in program
    assert "_group_count=7" not in program


def test_prepared_weights_give_the_same_answer():
    for groups, deconvolution in ((1, False), (64, False), (1, True)):
        shape = (64, 64 // groups, 3, 3)
        fields = {"weights": numbers(*shape), "n_groups": groups, "convolution_padding_type": Choice("same")}
        case = Case((numbers(1, 64, 6, 6, low=-0.1, high=0.1),), {**fields, "is_deconvolution": deconvolution})
        network = lowered("convolution", case)
        named = {"in0": case.inputs[0]}
        prepared = jax.jit(network.run_prepared)(network.prepare(network.params), named)["out0"]
        same(prepared, compiled("convolution", case)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [
        {"weights": numbers(4, 4, 2, 3, 1), "padding_type": "SAME"},
        {"weights": numbers(4, 4, 2, 1, 1), "padding_type": "SAME"},
        {"weights": numbers(512, 4, 2, 1, 1), "padding_type": "SAME"},
        {"weights": numbers(512, 4, 2, 3, 1), "padding_type": "SAME"},
        {"weights": numbers(4, 2, 2, 3, 1), "n_groups": 2, "padding_type": "SAME"},
        {"weights": numbers(4, 2, 2, 3, 1), "is_deconvolution": True, "padding_type": "SAME"},
        {"weights": numbers(4, 2, 1, 3, 2), "is_deconvolution": True, "n_groups": 2, "padding_type": "VALID"},
    ],
)
def test_volumes_as_images_equal_the_plain_convolution(fields):
    steps = {f"stride_{axis}": 2 for axis in ("depth", "height", "width")}
    holes = {f"dilation_{axis}": 2 if axis == "depth" else 1 for axis in ("depth", "height", "width")}
    case = Case((numbers(2, 4, 5, 4, 3),), {**steps, **holes, **fields})
    one, other = (lowered("convolution3d", case, platform=platform) for platform in ("cpu", "cuda"))
    results = jax.jit(lambda params: [blobs(form, params, case.inputs)[0] for form in (one, other)])(one.params)
    same(*results, rtol=1e-5, atol=1e-5)


def test_low_precision_computes_in_half_and_returns_single():
    case = Case((numbers(1, 4, 5, 5),), {"weights": numbers(3, 4, 3, 3), "convolution_padding_type": Choice("valid")})
    network = lowered("convolution", case, platform="cuda", low_precision=True)
    program = str(jax.make_jaxpr(network.fn)(network.params, {"in0": case.inputs[0]}))
    assert "preferred_element_type=float16" in program
    (half,) = compiled("convolution", case, platform="cuda", low_precision=True)
    (single,) = compiled("convolution", case, platform="cuda")
    assert half.dtype == np.float32
    assert 0 < np.abs(half - single).max() < 0.05
