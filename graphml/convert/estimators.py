"""Sources that predict from the rows of a table, and their comparison with the converted models.

An estimator becomes a model of a matching kind: trees, a linear model, a pipeline. It is compared on the rows that the
caller passes as inputs, since an estimator does not describe its features.
"""

# tables and estimators are untyped here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import functools
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphml.convert.report import WAYS_OUT, Check, OutputCheck
from graphml.convert.request import ConversionRequest, Input
from graphml.convert.source import Source, Translation
from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import ConversionError, FeatureError, GraphmlError, MissingExtraError, UnsupportedError, typed
from graphml.inspect.agreement import difference
from graphml.inspect.measure import measure
from graphml.inspect.references import Array
from graphml.models.model import Model

_MOST_ROWS = 1000  # to compare
_TYPES: Mapping[FeatureType, str] = {
    FeatureType.DOUBLE: "float64",
    FeatureType.INT64: "int64",
    FeatureType.STRING: "string",
    FeatureType.DICTIONARY: "dictionary",
}


@dataclass(frozen=True)
class RowAnswers:
    """The predictions of an estimator for the rows of a table.

    Attributes:
        values: Numbers [rows] or [rows, outputs]; the labels of a classifier.
        classes: The labels of a classifier as the model has them, in the order of `shares`; empty: no classifier.
        shares: The probabilities of a classifier, [rows, classes]; None if it has none.
    """

    values: Any
    classes: Sequence[Any] = ()
    shares: Array | None = None


