"""Compressed weights of programs, compared with loops over single elements."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pytest
from compiling import QUICK

import graphml.interpreter.weights  # noqa: F401  registers the classes with JAX
from graphml.errors import SpecError
from graphml.spec.program.compression import KINDS, PalettizedWeights, SparseWeights
from graphml.spec.program.constexprs import StoredConstant, constants, is_constant
from graphml.spec.program.packing import pack
from graphml.spec.program.types import dtype_of
from graphml.spec.program.values import encode
from graphml.spec.weights import CompressedWeight
from graphml.spec.wire.program_pb2 import Operation

rng = np.random.default_rng(5)
Given = Mapping[str, Any]  # parameter -> array, (array, name of its type), or the name of an earlier constant


def operation(kind: str, attributes: Given | None = None, inputs: Given | None = None) -> Operation:
    message = Operation(type=kind)
    message.attributes["name"].CopyFrom(encode("weights"))
    for name, value in (attributes or {}).items():
        message.attributes[name].CopyFrom(encode(*value) if isinstance(value, tuple) else encode(value))
    for name, value in (inputs or {}).items():
        binding = message.inputs[name].arguments.add()
        if isinstance(value, str):
            binding.name = value
        else:
            binding.value.CopyFrom(encode(*value) if isinstance(value, tuple) else encode(value))
    return message


def read(kind: str, attributes: Given | None = None, inputs: Given | None = None, known: Given | None = None) -> Any:
    """The outputs of an operation; the only one itself."""
    found = constants(operation(kind, attributes, inputs), (known or {}).__getitem__)
    return found[0].value if len(found) == 1 else found


def numbers(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return rng.standard_normal(shape).astype(dtype)


def codes(name: str, *shape: int) -> tuple[np.ndarray, str]:
    bits = int(name.lstrip("uint"))
    low = -(1 << bits - 1) if name.startswith("i") else 0
    return rng.integers(low, low + (1 << bits), shape).astype(dtype_of(name)), name


def check(weight: CompressedWeight, expected: np.ndarray) -> None:
    """NumPy gives the expected array, and shape and dtype are known before."""
    found = weight.dequantize()
    assert (weight.shape, weight.dtype) == (expected.shape, expected.dtype)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    near = 1e-3 if found.dtype == np.float16 else 1e-6
    np.testing.assert_allclose(found.astype(np.float32), expected.astype(np.float32), rtol=near)


# One form after the other ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [np.float32(0.5), numbers(3), numbers(3, dtype=np.float16)], ids=["0", "1", "half"])
@pytest.mark.parametrize("zero", [np.int8(-3), np.float32(1.25), rng.integers(-5, 5, 3).astype(np.int8)])
@pytest.mark.parametrize("axis", [1, -2])
def test_affine(scale, zero, axis):
    data = codes("int8", 2, 3, 4)[0]
    given = {"quantized_data": data, "scale": scale, "zero_point": zero, "axis": np.int32(axis)}
    expected = np.empty(data.shape, np.float32)
    for place in np.ndindex(data.shape):
        by = [values[place[1]] if np.ndim(values) else values for values in (scale, zero)]
        expected[place] = float(by[0]) * (float(data[place]) - float(by[1]))
    check(read("constexpr_affine_dequantize", given), expected.astype(np.asarray(scale).dtype))


def test_cast():
    source = numbers(2, 3, dtype=np.float16)
    check(read("constexpr_cast", {"source_val": source, "output_dtype": "fp32"}), source.astype(np.float32))
    assert read("constexpr_cast", None, {"source_val": source, "output_dtype": ("fp32",)}).source.dtype == np.float16


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8])
def test_packed_tables_of_the_older_form(bits):
    indices, lut = rng.integers(0, 1 << bits, (3, 7)).astype(np.uint8), numbers(1 << bits)
    packed = np.frombuffer(pack(indices, f"uint{bits}"), np.uint8)
    given = {"indices": packed, "lut": lut, "shape": np.uint32([3, 7])}
    weight = read("constexpr_lut_to_dense", given)
    check(weight, lut[indices])
    assert weight.bits == bits


def brute_table(indices: np.ndarray, lut: np.ndarray, axis: int) -> np.ndarray:
    length = lut.shape[-1]
    expected = np.empty([n * (length if i == axis else 1) for i, n in enumerate(indices.shape)], lut.dtype)
    for place in np.ndindex(indices.shape):
        group = tuple(p // (n // g) for p, n, g in zip(place, indices.shape, lut.shape, strict=False))
        for k in range(length):
            to = tuple(p * length + k if i == axis else p for i, p in enumerate(place))
            expected[to] = lut[(*group, int(indices[place]), k)]
    return expected


@pytest.mark.parametrize("name", ["uint1", "uint2", "uint3", "uint4", "uint6", "uint8"])
@pytest.mark.parametrize(("groups", "length", "axis"), [((1, 1, 1), 1, None), ((2, 1, 3), 1, 0), ((4, 1, 1), 2, 0)])
def test_tables(name, groups, length, axis):
    indices = codes(name, 4, 2, 6)
    lut = numbers(*groups, 1 << int(name[4:]), length, dtype=np.float16)
    given = {"indices": indices, "lut": lut} | ({} if axis is None else {"vector_axis": np.int32(axis)})
    weight = read("constexpr_lut_to_dense", None, given)
    check(weight, brute_table(indices[0].astype(int), lut, axis or 0))
    assert weight.indices.dtype == np.uint8


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("groups", [(1, 1, 1), (2, 2, 3)])
def test_vectors_lie_along_any_axis(axis, groups):
    indices, lut = codes("uint2", 4, 2, 6), numbers(*groups, 4, 3)
    given = {"indices": indices, "lut": lut, "vector_axis": np.int32(axis)}
    check(read("constexpr_lut_to_dense", None, given), brute_table(indices[0].astype(int), lut, axis % 3))


def test_the_table_of_the_format_s_description():
    """Two tables of four entries, for the upper and the lower half; the values follow from reading them by hand."""
    indices = np.array([2, 3, 3, 0, 1, 0, 3, 0, 2, 1, 0, 3]).astype(dtype_of("uint2")).reshape(6, 2)
    lut = np.float16([1, 5, 9, 13, 2, 10, 18, 26]).reshape(2, 1, 4, 1)
    weight = read("constexpr_lut_to_dense", None, {"indices": indices, "lut": lut})
    assert weight.dequantize().tolist() == [[9, 13], [13, 1], [5, 1], [26, 2], [18, 10], [2, 26]]


@pytest.mark.parametrize("name", ["int4", "uint4", "int8", "uint8"])
@pytest.mark.parametrize("blocks", [(1, 1), (4, 1), (2, 3), (4, 6)])
@pytest.mark.parametrize("offset", [None, "same", "float"])
def test_blocks(name, blocks, offset):
    data, scale = codes(name, 4, 6), numbers(*blocks, dtype=np.float16 if offset == "float" else np.float32)
    shift = None if offset is None else codes(name, *blocks) if offset == "same" else numbers(*blocks)
    given = {"data": data, "scale": scale} | ({} if shift is None else {"offset": shift})
    expected = np.empty(data[0].shape, scale.dtype)
    for place in np.ndindex(expected.shape):
        block = tuple(p // (n // g) for p, n, g in zip(place, expected.shape, blocks, strict=True))
        value = data[0][place].astype(scale.dtype)
        if shift is not None:
            value = value - (shift[0] if isinstance(shift, tuple) else shift)[block].astype(scale.dtype)
        expected[place] = scale[block] * value
    weight = read("constexpr_blockwise_shift_scale", None, given)
    check(weight, expected)
    assert weight.data.itemsize == 1
    assert weight.bits == int(name.lstrip("uint"))


def sparse(*shape: int, dtype: Any = np.float32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mask, the stored values, and the array that they represent."""
    mask = rng.integers(0, 2, shape).astype(np.uint8)
    stored = numbers(int(mask.sum()), dtype=dtype)
    whole = np.zeros(shape, dtype)
    whole[mask == 1] = stored
    return mask, stored, whole


