"""Support vector machines and nearest neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.build.linear import support_vector_classifier, support_vector_regressor
from graphml.build.neighbors import nearest_neighbors_classifier
from graphml.convert.sklearn.facts import dense, labels, refuse
from graphml.spec.wire.model_pb2 import Model

_KERNELS = ("linear", "rbf", "poly", "sigmoid")


def _kernel(estimator: Any) -> dict[str, Any]:
    if estimator.kernel not in _KERNELS:
        raise refuse(estimator, f"the kernel is {estimator.kernel!r}; Core ML has {', '.join(_KERNELS)}")
    return {
        "kernel": estimator.kernel,
        "gamma": float(estimator._gamma),
        "degree": int(estimator.degree),
        "coef0": float(estimator.coef0),
    }


def support_vector_regression(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """A supportVectorRegressor."""
    return support_vector_regressor(
        dense(estimator.support_vectors_),
        np.ravel(dense(estimator._dual_coef_)),
        -float(estimator._intercept_[0]),
        **_kernel(estimator),
        inputs=inputs,
        output=names[0],
    )


def support_vector_classification(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """A supportVectorClassifier; with probabilities if the estimator has them."""
    classes = labels(estimator)
    if estimator.break_ties and len(classes) > 2:
        raise refuse(estimator, "break_ties=True; Core ML returns the class that wins most pairs")
    a, b = estimator._probA, estimator._probB  # the public names are deprecated
    return support_vector_classifier(
        dense(estimator.support_vectors_),
        dense(estimator._dual_coef_),  # for two classes dual_coef_ and intercept_ have the other sign
        -np.asarray(estimator._intercept_),
        estimator.n_support_.tolist(),
        classes,
        prob_a=a,
        prob_b=b,
        **_kernel(estimator),
        inputs=inputs,
        output=names[0],
        probabilities=names[1] if len(a) else None,
    )


def neighbors(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """A kNearestNeighborsClassifier, to which updates can add samples. They are stored as float32."""
    if estimator.effective_metric_ not in ("euclidean", "sqeuclidean"):
        raise refuse(estimator, f"the metric is {estimator.effective_metric_!r}; Core ML has Euclidean distances only")
    if estimator.weights not in ("uniform", None):
        why = f"weights={estimator.weights!r}; Core ML weights by the squared distance, scikit-learn by the distance"
        raise refuse(estimator, why)
    if estimator.outputs_2d_:
        raise refuse(estimator, "it predicts several labels, and Core ML has no such classifier")
    classes: list[Any] = [*labels(estimator)]
    count = int(estimator.n_neighbors)
    return nearest_neighbors_classifier(
        samples=dense(estimator._fit_X),
        labels=[classes[place] for place in np.ravel(estimator._y).tolist()],
        number_of_neighbors=count,
        allowed=(1, max(1000, count)),
        inputs=inputs,
        dtype="float64",
        output=names[0],
        probabilities=names[1],
    )
