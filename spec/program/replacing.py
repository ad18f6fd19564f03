"""New weights for a program: as few bytes of the package change as possible.

Arrays of the stored type and shape replace the old ones in the weight file, and the program itself stays unchanged.
All others go into an additional weight file, to which the program then points. So writing a package takes effect in one
atomic step: replacing the weight file, or replacing the program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphml.errors import SpecError, quoted
from graphml.spec.files.packages import blob_values, pipeline_stages
from graphml.spec.program.blobs import BlobFile, BlobWriter, stored_bytes
from graphml.spec.program.compression import AffineWeights, BlockwiseWeights, PalettizedWeights, SparseWeights
from graphml.spec.program.constexprs import is_constant
from graphml.spec.program.packing import pack
from graphml.spec.program.programs import body, walk
from graphml.spec.program.types import (
    dtype_of,
    name_of,
    name_of_dtype,
    shown_shape,
    stored_shape,
    tensor_type,
    value_type,
)
from graphml.spec.program.values import WeightFiles, encode
from graphml.spec.weights import CompressedWeight
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.program_pb2 import Operation, Value

Key = tuple[Any, ...]
"""A constant: (function, name of the constant), after the positions of the stages of pipelines that lead to it."""


class Replaced(NamedTuple):
    """A model with new weights.

    Attributes:
        model: A changed copy of the message.
        files: The weight files that change or are new, for `files.write`: {name: content in pieces}.
    """

    model: Model
    files: Mapping[str, Iterable[bytes]]


class _Change(NamedTuple):
    value: Value  # in the copy of the model
    array: np.ndarray
    name: str  # of its type
    shape: tuple[int, ...]
    where: Operation


def replace_weights(model: Model, weights: WeightFiles, new: Mapping[Key, Any]) -> Replaced:
    """Replace constants of programs.

    Args:
        model: An ML Program, or a pipeline with some. It is not changed.
        weights: Its weight files.
        new: {key: a new array, or a compressed weight of the class and structure of the stored one}. Floats are stored
            in the type of floats that the program has. An array in place of a compressed weight makes it a plain
            constant. Another shape changes only the type of the constant: the rest of the program must accept it.

    Returns:
        The model and its changed files.

    Raises:
        SpecError: If a constant does not exist, or cannot hold the new value.
    """
    copy = Model()
    copy.CopyFrom(model)
    changes: list[_Change] = []
    for key, value in new.items():
        try:
            changes += _changes(_operation(copy, key), value)
        except SpecError as error:
            raise error.in_context(f"the constant {'.'.join(map(str, key))}") from None
    for change in changes:
        if not change.value.HasField("blobFileValue"):
            stored = encode(change.array, change.name)
            change.value.immediateValue.CopyFrom(stored.immediateValue)
            _declare(change)
    blobs = [change for change in changes if change.value.HasField("blobFileValue")]
    in_place = _in_place(copy, weights, blobs)
    if in_place is not None:
        return Replaced(copy, in_place)
    name, writer = _free_name(copy, weights), BlobWriter()
    for change in blobs:
        change.value.blobFileValue.fileName = name
        change.value.blobFileValue.offset = writer.add(change.array, change.name)
        _declare(change)
    return Replaced(copy, {name: writer.chunks()})


def _operation(model: Model, key: Key) -> Operation:
    """The constant of a key."""
    function, name = str(key[-2]), str(key[-1])
    for position in key[:-2]:
        stages: Sequence[Model] = pipeline_stages(model)
        if not int(position) < len(stages):
            raise SpecError(f"there is no stage {position}")
        model = stages[int(position)]
    held = model.mlProgram.functions
    if function not in held:
        raise SpecError(f"the program has no function {quoted(function)}")
    found = [
        operation
        for operation, _ in walk(body(held[function]))
        if is_constant(operation) and any(output.name == name for output in operation.outputs)
    ]
    if len(found) != 1:
        raise SpecError("there is no such constant" if not found else f"{len(found)} constants have this name")
    return found[0]


# What changes ---------------------------------------------------------------------------------------------------------


def _changes(operation: Operation, value: Any) -> Iterator[_Change]:
    """The stored tensors that a new constant replaces."""
    if isinstance(value, CompressedWeight):
        fields = _FIELDS.get((operation.type, type(value)))
        if fields is None:
            raise SpecError(f"{quoted(operation.type)} does not store {type(value).__name__}")
        for field, parameter in fields.items():
            part = getattr(value, field)
            if part is not None:
                yield _part(operation, parameter, np.asarray(part) if not isinstance(part, CompressedWeight) else part)
        return
    if operation.type != "const":
        _make_plain(operation)
    stored = operation.attributes["val"]
    if not stored.type.HasField("tensorType"):
        raise SpecError("the constant is not a tensor")
    yield _change(operation, stored, np.asarray(value))


_FIELDS: Mapping[tuple[str, type[CompressedWeight]], Mapping[str, str]] = {
    ("constexpr_affine_dequantize", AffineWeights): {
        "quantized": "quantized_data",
        "zero_point": "zero_point",
        "scale": "scale",
    },
    ("constexpr_blockwise_shift_scale", BlockwiseWeights): {"data": "data", "scale": "scale", "offset": "offset"},
    ("constexpr_lut_to_dense", PalettizedWeights): {"indices": "indices", "lut": "lut"},
    ("constexpr_sparse_to_dense", SparseWeights): {"mask": "mask", "stored": "nonzero_data"},
}


def _part(operation: Operation, parameter: str, array: np.ndarray | CompressedWeight) -> _Change:
    """One parameter of a compressed weight, which must keep its type and shape."""
    if parameter in operation.attributes:
        stored = operation.attributes[parameter]
    else:
        bindings = operation.inputs[parameter].arguments if parameter in operation.inputs else ()
        if len(bindings) != 1 or not bindings[0].HasField("value"):
            raise SpecError(f"{quoted(parameter)} is not stored with the weight itself, so it cannot be replaced")
        stored = bindings[0].value
    if isinstance(array, CompressedWeight):
        raise SpecError(f"{quoted(parameter)} is stored uncompressed, and cannot become a compressed weight")
    name, shape = name_of(stored.type.tensorType.dataType), stored_shape(stored.type.tensorType)
    if operation.type == "constexpr_lut_to_dense" and "shape" in operation.attributes:
        array = array.reshape(-1)
        if parameter == "indices":  # packed into bytes of type uint8
            entries = stored_shape(operation.attributes["lut"].type.tensorType)[0]
            array = np.frombuffer(pack(array, f"uint{entries.bit_length() - 1}"), np.uint8)
    elif parameter == "mask" and name == "uint1":
        array = np.unpackbits(array, count=int(np.prod(shape)), bitorder="little").reshape(shape)
    if array.shape != shape:
        raise SpecError(f"{quoted(parameter)} has the shape {shown_shape(shape)}, got {shown_shape(array.shape)}")
    return _Change(stored, _fitting(array, name), name, shape, operation)


def _change(operation: Operation, stored: Value, array: np.ndarray) -> _Change:
    name = name_of(stored.type.tensorType.dataType)
    if array.dtype == dtype_of(name):
        return _Change(stored, array, name, array.shape, operation)
    given = name_of_dtype(array.dtype)
    if "float" in given and "float" in name:
        return _Change(stored, _fitting(array, name), name, array.shape, operation)
    return _Change(stored, array, given, array.shape, operation)


def _fitting(array: np.ndarray, name: str) -> np.ndarray:
    """An array in a stored type.

    Raises:
        SpecError: If finite numbers become infinite.
    """
    with np.errstate(over="ignore"):
        stored = array.astype(dtype_of(name))
    if "float" in name and not np.array_equal(np.isfinite(stored), np.isfinite(array)):
        largest = float(np.abs(array[np.isfinite(array)]).max())
        raise SpecError(f"the largest number is {largest:.6g}, which {name} cannot hold")
    return stored


def _make_plain(operation: Operation) -> None:
    """Turn a compressed weight into a constant of the type that its output has."""
    name, _ = tensor_type(operation.outputs[0].type)
    if len(operation.outputs) != 1:
        raise SpecError(
            f"{quoted(operation.type)} has {len(operation.outputs)} outputs, so it cannot become a constant"
        )
    kept = {key: value for key, value in operation.attributes.items() if key == "name"}
    label = Value()
    if kept:
        label.CopyFrom(kept["name"])
    operation.type = "const"
    operation.ClearField("inputs")
    operation.ClearField("attributes")
    if kept:
        operation.attributes["name"].CopyFrom(label)
    operation.attributes["val"].type.CopyFrom(value_type(name))
    operation.attributes["val"].blobFileValue.SetInParent()


def _declare(change: _Change) -> None:
    """Store the type of a new value, and of its constant."""
    change.value.type.CopyFrom(value_type(change.name, change.shape))
    if change.where.type == "const":
        change.where.outputs[0].type.CopyFrom(change.value.type)


# Where it goes --------------------------------------------------------------------------------------------------------


def _in_place(model: Model, weights: WeightFiles, changes: list[_Change]) -> Mapping[str, Iterable[bytes]] | None:
    """The one weight file that changes, if all new arrays fit in place of old ones; None otherwise."""
    patches: dict[tuple[str, int], bytes] = {}
    placed: Counter[tuple[str, int]] = Counter()
    for change in changes:
        blob, declared = change.value.blobFileValue, change.value.type.tensorType
        same = (change.name, change.shape) == (name_of(declared.dataType), stored_shape(declared))
        if not same or not blob.fileName:
            return None
        place, data = (blob.fileName, blob.offset), stored_bytes(change.array, change.name).tobytes()
        if patches.setdefault(place, data) != data:
            return None
        placed[place] += 1
    if not changes:
        return {}
    if len({name for name, _ in patches}) > 1 or placed != Counter(p for p in _blobs(model) if p in patches):
        return None  # other constants share a blob
    name = next(iter(patches))[0]
    file = weights.file(name)
    starts: dict[int, bytes] = {}
    for change in changes:
        place = (name, change.value.blobFileValue.offset)
        starts[file.extent(place[1], change.name, change.shape)[0]] = patches[place]
    return {name: _patched(file, starts)}


def _patched(file: BlobFile, patches: Mapping[int, bytes]) -> Iterator[bytes]:
    """The bytes of a file with some replaced."""
    end = 0
    for start in sorted(patches):
        yield from file.chunks(end, start)
        yield patches[start]
        end = start + len(patches[start])
    yield from file.chunks(end, file.size)


def _free_name(model: Model, weights: WeightFiles) -> str:
    """An unused name for another weight file."""
    used = {name.rpartition("/")[2] for name, _ in _blobs(model)}
    held = (
        {path.name for path in weights.folder.iterdir()} if weights.folder and weights.folder.is_dir() else set[str]()
    )
    number = next(n for n in range(1, len(used | held) + 2) if f"weight-{n}.bin" not in used | held)
    return f"@model_path/weights/weight-{number}.bin"


def _blobs(model: Model) -> Iterator[tuple[str, int]]:
    """(name of the file, offset) of each blob value in all programs of a model."""
    return ((blob.fileName, blob.offset) for blob in blob_values(model))
