"""Linear models (GLM) and support vector machines from their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from graphml.build.messages import Inputs, Labels, classifier, enum_value, finished, matrix, numbers, regressor
from graphml.errors import SpecError
from graphml.spec.wire.model_pb2 import Model

Kernel = Literal["linear", "rbf", "poly", "sigmoid"]

_KERNELS = {"linear": "linearKernel", "rbf": "rbfKernel", "poly": "polyKernel", "sigmoid": "sigmoidKernel"}


def linear_regressor(
    weights: Any,
    offset: Any = None,
    *,
    inputs: Inputs = "input",
    output: str = "prediction",
    transform: Literal["NoTransform", "Logit", "Probit"] = "NoTransform",
) -> Model:
    """A linear model (GLM) y = link(w . x + b).

    Args:
        weights: w, one number for each feature; [outputs, features] for several outputs.
        offset: b, one number for each output. Default: 0.
        inputs: The name of one array of all features, a name for each feature, or {name: type}.
        output: The name of the output, a number, or an array if there are several.
        transform: The link: "Logit" is 1 / (1 + exp(-z)), "Probit" the normal distribution function.

    Returns:
        A glmRegressor message.

    Raises:
        SpecError: If sizes do not fit.
    """
    rows = matrix(weights, "weights")
    offsets = [0.0] * len(rows) if offset is None else numbers(offset, "offset")
    model = regressor("glmRegressor", inputs, rows.shape[1], output, len(rows))
    _fill(model.glmRegressor, rows, offsets, transform)
    return finished(model)


def linear_classifier(
    weights: Any,
    offset: Any,
    class_labels: Labels,
    *,
    inputs: Inputs = "input",
    output: str = "classLabel",
    probabilities: str | None = "classProbability",
    transform: Literal["Logit", "Probit"] = "Logit",
    encoding: Literal["ReferenceClass", "OneVsRest"] = "ReferenceClass",
) -> Model:
    """A linear classifier (GLM), such as a logistic regression.

    With two classes, P(second class) = link(w . x + b). With more, "ReferenceClass" has a row of weights for each class
    except the first, whose score is 0, and the probabilities are the softmax of the scores. "OneVsRest" has a row for
    each class, and the probabilities are the links of the scores, divided by their sum.

    Args:
        weights: [rows, features], or the numbers of the only row.
        offset: b, one number for each row.
        class_labels: Strings or integers.
        inputs: The name of one array of all features, a name for each feature, or {name: type}.
        output: The name of the output for the label.
        probabilities: The name of the output for the dictionary of probabilities; None: there is none.
        transform: The link; "Probit" with two classes only.
        encoding: The encoding of more than two classes.

    Returns:
        A glmClassifier message.

    Raises:
        SpecError: If sizes do not fit.
    """
    rows, offsets = matrix(weights, "weights"), numbers(offset, "offset")
    model = classifier("glmClassifier", inputs, rows.shape[1], class_labels, output, probabilities)
    _fill(model.glmClassifier, rows, offsets, transform)
    model.glmClassifier.classEncoding = enum_value(model.glmClassifier, "classEncoding", encoding)  # pyright: ignore[reportAttributeAccessIssue]  (an int, as protobuf stores it)
    return finished(model)


def _fill(message: Any, rows: np.ndarray[Any, Any], offsets: Sequence[float], transform: str) -> None:
    for row in rows.tolist():
        message.weights.add(value=row)
    message.offset.extend(offsets)
    message.postEvaluationTransform = enum_value(message, "postEvaluationTransform", transform)


def support_vector_regressor(
    support_vectors: Any,
    coefficients: Any,
    rho: float,
    *,
    kernel: Kernel = "rbf",
    gamma: float = 1.0,
    degree: int = 3,
    coef0: float = 0.0,
    inputs: Inputs = "input",
    output: str = "prediction",
) -> Model:
    """A support vector machine y = sum of coefficient * K(support vector, x), minus rho.

    Args:
        support_vectors: [vectors, features].
        coefficients: One for each vector.
        rho: The constant, as in libsvm: minus the intercept.
        kernel: "linear": a . b, "rbf": exp(-gamma |a - b|^2), "poly": (gamma a . b + coef0)^degree, or "sigmoid":
            tanh(gamma a . b + coef0).
        gamma: A parameter of the kernel.
        degree: A parameter of the kernel "poly".
        coef0: A parameter of the kernels "poly" and "sigmoid".
        inputs: The name of one array of all features, a name for each feature, or {name: type}.
        output: The name of the output.

    Returns:
        A supportVectorRegressor message.

    Raises:
        SpecError: If sizes do not fit.
    """
    vectors = matrix(support_vectors, "support_vectors")
    model = regressor("supportVectorRegressor", inputs, vectors.shape[1], output, 1)
    message = model.supportVectorRegressor
    _fill_vectors(message, vectors, kernel, gamma, degree, coef0)
    message.coefficients.alpha.extend(numbers(coefficients, "coefficients"))
    message.rho = rho
    return finished(model)


def support_vector_classifier(
    support_vectors: Any,
    coefficients: Any,
    rho: Any,
    vectors_per_class: Sequence[int],
    class_labels: Labels,
    *,
    prob_a: Any = (),
    prob_b: Any = (),
    kernel: Kernel = "rbf",
    gamma: float = 1.0,
    degree: int = 3,
    coef0: float = 0.0,
    inputs: Inputs = "input",
    output: str = "classLabel",
    probabilities: str | None = "classProbability",
) -> Model:
    """A support vector machine for K classes, with the parameters of libsvm.

    Args:
        support_vectors: [vectors, features], sorted by class.
        coefficients: [K - 1, vectors].
        rho: A constant for each of the K (K - 1) / 2 pairs of classes: minus the intercept.
        vectors_per_class: How many support vectors each class has.
        class_labels: Strings or integers.
        prob_a: A for each pair of classes, P(first of the pair) = 1 / (1 + exp(A f + B)). Without A and B, the
            probability of a class is the fraction of pairs that it wins.
        prob_b: B for each pair.
        kernel: See `support_vector_regressor`, also for its parameters.
        gamma: A parameter of the kernel.
        degree: A parameter of the kernel "poly".
        coef0: A parameter of the kernels "poly" and "sigmoid".
        inputs: The name of one array of all features, a name for each feature, or {name: type}.
        output: The name of the output for the label.
        probabilities: The name of the output for the dictionary of probabilities; None: there is none.

    Returns:
        A supportVectorClassifier message.

    Raises:
        SpecError: If sizes do not fit.
    """
    vectors = matrix(support_vectors, "support_vectors")
    model = classifier("supportVectorClassifier", inputs, vectors.shape[1], class_labels, output, probabilities)
    message = model.supportVectorClassifier
    _fill_vectors(message, vectors, kernel, gamma, degree, coef0)
    for row in matrix(coefficients, "coefficients").tolist():
        message.coefficients.add(alpha=row)
    message.numberOfSupportVectorsPerClass.extend(int(count) for count in vectors_per_class)
    message.rho.extend(numbers(rho, "rho"))
    message.probA.extend(numbers(prob_a, "prob_a"))
    message.probB.extend(numbers(prob_b, "prob_b"))
    return finished(model)


def _fill_vectors(
    message: Any, vectors: np.ndarray[Any, Any], kernel: str, gamma: float, degree: int, coef0: float
) -> None:
    if kernel not in _KERNELS:
        raise SpecError(f"kernel is {kernel!r}; expected one of {', '.join(_KERNELS)}")
    parameters = getattr(message.kernel, _KERNELS[kernel])
    parameters.SetInParent()
    for field, value in (("gamma", gamma), ("degree", degree), ("c", coef0)):
        if field in parameters.DESCRIPTOR.fields_by_name:
            setattr(parameters, field, value)
    message.denseSupportVectors.SetInParent()
    for row in vectors.tolist():
        message.denseSupportVectors.vectors.add(values=row)
