"""The model nonMaximumSuppression: of boxes that lie on each other it keeps the best. The layer of that name has its
own rules (see `graphml.ops.layers.detection`); both call the same kernel."""

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

_FEWEST = 8  # boxes are filled up to a power of two, this at least, so that their number seldom compiles anew


class NonMaximumSuppression(Model):
    """Confidences [N, C] and boxes [N, 4] (centre x, centre y, width, height) -> the rows that are kept, best first.

    Boxes whose largest confidence is below the threshold go first; then a kept box drops every other one (per_class:
    of the same best class) that overlaps it by more than the IoU threshold. Thresholds may be inputs; the stored ones
    hold where these are left out. Rows are filled up with zeros to the number that an output declares, or the least of
    its range; beyond its largest number the best rows stay. Computed in float64. Raises ShapeError for other shapes.
    Source: NonMaximumSuppression (spec 3).
    """

    @property
    def _parameters(self) -> Any:
        return self._message.nonMaximumSuppression

    @functools.cached_property
    def labels(self) -> tuple[str, ...] | tuple[int, ...]:
        """What the columns of the confidences are called; empty where the file does not say."""
        which = self._parameters.WhichOneof("ClassLabels")
        return () if which is None else tuple(getattr(self._parameters, which).vector)

    @functools.cached_property
    def _rows(self) -> Range:
        """How many rows come out: at least, at most."""
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
            legal = "not negative" if name == "confidence" else "0 to 1"
            raise FeatureError(f"the {name} threshold is {value}; it must be {legal}")
        return value

    def _arrays(self, values: Mapping[str, Any], xp: Any) -> tuple[Any, Any]:
        """Confidences [N, C] and boxes [N, 4]; sizes of 1 in front are dropped."""
        message = self._parameters
        arrays = [values[message.confidenceInputFeatureName], values[message.coordinatesInputFeatureName]]
        scores, boxes = (xp.asarray(array, np.float64) for array in arrays)
        scores, boxes = (a.reshape(a.shape[-2:]) if a.ndim > 2 and a.size == _last(a) else a for a in (scores, boxes))
        fits = scores.ndim == boxes.ndim == 2 and boxes.shape[1] == 4 and scores.shape[0] == boxes.shape[0]
        if not fits or scores.shape[1] == 0:
            raise ShapeError(
                f"confidences have shape {list(arrays[0].shape)} and boxes {list(arrays[1].shape)}; "
                "they are [N, C] and [N, 4]"
            )
        if self.labels and scores.shape[1] != len(self.labels):
            raise ShapeError(f"there are {len(self.labels)} labels and {scores.shape[1]} confidences for each box")
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
        """{output: array} from {input: array}. Raises UnsupportedError where the number of rows that come out is not
        fixed: in a traced function it cannot depend on values."""
        self._usable  # noqa: B018  (checked once)
        low, high = self._rows
        if high is None or low != high:
            raise UnsupportedError("this nonMaximumSuppression has no function of arrays: its number of rows varies")
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
