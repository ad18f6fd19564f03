"""The model nonMaximumSuppression, which keeps the best of overlapping boxes.

The layer of the same name has other rules (see `graphml.ops.layers.detection`); both call the same kernel.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.descriptions import ArrayConstraint, Range
from graphml.errors import FeatureError, ShapeError, UnsupportedError
from graphml.models.features.transforms import in_float64
from graphml.models.model import Model
from graphml.ops.kernels.nms import non_maximum_suppression

_FEWEST = 8  # boxes are padded to a power of two, at least this, so that a new number seldom needs a new program


class NonMaximumSuppression(Model):
    """Selects boxes: confidences [N, C] and boxes [N, 4] (centre x, centre y, width, height), best first.

    Boxes whose largest confidence is below the threshold are dropped. Then each box that is kept drops all others (with
    per_class only those of the same best class) whose intersection over union with it exceeds the IoU threshold.
    Thresholds may be inputs; if they are left out, the stored ones are used. The results are padded with zero rows to
    the number of rows that an output declares, or the minimum of its range; of more than the maximum, the best are
    kept. Everything is computed in float64. Other shapes raise ShapeError.

    Source: NonMaximumSuppression (spec 3).
    """

    @property
    def _parameters(self) -> Any:
        return self._message.nonMaximumSuppression

    @functools.cached_property
    def labels(self) -> tuple[str, ...] | tuple[int, ...]:
        """The classes, one for each column of the confidences; empty if the file has none."""
        which = self._parameters.WhichOneof("ClassLabels")
        return () if which is None else tuple(getattr(self._parameters, which).vector)

    @functools.cached_property
    def _rows(self) -> Range:
        """The minimum and the maximum number of rows in the results."""
        low, high = 0, None
        for feature in self.description.outputs:
            least, most = _rows_of(feature.array)
            low = max(low, least)
            high = most if high is None else high if most is None else min(high, most)
        return low, high

    def _threshold(self, name: str, values: Mapping[str, Any]) -> Any:
        message = self._parameters
        stored = getattr(message, f"{name}Threshold")
        value = values.get(getattr(message, f"{name}ThresholdInputFeatureName"))
        if value is None:
            return stored
        if isinstance(value, float) and not (value >= 0 and (name == "confidence" or value <= 1)):
            legal = "at least 0" if name == "confidence" else "between 0 and 1"
            raise FeatureError(f"the {name} threshold must be {legal}, got {value}")
        return value

    def _arrays(self, values: Mapping[str, Any], xp: Any) -> tuple[Any, Any]:
        """Confidences [N, C] and boxes [N, 4], without leading axes of size 1."""
        message = self._parameters
        arrays = [values[message.confidenceInputFeatureName], values[message.coordinatesInputFeatureName]]
        scores, boxes = (xp.asarray(array, np.float64) for array in arrays)
        scores, boxes = (a.reshape(a.shape[-2:]) if a.ndim > 2 and a.size == _last(a) else a for a in (scores, boxes))
        fits = scores.ndim == boxes.ndim == 2 and boxes.shape[1] == 4 and scores.shape[0] == boxes.shape[0]
        if not fits or scores.shape[1] == 0:
            raise ShapeError(
                f"expected confidences [N, C] and boxes [N, 4], got {list(arrays[0].shape)} and {list(arrays[1].shape)}"
            )
        if self.labels and scores.shape[1] != len(self.labels):
            raise ShapeError(
                f"expected {len(self.labels)} confidences for each box, one for each class, got {scores.shape[1]}"
            )
        return scores, boxes

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        scores, boxes = self._arrays(values, np)
        low, high = self._rows
        size = max(_FEWEST, 1 << max(0, len(boxes) - 1).bit_length())
        fill = size - len(boxes)
        found, number = _chosen(
            np.concatenate([boxes, np.zeros((fill, 4))]),
            np.concatenate([scores, np.full((fill, scores.shape[1]), -np.inf)]),  # below every threshold
            self._threshold("iou", values),
            self._threshold("confidence", values),
            count=size if high is None else min(size, max(1, high)),
            per_class=self._parameters.pickTop.perClass,
        )
        best = np.asarray(found)[: int(number)]
        rows = max(low, len(best))
        return self._named(
            *(np.concatenate([a[best], np.zeros((rows - len(best), a.shape[1]))]) for a in (scores, boxes))
        )

    def _named(self, scores: Any, boxes: Any) -> dict[str, Any]:
        message = self._parameters
        named = {message.confidenceOutputFeatureName: scores, message.coordinatesOutputFeatureName: boxes}
        types = {f.name: f.array.dtype for f in self.description.outputs if f.array is not None}
        return {name: array.astype(types[name]) for name, array in named.items()}

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The model as a function from {input: array} to {output: array}.

        Raises:
            UnsupportedError: If the number of rows in the results is not fixed; in a traced function it must be.
        """
        self.refuse_unless_usable()
        low, high = self._rows
        if high is None or low != high:
            raise UnsupportedError("this nonMaximumSuppression is not a function of arrays: its number of rows varies")
        return in_float64(self._function)

    def _function(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        scores, boxes = self._arrays(inputs, jnp)
        rows = self._rows[0]
        iou, confidence = (
            jnp.asarray(self._threshold(name, inputs), jnp.float64).reshape(()) for name in ("iou", "confidence")
        )
        fixed = jax.lax.stop_gradient((boxes, scores))
        found, _ = _choose(*fixed, iou, confidence, count=rows, per_class=self._parameters.pickTop.perClass)
        kept = (found >= 0)[:, None]
        return self._named(*(jnp.where(kept, a[jnp.maximum(found, 0)], 0) for a in (scores, boxes)))


def _last(array: Any) -> int:
    return array.shape[-2] * array.shape[-1]


def _rows_of(constraint: ArrayConstraint | None) -> Range:
    if constraint is None or constraint.shape is None:
        return 0, None
    if constraint.ranges:
        return constraint.ranges[0]
    counts = {constraint.shape[0], *(shape[0] for shape in constraint.shapes)}
    return min(counts), max(counts)


_choose = functools.partial(non_maximum_suppression, at_least_one=False)
_compiled = jax.jit(_choose, static_argnames=("count", "per_class"))


def _chosen(boxes, scores, iou, threshold, **static):
    with jax.enable_x64(True):
        return _compiled(boxes, scores, np.float64(iou), np.float64(threshold), **static)
