"""Scalers, encoders, imputers, selection and projections: transformers of columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.build import linear, transforms
from graphml.convert.sklearn.facts import Array, dense, refuse
from graphml.convert.sklearn.flow import Column, Columns, Flow, Kind

# Arrays ---------------------------------------------------------------------------------------------------------------


def _scaled(flow: Flow, columns: Columns, shift: Any, scale: Any) -> list[Column]:
    """scale (x + shift); None for no scale or shift."""
    row = flow.row(columns)
    name = flow.new_name("scaled")
    parts = {"shift": () if shift is None else shift, "scale": () if scale is None else scale}
    flow.add("scaler", transforms.scaler(row.size, **parts, inputs=row.name, output=name))
    return [Column(name, "array", row.size)]


def _refuse_clip(estimator: Any) -> None:
    if getattr(estimator, "clip", False):
        raise refuse(estimator, "clip=True; Core ML's scaler does not clip")


def standard_scaler(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """(x - mean) / scale."""
    mean, scale = estimator.mean_ if estimator.with_mean else None, estimator.scale_
    return _scaled(flow, columns, None if mean is None else -mean, None if scale is None else 1 / scale)


def min_max_scaler(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """x scale + min."""
    _refuse_clip(estimator)
    return _scaled(flow, columns, estimator.min_ / estimator.scale_, estimator.scale_)


def max_abs_scaler(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """x / scale."""
    _refuse_clip(estimator)
    return _scaled(flow, columns, None, 1 / estimator.scale_)


def robust_scaler(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """(x - center) / scale."""
    center = estimator.center_ if estimator.with_centering else None
    scale = estimator.scale_ if estimator.with_scaling else None
    return _scaled(flow, columns, None if center is None else -center, None if scale is None else 1 / scale)


def normalizer(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """Each row divided by its norm."""
    if estimator.norm not in ("l1", "l2"):
        raise refuse(estimator, f"norm={estimator.norm!r}; Core ML divides by the largest element with its sign")
    row = flow.row(columns)
    name = flow.new_name("normalized")
    norm = "L1" if estimator.norm == "l1" else "L2"
    flow.add("normalizer", transforms.normalizer(row.size, norm, inputs=row.name, output=name))
    return [Column(name, "array", row.size)]


def imputer(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """Missing values replaced by a statistic of their column. Columns without one are dropped."""
    if estimator.add_indicator:
        raise refuse(estimator, "add_indicator=True; Core ML's imputer adds no columns")
    missing = np.asarray(estimator.missing_values)
    try:
        statistics: Array = np.asarray(estimator.statistics_, np.float64)
    except ValueError:
        statistics = np.array("strings")
    if statistics.dtype.kind != "f" or missing.dtype.kind not in "fiu":
        raise refuse(
            estimator, "it replaces values that are not numbers; Core ML's imputer for arrays replaces numbers only"
        )
    row = flow.row(columns)
    name = flow.new_name("imputed")
    kept = np.flatnonzero(~np.isnan(statistics))
    values = np.nan_to_num(statistics)
    marker = None if np.isnan(missing) else float(missing)
    flow.add("imputer", transforms.imputer(values, marker, size=row.size, inputs=row.name, output=name))
    whole = [Column(name, "array", row.size)]
    return whole if len(kept) == row.size else flow.chosen(whole, kept.tolist())


def selection(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """Some of the columns."""
    return flow.chosen(columns, estimator.get_support(indices=True).tolist())


def projection(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """Principal components or singular vectors: a product with a matrix."""
    rows = dense(estimator.components_)
    mean = getattr(estimator, "mean_", None)
    if getattr(estimator, "whiten", False):
        rows = rows / np.sqrt(estimator.explained_variance_)[:, None]
    offset = None if mean is None else -(rows @ mean)
    row = flow.row(columns)
    name = flow.new_name("projected")
    flow.add("projection", linear.linear_regressor(rows, offset, inputs=row.name, output=name))
    return [Column(name, "double" if len(rows) == 1 else "array", len(rows))]


def identity(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """A FunctionTransformer without a function."""
    if estimator.func is not None:
        raise refuse(estimator, "its function is Python code")
    return list(columns)


# Categories -----------------------------------------------------------------------------------------------------------


def category_kind(estimator: Any, categories: Any) -> Kind:
    """The type of the feature that has these categories.

    Raises:
        UnsupportedError: If they are neither strings nor integers.
    """
    values = np.asarray(categories).tolist()
    if all(isinstance(value, str) for value in values):
        return "string"
    if all(isinstance(value, int | float) and value == value and value == int(value) for value in values):
        return "int64"
    raise refuse(estimator, f"its categories are {values[:3]}...; Core ML has strings and integers")


def _plain(categories: Any, kind: Kind) -> Any:
    values = np.asarray(categories).tolist()
    return values if kind == "string" else [int(value) for value in values]


def one_hot_encoder(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """The one-hot codes of all columns, as one array."""
    infrequent = getattr(estimator, "infrequent_categories_", None)
    if infrequent is not None and any(group is not None for group in infrequent):
        raise refuse(estimator, "it joins infrequent categories; Core ML's encoder has one element for each category")
    dropped = estimator.drop_idx_
    found: list[Column] = []
    for place, categories in enumerate(estimator.categories_):
        kind = category_kind(estimator, categories)
        source = flow.single(columns, place, kind)
        name = flow.new_name(f"{source.name}_encoded")
        flow.add(
            f"encoder_{source.name}",
            transforms.one_hot_encoder(
                _plain(categories, kind),
                ignore_unknown=estimator.handle_unknown != "error",
                inputs=source.name,
                output=name,
            ),
        )
        encoded = Column(name, "array", len(categories))
        out = None if dropped is None else dropped[place]
        kept = [index for index in range(len(categories)) if index != out]
        found += [encoded] if len(kept) == len(categories) else flow.chosen([encoded], kept)
    return found


def ordinal_encoder(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """The position of each string among its categories."""
    if getattr(estimator, "min_frequency", None) or getattr(estimator, "max_categories", None):
        raise refuse(estimator, "it joins infrequent categories")
    unknown = estimator.unknown_value if estimator.handle_unknown == "use_encoded_value" else None
    if unknown is not None and (unknown != unknown or unknown != int(unknown)):
        raise refuse(estimator, f"unknown_value={unknown}; Core ML's mapping returns integers")
    found: list[Column] = []
    for place, categories in enumerate(estimator.categories_):
        if category_kind(estimator, categories) != "string":
            raise refuse(estimator, "its categories are numbers; Core ML maps strings to integers")
        source = flow.single(columns, place, "string")
        name = flow.new_name(f"{source.name}_encoded")
        table = {category: index for index, category in enumerate(np.asarray(categories).tolist())}
        unknown = None if unknown is None else int(unknown)
        model = transforms.categorical_mapping(table, unknown, inputs=source.name, output=name)
        flow.add(f"encoder_{source.name}", model)
        found.append(Column(name, "int64"))
    return found


def dict_vectorizer(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    """The values of a dictionary, by its keys."""
    (column,) = columns
    name = flow.new_name("vector")
    keys = estimator.get_feature_names_out().tolist()
    flow.add("vectorizer", transforms.dict_vectorizer(keys, inputs=column.name, output=name))
    return [Column(name, "array", len(keys))]
