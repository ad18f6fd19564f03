"""Deltas: only those weights in which a personal model differs from the original one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import reprlib
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from graphml.errors import ShapeError, SpecError, UpdateError, need, with_article
from graphml.models import Model, load
from graphml.models.graph_model import GraphModel
from graphml.recipes import is_float_constant, is_program, network_of, refuse_unless_trainable
from graphml.spec import Model as Message
from graphml.spec.attributes import kind_of, weight_messages
from graphml.spec.files import open_regular, read_file, replace_file
from graphml.spec.files.packages import blob_values
from graphml.spec.layers import REGIONS
from graphml.spec.program.programs import walk
from graphml.spec.weights import CompressedWeight, Quantized, quantized_faults
from graphml.update.weights import with_weight

_FORMAT = "graphml delta 1"
_FIELDS = ("codes", "scale", "bias", "table")  # of a quantized weight
_STORED = tuple(np.dtype(name) for name in ("float32", "float16", "float64", "int8"))  # of any other

Weight = np.ndarray | CompressedWeight


@dataclass(frozen=True, eq=False)
class Delta:
    """The weights in which a personal model differs from its base.

    Raises SpecError for a malformed fingerprint, and for weights in a form that no model stores.

    Attributes:
        base: the fingerprint of the base.
        weights: {"layer/weight": new value}, in the form in which the personal model stores it.
    """

    base: str
    weights: Mapping[str, Weight]

    def __post_init__(self) -> None:
        if not isinstance(self.base, str) or re.fullmatch("[0-9a-f]{64}", self.base) is None:
            raise SpecError(f"the base must be a fingerprint of 64 hexadecimal digits, got {reprlib.repr(self.base)}")
        for name, weight in self.weights.items():
            for fault in _faults(weight):
                raise SpecError(f"{name!r}: {fault}")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file, atomically. Raises MissingExtraError if safetensors is not installed (the extra
        "deltas")."""
        write = need("safetensors.numpy", "deltas").save
        tensors, bits = _as_tensors(self.weights)
        facts = {"format": _FORMAT, "base": self.base, "quantized": json.dumps(bits, sort_keys=True)}
        file = Path(os.path.realpath(path))
        replace_file(file, write(tensors, {**facts, "digest": _digest(tensors, facts)}))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Delta:
        """Read a file that `save` has written.

        Raises:
            SpecError: it is any other file, or some byte has changed.
        """
        need("safetensors", "deltas")
        tensors, facts = _contents(path)
        expected = facts.pop("digest", None)
        if facts.get("format") != _FORMAT:
            form = reprlib.repr(facts.get("format"))
            raise SpecError(f"{path} is not a delta of a model: its format is {form}, not {_FORMAT!r}")
        if expected != _digest(tensors, facts):
            raise SpecError(f"{path} is damaged: digest mismatch")
        try:
            return cls(facts.get("base", ""), _from_tensors(tensors, facts.get("quantized", "")))
        except SpecError as error:
            raise error.in_context(f"{path} is not a delta of a model") from None


def save_delta(personal: Model | str | os.PathLike[str], base: Model | str | os.PathLike[str], path: Any) -> None:
    """Write the difference between a personal model and its base as a safetensors file.

    The file holds the weights that were trained, and a fingerprint of the base. Needs the extra "deltas".

    Args:
        personal: the personal model, or its file.
        base: the original model, or its file.
        path: the file to write.

    Raises:
        UpdateError: the two differ in more than weights and recipe.
    """
    difference(network_from(personal), network_from(base)).save(path)


def apply_delta(base: Model | str | os.PathLike[str], delta: Delta | str | os.PathLike[str]) -> GraphModel:
    """The personal model of a delta.

    It predicts the same bits as the personal model that was saved, and has the recipe of the base.

    Args:
        base: the original model, or its file.
        delta: the delta, or its file.

    Raises:
        UpdateError: the delta belongs to another model.
        ShapeError: a weight does not fit.
        SpecError: a file is damaged.
    """
    network = network_from(base)
    found = delta if isinstance(delta, Delta) else Delta.read(delta)
    fitting(found, network)
    return with_leaves(network, found.weights)


