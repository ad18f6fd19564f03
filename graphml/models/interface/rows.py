"""The rows of a batch: one mapping for each row, or one mapping with all values of each input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from graphml.errors import FeatureError, with_article

Rows = Iterable[Mapping[str, Any]] | Mapping[str, Any]
"""The features of each row, or {input: its values in all rows}."""


def rows_of(rows: Rows) -> Iterable[Mapping[str, Any]]:
    """The features of each row.

    Args:
        rows: As `predict_batch` takes them.

    Raises:
        FeatureError: The inputs have different numbers of values, or one is not a sequence of values.
    """
    if not isinstance(rows, Mapping):
        return rows
    columns = cast("Mapping[str, Any]", rows)
    column_length(columns)
    return _single_rows(columns)


def _single_rows(columns: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def column_length(columns: Mapping[str, Any]) -> int:
    """The number of rows in {input: its values in all rows}.

    Args:
        columns: The values of each input.

    Raises:
        FeatureError: The inputs have different numbers of values, or one is not a sequence of values.
    """
    lengths: dict[str, int] = {}
    for name, values in columns.items():
        length = _length(values)
        if length is None:
            raise FeatureError(
                f"a batch is a list of rows, or {{input: its values in all rows}}; {name!r} is "
                f"{with_article(type(values).__name__)}. predict takes a single row"
            )
        lengths[name] = length
    if len(set(lengths.values())) > 1:
        raise FeatureError(f"all features of a batch must have the same number of values, got {lengths}")
    return next(iter(lengths.values()), 0)


def _length(values: Any) -> int | None:
    if isinstance(values, str | bytes | Mapping):
        return None
    try:
        return len(values)
    except TypeError:  # a number, or an array without axes
        return None