@pytest.mark.parametrize("shape", [(3, 7), (8,), (2, 2, 2), (1,)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_sparse(shape, dtype):
    mask, stored, whole = sparse(*shape, dtype=dtype)
    packed = np.packbits(mask.ravel(), bitorder="little")
    old = read("constexpr_sparse_to_dense", {"mask": packed, "nonzero_data": stored, "shape": np.uint32(shape)})
    new = read("constexpr_sparse_to_dense", None, {"mask": (mask, "uint1"), "nonzero_data": stored})
    for weight in (old, new):
        check(weight, whole)
        assert weight.mask.nbytes == -(-mask.size // 8)


def test_sparse_without_stored_elements():
    given = {"mask": (np.zeros((2, 3), np.uint8), "uint1"), "nonzero_data": np.float32([])}
    check(read("constexpr_sparse_to_dense", None, given), np.zeros((2, 3), np.float32))


def test_unused_elements_do_not_spread_infinities():
    mask = np.uint8([0, 1, 0])
    given = {"mask": (mask, "uint1"), "nonzero_data": np.float32([np.inf])}
    assert read("constexpr_sparse_to_dense", None, given).dequantize().tolist() == [0, np.inf, 0]


# Nested ---------------------------------------------------------------------------------------------------------------


def test_quantized_table():
    """Palettization with a scale for each channel: the table of each channel is a quantized one."""
    data, scale, indices = codes("int8", 2, 1, 16, 1), numbers(2, 1, 1, 1), codes("uint4", 4, 3)
    lut = read("constexpr_blockwise_shift_scale", None, {"data": data, "scale": scale})
    known = {"lut": StoredConstant(lut, "float32")}
    weight = read("constexpr_lut_to_dense", None, {"indices": indices, "lut": "lut"}, known)
    check(weight, brute_table(indices[0].astype(int), data[0] * scale, 0))


def test_table_of_codes():
    """A table of int8 whose result is quantized again."""
    lut, scale, indices = codes("int8", 1, 1, 4, 1), numbers(4, 1), codes("uint2", 4, 3)
    inner = read("constexpr_lut_to_dense", None, {"indices": indices, "lut": lut})
    assert inner.dtype == np.int8
    known = {"inner": StoredConstant(inner, "int8")}
    weight = read("constexpr_blockwise_shift_scale", None, {"data": "inner", "scale": scale}, known)
    check(weight, scale * lut[0].ravel()[indices[0].astype(int)])


def sparse_chain(first: str, inputs: Given) -> Any:
    """An operation from sparse to sparse, then `constexpr_sparse_to_dense` with both of its outputs."""
    mask, nonzero = constants(operation(first, None, inputs), {}.__getitem__)
    known = {"mask": mask, "nonzero": nonzero}
    return read("constexpr_sparse_to_dense", None, {"mask": "mask", "nonzero_data": "nonzero"}, known)


@pytest.mark.parametrize(("length", "axis"), [(1, None), (3, 0), (2, 1)])
def test_sparse_tables(length, axis):
    mask = rng.integers(0, 2, (4, 6)).astype(np.uint8)
    stored, lut = codes("uint3", int(mask.sum())), numbers(2, 1, 8, length)
    given = {"indices_mask": (mask, "uint1"), "indices_nonzero_data": stored, "lut": lut}
    if axis is not None:
        given["vector_axis"] = np.int32(axis)
    indices = np.zeros(mask.shape, int)
    indices[mask == 1] = stored[0]
    keep = np.repeat(mask, length, axis or 0)
    check(sparse_chain("constexpr_lut_to_sparse", given), brute_table(indices, lut, axis or 0) * keep)


def test_sparse_blocks():
    """Worked by hand, a scale and an offset for each column."""
    mask = np.uint8([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1]])
    given = {
        "data_mask": (mask, "uint1"),
        "nonzero_data": np.int8([10, 11, 3, 4, 5, 6, 7]),
        "scale": np.float32([[1, 2, 3, 4]]),
        "offset": np.int8([[1, 2, 3, 4]]),
    }
    weight = sparse_chain("constexpr_sparse_blockwise_shift_scale", given)
    check(weight, np.float32([[9, 18, 0, 0], [2, 4, 6, 0], [0, 0, 9, 12]]))


def test_sparse_quantized_tables():
    """Three operations in a row: table, scale, dense."""
    mask = rng.integers(0, 2, (4, 6)).astype(np.uint8)
    stored, lut, scale = codes("uint2", int(mask.sum())), codes("int8", 1, 1, 4, 1), numbers(4, 1)
    given = {"indices_mask": (mask, "uint1"), "indices_nonzero_data": stored, "lut": lut}
    first = constants(operation("constexpr_lut_to_sparse", None, given), {}.__getitem__)
    known = dict(zip(("mask", "codes"), first, strict=True))
    given = {"data_mask": "mask", "nonzero_data": "codes", "scale": scale}
    second = constants(operation("constexpr_sparse_blockwise_shift_scale", None, given), known.__getitem__)
    known = dict(zip(("mask", "values"), second, strict=True))
    weight = read("constexpr_sparse_to_dense", None, {"mask": "mask", "nonzero_data": "values"}, known)
    expected = np.zeros((4, 6), np.float32)
    expected[mask == 1] = lut[0].ravel()[stored[0].astype(int)]
    check(weight, expected * scale)


# In JAX ---------------------------------------------------------------------------------------------------------------


def samples() -> list[CompressedWeight]:
    """A weight of each kind, and nested ones."""
    mask, stored, _ = sparse(4, 6)
    lut = read(
        "constexpr_blockwise_shift_scale", None, {"data": codes("int8", 2, 1, 4, 1), "scale": numbers(2, 1, 1, 1)}
    )
    known = {"lut": StoredConstant(lut, "float32")}
    vectors = {"indices": codes("uint2", 4, 2, 6), "lut": numbers(2, 2, 3, 4, 3), "vector_axis": np.int32(1)}
    of_table = {
        "indices_mask": (mask, "uint1"),
        "indices_nonzero_data": codes("uint3", int(mask.sum())),
        "lut": numbers(2, 1, 8, 3),
        "vector_axis": np.int32(1),
    }
    return [
        read("constexpr_affine_dequantize", AFFINE | {"scale": np.float16([2, 3]), "zero_point": np.float32(1)}),
        read("constexpr_cast", {"source_val": np.float16([1, 2]), "output_dtype": "fp32"}),
        read("constexpr_blockwise_shift_scale", None, BLOCKS | {"offset": codes("int4", 2, 3)}),
        read("constexpr_lut_to_dense", None, {"indices": codes("uint2", 4, 3), "lut": "lut"}, known),
        read("constexpr_lut_to_dense", None, vectors),
        read("constexpr_sparse_to_dense", None, {"mask": (mask, "uint1"), "nonzero_data": stored}),
        sparse_chain("constexpr_lut_to_sparse", of_table),
    ]


def test_jax_agrees_with_numpy():
    weights = samples()
    assert {type(weight) for weight in weights} == {*KINDS}
    program = jax.jit(lambda leaves: [leaf.dequantize() for leaf in leaves], compiler_options=QUICK)
    for found, weight in zip(program(weights), weights, strict=True):
        expected = weight.dequantize()
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_gradients_reach_tables_scales_and_stored_values():
    indices, data, scale = codes("uint2", 4, 3), codes("int8", 1, 1, 4, 1), numbers(1, 1, 1, 1)
    lut = read("constexpr_blockwise_shift_scale", None, {"data": data, "scale": scale})
    table = read(
        "constexpr_lut_to_dense", None, {"indices": indices, "lut": "lut"}, {"lut": StoredConstant(lut, "float32")}
    )
    mask, stored, _ = sparse(4, 3)
    zeros = read("constexpr_sparse_to_dense", None, {"mask": (mask, "uint1"), "nonzero_data": stored})

    def loss(table: Any, zeros: Any) -> Any:
        return (table.dequantize() * factors).sum() + (zeros.dequantize() * factors).sum()

    factors = numbers(4, 3)
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1), allow_int=True), compiler_options=QUICK)
    by_table, by_zeros = gradient(table, zeros)
    assert isinstance(by_table, PalettizedWeights)
    assert isinstance(by_zeros, SparseWeights)
    expected = (data[0].ravel()[indices[0].astype(int)] * factors).sum()
    np.testing.assert_allclose(by_table.lut.scale, np.full((1, 1, 1, 1), expected), rtol=1e-5)
    np.testing.assert_allclose(by_zeros.stored, factors[mask == 1])


