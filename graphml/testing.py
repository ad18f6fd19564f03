"""For the tests of whoever converts models: a Core ML model gives what the model gives that it was made of.

from graphml.testing import assert_same

assert_same("net.mlpackage", torch_module)          # on inputs that are drawn from the interface
assert_same("net.mlmodel", "net.onnx", {"x": x})
"""

# models of other libraries have no types here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import inspect
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from google.protobuf.message import Message

from graphml.errors import FeatureError, GraphmlError, need, with_article
from graphml.inspect.drawing import drawn_shapes, draws, index_limits
from graphml.inspect.measure import differences
from graphml.interop.onnx import run_onnx, run_session
from graphml.models import load
from graphml.models.graph_model import GraphModel
from graphml.models.model import HasSpec, Model

Array = np.ndarray[Any, Any]

_ROWS = 10  # that are drawn for models of few numbers, such as trees


def assert_same(
    model: Any,
    reference: Any,
    inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    rtol: float = 1e-3,
    atol: float = 1e-5,
    seed: int = 0,
) -> None:
    """Check that a model gives what another one gives.

    Outputs are matched by name where the reference has names and they are equal, otherwise by order. Axes of size 1 do
    not count. A dictionary of probabilities is compared with an array in the order of the classes. What a reference
    does not return is not compared.

    Args:
        model: What `graphml.load` takes: a path, bytes, a message or an MLModel of coremltools; or a Model.
        reference: A torch module or exported program, an ONNX file, message or session, a Keras model, a scikit-learn
            estimator, a function of arrays (of JAX or NumPy), another Core ML model, or recorded outputs: {output:
            array}, an array or a list of arrays. Modules and functions receive the inputs in the order of the
            interface, a function whose parameters have their names by name; images as pixels 0 to 255 with the shape
            [1, channels, height, width].
        inputs: {input: value} as `predict` takes them, or several of these. None draws them: of the default shapes and
            of each enumerated shape, indices where an input is used as one. Recorded outputs need them.
        rtol: The difference that is accepted, relative to each number of the reference.
        atol: The difference that is accepted in addition.
        seed: Of the inputs that are drawn, and of random operations.

    Raises:
        AssertionError: An output differs. The message names it, the largest difference and its place, and the first
            value inside that differs, where both models are networks, programs or ONNX files.
        FeatureError: The reference is none of these, or no inputs can be drawn.
        MissingExtraError: The library of the reference is not installed.
    """
    own = model if isinstance(model, Model) else load(model)
    source = _source(reference)
    if source.recorded and (inputs is None or not isinstance(inputs, Mapping)):
        raise FeatureError("recorded outputs belong to the inputs that they were recorded with: pass inputs={...}")
    limits = index_limits(own.lower()) if isinstance(own, GraphModel) and _shaped(own) else {}
    for words, features in _inputs(own, inputs, limits, seed):
        given = _Given(own, features, frozenset(limits), jax.random.key(seed))
        pairs = _paired(own, _answers(own, features, given.key), source.run(given), source.what)
        found = [text for pair in pairs if (text := _difference(*pair, rtol, atol)) is not None]
        if found:
            inside = [] if source.inside is None else [_first_inside(given, source.inside(given), rtol, atol)]
            raise AssertionError("\n".join([*found, *inside, f"with inputs {words}"]))


def _shaped(model: GraphModel) -> bool:
    """Whether the shapes of all inputs are declared, so that the model can be traced."""
    return set(model.graph.inputs) <= set(model.interface.declared_inputs(np.float32))