class RowSource(Source):
    """An estimator.

    Args:
        request: The request.

    Raises:
        FeatureError: The request is for networks, or the inputs are not one table.
    """

    known_difference = 0.0
    """How much probabilities may differ, because the library itself is not exact."""

    def __init__(self, request: ConversionRequest) -> None:
        if request.to == "mlprogram":
            raise FeatureError("an estimator becomes a model of a matching kind, not an ML Program: leave out to=")
        if request.trainable is not None or request.respect_trainable:
            raise FeatureError("an estimator has no layers to train: leave out trainable= and respect_trainable=")
        self.request = request

    # For each library ------------------------------------------------------------------------------------------------

    @abstractmethod
    def convert(self, names: str | Sequence[str] | None, outputs: str | tuple[str, str] | None) -> Model:
        """The model of the estimator.

        Args:
            names: The name of one array of all features, or a name for each feature; None: the usual ones.
            outputs: The name of the output, or of the label and the probabilities; None: the usual ones.

        Raises:
            UnsupportedError: Core ML has no equivalent.
        """

    @abstractmethod
    def answers(self, table: Any) -> RowAnswers:
        """The predictions of the estimator itself.

        Args:
            table: The rows that the caller passed.

        Raises:
            MissingExtraError: Its library is not installed.
        """

    @property
    def columns(self) -> Sequence[str] | None:
        """The names of the columns, in the order of the estimator; None if unknown."""
        return None

    # Converting ------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def model(self) -> Model:
        """The converted model.

        Raises:
            UnsupportedError: Core ML has no equivalent.
        """
        given, names = self.request.inputs, self.request.outputs
        if len(names) > 2:
            raise FeatureError(f"an estimator has one output, or a label and probabilities; got the names {names}")
        wanted: str | Sequence[str] | None = None
        if isinstance(given, Mapping):
            wanted = self._ordered(list(given)) if len(given) > 1 else next(iter(given))
        model = self.convert(wanted, None if not names else names[0] if len(names) == 1 else (names[0], names[1]))
        first = next(iter(given.values() if isinstance(given, Mapping) else given), Input())
        array = model.description.inputs[0].array
        described = first.shape if first.example is None else ()
        if described and array is not None and array.shape and described[-1] != array.shape[-1]:
            raise FeatureError(f"the estimator takes {array.shape[-1]} features; its input was described as {first}")
        return model

    def _ordered(self, names: list[str]) -> list[str]:
        columns = self.columns
        return list(columns) if columns is not None and set(columns) == set(names) else names

    @property
    def inputs(self) -> Mapping[str, Input]:
        try:
            features = self.model.description.inputs
        except UnsupportedError:
            return {}
        return {one.name: _input(one) for one in features}

    def translate(self) -> Translation:
        return Translation(self.model.spec, "graphml", to=self.model.kind)

    # Rows ------------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def table(self) -> Any:
        """The rows to compare on, as the estimator takes them; None if there are none.

        Raises:
            FeatureError: The inputs are not one table.
        """
        given = self.request.inputs
        if isinstance(given, Mapping) and len(given) > 1:
            columns = [given[name].example for name in self._ordered(list(given))]
            if all(column is None for column in columns):
                return None
            if any(np.ndim(column) != 1 for column in columns) or len({len(column) for column in columns}) > 1:
                raise FeatureError("the inputs of an estimator are columns, with the same number of values each")
            return _picked(_side_by_side(columns))
        examples = [one.example for one in (given.values() if isinstance(given, Mapping) else given)]
        if len(examples) > 1:
            raise FeatureError(
                f"an estimator takes one table of rows, or {{name: column}}; got {len(examples)} inputs without names"
            )
        if not examples or examples[0] is None:
            return None
        table = examples[0]
        if len(table.shape) != 2:
            table = np.reshape(np.asarray(table), (-1, 1) if self._takes_one_number() else (1, -1))
        return _picked(table)

    def _takes_one_number(self) -> bool:
        features = self.model.description.inputs
        return len(features) == 1 and (features[0].array is None or features[0].array.shape in ((1,), ()))

    def features(self) -> dict[str, Any]:
        """The rows as `predict_batch` takes them: {input: its values in all rows}.

        Raises:
            FeatureError: The table does not have the columns of the estimator.
        """
        cells = self.table.toarray() if hasattr(self.table, "toarray") else np.asarray(self.table)
        described = self.model.description.inputs
        if len(described) == 1 and described[0].array is not None:
            try:
                return {described[0].name: np.asarray(cells, np.float64)}
            except (TypeError, ValueError) as error:
                raise FeatureError(f"the rows are not numbers: {error}") from None
        names = self.columns
        if isinstance(self.request.inputs, Mapping):
            names = self._ordered(list(self.request.inputs))
        elif names is None:
            names = [f"x{number}" for number in range(cells.shape[1])]
        if len(names) != cells.shape[1] or not {one.name for one in described} <= set(names):
            raise FeatureError(f"the estimator has the columns {', '.join(names)}; the rows have {cells.shape[1]}")
        places = {name: place for place, name in enumerate(names)}
        return {one.name: _converted(one, cells[:, places[one.name]]) for one in described}


def _input(feature: FeatureDescription) -> Input:
    if feature.array is None:
        return Input((), _TYPES.get(feature.type))
    return Input(feature.array.shape, str(np.dtype(feature.array.dtype)))


def _side_by_side(columns: Sequence[Any]) -> Array:
    arrays = [np.asarray(column) for column in columns]
    if all(array.dtype.kind in "biuf" for array in arrays):
        return np.column_stack(arrays)
    table = np.empty((len(arrays[0]), len(arrays)), object)
    for place, array in enumerate(arrays):
        table[:, place] = array
    return table


def _picked(table: Any) -> Any:
    """At most `_MOST_ROWS` of the rows, spread over the table."""
    count = table.shape[0]
    if count <= _MOST_ROWS:
        return table
    places = np.linspace(0, count - 1, _MOST_ROWS).astype(int)
    return table.iloc[places] if hasattr(table, "iloc") else table[places]


def _converted(feature: FeatureDescription, column: Array) -> Any:
    kinds: Mapping[FeatureType, type] = {FeatureType.STRING: str, FeatureType.INT64: int, FeatureType.DOUBLE: float}
    if feature.type not in kinds:
        raise FeatureError(
            f"rows of the feature {feature.name!r} ({feature.words}) cannot be compared: leave out inputs"
        )
    try:
        return [kinds[feature.type](value) for value in column]
    except (TypeError, ValueError) as error:
        raise FeatureError(f"the column {feature.name!r} is not of the type {feature.words}: {error}") from None