def test_every_class_is_a_tree_of_its_arrays():
    for kind in KINDS:
        made = kind(**dict.fromkeys((field.name for field in dataclasses.fields(kind)), 1))
        assert jax.tree.leaves(made) == [1] * len(kind.ARRAYS)


# Damage ---------------------------------------------------------------------------------------------------------------

AFFINE = {
    "quantized_data": np.zeros((2, 3), np.int8),
    "zero_point": np.int8(0),
    "scale": np.float32(1),
    "axis": np.int32(0),
}
TABLE = {"indices": np.zeros(2, np.uint8), "lut": np.zeros(4, np.float32), "shape": np.uint32([8])}
NEW_TABLE = {"indices": codes("uint2", 4, 6), "lut": np.zeros((1, 1, 4, 1), np.float32)}
SPARSE = {"mask": np.uint8([0b101]), "nonzero_data": np.float32([1, 2]), "shape": np.uint32([3])}
BLOCKS = {"data": codes("int4", 4, 6), "scale": np.ones((2, 3), np.float32)}


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("affine_dequantize", AFFINE | {"axis": np.int32(2)}, "'axis' must be between -2 and 1, got 2"),
        ("affine_dequantize", AFFINE | {"scale": np.ones(3, np.float32)}, "'scale' must have 1 or 2 values, got 3"),
        ("affine_dequantize", AFFINE | {"scale": np.ones((2, 1), np.float32)}, "'scale' must have rank 0 or 1, got 2"),
        ("affine_dequantize", AFFINE | {"scale": np.int32(1)}, "'scale' must be float16 or float32, got int32"),
        ("affine_dequantize", {"scale": np.float32(1)}, "the parameter 'quantized_data' is missing"),
        ("cast", {"source_val": np.float16(1), "output_dtype": "fp16"}, "'output_dtype' must be 'fp32'"),
        ("lut_to_dense", TABLE | {"shape": np.uint32([9])}, r"3 bytes for the shape \[9\], got 2"),
        ("lut_to_dense", TABLE | {"shape": np.uint32([2**31, 2**31, 2**31])}, "bytes for the shape"),
        ("lut_to_dense", TABLE | {"lut": np.zeros(5, np.float32)}, "256 entries, got 5"),
        (
            "lut_to_dense",
            NEW_TABLE | {"lut": np.zeros((1, 1, 8, 1), np.float32)},
            "4 entries for indices of type uint2",
        ),
        ("lut_to_dense", NEW_TABLE | {"lut": np.zeros((1, 4, 1), np.float32)}, "'lut' must have rank 4"),
        ("lut_to_dense", NEW_TABLE | {"lut": np.zeros((3, 1, 4, 1), np.float32)}, "must divide those of the data"),
        ("lut_to_dense", NEW_TABLE | {"lut": np.zeros((0, 1, 4, 1), np.float32)}, "must divide those of the data"),
        ("lut_to_dense", NEW_TABLE | {"lut": np.zeros((1, 1, 4, 2), np.float32)}, "'vector_axis' is needed"),
        ("lut_to_dense", NEW_TABLE | {"lut": np.zeros((1, 1, 4, 0), np.float32)}, "between 1 and 256 values, got 0"),
        ("lut_to_dense", NEW_TABLE | {"lut": np.zeros((1, 1, 4, 999), np.float32)}, "between 1 and 256 values"),
        ("lut_to_dense", NEW_TABLE | {"vector_axis": np.int32(5)}, "'vector_axis' must be between -2 and 1, got 5"),
        ("sparse_to_dense", SPARSE | {"mask": np.uint8([0b111])}, "the mask has 3 bits, but 2 elements are stored"),
        ("sparse_to_dense", SPARSE | {"mask": np.uint8([0b1001])}, "unused bits at the end of 'mask' must be 0"),
        ("sparse_to_dense", SPARSE | {"mask": np.uint8([1, 1])}, r"1 bytes for the shape \[3\], got 2"),
        ("blockwise_shift_scale", BLOCKS | {"scale": np.ones((3, 1), np.float32)}, "must divide those of the data"),
        ("blockwise_shift_scale", BLOCKS | {"scale": np.ones(4, np.float32)}, "must divide those of the data"),
        ("blockwise_shift_scale", BLOCKS | {"offset": np.ones((2, 1), np.float32)}, "'offset' must have the shape"),
        ("blockwise_shift_scale", BLOCKS | {"data": np.ones((4, 6), np.int32)}, "got int32"),
        ("something_new", {}, "'constexpr_something_new' is unknown"),
    ],
)
def test_damaged_operations(kind, given, words):
    with pytest.raises(SpecError, match=words):
        read(f"constexpr_{kind}", given)


