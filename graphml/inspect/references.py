"""References that a converted model is compared with: a model of another library, a file of one, or its outputs.

`reference_of` turns any of these into a `Reference`; `Given` has the inputs that it runs on.
"""

# models of other libraries are untyped here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import functools
import inspect
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from google.protobuf.message import Message

from graphml.descriptions import FeatureDescription
from graphml.errors import FeatureError, need, reason, with_article
from graphml.inspect.drawing import draws, index_limits
from graphml.interop.onnx import onnx_session, run_onnx, run_session
from graphml.models import load
from graphml.models.graph_model import GraphModel
from graphml.models.loading import HasSpec
from graphml.models.model import Model
from graphml.models.pipelines.pipeline import Pipeline

Array = np.ndarray[Any, Any]
_ROWS = 10  # drawn for models with few inputs


@dataclass(frozen=True)
class Given:
    """The inputs of one comparison.

    Attributes:
        model: The model that is checked.
        features: The inputs in the form that `predict` takes.
        indices: Inputs that are indices, also where the model takes them as floats.
        key: The key for random operations.
        pixels: Whether models of other libraries receive images as pixels even if this model scales them first.
    """

    model: Model
    features: Mapping[str, Any]
    indices: frozenset[str]
    key: jax.Array
    pixels: bool = False

    def arrays(self, shapes: Mapping[str, Sequence[Any]] | None = None) -> dict[str, Array]:
        """The inputs as arrays in the order of the interface, for models of other libraries.

        Args:
            shapes: {input: shape} as the other model declares them: an image with the channels last is laid out so.
        """
        checked = self.checked()
        features = [one for one in self.model.description.inputs if one.name in self.features]
        wanted = dict(shapes or {})
        if not all(one.name in wanted for one in features):
            wanted = dict(zip([one.name for one in features], wanted.values(), strict=False))
        found: dict[str, Array] = {}
        for feature in features:
            array = np.asarray(checked[feature.name])
            if feature.image is not None:
                array = array[None] if array.ndim == 3 else array
                array = _laid_out(array, wanted.get(feature.name, ()))
            whole = feature.name in self.indices and array.dtype.kind == "f"
            found[feature.name] = array.astype(np.int32) if whole else array
        return found

    def image_as_array(self, name: str, wanted: FeatureDescription) -> Array:
        """An image as another Core ML model takes it that declares an array."""
        image = np.asarray(self.checked()[name])
        shape = (wanted.array.shape if wanted.array is not None else None) or ()
        image = _laid_out(image[None] if image.ndim == 3 else image, shape)
        return image[0] if len(shape) == 3 else image

    def checked(self) -> dict[str, Any]:
        """The inputs as the interface checks them, images scaled unless pixels are wanted."""
        return self.model.check(self.features) | self.scaled

    @functools.cached_property
    def scaled(self) -> dict[str, Array]:
        """The images that models of other libraries receive as this model scales them."""
        return {} if self.pixels else scaled_images(self.model, self.features)


def _laid_out(image: Array, shape: Sequence[Any]) -> Array:
    """An image [1, channels, height, width] with the channels last where a declared shape has them there."""
    channels = image.shape[1]
    return image.transpose(0, 2, 3, 1) if len(shape) == 4 and shape[3] == channels != shape[1] else image


def scaled_images(model: Model, features: Mapping[str, Any]) -> dict[str, Array]:
    """The images that a model scales before its first layer, as this layer gets them: what its source takes.

    A network says it by its preprocessing; in an ML Program, coremltools gives the names `<input>__scaled__` and
    `<input>__biased__` to what it puts before the first operation.

    Args:
        model: The model.
        features: As `predict` takes them.
    """
    if isinstance(model, Pipeline):
        stages = [
            one for one in model.models.values() if {each.name for each in one.description.inputs} <= set(features)
        ]
        return {name: image for stage in stages for name, image in scaled_images(stage, features).items()}
    own = {one.name: features[one.name] for one in model.description.inputs if one.name in features}
    names = [one.name for one in model.description.inputs if one.image is not None and one.name in own]
    if not names or not isinstance(model, GraphModel):
        return {}
    written = {name for node in model.graph.body.nodes for name in node.outputs}
    blobs = {
        name: f"{name}{end}" for end in ("__scaled__", "__biased__") for name in names if f"{name}{end}" in written
    }
    values = model.intermediates(own, blobs.values(), **call_options(model, jax.random.key(0))) if blobs else {}
    found: dict[str, Array] = {}
    for name, pixels in model.arrays(own).items():
        if name in names:
            seen = values[blobs[name]] if name in blobs else model.interface.enter(name, pixels, np.float32)
            seen = np.asarray(seen, np.float32).reshape(np.shape(pixels))
            if not np.array_equal(seen, pixels):
                found[name] = seen
    return found


