"""Exports a neural network or ML Program as an ONNX model, with JAX and the package jax2onnx."""

# jax2onnx and ONNX are only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend import core as jax_core

from graphml.convert.check import measured
from graphml.convert.coremltools import quiet
from graphml.convert.report import OutputCheck
from graphml.convert.versions import tried, version
from graphml.errors import ConversionError, UnsupportedError, need, typed, with_article
from graphml.inspect.agreement import difference
from graphml.inspect.drawing import draws
from graphml.inspect.references import limits_of
from graphml.interop.onnx import onnx_session, run_session
from graphml.models import load
from graphml.models.graph_model import GraphModel
from graphml.models.model import Model


@dataclass(frozen=True)
class Exported:
    """A model as ONNX.

    Attributes:
        model: The `onnx.ModelProto`.
        by: The exporter, with its version.
        outputs: How much each output differs from that of the Core ML model in onnxruntime; empty if this was not
            requested.
        fixed: {input: its shape in the ONNX model} where the Core ML model takes others too.
    """

    model: Any
    by: str
    outputs: tuple[OutputCheck, ...] = ()
    fixed: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    def __str__(self) -> str:
        nodes = len(self.model.graph.node)
        found = [f"{nodes} ONNX nodes, by {self.by}", *(f"  {one}" for one in self.outputs)]
        found += [] if self.outputs else ["not compared with the model"]
        found += [
            f"{name} has the fixed shape {list(shape)}; the model takes others too"
            for name, shape in self.fixed.items()
        ]
        return "\n".join(found)


def export(
    model: Model | str | Path,
    path: str | os.PathLike[str] | None = None,
    *,
    opset: int = 21,
    check: bool = True,
    tolerance: float = 1e-3,
    seed: int = 0,
) -> Exported:
    """Write a neural network or ML Program as an ONNX model, with the names of its inputs and outputs.

    Arrays are as in the network: an image is its pixels [1, channels, height, width] in the range 0 to 255, with the
    channels in the order that the model declares, and a classifier gives the probabilities and the index of the class.
    Shapes are the default ones.

    Args:
        model: The model, or the path of its file.
        path: The .onnx file to write; None for no file.
        opset: The version of the ONNX operators.
        check: Compare the result, run by onnxruntime, with the model.
        tolerance: The largest accepted difference, relative to the largest value of each output.
        seed: The random seed of the drawn inputs.

    Returns:
        The ONNX model, and how much it differs.

    Raises:
        UnsupportedError: The model is neither a network nor a program, has a state, draws random numbers, or has
            operations that jax2onnx cannot write.
        ConversionError: The result differs from the model.
        MissingExtraError: jax2onnx, or onnxruntime for the comparison, is not installed.
    """
    loaded = model if isinstance(model, Model) else load(model)
    if not isinstance(loaded, GraphModel):
        raise UnsupportedError(
            f"only neural networks and ML Programs can be written as ONNX; this is {with_article(loaded.kind)}"
        )
    if loaded.has_state() or loaded.draws():
        what = "has a state" if loaded.has_state() else "draws random numbers"
        raise UnsupportedError(f"the model {what}, which ONNX export does not support")
    found = _written(loaded, opset)
    outputs = _checked(loaded, found, tolerance, seed) if check else ()
    if path is not None:
        Path(path).write_bytes(found.SerializeToString())
    return Exported(found, f"jax2onnx {version('jax2onnx')}", outputs, _fixed(loaded, found))


def _fixed(model: GraphModel, written: Any) -> dict[str, tuple[int, ...]]:
    shapes = {v.name: tuple(dim.dim_value for dim in v.type.tensor_type.shape.dim) for v in written.graph.input}
    inputs = model.description.inputs
    return {one.name: shapes[one.name] for one in inputs if any(c and c.flexible for c in (one.array, one.image))}


def _written(model: GraphModel, opset: int) -> Any:
    with quiet():
        jax2onnx = need("jax2onnx", "jax2onnx")
    lowered = model.lower(platform="cpu")
    declared = dict(lowered.interface.declared_inputs(np.float32))
    names, outputs = list(lowered.graph.inputs), list(lowered.graph.outputs)

    def function(*arrays: Any) -> tuple[Any, ...]:
        found = lowered.fn(lowered.params, dict(zip(names, arrays, strict=True)))
        return tuple(found[name] for name in outputs)

    missing = [name for name in names if name not in declared]
    if missing:
        raise UnsupportedError(f"the model does not declare the shapes of {', '.join(map(repr, missing))}")
    specs = [jax.ShapeDtypeStruct(declared[name].shape, declared[name].dtype) for name in names]
    by = f"jax2onnx {version('jax2onnx')}"
    try:
        with quiet(), jax.enable_x64(False):
            # traced first: jax2onnx patches functions of jax.numpy while it traces, and gets the types of scalars wrong
            traced = jax_core.jaxpr_as_fun(jax.make_jaxpr(function)(*specs))
            return jax2onnx.to_onnx(traced, specs, opset=opset, input_names=names, output_names=outputs)
    except Exception as error:  # of any class
        kind = UnsupportedError if isinstance(error, NotImplementedError | KeyError | ValueError) else None
        where = f"{by} cannot write the model as ONNX (opset {opset})"
        facts = [
            "it cannot write loops that run backwards, such as those of reversed recurrent layers",
            *tried(["jax2onnx", "jax", "onnx"]),
        ]
        if kind is not None:
            raise kind("\n".join([str(error), *facts])).in_context(where) from error
        raise typed(error, where, facts) from error


def _checked(model: GraphModel, written: Any, tolerance: float, seed: int) -> tuple[OutputCheck, ...]:
    try:
        session = onnx_session(written)
    except Exception as error:  # onnxruntime raises its own classes
        raise ConversionError(f"onnxruntime cannot load what jax2onnx wrote: {error}") from None
    features = next(draws(model.description.inputs, limits_of(model), seed, [{}]))
    arrays = {name: np.asarray(value) for name, value in model.arrays(features).items()}
    own = {name: np.asarray(value) for name, value in model.as_function()(arrays).items()}
    others = run_session(session, arrays)
    found = tuple(measured(name, others[name], own[name]) for name in own)
    wrong = [one for one in found if not one.error <= tolerance]
    if wrong:
        texts = [difference(one.output, others[one.output], own[one.output], tolerance, 0.0) for one in wrong]
        raise ConversionError("\n".join(["the ONNX model differs from the Core ML model:", *filter(None, texts)]))
    return found