def looks_like_delta(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins like a safetensors file, or has its suffix.

    Such files begin with the length of their header, in eight bytes, and a JSON object. The suffix counts because a
    damaged file should be refused as a delta.
    """
    if Path(path).suffix.lower() == ".safetensors":
        return True
    with contextlib.suppress(OSError, ValueError), open_regular(path) as file:  # reading the file will report the error
        start, size = file.read(9), os.fstat(file.fileno()).st_size
        return start[8:] == b"{" and 8 + int.from_bytes(start[:8], "little") <= size
    return False


def difference(personal: GraphModel, base: GraphModel) -> Delta:
    """The delta from a base to a personal model. Raises UpdateError if more than weights and recipe differ."""
    # models that `with_parameters` has made share their programs, and have the same skeleton
    if personal.programs is not base.programs and _skeleton(personal) != _skeleton(base):
        raise UpdateError("the personal model differs from its base in more than weights and recipe")
    old = dict(leaves(base))
    changed = {name: weight for name, (_, weight) in leaves(personal) if not _same_bits(weight, old[name][1])}
    for name, weight in changed.items():
        if not isinstance(weight, Quantized) and not _is_number(weight):
            what = type(weight).__name__ if isinstance(weight, CompressedWeight) else weight.dtype
            raise UpdateError(f"{name!r} has changed; a delta holds floats and codes, not {what}")
    return Delta(fingerprint(base), {name: _on_host(weight) for name, weight in changed.items()})


# The weights of a model by name --------------------------------------------------------------------------------------


def leaves(model: GraphModel) -> Iterator[tuple[str, tuple[tuple[Any, ...], Weight]]]:
    """(name, (path, weight)) of each weight, such as dense/weights or lstm/weight_params/0/...; repeated names are
    numbered."""
    seen: dict[str, int] = {}
    for path, weight in _leaves(model.parameters, ()):
        name = "/".join(map(str, path))
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}#{seen[name]}", (path, weight)


def _leaves(tree: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Weight]]:
    if isinstance(tree, Mapping | list):
        for step, inner in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from _leaves(inner, (*path, step))
    else:
        yield path, tree


def with_leaves(model: GraphModel, weights: Mapping[str, Weight]) -> GraphModel:
    """The model with other values for some of its weights, by name."""
    leaf_paths, parameters = dict(leaves(model)), dict(model.parameters)
    for name, weight in weights.items():
        parameters = with_weight(parameters, leaf_paths[name][0], weight)
    touched = {leaf_paths[name][0][0] for name in weights}
    return model.with_parameters({key: parameters[key] for key in touched})


def _same_bits(a: Weight, b: Weight) -> bool:
    if a is b:
        return True
    if isinstance(a, Quantized) and isinstance(b, Quantized):
        pairs = [(getattr(a, name), getattr(b, name)) for name in _FIELDS]
        alike = all(x is y or (x is not None and y is not None and _same_bits(x, y)) for x, y in pairs)
        return a.bits == b.bits and alike
    if isinstance(a, CompressedWeight) and isinstance(b, CompressedWeight):
        return type(a) is type(b) and _digest_of(a) == _digest_of(b)
    if isinstance(a, CompressedWeight) or isinstance(b, CompressedWeight):
        return False
    x, y = np.asarray(a), np.asarray(b)
    return (x.dtype, x.shape) == (y.dtype, y.shape) and x.tobytes() == y.tobytes()


def _is_number(weight: Any) -> bool:
    """Whether a weight is an array of floats or codes."""
    if isinstance(weight, CompressedWeight):
        return False
    return weight.dtype in _STORED or "float" in str(weight.dtype)


def _on_host(weight: Weight) -> Weight:
    """The weight as NumPy arrays, in the form in which a file of the model would store it."""
    if isinstance(weight, Quantized):
        fields = ((name, getattr(weight, name)) for name in _FIELDS)
        return replace(weight, **{name: np.asarray(value) for name, value in fields if value is not None})
    array = np.asarray(weight)
    return array if array.dtype in _STORED else array.astype(np.float32)


def _faults(weight: Weight) -> Iterator[str]:
    """What is wrong with the form of a weight."""
    if isinstance(weight, Quantized):
        yield from quantized_faults(weight)
        return
    array = np.asarray(weight)
    if array.dtype not in _STORED:
        yield f"weights must be {', '.join(map(str, _STORED))} or codes, got {array.dtype}"
    elif array.dtype == np.float64 and (np.abs(array[np.isfinite(array)]) > np.finfo(np.float32).max).any():
        yield "an element is too large for float32"


def network_from(model: Model | str | os.PathLike[str]) -> GraphModel:
    """The model, loaded if it is a file. Raises UpdateError if it is neither a network nor an ML Program."""
    loaded = model if isinstance(model, Model) else load(model)
    refuse_unless_trainable(loaded.spec)
    assert isinstance(loaded, GraphModel)
    return loaded


# Which model it belongs to -------------------------------------------------------------------------------------------

_fingerprints: weakref.WeakKeyDictionary[GraphModel, str] = weakref.WeakKeyDictionary()


def fingerprint(model: GraphModel) -> str:
    """A digest of the network and its weights, without recipe and metadata."""
    if model not in _fingerprints:
        whole = hashlib.sha256(_skeleton(model).encode())
        for name, (_, weight) in leaves(model):
            _feed(whole, name, weight)
        _fingerprints[model] = whole.hexdigest()
    return _fingerprints[model]


def fitting(delta: Delta, base: GraphModel) -> dict[str, Weight]:
    """The weights of the base by name, after checking that a delta fits them.

    Raises:
        UpdateError: the delta belongs to another model.
        ShapeError: a weight does not fit.
    """
    if delta.base != fingerprint(base):
        raise UpdateError(
            f"the delta belongs to another model: its base is {delta.base[:12]}..., not {fingerprint(base)[:12]}..."
        )
    old = {name: weight for name, (_, weight) in leaves(base)}
    for name, weight in delta.weights.items():
        if name not in old:
            raise ShapeError(f"the model has no weight {name!r}")
        if tuple(weight.shape) != tuple(old[name].shape):
            raise ShapeError(f"{name!r} has shape {list(weight.shape)}, but shape {list(old[name].shape)} in the model")
        if weight.dtype == np.int8 != old[name].dtype:
            raise ShapeError(f"{name!r} is int8, but {old[name].dtype} in the model")
    return old


def _skeleton(model: GraphModel) -> str:
    """A digest of the model without its weights, recipe and metadata."""
    message = Message()
    message.CopyFrom(model.spec)
    message.isUpdatable = False
    message.specificationVersion = 0  # depends on the form of the weights
    message.ClearField("trainingRecipe")
    message.description.ClearField("metadata")
    message.description.ClearField("trainingInput")
    if is_program(message):
        _clear_constants(message, model.parameters)
    else:
        _clear_layers(network_of(message))
    return hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()


def _clear_layers(network: Any) -> None:
    """Remove recipe and weights from the message of a network."""
    network.ClearField("updateParams")
    for layer in _layers(network.layers):
        layer.isUpdatable = False
        for _, weight in weight_messages(layer):
            weight.Clear()


def _clear_constants(message: Message, weights: Mapping[str, Any]) -> None:
    """Remove the values of weights from the message of an ML Program; their types stay.

    Offsets in weight files are removed everywhere: they depend on how a package was written.
    """
    for function in message.mlProgram.functions.values():
        for block in function.block_specializations.values():
            for operation, _ in walk(block):
                if operation.type == "const" and is_float_constant(operation) and operation.outputs[0].name in weights:
                    operation.attributes["val"].ClearField("value")
    for blob in blob_values(message):
        blob.Clear()


def _layers(layers: Any) -> Iterator[Any]:
    for layer in layers:
        yield layer
        kind = kind_of(layer)
        for name in REGIONS.get(kind, {}):
            yield from _layers(getattr(getattr(layer, kind), name).layers)


# In a file -----------------------------------------------------------------------------------------------------------


def _as_tensors(weights: Mapping[str, Weight]) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Arrays by name, several for a quantized weight, and the bits of each quantized weight."""
    tensors, bits = {}, {}
    for name, weight in weights.items():
        if isinstance(weight, Quantized):
            bits[name] = weight.bits
            fields = {f"{name}.{field}": getattr(weight, field) for field in _FIELDS}
            tensors |= {key: np.ascontiguousarray(value) for key, value in fields.items() if value is not None}
        else:
            tensors[name] = np.ascontiguousarray(weight)
    return tensors, bits


def _contents(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata of a safetensors file. Raises SpecError for any other."""
    from safetensors.numpy import load as read

    data = read_file(path)
    try:
        tensors = read(data)
        header = _json(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return tensors, dict(header.get("__metadata__", {}))
    except Exception as error:  # the file is untrusted, and the parser may fail in any way
        raise SpecError(f"{path} is not a delta of a model, or damaged: {error}") from None


def _from_tensors(tensors: Mapping[str, np.ndarray], quantized: str) -> dict[str, Weight]:
    """The inverse of `_as_tensors`. quantized: JSON, {weight: bits of its codes}."""
    try:
        bits = _json(quantized)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"the list of quantized weights is damaged: {error}") from None
    if not isinstance(bits, dict):
        raise SpecError(f"the list of quantized weights must be an object, got {with_article(type(bits).__name__)}")
    fields = {f"{name}.{field}" for name in bits for field in _FIELDS}
    weights: dict[str, Weight] = {name: array for name, array in tensors.items() if name not in fields}
    for name, size in bits.items():
        if name in weights:
            raise SpecError(f"{name!r} is stored twice, as floats and as codes")
        weights[name] = Quantized(*(tensors.get(f"{name}.{field}") for field in _FIELDS), bits=size)  # pyright: ignore[reportArgumentType]  (`Delta` checks)
    return weights


def _json(text: str | bytes) -> Any:
    """Parse JSON, and refuse objects with repeated keys."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("an object has a repeated key")
        return found

    return json.loads(text, object_pairs_hook=unique)


def _digest(tensors: Mapping[str, np.ndarray], facts: Mapping[str, str]) -> str:
    whole = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode())
    for name in sorted(tensors):
        _feed(whole, name, tensors[name])
    return whole.hexdigest()


def _digest_of(weight: CompressedWeight) -> str:
    whole = hashlib.sha256()
    _feed(whole, "", weight)
    return whole.hexdigest()


def _form(weight: CompressedWeight) -> str:
    """The kind of a compressed weight, and everything except its arrays."""
    names = (field.name for field in fields(cast("Any", weight)))
    plain = {name: getattr(weight, name) for name in names if name not in weight.ARRAYS}
    return f"{type(weight).__name__} {sorted(plain.items())}"


def _feed(whole: Any, name: str, weight: Weight) -> None:
    arrays = [weight]
    if isinstance(weight, Quantized):
        arrays = [getattr(weight, field) for field in _FIELDS]
        whole.update(f"{name} {weight.bits}\n".encode())
    elif isinstance(weight, CompressedWeight):
        whole.update(f"{name} {_form(weight)}\n".encode())
        arrays = [getattr(weight, field) for field in weight.ARRAYS]
    for array in arrays:
        if isinstance(array, CompressedWeight):
            _feed(whole, name, array)
            continue
        if array is None:
            whole.update(b"none\n")
            continue
        array = np.ascontiguousarray(array)
        whole.update(f"{name} {array.dtype} {array.shape}\n".encode())
        whole.update(array.reshape(-1).view(np.uint8).data)
