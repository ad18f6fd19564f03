"""An ML Program written operation by operation.

builder = ProgramBuilder()
x = builder.input("x", (1, 3, 8, 8))
h = builder.relu(builder.conv(x, weight, bias, pad_type="same"))
builder.output("y", builder.reduce_mean(h, axes=[2, 3]))
builder.save("net.mlpackage")
"""

# JAX is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from graphml.build.program_core import Argument, Probe, ProgramBlock, Step, Value
from graphml.build.program_methods import ProgramMethods
from graphml.build.program_writing import ELEMENT_TYPES, Function, InputType, OutputType, write_model
from graphml.errors import GraphError, SpecError, quoted
from graphml.models.loading import load
from graphml.models.model import Model
from graphml.spec.files.models import write
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.values import WEIGHT_FILE

Size = int | tuple[int, int]
"""The size of an axis: fixed, or (smallest, largest) of a range, where -1 means no limit."""


class ProgramBuilder(ProgramMethods):
    """Builds an ML Program: a valid Core ML package of the specification version of its operator set.

    There is one method for each operation, with the parameters of the format in its order. A parameter takes a value
    that the builder has returned, or numbers, which become a constant. Blocks of control flow are Python functions that
    call the builder.

    Args:
        opset: The operator set: "CoreML5" (iOS 15), "CoreML6" (16), "CoreML7" (17), "CoreML8" (18) or "CoreML9" (26).
        function: The name of the first function.

    Raises:
        SpecError: If the operator set is not known.
    """

    def __init__(self, opset: str = "CoreML7", function: str = "main") -> None:
        super().__init__(opset)
        self._function = function
        self._finished: list[Function] = []
        self._inputs: list[InputType] = []
        self._states: list[Value] = []
        self._outputs: list[OutputType] = []
        self.author = self.license = self.short_description = ""

    # The interface ---------------------------------------------------------------------------------------------------

    def input(
        self,
        name: str,
        shape: Sequence[Size],
        dtype: str = "float32",
        *,
        enumerated: Sequence[Sequence[int]] | None = None,
        image: Literal["RGB", "BGR", "GRAYSCALE"] | None = None,
        default: float | None = None,
    ) -> Value:
        """An input of the function.

        Args:
            name: Its name.
            shape: Its shape. A size is a number, or (smallest, largest) of a range.
            dtype: "float32", "float16", "int32" or "int8".
            enumerated: Shapes that are allowed besides `shape`, which must then have fixed sizes.
            image: The color space of an image of shape [1, channels, height, width], in 0 to 255.
            default: The value that fills the input if it is left out.

        Returns:
            The value.

        Raises:
            SpecError: If the type is unknown, or the shape is not that of an image.
            GraphError: If the shape is flexible and inputs of fixed shapes or operations come before it.
        """
        if dtype not in ELEMENT_TYPES:
            raise SpecError(f"dtype must be one of {', '.join(ELEMENT_TYPES)}, got {dtype!r}")
        kind = InputType.of(name, shape, dtype, enumerated, image, default)
        if kind.flexible and not self._flexible:
            if self._main.steps:
                raise GraphError("declare inputs of flexible shapes before operations are added")
            self._flexible = True
            for each in (*self._inputs, *self._states):
                raise GraphError(f"declare inputs of flexible shapes first: {quoted(each.name)} is already declared")
        made = self._named_value(name, kind.shapes if self._flexible else kind.shapes[:1], dtype)
        self._inputs.append(kind.holding(made))
        return made

    def state(self, name: str, shape: Sequence[int], dtype: str = "float16") -> Value:
        """A state of the function: an array that persists between predictions, initially zeros.

        Args:
            name: Its name.
            shape: Its shape.
            dtype: The type of its elements; the format allows float16.

        Returns:
            The state, for `read_state` and `write_state`.
        """
        form = jax.ShapeDtypeStruct(tuple(shape), np.dtype(dtype))
        self._names.add(name)
        made = Value(name, (Probe(form),) * (2 if self._flexible else 1), is_state=True)
        self._states.append(made)
        return made

    def output(self, name: str, value: Value, *, image: Literal["RGB", "BGR", "GRAYSCALE"] | None = None) -> None:
        """Make a value an output of the function.

        Args:
            name: The name of the output.
            value: The value.
            image: The color space, if it is an image of shape [1, channels, height, width].
        """
        if value.name != name:
            value = self.identity(value, name=name)
        if value.name != name:
            raise GraphError(f"the name {quoted(name)} is taken by another value of the program")
        self._outputs.append(OutputType(name, value, image))

    def classifier(
        self,
        probabilities: Argument,
        labels: Sequence[str] | Sequence[int],
        label_name: str = "classLabel",
        probabilities_name: str = "classLabel_probs",
    ) -> None:
        """Make the function a classifier: it returns the label of the highest probability, and all probabilities.

        Args:
            probabilities: One for each label.
            labels: Strings or integers.
            label_name: The name of the output that is the label.
            probabilities_name: The name of the output that is the dictionary of probabilities.
        """
        scores = probabilities if isinstance(probabilities, Value) else self.const(probabilities)
        if len(scores.shape) == 0 or scores.shape[-1] not in (len(labels), None):
            raise GraphError(f"a classifier has one probability for each of {len(labels)} labels, got {scores!r}")
        names = np.empty(len(labels), object)
        names[:] = list(labels)
        stored: Any = names if labels and isinstance(labels[0], str) else np.asarray(labels, np.int64)
        classes = Value(f"{label_name}_classes", (), stored=stored, inline=True)
        form = jax.ShapeDtypeStruct((), np.dtype(np.int32))
        label = Value(self._new_name(label_name), (Probe(form),) * len(scores.probes))
        table = Value(self._new_name(probabilities_name), scores.probes)
        arguments = {"probabilities": [scores], "classes": [classes]}
        self._blocks[-1].steps.append(Step("classify", label.name, arguments, (label, table), labels=tuple(labels)))
        self._outputs.append(OutputType(label_name, label, labels=tuple(labels)))
        self._outputs.append(OutputType(probabilities_name, table, labels=tuple(labels), is_dictionary=True))

    def function(self, name: str) -> None:
        """Finish the function under construction and begin another one, which shares its constants.

        Args:
            name: The name of the next function.
        """
        self._finished.append(self.finished())
        if name in {function.name for function in self._finished}:
            raise GraphError(f"the program already has a function {quoted(name)}")
        self._function = name
        self._names, self._main = set(), ProgramBlock()
        self._blocks = [self._main]
        self._inputs, self._states, self._outputs, self._flexible = [], [], [], False

    def finished(self) -> Function:
        """The function under construction, in its current state.

        Raises:
            GraphError: If it has no output.
        """
        if not self._outputs:
            raise GraphError(f"the function {quoted(self._function)} has no output")
        return Function(self._function, tuple(self._inputs), tuple(self._states), self._main, tuple(self._outputs))

    def _named_value(self, name: str, shapes: Sequence[tuple[int, ...]], dtype: str) -> Value:
        if name in self._names:
            raise GraphError(f"the name {quoted(name)} is taken")
        self._names.add(name)
        return Value(name, tuple(Probe(jax.ShapeDtypeStruct(shape, np.dtype(dtype))) for shape in shapes))

    # Control flow ----------------------------------------------------------------------------------------------------

    def cond(
        self,
        pred: Argument,
        true: Callable[[], Value | Sequence[Value]],
        false: Callable[[], Value | Sequence[Value]],
        name: str | None = None,
    ) -> Any:
        """Run one of two blocks.

        Args:
            pred: A scalar bool.
            true: Adds the operations that run if it is true, and returns the results.
            false: The same if it is false; its results must have the same number, types and shapes.
            name: The name of the operation.

        Returns:
            The results of the block that runs: one value, or a tuple of them.

        Raises:
            GraphError: If the blocks return different numbers of values, or values of different types or shapes.
        """
        own = self._new_name(name or "cond")
        predicate = pred if isinstance(pred, Value) else self.const(pred, f"{own}_pred")
        blocks = tuple(self._block((), function) for function in (true, false))
        one, other = (block.outputs for block in blocks)
        if len(one) != len(other):
            raise GraphError(f"the blocks of {own!r} return {len(one)} and {len(other)} values")
        for a, b in zip(one, other, strict=True):
            if (a.dtype, a.shape) != (b.dtype, b.shape):
                raise GraphError(f"the blocks of {own!r} return {a!r} and {b!r}, which differ in type or shape")
        return self._results("cond", own, {"pred": [predicate]}, one, blocks)

    def while_loop(
        self,
        condition: Callable[..., Value],
        body: Callable[..., Value | Sequence[Value]],
        loop_vars: Sequence[Argument],
        name: str | None = None,
    ) -> Any:
        """Run a block while a condition is true.

        Args:
            condition: Receives the carried values and returns a scalar bool.
            body: Receives the carried values and returns their next ones, of the same types and shapes.
            loop_vars: The carried values before the first iteration.
            name: The name of the operation.

        Returns:
            The carried values after the last iteration: one value, or a tuple of them.

        Raises:
            GraphError: If the body returns another number of values, or values of other types or shapes.
        """
        own = self._new_name(name or "while_loop")
        starts = [v if isinstance(v, Value) else self.const(v, f"{own}_var") for v in loop_vars]

        def carried() -> tuple[Value, ...]:
            # carried values are unknown inside of the loop
            return tuple(
                Value(self._new_name(f"{own}_x"), tuple(Probe(p.form) for p in start.probes), is_list=start.is_list)
                for start in starts
            )

        blocks = (self._block(carried(), condition), self._block(carried(), body))
        if len(blocks[0].outputs) != 1 or blocks[0].outputs[0].dtype != np.bool_:
            raise GraphError(f"the condition of {own!r} must return one bool, got {list(blocks[0].outputs)}")
        after = blocks[1].outputs
        if len(after) != len(starts):
            raise GraphError(f"the body of {own!r} returns {len(after)} values for {len(starts)} carried ones")
        for start, end in zip(starts, after, strict=True):
            if (start.dtype, start.shape) != (end.dtype, end.shape) and not start.is_list:
                raise GraphError(f"the body of {own!r} turns {start!r} into {end!r}: type and shape must not change")
        return self._results("while_loop", own, {"loop_vars": starts}, after, blocks)

    def _block(self, inputs: tuple[Value, ...], function: Callable[..., Any]) -> ProgramBlock:
        block = ProgramBlock(inputs)
        self._blocks.append(block)
        try:
            results = function(*inputs)
        finally:
            self._blocks.pop()
        block.outputs = (results,) if isinstance(results, Value) else tuple(results)
        return block

    def _results(
        self, kind: str, own: str, arguments: Any, results: Sequence[Value], blocks: tuple[ProgramBlock, ...]
    ) -> Any:
        made = tuple(
            Value(
                own if i == 0 else self._new_name(f"{own}_{i}"),
                tuple(Probe(probe.form) for probe in result.probes),
                is_list=result.is_list,
            )
            for i, result in enumerate(results)
        )
        self._blocks[-1].steps.append(Step(kind, own, arguments, made, blocks))
        return made[0] if len(made) == 1 else made

    # The result ------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program as a package.

        Args:
            path: The .mlpackage folder.

        Raises:
            GraphError: If a function has no output.
            SpecError: If the package cannot be written.
        """
        blobs = BlobWriter()
        message = write_model([*self._finished, self.finished()], self.opset, blobs)
        write(message, path, weights={WEIGHT_FILE: blobs.chunks()} if len(blobs) else {})

    def model(self, **options: Any) -> Model:
        """The program as a model that predicts.

        Args:
            **options: As `graphml.load` takes them, such as `configuration` and `function_name`.

        Returns:
            The model. Its weights are in a temporary file, which is already unlinked.

        Raises:
            GraphError: If a function has no output.
        """
        with tempfile.TemporaryDirectory(prefix="graphml-") as folder:
            path = Path(folder, "program.mlpackage")
            self.save(path)
            return load(path, **options)
