"""coremltools reads what the builder writes, graphml reads what coremltools writes, and coremltools' way from a program
to the neural network format gives a second opinion on operations: the network runs as layers."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphml
from graphml.build.program import ProgramBuilder
from graphml.inspect.compare import compare

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    ct = pytest.importorskip("coremltools", reason="coremltools is not installed: it is the judge")
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.converter import mil_convert
    from coremltools.converters.mil.frontend.milproto.load import load as load_program

pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return (RNG.normal(size=shape) * 0.5).astype(np.float32)


# Programs written with the builder -----------------------------------------------------------------------------------


def images(builder: ProgramBuilder) -> dict[str, np.ndarray]:
    x = builder.input("x", (1, 3, 9, 8))
    h = builder.conv(x, numbers(4, 3, 3, 3), numbers(4), pad_type="same", strides=(2, 2))
    h = builder.batch_norm(h, numbers(4), np.abs(numbers(4)) + 0.5, numbers(4), numbers(4), epsilon=1e-3)
    h = builder.max_pool(builder.relu(h), kernel_sizes=(2, 2), strides=(1, 1), pad_type="valid")
    h = builder.concat([h, builder.sigmoid(h)], axis=1)
    h = builder.conv_transpose(h, numbers(8, 2, 2, 2), strides=(2, 2))
    builder.output("y", builder.upsample_nearest_neighbor(h, scale_factor_height=2, scale_factor_width=2))
    return {"x": numbers(1, 3, 9, 8)}


def words(builder: ProgramBuilder) -> dict[str, np.ndarray]:
    x = builder.input("x", (2, 5, 8))
    normal = builder.layer_norm(x, 1 + numbers(8), numbers(8), axes=[-1], epsilon=1e-5)
    parts = builder.split(builder.linear(normal, numbers(24, 8), numbers(24)), num_splits=3, axis=-1)
    scores = builder.mul(builder.matmul(parts[0], parts[1], transpose_y=True), 8**-0.5)
    mixed = builder.matmul(builder.softmax(scores, axis=-1), parts[2])
    h = builder.add(x, builder.gelu(builder.linear(mixed, numbers(8, 8)), mode="TANH_APPROXIMATION"))
    builder.output("y", builder.reduce_mean(builder.transpose(h, perm=[0, 2, 1]), axes=[-1], keep_dims=False))
    return {"x": numbers(2, 5, 8)}


def steps(builder: ProgramBuilder) -> dict[str, np.ndarray]:
    x = builder.input("x", (5, 2, 3))
    zeros = np.zeros((2, 4), np.float32)
    hidden, _, _ = builder.lstm(
        x, zeros, zeros, numbers(16, 3), numbers(16, 4), numbers(16), output_sequence=True, name="all_steps"
    )
    last = builder.slice_by_index(
        hidden, [4, 0, 0], [5, 0, 0], begin_mask=[False, True, True], end_mask=[False, True, True]
    )
    builder.output("y", builder.squeeze(last, axes=[0]))
    return {"x": numbers(5, 2, 3)}


def control(builder: ProgramBuilder) -> dict[str, np.ndarray]:
    x = builder.input("x", (3,))
    _, h = builder.while_loop(
        lambda i, v: builder.less(i, 4), lambda i, v: (builder.add(i, 1), builder.mul(v, x)), (0, x)
    )
    total = builder.reduce_sum(h, axes=[0], keep_dims=False)
    builder.output(
        "y", builder.cond(builder.greater(total, 0.0), lambda: builder.add(h, 1.0), lambda: builder.sub(h, 1.0))
    )
    return {"x": np.float32([0.5, -1.5, 2])}


WRITTEN: list[Callable[[ProgramBuilder], dict[str, np.ndarray]]] = [images, words, steps, control]


def _written(
    write: Callable[[ProgramBuilder], dict[str, np.ndarray]], folder: Path
) -> tuple[Path, dict[str, np.ndarray]]:
    builder = ProgramBuilder("CoreML5")
    inputs = write(builder)
    builder.save(folder / "written.mlpackage")
    return folder / "written.mlpackage", inputs


def _program(file: Path) -> Any:
    model = ct.models.MLModel(str(file), skip_model_load=True)
    spec = model.get_spec()
    return load_program(spec, spec.specificationVersion, model.weights_dir)


@pytest.mark.parametrize("write", WRITTEN)
def test_coremltools_reads_what_the_builder_writes(write, tmp_path):
    program = _program(_written(write, tmp_path)[0])
    kinds = {operation.op_type for operation in program.functions["main"].operations} - {"const"}
    assert kinds
    assert kinds <= {name for name in dir(graphml.ProgramBuilder) if not name.startswith("_")}


# coremltools gives two layers of an LSTM one name, and then refuses them
@pytest.mark.parametrize("write", [images, words, control])
def test_a_program_agrees_with_the_network_that_coremltools_makes_of_it(write, tmp_path):
    file, inputs = _written(write, tmp_path)
    network = mil_convert(_program(file), "milinternal", "neuralnetwork", ct.ComputeUnit.CPU_ONLY)
    layers = graphml.load(getattr(network, "get_spec", lambda: network)())
    found, want = graphml.load(file).predict(inputs)["y"], layers.predict(inputs)["y"]
    np.testing.assert_allclose(found, np.reshape(want, found.shape), rtol=1e-4, atol=1e-5)


# Programs written with coremltools -----------------------------------------------------------------------------------


def _save(program: Any, file: Path, precision: Any = None, target: Any = None) -> None:
    model = ct.convert(
        program,
        convert_to="mlprogram",
        compute_precision=ct.precision.FLOAT32 if precision is None else precision,
        minimum_deployment_target=target,
        skip_model_load=True,
    )
    model.save(str(file))


@pytest.mark.parametrize("precision", ["FLOAT32", "FLOAT16"])
def test_graphml_reads_what_coremltools_writes(tmp_path, precision):
    weight, bias, x = numbers(6, 4, 3, 3), numbers(6), numbers(2, 4, 7, 7)

    @mb.program(input_specs=[mb.TensorSpec(shape=(2, 4, 7, 7))])
    def program(x):
        h = mb.conv(x=x, weight=weight, bias=bias, pad_type="valid", name="h")
        return mb.reduce_max(x=mb.relu(x=h), axes=[2, 3], keep_dims=False, name="y")

    _save(program, tmp_path / "net.mlpackage", getattr(ct.precision, precision))
    found = graphml.load(tmp_path / "net.mlpackage").predict({"x": x})["y"]
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    want = np.maximum(np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None], 0).max((2, 3))
    assert found.shape == want.shape
    loose = precision == "FLOAT16"
    np.testing.assert_allclose(found, want, rtol=2e-3 if loose else 1e-5, atol=4e-3 if loose else 1e-5)


def test_a_state_that_coremltools_writes(tmp_path):
    half = ct.converters.mil.mil.types.fp16

    @mb.program(
        input_specs=[mb.TensorSpec((1, 3), dtype=half), mb.StateTensorSpec((1, 3), dtype=half)],
        opset_version=ct.target.iOS18,
    )
    def program(x, total):
        before = mb.read_state(input=total)
        after = mb.coreml_update_state(state=total, value=mb.add(x=before, y=x))
        return mb.mul(x=after, y=np.float16(2), name="y")

    _save(program, tmp_path / "state.mlpackage", ct.precision.FLOAT16, ct.target.iOS18)
    model = graphml.load(tmp_path / "state.mlpackage")
    state = model.make_state()
    (name,) = state
    (given,) = (feature.name for feature in model.description.inputs)
    for step in range(1, 4):
        answer = model.predict({given: np.float16([[1, 2, 3]])}, state=state)["y"]
        np.testing.assert_array_equal(answer, np.float16([[2, 4, 6]]) * step)
    np.testing.assert_array_equal(state[name], np.float16([[3, 6, 9]]))


def test_weights_that_coremltools_compresses(tmp_path):
    weight, x = numbers(32, 64), numbers(1, 64)

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 64))])
    def program(x):
        return mb.linear(x=x, weight=weight, name="y")

    _save(program, tmp_path / "net.mlpackage", target=ct.target.iOS16)
    model = ct.models.MLModel(str(tmp_path / "net.mlpackage"), skip_model_load=True)
    optimize = ct.optimize.coreml
    for kind, passes, tolerance in (
        (
            "int8",
            lambda m: optimize.linear_quantize_weights(
                m, _config(optimize.OpLinearQuantizerConfig(weight_threshold=1))
            ),
            0.01,
        ),
        (
            "table",
            lambda m: optimize.palettize_weights(m, _config(optimize.OpPalettizerConfig(nbits=6, weight_threshold=1))),
            0.05,
        ),
        (
            "sparse",
            lambda m: optimize.prune_weights(
                m, _config(optimize.OpMagnitudePrunerConfig(target_sparsity=0.5, weight_threshold=1))
            ),
            None,
        ),
    ):
        file = tmp_path / f"{kind}.mlpackage"
        small = passes(model)
        small.save(str(file))
        loaded = graphml.load(file)
        (stored,) = (w for n in loaded.parameters.values() for w in n.values() if tuple(w.shape) == weight.shape)
        dense = np.asarray(stored.dequantize())
        found = loaded.predict({"x": x})["y"]
        np.testing.assert_allclose(found, x @ dense.T, rtol=1e-4, atol=1e-5)
        if tolerance is None:
            kept = np.abs(weight) >= np.median(np.abs(weight))
            np.testing.assert_allclose(dense, np.where(kept, weight, 0), atol=1e-6)
        else:
            assert np.abs(dense - weight).max() < tolerance * np.abs(weight).max() * 2


def test_a_comparison_finds_what_coremltools_breaks_silently(tmp_path):
    """A group size that does not divide the channels leaves weights divided by their scales."""
    weight = numbers(36, 16, 3, 3)

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 16, 8, 8))], opset_version=ct.target.iOS18)
    def program(x):
        return mb.relu(x=mb.conv(x=x, weight=weight, name="h"), name="y")

    _save(program, tmp_path / "large.mlpackage", target=ct.target.iOS18)
    model = ct.models.MLModel(str(tmp_path / "large.mlpackage"), skip_model_load=True)
    found: dict[int, float] = {}
    for size in (12, 16):
        op = ct.optimize.coreml.OpPalettizerConfig(
            nbits=6,
            granularity="per_grouped_channel",
            group_size=size,
            enable_per_channel_scale=True,
            weight_threshold=1,
        )
        ct.optimize.coreml.palettize_weights(model, _config(op)).save(str(tmp_path / f"{size}.mlpackage"))
        comparison = compare(tmp_path / "large.mlpackage", tmp_path / f"{size}.mlpackage")
        assert comparison.start is not None
        assert comparison.start.first == "h"
        found[size] = comparison.start.error
    assert found[12] < 0.05
    assert found[16] > 4 * found[12]


def _config(op: Any) -> Any:
    return ct.optimize.coreml.OptimizationConfig(global_config=op)