def limits_of(model: Model) -> dict[str, int]:
    """Which inputs of a model are used as indices, see `index_limits`; none if it cannot be traced."""
    if not isinstance(model, GraphModel):
        return {}
    declared = set(model.interface.declared_inputs(np.float32))
    return index_limits(model.lower()) if set(model.graph.inputs) <= declared else {}


def drawn_for(
    model: Model, limits: Mapping[str, int], seed: int, shapes: Sequence[Mapping[str, tuple[int, ...]]]
) -> Iterator[dict[str, Any]]:
    """Inputs of a model for each of some shapes; several for models with few inputs, such as trees."""
    for own_seed in range(seed, seed + (1 if model.has_network() else _ROWS)):
        yield from draws(model.description.inputs, limits, own_seed, shapes)


def answers(model: Model, features: Mapping[str, Any], key: jax.Array) -> dict[str, Any]:
    """The outputs of a Core ML model, whose states start as zeros."""
    return model.predict(features, **call_options(model, key))


def call_options(model: Model, key: jax.Array) -> dict[str, Any]:
    """The keywords of a call: a key for models that draw random numbers, a new state for those that have one."""
    found: dict[str, Any] = {"key": key} if model.draws() else {}
    return found | ({"state": model.make_state()} if model.has_state() else {})


@dataclass(frozen=True)
class Reference:
    """A reference.

    Attributes:
        what: A description of it.
        run: Its outputs: by name, or in order.
        inside: The values inside of it by name; None if they are not available.
        recorded: Whether its outputs were recorded.
        core_ml: Whether it is a Core ML model, which takes images as they are.
    """

    what: str
    run: Callable[[Given], Any]
    inside: Callable[[Given], Mapping[str, Any]] | None = None
    recorded: bool = False
    core_ml: bool = False

    def scaled(self, given: Given) -> tuple[str, ...]:
        """The images that it receives as the model that is checked scales them, and not as pixels."""
        return () if self.recorded or self.core_ml else tuple(given.scaled)


def reference_of(reference: Any) -> Reference:
    """The reference that a model is compared with.

    Args:
        reference: A torch module or exported program, or a file of one (`.pt` of TorchScript, `.pt2`); an ONNX file,
            message or session; a Keras model; a scikit-learn estimator; a function of arrays; a Core ML model; recorded
            outputs, or an `.npz` file of them.

    Raises:
        FeatureError: It is none of these, or the file cannot be read.
        MissingExtraError: Its library is not installed.
    """
    if isinstance(reference, str | os.PathLike) and (reader := REFERENCE_FILES.get(Path(reference).suffix)) is not None:
        return reader(Path(reference))
    if isinstance(reference, Model):
        return _core_ml(reference)
    core_ml = isinstance(reference, Message) and reference.DESCRIPTOR.name == "Model"
    if core_ml or isinstance(reference, str | os.PathLike | bytes | HasSpec):
        return _core_ml(load(reference))
    if isinstance(reference, Mapping | list | tuple | np.ndarray | np.generic | jax.Array) or _is_tensor(reference):
        return _recorded(reference)
    for library, adapter in _LIBRARIES.items():
        if _comes_from(reference, library):
            return adapter(reference)
    if callable(reference):
        return Reference("the function", lambda given: _called(reference, given.arrays()))
    raise FeatureError(
        "a reference is a Core ML model, a torch module, an ONNX file or session, a Keras model, a scikit-learn "
        f"estimator, a function or recorded outputs, not {with_article(type(reference).__name__)}"
    )


def _comes_from(reference: Any, library: str) -> bool:
    """Whether one of the classes of an object belongs to a library, without importing it."""
    return any(cls.__module__.partition(".")[0] == library for cls in type(reference).__mro__)


def _core_ml(model: Model) -> Reference:
    def passed(given: Given) -> dict[str, Any]:
        own = {feature.name: feature for feature in given.model.description.inputs}
        wanted = {feature.name: feature for feature in model.description.inputs}
        names = list(given.features)
        if not set(names) <= set(wanted) and len(names) == len(wanted):
            names = list(wanted)
        found = dict(given.features)
        for name, other in zip(given.features, names, strict=True):
            if name in own and own[name].image is not None and other in wanted and wanted[other].image is None:
                found[name] = given.image_as_array(name, wanted[other])
        return dict(zip(names, found.values(), strict=True))

    def inside(given: Given) -> Mapping[str, Any]:
        assert isinstance(model, GraphModel)
        return model.intermediates(passed(given), **call_options(model, given.key))

    return Reference(
        "the other model",
        lambda given: answers(model, passed(given), given.key),
        inside if isinstance(model, GraphModel) else None,
        core_ml=True,
    )


def _onnx_file(path: Path) -> Reference:
    need("onnxruntime", "onnx")
    try:
        session = onnx_session(path)
    except Exception as error:  # onnxruntime raises its own classes
        raise FeatureError(f"{path} cannot be run as an ONNX model: {reason(error)}") from None
    return Reference(
        "the ONNX graph",
        lambda given: run_session(session, given.arrays(_shapes(session))),
        lambda given: run_onnx(path, given.arrays(_shapes(session))),
    )


