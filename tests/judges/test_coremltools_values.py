"""coremltools infers the type and the shape of what an operation gives, and for most operations the values too where
the inputs are constants: a judge of the oracles in `operation_cases`, to which the laws hold the operations.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from one_layer import same
from one_operation import answers, declared, row_of
from operation_cases import Case, Operation, load_all

STATED = {name: each for name, each in load_all().items() if each.base.graph is None and each.kind != "const"}

# Operations whose values coremltools does not infer; it infers type and shape of all.
NO_VALUES = set(
    """affine avg_pool batch_norm batch_to_space classify conv conv_quantized conv_transpose crop crop_resize
    depth_to_space gather_nd gru instance_norm l2_pool local_response_norm lstm max_pool non_maximum_suppression one_hot
    pixel_shuffle pixel_unshuffle random_bernoulli random_categorical random_normal random_uniform resample reshape_like
    resize resize_bilinear resize_nearest_neighbor rnn scatter scatter_nd silu sliding_windows space_to_batch
    space_to_depth upsample_bilinear upsample_nearest_neighbor""".split()  # noqa: SIM905
)

# row -> {parameter that varies, or "" for all its cases: why the judge is not followed}
DIFFERS: dict[str, dict[str, str]] = {
    "cast-15": {"range": "NumPy leaves open what a float beyond int32 becomes, and wraps around by chance"},
    "prelu-15": {"ranks": "it wants equal slopes in ranks 3 and 5; the format has a slope for each channel there, too"},
    "pow-15": {"fractions": "NumPy refuses negative powers of integers"},
    "exp2-15": {"range": "likewise, of a power that int32 does not hold"},
}


_NAMES = {"fp32": "float32", "fp16": "float16"}


class Inferred(NamedTuple):
    """An output: its type, its shape, which may hold symbols, and its value, or None."""

    dtype: str
    shape: tuple[Any, ...]
    value: Any


@pytest.fixture(scope="module")
def judged() -> Callable[..., list[Inferred]]:
    """(kind, version, parameters) -> what coremltools infers of the outputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of versions of other packages, and that this is no Mac
        tools: Any = pytest.importorskip("coremltools", reason="coremltools judges here and is not installed")
        from coremltools.converters.mil import Builder
        from coremltools.converters.mil.mil import Function, types

    def judge(kind: str, version: int, parameters: dict[str, Any]) -> list[Any]:
        with warnings.catch_warnings(), Function({}, opset_version=getattr(tools.target, f"iOS{version}")):
            warnings.simplefilter("ignore")
            found = getattr(Builder, kind)(**parameters)
        outputs: Any = found if isinstance(found, list | tuple) else [found]
        return [
            Inferred(_NAMES.get(name := types.builtin_to_string(one.dtype), name), one.shape, one.val)
            for one in outputs
        ]

    return judge


def test_what_has_no_values_is_no_surprise():
    assert all(reason for cases in DIFFERS.values() for reason in cases.values())
    assert sorted(DIFFERS.keys() - STATED.keys()) == []


@pytest.mark.parametrize("name", sorted(STATED))
def test_coremltools_agrees(name, judged):
    stated, except_for = STATED[name], DIFFERS.get(name, {})
    if "" in except_for:
        return
    have_values, wrong = set(), []
    for label, case in _cases(stated):
        if label.partition(" ")[0] in except_for:
            continue
        version = case.version or stated.version
        try:
            inferred = judged(stated.kind, min(version, 18), _parameters(stated, case))
            have_values |= {one.value is not None for one in inferred}
            _compare(stated, inferred, answers(stated, case))
        except Exception as error:
            wrong.append(f"{label}: {type(error).__name__}: {error}")
    assert not wrong, "\n\n".join(wrong)
    assert (stated.kind in NO_VALUES) == (True not in have_values), "whether coremltools infers values has changed"


def _cases(stated: Operation) -> Iterator[tuple[str, Case]]:
    yield from stated.cases()
    for case, _ in stated.worked:
        yield f"worked {case}", case
    drawn: list[Case] = []

    @given(stated.draw)
    def draw(case):
        drawn.append(case)

    draw()
    yield from ((f"drawn {case}", case) for case in drawn)


def _parameters(stated: Operation, case: Case) -> dict[str, Any]:
    """What the builder takes: arrays of the declared types, and whole numbers that are int32."""
    says = declared(stated.kind, case.version or stated.version).parameters
    own = row_of(stated.kind, case.version or stated.version).attributes - says.keys()  # said by the front end
    given = {name: value for name, value in {**case.inputs, **case.attributes}.items() if name not in own}
    return {name: _converted(value, says[name].types) for name, value in given.items()}


def _converted(value: Any, types: frozenset[str]) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_converted(one, types) for one in value]
    if isinstance(value, tuple) and any(isinstance(one, np.ndarray | tuple | str) for one in value):
        return tuple(_converted(one, types) for one in value)
    array = np.asarray(value)
    if isinstance(value, np.ndarray | np.generic):
        return array if array.ndim else array.dtype.type(array)
    if array.dtype.kind == "i":
        array = array.astype(np.float32 if types <= {"float16", "float32"} else np.int32)
    array = array.astype(np.float32) if array.dtype.kind == "f" else array
    return array if array.ndim else array.dtype.type(array)


def _compare(stated: Operation, inferred: list[Inferred], wanted: tuple[np.ndarray, ...]) -> None:
    for one, want in zip(inferred, wanted, strict=True):
        said = "float32" if want.dtype.kind == "f" else want.dtype.name
        assert one.dtype == said, f"the type is {one.dtype}, the oracle says {said}"
        if all(isinstance(size, int | np.integer) for size in one.shape):
            assert tuple(one.shape) == want.shape, f"the shape is {one.shape}, the oracle says {want.shape}"
        if one.value is not None and stated.measure is None:
            same(np.asarray(one.value), want, rtol=max(stated.rtol, 1e-5), atol=max(stated.atol, 1e-5))
