"""Writes the layers of the nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphml.convert.onnx.shapes import written_shapes
from graphml.convert.onnx.tensors import LARGEST_RANK, Array, Shape, Tensor, Value, blob_shape
from graphml.errors import ShapeError, UnsupportedError
from graphml.spec.attributes import encode


@dataclass(eq=False)
class LayerStep:
    """A layer of the network under construction.

    Attributes:
        message: The layer, without names, blobs and sub-networks.
        inputs: What it reads.
        outputs: What it writes. The results of a branch or a loop are written by the layers inside of it.
        origin: The name of the node that it is a part of.
        regions: {field: layers} of its sub-networks.
        rewrites: Whether it writes to a blob that others write too.
        keeps: Blobs of its sub-networks that it refers to itself: the condition of a loop.
    """

    message: Any
    inputs: list[Tensor]
    outputs: list[Tensor]
    origin: str
    regions: dict[str, list[LayerStep]] = field(default_factory=dict[str, "list[LayerStep]"])
    rewrites: bool = False
    keeps: list[Tensor] = field(default_factory=list[Tensor])


@dataclass(frozen=True)
class NodeFacts:
    """Information about the node for the function that converts it.

    Attributes:
        kind: The operator.
        name: The name of the node, or of its output.
        opset: The version of the operator set.
        wanted: Whether each output has a name.
        dtypes: The ONNX type of each output, None where it could not be inferred.
        shapes: The shape of each output as ONNX infers it; None for a size, or for all of it, that is unknown.
    """

    kind: str
    name: str
    opset: int
    wanted: tuple[bool, ...]
    dtypes: tuple[np.dtype[Any] | None, ...]
    shapes: tuple[tuple[int | None, ...] | None, ...]


class SizesVary(Exception):
    """A size depends on the data, so the conversion needs two sets of sizes although the inputs are fixed."""


class Writer:
    """The network under construction.

    Args:
        sets: The number of sets of input sizes: 2 if there are flexible shapes, else 1.
        inline: Converts the nodes of a sub-graph at the writer's current position; receives the graph and its input
            values, and returns its outputs.

    Attributes:
        sets: See above.
        node: The node that is being converted.
        features: The inputs of the model, which may have a size that varies.
    """

    def __init__(self, sets: int, inline: Callable[[Any, Sequence[Value]], list[Value]]) -> None:
        self.sets = sets
        self.inline = inline
        self.node = NodeFacts("", "", 0, (), (), ())
        self.features: list[Tensor] = []
        self._regions: list[list[LayerStep]] = [[]]
        self._constants: dict[tuple[Any, ...], Tensor] = {}
        self._written: set[Tensor] = set()  # not their ids, which are reused after tensors are freed
        self._fresh = 0

    # Tensors ---------------------------------------------------------------------------------------------------------

    def constant(self, value: Any, dtype: Any = None) -> Tensor:
        """A constant, which becomes a layer only when another layer reads it.

        Args:
            value: Anything that NumPy turns into an array.
            dtype: Its ONNX type. Default: that of the array, but float32 for Python's floats.
        """
        array = np.asarray(value, dtype)
        if dtype is None and not isinstance(value, np.ndarray | np.generic) and array.dtype == np.float64:
            array = array.astype(np.float32)
        return Tensor(array.dtype, (array.shape,) * self.sets, (array,) * self.sets)

    def fresh_size(self) -> tuple[int, ...]:
        """A size that depends on the data, such as a number of detections: one for each set, distinct from all others.

        Raises:
            SizesVary: There is a single set, in which it would look fixed.
        """
        if self.sets == 1:
            raise SizesVary
        self._fresh += 1
        return tuple(31 * self._fresh + 58 * which + 6 for which in range(self.sets))

    # Layers ----------------------------------------------------------------------------------------------------------

    def layer(
        self,
        kind: str,
        inputs: Sequence[Tensor],
        *,
        dtype: Any = None,
        shapes: Sequence[Shape] | None = None,
        **fields: Any,
    ) -> Tensor:
        """Append a layer that writes one blob.

        Args:
            kind: The kind.
            inputs: What it reads.
            dtype: The ONNX type of what it writes. Default: that of the first input.
            shapes: The ONNX shape of what it writes, one for each set of sizes. Default: the shape that the layer gives
                it, which for a scalar is [1].
            **fields: Attributes and weights, in snake_case.

        Returns:
            What it writes.

        Raises:
            ShapeError: The layer does not take these inputs, or does not write these shapes.
            UnsupportedError: A shape depends on values that are not known, and `shapes` is not given.
        """
        return self.layers(kind, inputs, 1, dtype=dtype, shapes=None if shapes is None else [shapes], **fields)[0]

    def layers(
        self,
        kind: str,
        inputs: Sequence[Tensor],
        outputs: int,
        *,
        dtype: Any = None,
        shapes: Sequence[Sequence[Shape]] | None = None,
        **fields: Any,
    ) -> list[Tensor]:
        """Append a layer that writes several blobs; otherwise as `layer`.

        Args:
            kind: See `layer`.
            inputs: See `layer`.
            outputs: How many blobs it writes.
            dtype: See `layer`; the same for all.
            shapes: See `layer`, for each output.
            **fields: See `layer`.
        """
        message = encode(kind, fields)
        found: list[list[tuple[Shape, Array | None]]] = []
        for which in range(self.sets):
            try:
                found.append(written_shapes(message, inputs, outputs, which))
            except UnsupportedError:
                if shapes is None:
                    raise
                found.append([(blob_shape(shapes[i][which]), None) for i in range(outputs)])
        made: list[Tensor] = []
        for i in range(outputs):
            own = [found[which][i][0] for which in range(self.sets)]
            said = own if shapes is None else shapes[i]
            if [blob_shape(shape) for shape in said] != [blob_shape(shape) for shape in own]:
                raise ShapeError(f"{kind} writes the shape {list(own[0])}, not {list(said[0])}")
            if len(own[0]) > LARGEST_RANK:
                raise UnsupportedError(f"it needs {len(own[0])} axes; a network has at most {LARGEST_RANK}")
            values = [found[which][i][1] for which in range(self.sets)]
            known = [value.reshape(shape) for value, shape in zip(values, said, strict=True) if value is not None]
            made.append(
                Tensor(inputs[0].dtype if dtype is None else dtype, said, known if len(known) == self.sets else None)
            )
        self._append(LayerStep(message, list(inputs), made, self.node.name))
        return made

    def copy_to(self, value: Tensor, target: Tensor) -> None:
        """Write a value to an existing blob, as loops and both branches of a condition do.

        Args:
            value: What is written.
            target: The blob that gets this value.
        """
        step = LayerStep(encode("copy", {}), [value], [target], self.node.name, rewrites=True)
        self._append(step)

    def control(
        self,
        kind: str,
        inputs: Sequence[Tensor],
        regions: Mapping[str, list[LayerStep]],
        condition: Tensor | None = None,
        **fields: Any,
    ) -> None:
        """Append a branch or a loop. Its results are what `copy_to` writes inside of it.

        Args:
            kind: "branch" or "loop".
            inputs: What it reads.
            regions: {field of the message: layers}, from `region`.
            condition: The blob of the condition network that decides whether a loop continues.
            **fields: Attributes, in snake_case.
        """
        keeps = [] if condition is None else [condition]
        self._append(LayerStep(encode(kind, fields), list(inputs), [], self.node.name, dict(regions), keeps=keeps))

    @contextmanager
    def region(self) -> Generator[list[LayerStep]]:
        """Layers that are appended inside of the `with` block go to the list, which becomes a sub-network."""
        steps: list[LayerStep] = []
        self._regions.append(steps)
        try:
            yield steps
        finally:
            self._regions.pop()

    @property
    def steps(self) -> list[LayerStep]:
        """The layers of the network, in order."""
        return self._regions[0]

    @property
    def current(self) -> list[LayerStep]:
        """The layers of the network or sub-network that is being written."""
        return self._regions[-1]

    def _append(self, step: LayerStep) -> None:
        step.inputs[:] = [self._blob(tensor) for tensor in step.inputs]
        self._regions[-1].append(step)
        self._written.update(step.outputs)

    # Constants -------------------------------------------------------------------------------------------------------

    def adopt(self, tensor: Tensor) -> Tensor:
        """Register a tensor as an existing blob, such as an input of the model.

        Args:
            tensor: The tensor.
        """
        self._written.add(tensor)
        return tensor

    def exists(self, tensor: Tensor) -> bool:
        """Whether the tensor is a blob, written by a layer or the caller, and not a constant that no layer has read
        yet."""
        return tensor in self._written

    def _blob(self, tensor: Tensor) -> Tensor:
        """The tensor, after appending a layer that loads it if it is a constant without one."""
        if tensor in self._written:
            return tensor
        value = tensor.constant
        if value is None:
            raise UnsupportedError("a value that depends on the sizes of the inputs was not written to the network")
        array = _as_float32(value)
        key = (array.shape, array.tobytes()) if array.size <= 64 else (id(value),)
        if key not in self._constants:
            made = Tensor(tensor.dtype, tensor.shapes, tensor.known, tensor.name)
            stored = array.reshape(blob_shape(array.shape))
            message = encode("loadConstantND", {"shape": stored.shape, "data": stored})
            # in the outermost network, where it is visible everywhere
            self._regions[0].append(LayerStep(message, [], [made], made.name))
            self._constants[key] = made
            self._written.add(made)
        return self._constants[key]


def _as_float32(value: Array) -> Array:
    if value.dtype.kind in "OSU":
        raise UnsupportedError("it is text, which a network cannot hold")
    if value.size == 0:
        raise UnsupportedError(f"it is empty, shape {list(value.shape)}; a network has no empty constants")
    array = np.asarray(value, np.float32)
    if value.dtype.kind in "iu":
        inexact = np.asarray(array, np.float64) != np.asarray(value, np.float64)
        if inexact.any():
            raise UnsupportedError(f"{value[inexact].flat[0]} is larger than the integers that a network holds (2^24)")
    return array