def _inputs(model: Model, inputs: Any, limits: Mapping[str, int], seed: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The inputs to try, and what they are in words."""
    if inputs is not None:
        for number, each in enumerate([inputs] if isinstance(inputs, Mapping) else inputs, 1):
            yield f"number {number} of those that were given", each
        return
    for own_seed in range(seed, seed + (1 if model.has_network() else _ROWS)):
        for each in draws(model.description.inputs, limits, own_seed, drawn_shapes(model.description.inputs)):
            shapes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in each.items())
            yield f"drawn with seed {own_seed}: {shapes}", each


# The model -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Given:
    """The inputs of one comparison.

    Attributes:
        model: The model that is checked.
        features: As `predict` takes them.
        indices: Inputs that are indices, also where the model takes them as floats.
        key: For random operations.
    """

    model: Model
    features: Mapping[str, Any]
    indices: frozenset[str]
    key: jax.Array

    def arrays(self) -> dict[str, Array]:
        """The inputs as arrays in the order of the interface, for models of other libraries."""
        checked = self.model.check(self.features)
        found: dict[str, Array] = {}
        for feature in self.model.description.inputs:
            if feature.name not in self.features:
                continue
            array = np.asarray(checked[feature.name])
            if feature.image is not None and array.ndim == 3:
                array = array[None]
            whole = feature.name in self.indices and array.dtype.kind == "f"
            found[feature.name] = array.astype(np.int32) if whole else array
        return found


def _answers(model: Model, features: Mapping[str, Any], key: jax.Array) -> dict[str, Any]:
    return model.predict(features, **_extras(model, key))


def _extras(model: Model, key: jax.Array) -> dict[str, Any]:
    """The keywords of a call: a key for models that draw random numbers, a new state for those that have one."""
    found: dict[str, Any] = {"key": key} if model.draws() else {}
    return found | ({"state": model.make_state()} if model.has_state() else {})


# References ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """A reference.

    Attributes:
        what: What it is, in words.
        run: Its outputs: by name, or in order.
        inside: The values inside of it by name; None where it cannot be looked into.
        recorded: Whether its outputs were recorded.
    """

    what: str
    run: Callable[[_Given], Any]
    inside: Callable[[_Given], Mapping[str, Any]] | None = None
    recorded: bool = False


def _source(reference: Any) -> _Source:
    if isinstance(reference, str | os.PathLike) and Path(reference).suffix == ".onnx":
        return _onnx_file(Path(reference))
    if isinstance(reference, Model):
        return _core_ml(reference)
    core_ml = isinstance(reference, Message) and reference.DESCRIPTOR.name == "Model"
    if core_ml or isinstance(reference, str | os.PathLike | bytes | HasSpec):
        return _core_ml(load(reference))
    for library, adapter in _LIBRARIES.items():
        if _comes_from(reference, library):
            return adapter(reference)
    if isinstance(reference, Mapping | list | tuple | np.ndarray | np.generic | jax.Array):
        recorded: Any = _plain(reference)
        return _Source("the recorded outputs", lambda given: recorded, recorded=True)
    if callable(reference):
        return _Source("the function", lambda given: _called(reference, given.arrays()))
    raise FeatureError(
        "a reference is a Core ML model, a torch module, an ONNX file or session, a Keras model, a scikit-learn "
        f"estimator, a function or recorded outputs, not {with_article(type(reference).__name__)}"
    )


def _comes_from(reference: Any, library: str) -> bool:
    """Whether one of the classes of an object belongs to a library, which is not imported for that."""
    return any(cls.__module__.partition(".")[0] == library for cls in type(reference).__mro__)


def _core_ml(model: Model) -> _Source:
    def passed(given: _Given) -> dict[str, Any]:
        names = [feature.name for feature in model.description.inputs]
        if set(given.features) <= set(names) or len(given.features) != len(names):
            return dict(given.features)
        return dict(zip(names, given.features.values(), strict=True))

    def inside(given: _Given) -> Mapping[str, Any]:
        assert isinstance(model, GraphModel)
        return model.intermediates(passed(given), **_extras(model, given.key))

    return _Source(
        "the other model",
        lambda given: _answers(model, passed(given), given.key),
        inside if isinstance(model, GraphModel) else None,
    )


def _onnx_file(path: Path) -> _Source:
    runtime = need("onnxruntime", "onnx")
    try:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own
        raise FeatureError(f"{path} cannot be run as an ONNX model: {error}") from None
    return _Source(
        "the ONNX graph",
        lambda given: run_session(session, given.arrays()),
        lambda given: run_onnx(path, given.arrays()),
    )


def _onnx_message(message: Any) -> _Source:
    runtime = need("onnxruntime", "onnx")
    return _onnx_session(runtime.InferenceSession(message.SerializeToString(), providers=["CPUExecutionProvider"]))


def _onnx_session(session: Any) -> _Source:
    return _Source("the ONNX graph", lambda given: run_session(session, given.arrays()))


def _torch(reference: Any) -> _Source:
    torch = need("torch", "bench")
    exported = type(reference).__name__ == "ExportedProgram"
    module = reference.module() if exported else reference

    def run(given: _Given) -> Any:
        arrays = given.arrays().values()
        tensors = [torch.from_numpy(np.array(a, np.int64 if a.dtype.kind == "i" else a.dtype)) for a in arrays]
        training = not exported and module.training
        if training:
            module.eval()
        try:
            with torch.no_grad():
                found = module(*tensors)
        finally:
            if training:
                module.train()
        return jax.tree.map(as_array, _plain(found))

    def as_array(tensor: Any) -> Array:
        return tensor.detach().cpu().numpy()

    return _Source("the torch module", run)


def _keras(reference: Any) -> _Source:
    def run(given: _Given) -> Any:
        arrays = list(given.arrays().values())
        return _plain(reference.predict_on_batch(arrays[0] if len(arrays) == 1 else arrays))

    return _Source("the Keras model", run)


def _scikit_learn(reference: Any) -> _Source:
    def run(given: _Given) -> Any:
        table = _table(reference, given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that columns have no names
            predicted = reference.predict(table)
            shares = reference.predict_proba(table) if hasattr(reference, "predict_proba") else None
        label = given.model.description.predicted_feature_name
        if not label:
            return [predicted]
        value = predicted[0].item() if hasattr(predicted[0], "item") else predicted[0]
        probabilities = given.model.description.predicted_probabilities_name
        if shares is None or not probabilities:
            return {label: value}
        return {label: value, probabilities: dict(zip(reference.classes_.tolist(), shares[0].tolist(), strict=True))}

    return _Source("the estimator", run)


def _table(estimator: Any, given: _Given) -> Array:
    """The inputs as a table of one row: an array is the row, numbers are columns."""
    values = dict(given.features)
    names: Sequence[str] = list(getattr(estimator, "feature_names_in_", ()))
    if len(values) > 1 and set(names) == set(values):
        values = {name: values[name] for name in names}
    return np.concatenate([np.asarray(value, np.float64).reshape(1, -1) for value in values.values()], axis=1)


_LIBRARIES: Mapping[str, Callable[[Any], _Source]] = {
    "torch": _torch,
    "keras": _keras,
    "sklearn": _scikit_learn,
    "onnxruntime": _onnx_session,
    "onnx": _onnx_message,
}
"""Library that a reference comes from -> its adapter."""


def _called(function: Callable[..., Any], arrays: Mapping[str, Array]) -> Any:
    """What a function gives: by the names of its parameters where these are the inputs, else in order."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function of C, which does not say
        parameters = ()
    named = {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    return _plain(function(**arrays) if set(arrays) <= named else function(*arrays.values()))


def _plain(found: Any) -> Any:
    """Outputs as a dictionary or a list."""
    return found if isinstance(found, Mapping) else list(found) if isinstance(found, tuple | list) else [found]


# Comparing -----------------------------------------------------------------------------------------------------------


def _paired(model: Model, own: Mapping[str, Any], other: Any, what: str) -> list[tuple[str, Any, Any]]:
    """(name, value, value of the reference) of each output."""
    if isinstance(other, Mapping):
        common = [name for name in own if name in other]
        if common:
            return [(name, own[name], other[name]) for name in common]
    values: list[Any] = list(other.values()) if isinstance(other, Mapping) else other
    label = model.description.predicted_feature_name
    numbers = {name: value for name, value in own.items() if name != label}
    if label and len(values) == len(numbers) != len(own):  # whoever gives probabilities alone gives no label
        own = numbers
    if len(values) != len(own):
        raise FeatureError(f"the model has the outputs {', '.join(map(repr, own))}; {what} gives {len(values)}")
    return [(name, own[name], value) for name, value in zip(own, values, strict=True)]


def _difference(name: str, own: Any, other: Any, rtol: float, atol: float) -> str | None:
    """How an output differs; None if it does not."""
    if isinstance(own, Mapping) and isinstance(other, Mapping):
        if set(own) != set(other):
            return f"output {name!r} has the keys {sorted(own, key=str)}, the reference {sorted(other, key=str)}"
        keys = list(own)
        own, other = [own[key] for key in keys], [other[key] for key in keys]
    if isinstance(own, str) or isinstance(other, str):
        return None if own == other else f"output {name!r} is {own!r}, the reference gives {other!r}"
    a, b = _numbers(own), _numbers(other)
    return None if (text := _in_words(a, b, rtol, atol)) is None else f"output {name!r} {text}"


def _numbers(value: Any) -> Array:
    return np.asarray(list(value.values()) if isinstance(value, Mapping) else value)


def _in_words(own: Array, other: Array, rtol: float, atol: float) -> str | None:
    """How one array differs from another; None if it does not."""
    if _core(own) != _core(other):
        return f"has the shape {list(own.shape)}, the reference {list(other.shape)}"
    shape = own.shape
    a, b = np.asarray(own, np.float64), np.asarray(other, np.float64).reshape(shape)
    size = differences(a, b)
    with np.errstate(invalid="ignore"):
        wrong = size > atol + rtol * np.where(np.isfinite(b), np.abs(b), 0.0)
    if not wrong.any():
        return None
    where = np.unravel_index(int(np.argmax(np.where(wrong, size, -1.0))), shape)
    place = f" at {[int(i) for i in where]}" if shape else ""
    return (
        f"{list(shape)} differs in {int(wrong.sum())} of {math.prod(shape)} numbers; the largest difference is "
        f"{size[where]:.3g}{place}: {a[where]:.6g}, the reference gives {b[where]:.6g} (rtol {rtol:g}, atol {atol:g})"
    )


def _core(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def _first_inside(given: _Given, others: Mapping[str, Any], rtol: float, atol: float) -> str:
    """The first value inside of the model that differs from the value of that name in the reference."""
    model = given.model
    if not isinstance(model, GraphModel):
        return "the model cannot be looked into"
    try:
        own = model.intermediates(given.features, **_extras(model, given.key))
    except GraphmlError as error:
        return f"the model cannot be looked into: {error}"
    equal = 0
    for node in model.graph.body.nodes:
        for name in node.outputs:
            if name not in own or name not in others or _core(own[name]) != _core(np.asarray(others[name])):
                continue
            text = _in_words(own[name], np.asarray(others[name]), rtol, atol)
            if text is not None:
                before = f"; {equal} values of equal names before it agree" if equal else ""
                return f"the first value inside that differs is {name!r}, {node.label}: it {text}{before}"
            equal += 1
    return f"no value inside differs: {equal} have equal names in both"
