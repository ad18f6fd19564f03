"""What an operator is: one row of facts around one pure function.

    @op("softmaxND")
    def softmax_nd(x, *, axis: int):
        ...

Positional parameters are the layer's inputs in wire order (with defaults where an input may be missing, `*rest` where
there may be many). Keyword-only parameters are the message's fields in snake_case; weights among them arrive as arrays
(None when absent), everything else as static Python values. `op` checks the signature against the wire when the module
is imported, so that a misspelt attribute never reaches a user.
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from graphml.errors import UnsupportedError
from graphml.spec.attributes import attribute_names, weight_names
from graphml.spec.layers import REGIONS, kinds, snake_case

# How a row's function sees image-like arrays (rank >= 3):
#   wire: [..., channels, height, width], as the format says;
#   last: [..., height, width, channels], as processors like it; the interpreter converts, and remembers that it did;
#   either: `last` when one of its images comes that way, else `wire`; `channel_axis()` tells the function which;
#   any:  the function does not care, as long as all its arrays agree.
Layout = Literal["wire", "last", "either", "any"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Op:
    """One row of the catalogue. `function` is pure; the rest is what the interpreter must know and cannot see."""

    kind: str
    function: Callable[..., Any]
    attributes: frozenset[str]
    weights: frozenset[str]
    concrete: tuple[int, ...] = ()
    sizes: Callable[..., tuple[Any, ...]] | None = None
    random: bool = False
    regions: bool = False
    shape_only: bool = False
    quantized: bool = False
    differentiable: bool | str = True
    layout: Layout | Callable[[Mapping[str, Any]], Layout] = "wire"
    prepare: Callable[..., Mapping[str, Any]] | None = None
    affine: Callable[..., tuple[Any, Any] | None] | None = None
    channels: Callable[..., int | None] | None = None
    endless: Callable[[tuple[str, ...], Mapping[str, Any]], bool] = field(default=lambda inputs, attributes: False)
    supported: Callable[[Mapping[str, Any]], str | None] = field(default=lambda attributes: None)

    def layout_for(self, attributes: Mapping[str, Any]) -> Layout:
        return self.layout(attributes) if callable(self.layout) else self.layout

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


_rows: dict[str, Op] = {}


def op(
    kind: str,
    *,
    wire_only: tuple[str, ...] = (),
    concrete: tuple[int, ...] = (),
    sizes: Callable[..., tuple[Any, ...]] | None = None,
    random: bool = False,
    regions: bool = False,
    shape_only: bool = False,
    quantized: bool = False,
    differentiable: Literal[True] | str = True,
    layout: Layout | Callable[[Mapping[str, Any]], Layout] = "wire",
    prepare: Callable[..., Mapping[str, Any]] | None = None,
    affine: Callable[..., tuple[Any, Any] | None] | None = None,
    channels: Callable[..., int | None] | None = None,
    endless: Callable[[tuple[str, ...], Mapping[str, Any]], bool] | None = None,
    supported: Callable[[Mapping[str, Any]], str | None] | None = None,
) -> Callable[[F], F]:
    """Enter a function into the catalogue under its wire name and return it unchanged.

    wire_only: fields that the function does not take, because the decoder or the arrays' shapes have used them up.
    concrete: positions of inputs whose *value* is needed when tracing (they decide a shape).
    sizes: (inputs, attributes) -> the sizes that those values lead to, as whole numbers that may be traced. Such a
        function also takes `sizes` by keyword, known numbers, and then needs no value: programs that are made for
        sizes serve all values that lead to them. A single size is the length of the first axis of the result, and may
        be larger than needed: what then stands behind does not count.
    random: the function takes a PRNG `key` keyword.
    regions: the layer owns sub-networks; the function takes them as blocks (None where absent) and `control`, which
        runs them, and returns {blob: value} instead of outputs.
    shape_only: the result follows from the shapes of the inputs alone, and is a NumPy array.
    quantized: the function takes `Quantized` weights as they are, instead of floats.
    differentiable: True, or the reason in one sentence why there is no gradient.
    layout: see `Layout`; a function of the attributes where they decide.
    prepare: (weights, attributes) -> weights in their run-time form, when it pays to make that form once; the function
        then receives what `prepare` returns in place of the weights of the wire.
    affine: (weights, attributes) -> (factor, summand) of each channel, when that is all that the layer does, else None.
    channels: (weights, attributes) -> how many channels the layer's weights make, or None. `weights` holds them along
        its first axis, and `bias`, which may be absent, is added to them: this layer can take over an affine one.
    endless: (names of inputs, attributes) -> whether nothing bounds how long the layer runs.
    supported: attributes -> None, or the reason why this layer cannot run here.

    Raises TypeError when signature, descriptor and `wire_only` disagree, or when the kind is taken.
    """

    def enter(function: F) -> F:
        if kind not in kinds():
            raise TypeError(f"{function.__name__}: the format has no layer kind {kind!r}")
        if kind in _rows:
            raise TypeError(f"{function.__name__}: {kind} is already in the catalogue")
        given = {p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}
        given -= {"key"} if random else set()
        given -= {"sizes"} if sizes else set()
        given -= {"control", *map(snake_case, REGIONS.get(kind, ()))} if regions else set()
        expected = attribute_names(kind) - set(wire_only)
        if given != expected or not set(wire_only) <= attribute_names(kind):
            stray, missing = sorted(given - expected), sorted(expected - given)
            unknown = sorted(set(wire_only) - attribute_names(kind))
            raise TypeError(f"{kind}: unknown attributes {stray}, missing {missing}, wire_only without field {unknown}")
        _rows[kind] = Op(
            kind=kind,
            function=function,
            attributes=frozenset(expected - weight_names(kind)),
            weights=frozenset(expected & weight_names(kind)),
            concrete=concrete,
            sizes=sizes,
            random=random,
            regions=regions,
            shape_only=shape_only,
            quantized=quantized,
            differentiable=differentiable,
            layout=layout,
            prepare=prepare,
            affine=affine,
            channels=channels,
            endless=endless or (lambda inputs, attributes: False),
            supported=supported or (lambda attributes: None),
        )
        return function

    return enter


def table(rows: Mapping[str, Callable[..., Any]], **facts: Any) -> None:
    """Enter a family of one-liners; `facts` are the same for all of them."""
    for kind, function in rows.items():
        op(kind, **facts)(function)


def rows() -> Mapping[str, Op]:
    """Every operator, by wire name. Importing `graphml.ops` fills the catalogue."""
    import graphml.ops  # noqa: F401  (each family enters its rows when it is imported)

    return _rows


def row(kind: str) -> Op:
    """The row of a kind. Raises UnsupportedError when the catalogue has none."""
    found = rows().get(kind)
    if found is None:
        raise UnsupportedError(f"no operator runs layers of kind {kind}")
    return found


# What an operator may know of its surroundings -----------------------------------------------------------------------

MAX_ARRAY_BYTES = 4 << 30


@dataclass(frozen=True)
class Target:
    """What a network is lowered for. Lowering choices are pure functions of this and of shapes."""

    platform: str = "cpu"
    train: bool = False
    exact: bool = True  # exact mapping of array inputs, as opposed to rank 5
    debug: bool = False
    max_iterations: int | None = None  # turns of a loop without a bound of its own, for its derivative
    low_precision: bool = False  # GPU: accumulate dots and convolutions in half precision
    max_array_bytes: int = MAX_ARRAY_BYTES  # that one array may take: see `graphml.interpreter.budget`
    custom_layers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def replace(self, **changes: Any) -> Target:
        return replace(self, **changes)


_ANY = Target()
_target: contextvars.ContextVar[Target] = contextvars.ContextVar("graphml_target")


def target() -> Target:
    """What is being lowered for, while an operator is traced."""
    return _target.get(_ANY)


@contextlib.contextmanager
def lowering_for(wanted: Target) -> Iterator[None]:
    """Make `wanted` the `target()` of everything traced inside."""
    token = _target.set(wanted)
    try:
        yield
    finally:
        _target.reset(token)


_channel_axis: contextvars.ContextVar[int] = contextvars.ContextVar("graphml_channel_axis", default=-3)


def channel_axis() -> Literal[-3, -1]:
    """Where the operator that is traced finds the channels of its images: see `Layout`."""
    return -1 if _channel_axis.get() == -1 else -3


@contextlib.contextmanager
def images_laid(last: bool) -> Iterator[None]:
    """Make `channel_axis()` -1 (channels-last) or -3 (as the format says) inside."""
    token = _channel_axis.set(-1 if last else -3)
    try:
        yield
    finally:
        _channel_axis.reset(token)
