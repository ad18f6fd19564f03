"""coremltools infers the type and the shape of what an operation gives, and for most operations the values too where
the inputs are constants: a judge of the oracles in `operation_cases`, to which the laws hold the operations.

It has no opinion on a case that it refuses; `unlike_coremltools` of a row says where it has another one.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from one_layer import same
from one_operation import answers, declared
from operation_cases import Case, Operation, load_all

STATED = {name: each for name, each in load_all().items() if each.base.graph is None and each.kind != "const"}

# Operations whose values coremltools does not infer; it infers type and shape of all.
NO_VALUES = set(
    """affine avg_pool batch_norm batch_to_space classify conv conv_quantized conv_transpose crop crop_resize
    depth_to_space dequantize gather_nd gru instance_norm l2_pool local_response_norm lstm max_pool
    non_maximum_suppression one_hot pixel_shuffle pixel_unshuffle random_bernoulli random_categorical random_normal
    random_uniform resample reshape_like resize resize_bilinear resize_nearest_neighbor reverse_sequence rnn scatter
    scatter_nd silu sliding_windows space_to_batch space_to_depth upsample_bilinear
    upsample_nearest_neighbor""".split()  # noqa: SIM905
)

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


@pytest.mark.parametrize("name", sorted(STATED))
def test_coremltools_agrees(name, judged):
    stated = STATED[name]
    unlike = dict(stated.unlike_coremltools)
    assert all(len(reason.split()) > 3 for reason in unlike.values()), "the reason is a sentence"
    if "" in unlike:
        return
    have_values, refused, wrong = set(), [], []
    for label, case in _cases(stated):
        if label in unlike or label.partition(" ")[0] in unlike:
            continue
        version = case.version or stated.version
        try:
            inferred = judged(stated.kind, min(version, 18), _parameters(stated, case))
        except Exception as error:  # it raises errors of any kind, also where its own code fails
            refused.append(f"{label}: {type(error).__name__}: {error}")
            continue
        have_values |= {one.value is not None for one in inferred}
        try:
            _compare(stated, inferred, answers(stated, case))
        except (AssertionError, ValueError) as error:
            wrong.append(f"{label}: {error}")
    assert not wrong, "\n\n".join(wrong)
    assert have_values, "coremltools refuses all cases: " + "\n".join(refused)
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
    """What the builder takes: arrays and scalars of declared types."""
    says = declared(stated.kind, case.version or stated.version).parameters
    # copies: coremltools writes into what it folds (thresholded_relu)
    given = {name: copy.deepcopy(value) for name, value in {**case.inputs, **case.attributes}.items() if name in says}
    letters = {says[name].letter for name, value in given.items() if _is_float(value)} - {""}
    found: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, str) or says[name].types & {"string", "bool"} == says[name].types:
            found[name] = value
        elif says[name].many:
            found[name] = [_typed(one, says[name].types, False) for one in value]
        else:
            found[name] = _typed(value, says[name].types, says[name].letter in letters)
    return found


def _is_float(value: Any) -> bool:
    return not isinstance(value, str | list | tuple) and np.asarray(value).dtype.kind == "f"


def _typed(value: Any, types: frozenset[str], like_floats: bool) -> Any:
    """A value as an array or a scalar of a type. like_floats: whether others of the same type are floats."""
    if isinstance(value, str) or (isinstance(value, tuple) and any(isinstance(one, str) for one in value)):
        return value
    array = np.asarray(value)
    if not isinstance(value, np.ndarray | np.generic) and array.dtype.kind in "if":
        whole = [dtype for dtype in ("int32", "uint32") if dtype in types or "any" in types]
        array = array.astype(np.float32 if array.dtype.kind == "f" or like_floats or not whole else whole[0])
    return array if array.ndim else array.dtype.type(array)


def _compare(stated: Operation, inferred: list[Inferred], wanted: tuple[np.ndarray, ...]) -> None:
    for one, want in zip(inferred, wanted, strict=True):
        said = "float32" if want.dtype.kind == "f" else want.dtype.name
        assert one.dtype == said, f"the type is {one.dtype}, the oracle says {said}"
        if one.value is not None and stated.measure is None:
            same(np.asarray(one.value), want, rtol=max(stated.rtol, 1e-5), atol=max(stated.atol, 1e-5))
        elif all(isinstance(size, int | np.integer) for size in one.shape):  # else some are symbols
            assert tuple(one.shape) == want.shape, f"the shape is {one.shape}, the oracle says {want.shape}"
