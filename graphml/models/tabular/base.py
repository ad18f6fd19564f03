"""Models that predict from one row of numbers: how rows are built, how many run together, and what they return.

A number is one feature of the row, an array one for each of its elements, in the order of the description. Everything
is computed in float64, regardless of JAX's global setting.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import FeatureError, GraphmlError, ShapeError
from graphml.interpreter.budget import check_shape
from graphml.interpreter.programs import Compiled, forms
from graphml.models.configuration import Device, pick_device
from graphml.models.features.transforms import given, in_float64, traced
from graphml.models.interface import ports
from graphml.models.interface.rows import Rows, column_length, rows_of
from graphml.models.model import Model, Traceable
from graphml.spec.rules.tabular import row_width

_MOST_ROWS = 16384  # in one call
# The most elements in memory during one call; on a CPU as many as fit into its caches.
_CPU_NUMBERS, _NUMBERS = 1 << 18, 1 << 26

_NUMBER_TYPES = frozenset((float, int, np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8))
_INT_TYPES = frozenset((int, np.int64, np.int32, np.int16, np.int8))


class RowProgram:
    """A function of weights and rows, in float64, compiled once for each power of two of rows.

    Args:
        compute: A pure function (weights, rows) -> results. Rows and results are trees of arrays with one row per
            index of the first axis.
        weights: A tree of arrays.
        device: Where to run; None: on JAX's default device.
        most: The largest number of rows in one call.

    Attributes:
        weights: The weights on the device.
        trace_count: How often the function was compiled.
    """

    def __init__(self, compute: Callable[..., Any], weights: Any, device: Device | None, most: int = 1) -> None:
        self.trace_count = 0
        self.most = most
        self._device = device
        self._compute = compute
        with jax.enable_x64(True):
            self.weights = jax.device_put(weights, device)
        self._compiled = Compiled(self._traced, which=lambda weights, rows: forms(rows))

    def _traced(self, weights, rows):
        self.trace_count += 1
        return self._compute(weights, rows)

    def __call__(self, parts: Iterable[Any]) -> Iterator[Any]:
        """The results of each part, which is a tree of arrays with at most `most` rows.

        Parts are padded with copies of the last row, so that a new number of rows seldom needs another program.
        """
        started = []
        with jax.enable_x64(True):
            for rows in parts:
                count = len(jax.tree.leaves(rows)[0])
                size = 1 << (count - 1).bit_length()
                if size > count:
                    rows = jax.tree.map(
                        lambda a, pad=size - count: np.concatenate([a, np.repeat(a[-1:], pad, 0)]), rows
                    )
                if self._device is not None:
                    rows = jax.device_put(rows, self._device)
                started.append((count, self._compiled(self.weights, rows)))
        for count, results in started:
            yield jax.tree.map(lambda r, count=count: np.asarray(r)[:count], results)


def most_rows(elements: int, device: Device | None) -> int:
    """The number of rows to run in one call, a power of two.

    Args:
        elements: How many elements each row needs in memory.
        device: The device; None: JAX's default device.
    """
    platform = jax.default_backend() if device is None else device.platform
    limit = _CPU_NUMBERS if platform == "cpu" else _NUMBERS
    return min(_MOST_ROWS, 1 << max(0, (limit // max(1, elements)).bit_length() - 1))


class RowModel(Model):
    """A model of one row of numbers.

    Subclasses have `_weights`, a tree of NumPy arrays, and `_compute(weights, rows)`, a pure function of rows
    [n, features]. It returns numbers [n, outputs] or, for classifiers, (index of the class [n], probabilities [n,
    classes]).
    """

    missing: float | None = None
    """The value of optional features that are left out; None: they are required."""

    # For subclasses ---------------------------------------------------------------------------------------------------

    @property
    def _weights(self) -> Any:
        raise NotImplementedError

    def _compute(self, weights: Any, rows: Any) -> Any:
        raise NotImplementedError

    @property
    def _widths(self) -> tuple[int, int | None]:
        """The smallest and the largest number of features in a row; None: any number."""
        raise NotImplementedError

    @property
    def _elements_per_row(self) -> int:
        """How many elements one row needs in memory while it is computed."""
        return self._widths[0]

    # As a function ----------------------------------------------------------------------------------------------------

    @property
    def trace_count(self) -> int:
        """How often the model was compiled: once for each power of two of rows."""
        return self._program.trace_count

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The model as a function from {input: array} to {output: array}, in float64, for jit, grad and vmap.

        Numbers are arrays of shape (). A classifier returns the probabilities of its classes, in the order of the
        labels, under the name of that output, or of the label if there is no such output. Call the function under
        `jax.enable_x64(True)`: otherwise JAX converts inputs to 32 bits.
        """
        weights, function, _ = self.traceable()
        return lambda inputs: function(weights, inputs, None)

    def traceable(self, *, stored: bool = False) -> Traceable:
        self.refuse_unless_usable()
        function = in_float64(Compiled(self._of_inputs, which=lambda weights, inputs: forms(inputs)))
        return Traceable(self._program.weights, lambda weights, inputs, key: function(weights, inputs), self)

    def _of_inputs(self, weights: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        parts = []
        for feature in self.description.inputs:
            if feature.name in inputs:
                part = jnp.asarray(inputs[feature.name], jnp.float64).reshape(-1)
            else:
                part = jnp.asarray(self._left_out(feature), jnp.float64)
            parts.append(part)
        row = jnp.concatenate(parts)
        self._fits(row.size)
        result = self._compute(weights, row[None])
        if self._classes is None:
            return {self._answer.name: traced(self._answer, result[0])}
        return {self._probabilities_name: result[1][0]}

    # Predicting ------------------------------------------------------------------------------------------------------

    def _predict(self, values: dict[str, Any]) -> dict[str, Any]:
        (result,) = self._program([self._row(values)[None]])
        return self._answers(result)[0]

    def predict_batch(self, rows: Rows) -> list[dict[str, Any]]:
        """Run the model for many inputs in few calls of the compiled function; see `Model.predict_batch`.

        Args:
            rows: The features of each row, or {input: its values in all rows}.
        """
        self.refuse_unless_usable()
        if isinstance(rows, Mapping):
            whole = self._columns(cast("Mapping[str, Any]", rows))
        else:
            whole = rows if isinstance(rows, Sequence) else list(rows)
        step = self._program.most
        parts = (
            whole[start : start + step]
            if isinstance(whole, np.ndarray)
            else self._table(whole[start : start + step], start)
            for start in range(0, len(whole), step)
        )
        return [answer for result in self._program(parts) for answer in self._answers(result)]

    def _columns(self, columns: Mapping[str, Any]) -> np.ndarray | list[Mapping[str, Any]]:
        """Convert {input: values} to [rows, features], or to single rows if a column needs to be checked row by row."""
        column_length(columns)
        if columns.keys() == {feature.name for feature in self.description.inputs}:
            table = _joined([_column(f, columns[f.name]) for f in self.description.inputs])
            if table is not None:
                self._fits(table.shape[1])
                return table
        return list(rows_of(columns))

    def _table(self, rows: Sequence[Mapping[str, Any]], start: int) -> np.ndarray:
        """Convert rows to [rows, features]. Columns of plain numbers are checked as a whole, others row by row."""
        inputs = self.description.inputs
        if set(map(type, rows)) == {dict} and set(map(len, rows)) == {len(inputs)}:
            try:
                table = _joined([_column(f, [row[f.name] for row in rows]) for f in inputs])
            except KeyError:
                table = None
            if table is not None:
                self._fits(table.shape[1])
                return table
        checked = []
        for number, row in enumerate(rows):
            try:
                checked.append(self._row(self._check(row)))
            except GraphmlError as error:
                raise error.in_context(f"row {start + number + 1}") from None
        if len(set(map(len, checked))) > 1:  # arrays of flexible shape, of which only the first features are used
            width = min(map(len, checked))
            checked = [row[:width] for row in checked]
        return np.stack(checked)

    def _row(self, values: Mapping[str, Any]) -> np.ndarray:
        """The row, float64 [features], of checked values."""
        parts = [
            np.asarray(values[f.name], np.float64).reshape(-1) if f.name in values else self._left_out(f)
            for f in self.description.inputs
        ]
        row = np.concatenate(parts)
        self._fits(row.size)
        return row

    def _left_out(self, feature: FeatureDescription) -> np.ndarray:
        shape = () if feature.array is None else feature.array.shape
        if self.missing is None or shape is None:
            raise FeatureError(f"the feature {feature.name!r} is missing and has no default")
        check_shape(shape, np.float64)
        return np.full(math.prod(shape), self.missing)

    def _fits(self, width: int) -> None:
        least, most = self._widths
        if width < least or (most is not None and width > most):
            wanted = f"at least {least}" if most is None else f"{least}" if least == most else f"{least} to {most}"
            raise ShapeError(f"the inputs have {width} features in total; the model takes {wanted}")

    def _answers(self, result: Any) -> list[dict[str, Any]]:
        """Convert the results for some rows to the outputs that the description declares."""
        if self._classes is None:
            name, answer = self._answer.name, self._answer
            if answer.type is FeatureType.DOUBLE:
                return [{name: value} for value in result[:, 0].tolist()]
            return [{name: given(answer, row)} for row in result]
        labels, label_name = self._classes.labels, self._classes.label_name
        answers = [{label_name: labels[i]} for i in result[0].tolist()]
        name, array = self._classes.probabilities_name, self._probability_array
        if array is not None:
            answers = [a | {array.name: given(array, row)} for a, row in zip(answers, result[1], strict=True)]
        if name is not None:
            rows = result[1].tolist()
            answers = [a | {name: dict(zip(labels, row, strict=True))} for a, row in zip(answers, rows, strict=True)]
        return answers

    # Computed on first use --------------------------------------------------------------------------------------------

    @property
    def _parameters(self) -> Any:
        """The message of the kind."""
        return getattr(self._message, self.kind)

    @functools.cached_property
    def _program(self) -> RowProgram:
        device = pick_device(self.configuration)
        elements = max(self._elements_per_row, self._declared_width or 0)
        return RowProgram(self._compute, self._weights, device, most_rows(elements, device))

    @property
    def _declared_width(self) -> int | None:
        """The number of features in a row; None if an array has a flexible shape."""
        return row_width(self._message.description.input)

    @functools.cached_property
    def _classes(self) -> ports.Classes | None:
        return ports.classes_of(self._parameters, self.description)

    @functools.cached_property
    def _probability_array(self) -> FeatureDescription | None:
        """The output for probabilities if it is declared as an array."""
        name = self.description.predicted_probabilities_name
        return next((f for f in self.description.outputs if f.name == name and f.array is not None), None)

    @property
    def _probabilities_name(self) -> str:
        assert self._classes is not None
        names = (self._classes.probabilities_name, self._probability_array and self._probability_array.name)
        return next((name for name in names if name is not None), self._classes.label_name)

    @functools.cached_property
    def _answer(self) -> FeatureDescription:
        name = self.description.predicted_feature_name
        return next(f for f in self.description.outputs if f.name == name)


def _column(feature: FeatureDescription, values: Any) -> np.ndarray | None:
    """The values of one feature as [rows] or [rows, elements]; None if they must be checked one by one."""
    if feature.array is not None:
        return _array_column(feature, values)
    whole = feature.type is FeatureType.INT64
    if isinstance(values, np.ndarray):
        plain = values.ndim == 1 and values.dtype.kind in ("i" if whole else "if")
    else:
        plain = set(map(type, values)) <= (_INT_TYPES if whole else _NUMBER_TYPES)
    if not plain:
        return None
    try:
        return np.asarray(values, np.int64 if whole else np.float64).astype(np.float64, copy=False)
    except OverflowError:
        return None


def _array_column(feature: FeatureDescription, values: Any) -> np.ndarray | None:
    assert feature.array is not None
    dtype = np.dtype(feature.array.dtype)
    if not isinstance(values, np.ndarray):
        if set(map(type, values)) != {np.ndarray} or len({(v.shape, v.dtype) for v in values}) != 1:
            return None
        shape = np.shape(values[0])
        values = np.concatenate(values).reshape(-1, *shape) if shape else np.stack(values)  # much faster than stacking
    if dtype.kind != "f" or values.dtype.kind != "f" or not feature.array.allows(values.shape[1:]):
        return None
    with np.errstate(over="ignore"):
        declared = values.astype(dtype, copy=False)
    return declared.reshape(len(values), -1).astype(np.float64, copy=False)


def _joined(columns: Sequence[np.ndarray | None]) -> np.ndarray | None:
    if any(column is None for column in columns):
        return None
    if len(columns) == 1 and columns[0] is not None and columns[0].ndim == 2:
        return columns[0]
    return np.column_stack([column for column in columns if column is not None])