def _onnx_message(message: Any) -> Reference:
    return _onnx_session(onnx_session(message))


def _onnx_session(session: Any) -> Reference:
    return Reference("the ONNX graph", lambda given: run_session(session, given.arrays(_shapes(session))))


def _shapes(session: Any) -> dict[str, Sequence[Any]]:
    return {one.name: one.shape for one in session.get_inputs()}


def _recorded(outputs: Any) -> Reference:
    found = _plain(outputs)
    return Reference("the recorded outputs", lambda given: found, recorded=True)


def _recorded_file(path: Path) -> Reference:
    try:
        with np.load(path) as stored:  # without pickled objects
            return _recorded({name: stored[name] for name in stored.files})
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FeatureError(f"{path} cannot be read as arrays: {reason(error)}") from None


def _torch_script(path: Path) -> Reference:
    torch = need("torch", "bench")
    return _torch(_from_torch(torch.jit.load, path, "TorchScript"))


def _torch_export(path: Path) -> Reference:
    torch = need("torch", "bench")
    return _torch(_from_torch(torch.export.load, path, "an exported program"))


def _from_torch(read: Callable[[str], Any], path: Path, what: str) -> Any:
    try:
        return read(str(path))
    except Exception as error:  # torch raises many classes
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FeatureError(f"{path} cannot be loaded as {what}: {first}") from None


def _torch(reference: Any) -> Reference:
    torch = need("torch", "bench")
    module = reference.module() if type(reference).__name__ == "ExportedProgram" else reference
    weights = [*module.parameters(), *module.buffers()]
    device = weights[0].device if weights else "cpu"
    floats = next((weight.dtype for weight in weights if weight.dtype.is_floating_point), torch.float32)

    def tensor(array: Array) -> Any:
        """Integers as int64, which lookups need, and floats in the type of the weights."""
        kind = floats if array.dtype.kind == "f" else torch.int64 if array.dtype.kind in "iu" else torch.bool
        return torch.from_numpy(np.array(array)).to(device, kind)

    def run(given: Given) -> Any:
        tensors = [tensor(array) for array in given.arrays().values()]
        modes = [(each, each.training) for each in module.modules()]
        buffers = [(each, each.clone()) for each in module.buffers()]
        for each, _ in modes:
            each.training = False
        try:
            with torch.no_grad():
                return _plain(module(*tensors))
        finally:
            for each, mode in modes:
                each.training = mode
            for each, before in buffers:  # a state of the model starts anew too
                each.copy_(before)

    return Reference("the torch module", run)


def _keras(reference: Any) -> Reference:
    def run(given: Given) -> Any:
        declared = getattr(reference, "inputs", None) or ()  # none before it was called
        arrays = list(given.arrays({one.name: one.shape for one in declared}).values())
        return _plain(reference.predict_on_batch(arrays[0] if len(arrays) == 1 else arrays))

    return Reference("the Keras model", run)


def _scikit_learn(reference: Any) -> Reference:
    def run(given: Given) -> Any:
        table = _table(reference, given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about columns without names
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


REFERENCE_FILES: Mapping[str, Callable[[Path], Reference]] = {
    ".onnx": _onnx_file,
    ".npz": _recorded_file,
    ".pt": _torch_script,
    ".pt2": _torch_export,
}
"""Suffix of a file that is a reference -> what reads it."""

_LIBRARIES: Mapping[str, Callable[[Any], Reference]] = {
    "torch": _torch,
    "keras": _keras,
    "sklearn": _scikit_learn,
    "onnxruntime": _onnx_session,
    "onnx": _onnx_message,
}
"""Library of a reference -> its adapter."""


def _called(function: Callable[..., Any], arrays: Mapping[str, Array]) -> Any:
    """The outputs of a function, called with inputs by name if its parameters have their names, else in order."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a C function without a signature
        parameters = ()
    named = {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    return _plain(function(**arrays) if set(arrays) <= named else function(*arrays.values()))


def _plain(found: Any) -> Any:
    """Outputs as a dictionary of arrays and other values, or as a list of them."""
    if isinstance(found, Mapping):
        return {name: _value(value) for name, value in found.items() if value is not None}
    return list(_flat(found))


def _flat(found: Any) -> Iterator[Any]:
    """The outputs in nested tuples and lists, in the order of converters."""
    if isinstance(found, tuple | list):
        for each in found:
            yield from _flat(each)
    elif found is not None:
        yield _value(found)


def _value(value: Any) -> Any:
    """A tensor as an array; other values as they are."""
    if not _is_tensor(value):
        return value
    value = value.detach().cpu()
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()  # NumPy has no bfloat16


def _is_tensor(value: Any) -> bool:
    return _comes_from(value, "torch") and hasattr(value, "detach")
