"""The result of converting a pipeline of estimators: the columns of the data, and the models that give new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graphml.build import transforms
from graphml.build.datatypes import Dictionary, Double, Int64, String, array
from graphml.errors import UnsupportedError
from graphml.spec.wire.model_pb2 import Model

Kind = Literal["double", "int64", "string", "dictionary", "array"]


@dataclass(frozen=True)
class Column:
    """A feature between two steps: a number, a string, a dictionary, or an array of several columns of the data.

    Attributes:
        name: The name of the feature.
        kind: Its type.
        size: How many columns of the data it holds.
    """

    name: str
    kind: Kind
    size: int = 1

    @property
    def type(self) -> Any:
        """The type, as builders take it."""
        if self.kind == "array":
            return array(self.size, dtype="float64")
        return {"double": Double(), "int64": Int64(), "string": String(), "dictionary": Dictionary()}[self.kind]


Columns = Sequence[Column]


class Flow:
    """The models so far, and the names in use.

    Args:
        inputs: The columns that the whole model takes.
        reserved: Names that no intermediate feature may have: those of the outputs.
    """

    def __init__(self, inputs: Columns, reserved: Sequence[str]) -> None:
        self.stages: dict[str, Model] = {}
        self._taken = {column.name for column in inputs} | set(reserved)

    def new_name(self, wish: str) -> str:
        """A name that no feature and no stage has yet."""
        name, number = wish, 1
        while name in self._taken or name in self.stages:
            number += 1
            name = f"{wish}{number}"
        self._taken.add(name)
        return name

    def add(self, stage: str, model: Model) -> None:
        """Append a model."""
        name, number = stage, 1
        while name in self.stages:
            number += 1
            name = f"{stage}{number}"
        self.stages[name] = model

    def row(self, columns: Columns) -> Column:
        """All columns as one array, for models that take one."""
        self.refuse_others(columns)
        if len(columns) == 1 and columns[0].kind == "array":
            return columns[0]
        if not columns:
            raise UnsupportedError("there are no columns left; a model needs at least one")
        name = self.new_name("row")
        types = {column.name: column.type for column in columns}
        self.add("join", transforms.feature_vectorizer(types, output=name))
        return Column(name, "array", sum(column.size for column in columns))

    def numeric_inputs(self, columns: Columns) -> str | dict[str, Any]:
        """The columns as the inputs of a model that takes any numbers: one array, or {name: type}."""
        self.refuse_others(columns)
        if len(columns) == 1 and columns[0].kind == "array":
            return columns[0].name
        return {column.name: column.type for column in columns}

    def chosen(self, columns: Columns, indices: Sequence[int]) -> list[Column]:
        """Some columns of the data, by their positions."""
        places = [(column, place) for column in columns for place in range(column.size)]
        found: list[Column] = []
        indices = list(indices)
        while indices:
            column = places[indices[0]][0]
            if column.kind != "array":
                found.append(column)
                indices = indices[1:]
                continue
            run: list[int] = []
            while indices and places[indices[0]][0] is column:
                run.append(places[indices[0]][1])
                indices = indices[1:]
            found.append(column if run == list(range(column.size)) else self._extracted(column, run))
        return found

    def single(self, columns: Columns, index: int, kind: Kind) -> Column:
        """One column of the data as a separate feature of the given kind."""
        (column,) = self.chosen(columns, [index])
        if column.kind == kind:
            return column
        if column.kind != "array" or kind not in ("double", "int64"):
            raise UnsupportedError(f"the column {column.name!r} has the type {column.kind}; {kind} is needed here")
        name = self.new_name(f"{column.name}_{index}")
        whole = Int64() if kind == "int64" else Double()
        model = transforms.array_feature_extractor(column.size, [0], kind=whole, inputs=column.name, output=name)
        self.add("extract", model)
        return Column(name, kind)

    def _extracted(self, column: Column, indices: Sequence[int]) -> Column:
        name = self.new_name(f"{column.name}_part")
        self.add("extract", transforms.array_feature_extractor(column.size, indices, inputs=column.name, output=name))
        return Column(name, "array", len(indices))

    @staticmethod
    def refuse_others(columns: Columns) -> None:
        """Check that all columns are numbers.

        Raises:
            UnsupportedError: If a column is a string or a dictionary.
        """
        for column in columns:
            if column.kind in ("string", "dictionary"):
                raise UnsupportedError(f"the column {column.name!r} is a {column.kind}; this model takes numbers")