def test_more_damaged_operations():
    with pytest.raises(SpecError, match="needs the attribute 'val'"):
        read("const")
    mask, nonzero = constants(
        operation(
            "constexpr_lut_to_sparse",
            None,
            {
                "indices_mask": (np.uint8([1, 0]), "uint1"),
                "indices_nonzero_data": codes("uint1", 1),
                "lut": np.zeros((1, 2, 1), np.float32),
            },
        ),
        {}.__getitem__,
    )
    other = {"mask": (np.uint8([0, 1]), "uint1"), "nonzero_data": "data"}
    with pytest.raises(SpecError, match="belongs to another mask"):
        read("constexpr_sparse_to_dense", None, other, {"data": nonzero})
    with pytest.raises(SpecError, match="only sparse operations take"):
        given = {"data": "data", "scale": np.ones(1, np.float32)}
        read("constexpr_blockwise_shift_scale", None, given, {"data": nonzero})
    message = operation("constexpr_cast", None, {"source_val": np.float16(1), "output_dtype": ("fp32",)})
    message.inputs["source_val"].arguments.add(name="twice")
    with pytest.raises(SpecError, match="needs one value, got 2"):
        constants(message, {}.__getitem__)
    assert mask.type == "uint1"


def test_attributes_that_are_no_parameters_are_left_alone():
    message = operation("constexpr_cast", {"source_val": np.float16(1), "output_dtype": "fp32", "note": 7})
    message.attributes["note"].ClearField("immediateValue")
    assert constants(message, {}.__getitem__)[0].value.dequantize() == 1


def test_nesting_has_a_limit():
    """Each level doubles the work, so that a small file could run forever."""
    known = {"a": StoredConstant(np.ones((1, 1), np.float32), "float32")}
    with pytest.raises(SpecError, match="more than 8 compressed weights are nested"):
        for _ in range(20):
            value = read("constexpr_blockwise_shift_scale", None, {"data": "a", "scale": "a", "offset": "a"}, known)
            known["a"] = StoredConstant(value, "float32")
    assert known["a"].value.dequantize() == 0


def test_what_is_constant():
    assert [is_constant(Operation(type=kind)) for kind in ("const", "constexpr_cast", "add")] == [True, True, False]
