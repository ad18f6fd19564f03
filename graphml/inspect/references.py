"""What a model is compared with: models of other libraries, functions and recorded outputs, run on the same inputs."""

# models of other libraries have no types here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from google.protobuf.message import Message

from graphml.errors import FeatureError, need, with_article
from graphml.inspect.drawing import index_limits
from graphml.interop.onnx import run_onnx, run_session
from graphml.models import load
from graphml.models.graph_model import GraphModel
from graphml.models.model import HasSpec, Model

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Given:
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


def known_limits(model: Model) -> dict[str, int]:
    """Which inputs of a model are indices, as `index_limits` finds them; none if the model cannot be traced, because it
    is no graph or does not declare the shapes of its inputs."""
    if not isinstance(model, GraphModel):
        return {}
    declared = set(model.graph.inputs) <= set(model.interface.declared_inputs(np.float32))
    return index_limits(model.lower()) if declared else {}


def answers(model: Model, features: Mapping[str, Any], key: jax.Array) -> dict[str, Any]:
    """What a model predicts.

    Args:
        model: The model; if it has a state, a new one is used.
        features: As `predict` takes them.
        key: For random operations.
    """
    return model.predict(features, **extras(model, key))


def extras(model: Model, key: jax.Array) -> dict[str, Any]:
    """The keywords of a call.

    Args:
        model: A model.
        key: For random operations.

    Returns:
        The key for models that draw random numbers, a new state for those that have one.
    """
    found: dict[str, Any] = {"key": key} if model.draws() else {}
    return found | ({"state": model.make_state()} if model.has_state() else {})


# References ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """A reference.

    Attributes:
        what: What it is, in words.
        run: Its outputs: by name, or in order.
        inside: The values inside of it by name; None where it cannot be looked into.
        recorded: Whether its outputs were recorded.
    """

    what: str
    run: Callable[[Given], Any]
    inside: Callable[[Given], Mapping[str, Any]] | None = None
    recorded: bool = False


def reference_to(reference: Any) -> Reference:
    """Something to compare a model with.

    Args:
        reference: What `graphml.testing.assert_same` takes.

    Raises:
        FeatureError: It is nothing that can be run, and no outputs.
        MissingExtraError: Its library is not installed.
    """
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
        return Reference("the recorded outputs", lambda given: recorded, recorded=True)
    if callable(reference):
        return Reference("the function", lambda given: _called(reference, given.arrays()))
    raise FeatureError(
        "a reference is a Core ML model, a torch module, an ONNX file or session, a Keras model, a scikit-learn "
        f"estimator, a function or recorded outputs, not {with_article(type(reference).__name__)}"
    )


def _comes_from(reference: Any, library: str) -> bool:
    """Whether one of the classes of an object belongs to a library, which is not imported for that."""
    return any(cls.__module__.partition(".")[0] == library for cls in type(reference).__mro__)


def _core_ml(model: Model) -> Reference:
    def passed(given: Given) -> dict[str, Any]:
        names = [feature.name for feature in model.description.inputs]
        if set(given.features) <= set(names) or len(given.features) != len(names):
            return dict(given.features)
        return dict(zip(names, given.features.values(), strict=True))

    def inside(given: Given) -> Mapping[str, Any]:
        assert isinstance(model, GraphModel)
        return model.intermediates(passed(given), **extras(model, given.key))

    return Reference(
        "the other model",
        lambda given: answers(model, passed(given), given.key),
        inside if isinstance(model, GraphModel) else None,
    )


def _onnx_file(path: Path) -> Reference:
    runtime = need("onnxruntime", "onnx")
    try:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own
        raise FeatureError(f"{path} cannot be run as an ONNX model: {error}") from None
    return Reference(
        "the ONNX graph",
        lambda given: run_session(session, given.arrays()),
        lambda given: run_onnx(path, given.arrays()),
    )


def _onnx_message(message: Any) -> Reference:
    runtime = need("onnxruntime", "onnx")
    return _onnx_session(runtime.InferenceSession(message.SerializeToString(), providers=["CPUExecutionProvider"]))


def _onnx_session(session: Any) -> Reference:
    return Reference("the ONNX graph", lambda given: run_session(session, given.arrays()))


def _torch(reference: Any) -> Reference:
    torch = need("torch", "bench")
    exported = type(reference).__name__ == "ExportedProgram"
    module = reference.module() if exported else reference

    def run(given: Given) -> Any:
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

    return Reference("the torch module", run)


def _keras(reference: Any) -> Reference:
    def run(given: Given) -> Any:
        arrays = list(given.arrays().values())
        return _plain(reference.predict_on_batch(arrays[0] if len(arrays) == 1 else arrays))

    return Reference("the Keras model", run)


def _scikit_learn(reference: Any) -> Reference:
    def run(given: Given) -> Any:
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

    return Reference("the estimator", run)


def _table(estimator: Any, given: Given) -> Array:
    """The inputs as a table of one row: an array is the row, numbers are columns."""
    values = dict(given.features)
    names: Sequence[str] = list(getattr(estimator, "feature_names_in_", ()))
    if len(values) > 1 and set(names) == set(values):
        values = {name: values[name] for name in names}
    return np.concatenate([np.asarray(value, np.float64).reshape(1, -1) for value in values.values()], axis=1)


_LIBRARIES: Mapping[str, Callable[[Any], Reference]] = {
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
