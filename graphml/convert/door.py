"""`convert` and `explain`: recognise a source, translate it, make it trainable, load it, and compare the result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphml.convert.request import TARGETS, ConversionRequest, Precision, Target, described, read_labels
from graphml.errors import FeatureError

if TYPE_CHECKING:  # importing them needs JAX, which `import graphml` must not
    from graphml.convert.report import Explanation
    from graphml.convert.source import Source
    from graphml.models import Model
    from graphml.update.edit.trainable import Trainable


def convert(
    source: Any,
    inputs: Any = None,
    *,
    to: Target = "neuralnetwork",
    outputs: Sequence[str] = (),
    class_labels: Sequence[str] | Sequence[int] | str | Path | None = None,
    precision: Precision = "float32",
    trainable: Sequence[str] | str | None = None,
    respect_trainable: bool = False,
    check: bool = True,
    tolerance: float | None = None,
    seed: int = 0,
    signature: str | None = None,
) -> Model:
    """Convert a model of another framework to Core ML, and compare the result with it.

        model = graphml.convert(module, [torch.rand(1, 3, 224, 224)])
        model = graphml.convert("net.onnx")
        model = graphml.convert("frozen.pb", {"ids": (1, Flexible(1, 512))}, to="mlprogram")
        model.save("net.mlmodel")
        print(model.conversion)

    Args:
        source: An ONNX file, its bytes or message; a torch module, a scripted module or exported program, or a file of
            either; a frozen TensorFlow graph, a SavedModel folder or a concrete function; a Keras model or its
            file; a function of JAX, a Flax NNX or Equinox module; or a fitted estimator of scikit-learn, XGBoost or
            LightGBM, a Booster, or a file that `save_model` wrote (`.json`, `.ubj`, `.txt`).
        inputs: The inputs, in order or by name: an example array, a shape such as (1, 3, 224, 224), an `Input` or an
            `ImageInput`. The size of an axis may be `Flexible`. Whatever the source declares may be left out. For
            an estimator, the rows to compare on: a table, or {name: column}.
        to: "neuralnetwork", which can be trained on a device, or "mlprogram". Estimators become models of a matching
            kind.
        outputs: Names for the outputs, in the order of the source. Default: those of the source.
        class_labels: The labels of a classifier, or a text file with one on each line.
        precision: "float32", or "float16" for an ML Program that computes in half precision.
        trainable: Patterns of names of layers or weights that a device may train, such as "fc*".
        respect_trainable: Make the layers trainable that are trainable in the source.
        check: Compare the result with the source, on the example and on drawn inputs of every enumerated shape.
        tolerance: The largest accepted difference, relative to the largest value of each output. Default: 0.001, and
            0.02 in half precision.
        seed: The random seed of the drawn inputs.
        signature: Which signature of a SavedModel is converted. Default: "serving_default", or the only one.

    Returns:
        The model; `model.conversion` tells how it was converted and how much it differs from the source.

    Raises:
        FeatureError: The source or its inputs are not understood.
        SpecError: A file cannot be read.
        UnsupportedError: The source has operators that cannot be converted; the message lists all of them.
        ConversionError: The result differs from the source.
        MissingExtraError: A library is not installed.
    """
    request = _request(
        inputs=inputs,
        to=to,
        outputs=outputs,
        class_labels=class_labels,
        precision=precision,
        trainable=trainable,
        respect_trainable=respect_trainable,
        check=check,
        tolerance=tolerance,
        seed=seed,
        signature=signature,
    )
    from graphml.convert.sources import open_source

    return _converted(open_source(source, request))


def explain(
    source: Any,
    inputs: Any = None,
    *,
    to: Target = "neuralnetwork",
    trainable: Sequence[str] | str | None = None,
    respect_trainable: bool = False,
    signature: str | None = None,
) -> Explanation:
    """Report what `convert` would do: operators, what cannot be converted, what is dynamic and what is trainable.

    Args:
        source: As `convert` takes it.
        inputs: As `convert` takes them.
        to: "neuralnetwork" or "mlprogram".
        trainable: Patterns of names of layers or weights.
        respect_trainable: Whether the flags of the source count.
        signature: Which signature of a SavedModel.

    Raises:
        FeatureError: The source or its inputs are not understood.
        SpecError: A file cannot be read.
        MissingExtraError: A library is not installed.
    """
    request = _request(
        inputs=inputs, to=to, trainable=trainable, respect_trainable=respect_trainable, signature=signature
    )
    from graphml.convert.report import Explanation
    from graphml.convert.sources import open_source

    opened = open_source(source, request)
    weights = opened.weights()
    trained = [
        name
        for name, (_, flag) in weights.items()
        if request.wants_training(name) or (request.respect_trainable and request.trainable is None and flag)
    ]
    size = sum(weight.size for weight, _ in weights.values())
    return Explanation(opened.what, opened.inputs, tuple(opened.operators()), size, tuple(trained))


def _request(
    *,
    inputs: Any,
    to: str,
    outputs: Sequence[str] = (),
    class_labels: Any = None,
    precision: str = "float32",
    trainable: Sequence[str] | str | None = None,
    tolerance: float | None = None,
    **rest: Any,
) -> ConversionRequest:
    target = {"neuralNetwork": "neuralnetwork", "mlProgram": "mlprogram"}.get(to, to)
    if target not in TARGETS:
        raise FeatureError(f"to is {to!r}; expected 'neuralnetwork' or 'mlprogram'")
    if precision not in ("float32", "float16"):
        raise FeatureError(f"precision is {precision!r}; expected 'float32' or 'float16'")
    if precision == "float16" and target == "neuralnetwork":
        raise FeatureError("neural networks compute in the precision of the device; precision needs to='mlprogram'")
    if target == "mlprogram" and (trainable is not None or rest.get("respect_trainable")):
        raise FeatureError("Core ML trains neural networks only: use to='neuralnetwork' with trainable layers")
    return ConversionRequest(
        inputs=described(inputs),
        to=target,
        outputs=(outputs,) if isinstance(outputs, str) else tuple(outputs),
        precision=precision,
        class_labels=read_labels(class_labels),
        trainable=(trainable,) if isinstance(trainable, str) else None if trainable is None else tuple(trainable),
        tolerance=(2e-2 if precision == "float16" else 1e-3) if tolerance is None else tolerance,
        **rest,
    )


def _converted(source: Source) -> Model:
    from graphml.convert.check import check
    from graphml.convert.estimators import RowSource, check_rows
    from graphml.convert.report import Conversion
    from graphml.convert.source import TensorSource
    from graphml.models import load

    request = source.request
    translation = source.translate()
    model = load(translation.model, weights_dir=translation.weights)
    notes = list(translation.notes)
    trained: tuple[str, ...] = ()
    if request.trainable is not None or request.respect_trainable:
        result, more = _trainable(model, source)
        model, trained = result.model, result.trained
        notes += [*result.notes, *more]
    found = None
    if request.check and isinstance(source, RowSource):
        found = check_rows(model, source)
    elif request.check and isinstance(source, TensorSource):
        found = check(model, source)
    model.conversion = Conversion(
        source.what,
        translation.to or request.to,
        translation.by,
        translation.lines,
        tuple(notes),
        trained,
        found,
    )
    return model


def _trainable(model: Model, source: Source) -> tuple[Trainable, list[str]]:
    """Make the requested layers of a network trainable: by their names or the flags of the source.

    Args:
        model: The network.
        source: What it was converted from.

    Returns:
        The trainable network, and notes on layers that could not be matched for certain.

    Raises:
        FeatureError: No layer or weight matches a requested name.
        UpdateError: Core ML cannot train any of the layers.
    """
    from graphml.convert.trainable import frozen_layers, respect_trainable
    from graphml.update.edit.trainable import make_trainable

    request, weights = source.request, dict(source.weights())
    if request.trainable is None:
        result, found = respect_trainable(model, weights)
        return result, [f"{layer}: {text}" for layer, text in [*found.notes.items(), *found.unknown.items()]]
    wanted = {name: (weight, request.wants_training(name)) for name, (weight, _) in weights.items()}
    found = frozen_layers(wanted, model.spec)
    known = [*found.trainable, *found.frozen, *found.unknown]
    layers = [name for name in known if name in found.trainable or request.wants_training(name)]
    if not layers:
        raise FeatureError(
            f"no layer and no weight matches {', '.join(map(repr, request.trainable))}; the layers with weights are "
            f"{', '.join(known)}, the weights of the source are {', '.join(weights) or 'unnamed'}"
        )
    return make_trainable(model, layers), [f"{name}: {found.notes[name]}" for name in layers if name in found.notes]