# Comparing -----------------------------------------------------------------------------------------------------------


def check_rows(model: Model, source: RowSource) -> Check:
    """Compare a model with the estimator that it was converted from.

    Args:
        model: The model.
        source: The estimator.

    Raises:
        ConversionError: An output differs. The message names the largest difference and its place.
        FeatureError: The estimator does not take the rows.
    """
    if source.table is None:
        return Check((), (), ("not compared: an estimator is compared on rows that you pass as inputs",))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about columns without names
            others = source.answers(source.table)
    except MissingExtraError as error:
        return Check((), (), (f"not compared: {error}",))
    except GraphmlError:
        raise
    except Exception as error:  # of the library
        raise FeatureError(str(typed(error, f"{source.what} rejects the rows"))) from error
    own = model.predict_batch(source.features())
    words = f"{len(own)} rows"
    found, texts, notes = _compared(model, own, others, max(source.request.tolerance, source.known_difference))
    if texts:
        raise ConversionError(
            "\n".join([f"the result differs from {source.what}, for {words}:", *texts]) + f"\n{WAYS_OUT}"
        )
    return Check(tuple(found), (words,), tuple(notes))


def _compared(
    model: Model, own: Sequence[Mapping[str, Any]], others: RowAnswers, tolerance: float
) -> tuple[list[OutputCheck], list[str], list[str]]:
    """What was compared, descriptions of differences, and notes."""
    name = model.description.predicted_feature_name or model.description.outputs[0].name
    values = [answer[name] for answer in own]
    if not others.classes:
        one, text = _numbers(name, np.asarray(values, np.float64), np.asarray(others.values, np.float64), tolerance)
        return [one], text, []
    found, texts, notes = _labels(name, values, others, tolerance)
    probabilities = model.description.predicted_probabilities_name
    if others.shares is not None and probabilities:
        shares = np.array([[answer[probabilities][label] for label in others.classes] for answer in own])
        one, text = _numbers(probabilities, shares, np.asarray(others.shares, np.float64), tolerance)
        return [*found, one], [*texts, *text], notes
    return found, texts, notes


def _numbers(name: str, own: Array, other: Array, tolerance: float) -> tuple[OutputCheck, list[str]]:
    own = own.reshape(other.shape) if own.size == other.size else own
    found = measure(other, own)
    finite = other[np.isfinite(other)]
    one = OutputCheck(name, found.error, found.largest, float(np.ptp(finite)) if finite.size else 0.0)
    if not found.exceeds(tolerance):
        return one, []
    more = difference(name, own, other, tolerance, 0.0)
    return one, [str(one), *([] if more is None else [more])]


def _labels(
    name: str, own: Sequence[Any], others: RowAnswers, tolerance: float
) -> tuple[list[OutputCheck], list[str], list[str]]:
    """A label that differs is an error unless both labels are equally probable in the source."""
    wrong: list[int] = []
    tied = 0
    places = {label: place for place, label in enumerate(others.classes)}
    for row, (label, other) in enumerate(zip(own, others.values, strict=True)):
        if label == other:
            continue
        shares = None if others.shares is None else others.shares[row]
        if shares is not None and abs(shares[places[label]] - shares[places[other]]) <= tolerance:
            tied += 1
        else:
            wrong.append(row)
    share = len(wrong) / max(1, len(own))
    found = [OutputCheck(name, share, 1.0, 1.0, labels=len(own))]
    notes = [f"labels that differ where both are equally probable: {tied}"] if tied else []
    if share <= tolerance:
        return found, [], notes
    row = wrong[0]
    return (
        found,
        [f"{found[0]}; in row {row + 1} it is {own[row]!r}, but the source gives {others.values[row]!r}"],
        notes,
    )
