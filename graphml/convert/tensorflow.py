"""TensorFlow: frozen graphs, SavedModels and concrete functions become one concrete function, for coremltools."""

# TensorFlow is imported where it is used, without its types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphml.convert.coremltools import draw_anew, load_coremltools, quiet, translate
from graphml.convert.frozen_graphs import chosen_signature, float_constants, open_graph, read_graph, saved_signature
from graphml.convert.request import ConversionRequest, Input, open_axis
from graphml.convert.source import OperatorUse, TensorSource, Translation, counted
from graphml.convert.versions import version
from graphml.errors import FeatureError, SpecError, UnsupportedError, need, typed
from graphml.inspect.references import Array, Given, Reference

# coremltools handles these in graph passes
_PASSES = {
    *("Assert", "Const", "NoOp", "Placeholder", "PlaceholderWithDefault", "PartitionedCall", "StatefulPartitionedCall"),
    *("While", "StatelessWhile", "If", "StatelessIf", "Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"),
}


def load_tensorflow() -> Any:
    """Import TensorFlow without the messages that it prints.

    Raises:
        MissingExtraError: It is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet():
        return need("tensorflow", "tensorflow")


class TensorFlowSource(TensorSource):
    """A model of TensorFlow.

    Args:
        source: The path of a frozen graph or a SavedModel, a GraphDef, a concrete function, a `tf.function`, or an
            object with signatures.
        request: The request.

    Raises:
        SpecError: A file cannot be read.
        FeatureError: The shapes of inputs are unknown, or inputs are described that the source does not have.
        UnsupportedError: A graph is not frozen.
    """

    _alive: Any = None  # keeps the object with the variables alive
    _names: Sequence[str] = ()  # of the outputs, where the source names them
    _constants: Mapping[str, Array] | None = None  # the weights of a frozen graph

    def __init__(self, source: Any, request: ConversionRequest) -> None:
        self.request = request
        self._tf = load_tensorflow()
        is_file = isinstance(source, str | Path) and not Path(source).is_dir()
        if is_file or type(source).__name__ == "GraphDef":
            graph = read_graph(self._tf, Path(source)) if isinstance(source, str | Path) else source
            opened = open_graph(self._tf, graph, request)
            self._kind, self._inputs, self._output_names = "a frozen graph", opened.inputs, opened.outputs
            self._constants = float_constants(self._tf, graph)
            self._function = opened.function
        else:
            self._open_function(source)
        self._finish()

    def _finish(self) -> None:
        self.what = f"{self._kind} (TensorFlow {version('tensorflow')})"
        unknown = [name for name, one in self._inputs.items() if one.shape is None]
        if unknown:
            raise FeatureError(
                f"{self.what} declares no shapes of {', '.join(map(repr, unknown))}: pass inputs={{name: shape}}"
            )

    def _open_function(self, source: Any) -> None:
        tf, request = self._tf, self.request
        self._kind = "a concrete function"
        if isinstance(source, str | Path):
            self._kind = "a SavedModel"
            source = self._alive = _load(tf, Path(source), request)
        if hasattr(source, "signatures"):
            source = source.signatures[chosen_signature(list(source.signatures), request.signature)]
        if not hasattr(source, "structured_input_signature"):
            self._inputs = _from_request(request)
            names = list(self._inputs)
            self._trace(source, lambda tensors: source(*tensors), names)
            return
        structure = source.structured_input_signature
        specs = tf.nest.flatten(structure)
        declared = {str(spec.name or f"input_{number}"): declared_input(spec) for number, spec in enumerate(specs, 1)}

        def call(tensors: Sequence[Any]) -> Any:
            args, kwargs = tf.nest.pack_sequence_as(structure, tensors)
            return source(*args, **kwargs)

        self._inputs = request.named(declared)
        self._trace(source, call, list(self._inputs))

    def _trace(self, origin: Any, call: Callable[[Sequence[Any]], Any], names: Sequence[str]) -> None:
        """Trace one concrete function with the given names and with named outputs."""
        tf = self._tf
        found: list[str] = []

        def flat(*tensors: Any) -> Any:
            outputs = _named_outputs(tf, call(tensors), self.request.outputs or self._names)
            found[:] = [name for name, _ in outputs]
            return [tensor for _, tensor in outputs]

        specs = [
            tf.TensorSpec(
                [axis if isinstance(axis, int) else None for axis in one.shape or ()],
                getattr(tf, one.dtype or "float32"),
                name,
            )
            for name, one in self._inputs.items()
        ]
        try:
            with quiet():
                self._function = tf.function(flat, autograph=False).get_concrete_function(*specs)
        except Exception as error:
            raise typed(error, f"{self._kind} cannot be traced with {', '.join(names)}") from error
        self._output_names = found

    @property
    def inputs(self) -> Mapping[str, Input]:
        return self._inputs

    def translate(self) -> Translation:
        renamed = dict(zip([tensor.op.name for tensor in self._function.outputs], self._output_names, strict=True))
        outputs = self._output_names if self._constants is not None else None
        found = translate(
            self,
            [self._function],
            self._inputs,
            outputs,
            ["tensorflow"],
            framework="tensorflow",
            renamed=None if outputs else renamed,
        )
        if self._draws_anew():
            draw_anew(found.model)
        return found

    def _draws_anew(self) -> bool:
        """Whether all operations with the seed 0 draw new numbers each time, which a second seed can prevent."""
        graph = self._function.graph.as_graph_def()
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        second = [node.attr["seed2"].i for node in nodes if "seed" in node.attr and not node.attr["seed"].i]
        return bool(second) and not any(second)

    def reference(self) -> Reference:
        tf = self._tf

        def run(given: Given) -> Any:
            values = [
                tf.constant(value, getattr(tf, one.dtype or "float32"))
                for value, one in zip(self.arguments(given), self._inputs.values(), strict=True)
            ]
            return [np.asarray(part) for part in tf.nest.flatten(self._function(*values))]

        return Reference(self.what, run)

    @functools.cached_property
    def _frozen(self) -> Any:
        """The graph as coremltools sees it: variables are constants, functions are inlined."""
        from tensorflow.python.framework.convert_to_constants import (  # pyright: ignore  (has no stubs)
            convert_variables_to_constants_v2,
        )

        with quiet():
            return convert_variables_to_constants_v2(self._function, lower_control_flow=False).graph.as_graph_def()

    def operators(self) -> list[OperatorUse]:
        load_coremltools()
        from coremltools.converters.mil.frontend.tensorflow.tf_op_registry import (  # pyright: ignore  (has no stubs)
            _TF_OPS_REGISTRY as registry,  # pyright: ignore  (the only list of what it converts)
        )

        graph = self._frozen
        known = {*registry, *_PASSES}
        missing = "coremltools has no converter for it"
        inner = [node for function in graph.library.function for node in function.node_def]
        return counted(
            (node.op, node.name, "" if node.op in known else missing)
            for node in (*_after_inputs(graph.node), *inner)
            if node.op not in ("Const", "Placeholder", "NoOp", "Identity")
        )

    def weights(self) -> Mapping[str, tuple[Array, bool]]:
        if self._constants is not None:
            return {name: (array, True) for name, array in self._constants.items()}
        return {
            variable.name.partition(":")[0]: (np.asarray(variable), bool(variable.trainable))
            for variable in self._function.graph.variables
            if variable.dtype.is_floating
        }


def _load(tf: Any, path: Path, request: ConversionRequest) -> Any:
    """A SavedModel as an object with signatures, or one of its signatures as a concrete function."""
    try:
        with quiet():
            return tf.saved_model.load(str(path))
    except AttributeError:  # it contains objects of Keras 2, such as optimizers
        pass
    except Exception as error:  # TensorFlow raises its own classes
        raise SpecError(f"the SavedModel cannot be loaded: {error}") from None
    with quiet():
        return saved_signature(tf, path, request.signature)


def declared_input(spec: Any) -> Input:
    """An input from a TensorSpec or a symbolic tensor of Keras.

    Args:
        spec: Something with a shape and a type.
    """
    shape = getattr(spec.shape, "dims", spec.shape)
    if shape is None:
        return Input(None, _type_name(spec.dtype))
    sizes = [getattr(size, "value", size) for size in shape]
    axes = tuple(open_axis(number) if size is None else int(size) for number, size in enumerate(sizes))
    return Input(axes, _type_name(spec.dtype))


def _type_name(dtype: Any) -> str:
    return getattr(dtype, "name", None) or str(dtype)


def _from_request(request: ConversionRequest) -> dict[str, Input]:
    """The inputs of a function that declares none."""
    given = request.inputs
    if not given:
        raise FeatureError("the function does not declare its inputs: pass inputs={name: shape}")
    if isinstance(given, Mapping):
        return dict(given)
    return {f"input_{number}": one for number, one in enumerate(given, 1)}


def _named_outputs(tf: Any, found: Any, names: Sequence[str]) -> list[tuple[str, Any]]:
    """(name, tensor) of each output."""
    if isinstance(found, Mapping):
        own = [str(name) for name in found]
        tensors = list(found.values())
    else:
        tensors = tf.nest.flatten(found)
        own = [f"output_{number}" if number > 1 else "output" for number in range(1, len(tensors) + 1)]
    return list(zip([*names, *own[len(names) :]], tensors, strict=True))


def _after_inputs(nodes: Sequence[Any]) -> list[Any]:
    """The nodes that depend on inputs: all others are folded."""
    reached: set[str] = set()
    found: list[Any] = []
    waiting = list(nodes)
    while waiting:
        later: list[Any] = []
        for node in waiting:
            names = {name.lstrip("^").partition(":")[0] for name in node.input}
            if node.op == "Placeholder" or names & reached:
                reached.add(node.name)
                found.append(node)
            else:
                later.append(node)
        if len(later) == len(waiting):
            break
        waiting = later
    return found


def refuse_backend(backend: str) -> UnsupportedError:
    """The error for Keras models that do not run on TensorFlow.

    Args:
        backend: The backend of Keras.
    """
    return UnsupportedError(
        f"Keras runs on {backend} here, and its models are converted through TensorFlow: start Python with "
        "KERAS_BACKEND=tensorflow"
    )
