"""What an operator is: one row of facts around one pure function. What a dialect is: the facts in which formats differ.

    @layer("softmaxND")
    def softmax_nd(x, *, axis: int):
        ...

Positional parameters are the operator's inputs in the order of the format (with defaults where an input may be missing,
`*rest` where there may be many). Keyword-only parameters are attributes and weights: weights arrive as arrays (None
when absent), attributes as static values. The dialect checks the signature against its format when the module is
imported, so that a misspelt attribute never reaches a user.

`layer` is `Dialect.operator` of the dialect of neural networks (`graphml.ops.layers.dialect`). Rows are found by
(dialect, kind, version); `row(node)` finds that of a node.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeVar

import jax

from graphml.errors import ShapeError, UnsupportedError
from graphml.graph import Node

# How a row's function sees image-like arrays (rank >= 3):
#   wire: [..., channels, height, width], as the format says;
#   last: [..., height, width, channels], which is faster on most processors; the interpreter converts and keeps track;
#   either: `last` if one of its images arrives that way, else `wire`; `channel_axis()` tells the function which;
#   any:  the function works with any layout, as long as all its arrays have the same.
Layout = Literal["wire", "last", "either", "any"]

# Properties that other code may query instead of the kind of a row:
#   softmax: its output is the softmax of its input along one axis;
#   sigmoid: its output is 1 / (1 + exp(-input));
#   constant: its output is what it stores;
#   compressed: a constant that is stored in compressed form;
#   copy: its output has the values of its first input, at most cast to another type;
#   statistics: its weights `mean` and `variance` describe past data;
#   normalizes by statistics: it also normalizes by these weights;
#   rescaling: its weights only scale, shift or apply a nonlinearity to what the node before it has computed.
Role = Literal[
    "softmax",
    "sigmoid",
    "constant",
    "compressed",
    "copy",
    "statistics",
    "normalizes by statistics",
    "rescaling",
]

Ranks = tuple[int | None, ...]
Channels = int | tuple[int, ...]
Attributes = Mapping[str, Any]
Weights = Mapping[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


class Signature(NamedTuple):
    """What the function of an operator takes besides its inputs, and whether it takes arrays without axes.

    Attributes:
        attributes: keyword-only parameters that are static values.
        weights: keyword-only parameters that are arrays.
        regions: keyword-only parameters that are blocks -> names of the node's regions.
        keeps_scalars: whether an array without axes arrives as it is; otherwise it becomes a vector of one element.
        defaults: attribute -> its default, for attributes that a file may omit; None if the format has no defaults.
    """

    attributes: frozenset[str] = frozenset()
    weights: frozenset[str] = frozenset()
    regions: Mapping[str, str] = {}
    keeps_scalars: bool = True
    defaults: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Op:
    """One row of the catalogue. `function` is pure; the rest is what the interpreter must know and cannot see. The
    fields are explained at `Dialect.operator`."""

    dialect: Dialect
    kind: str
    version: int
    function: Callable[..., Any]
    signature: Signature
    concrete: tuple[int, ...] | Callable[[Attributes], tuple[int, ...]] = ()
    sizes: Callable[..., tuple[Any, ...]] | None = None
    random: bool = False
    shape_only: bool = False
    quantized: bool = False
    differentiable: bool | str = True
    layout: Layout | Callable[[Attributes, Ranks], Layout] = "wire"
    stored: tuple[str, ...] = ()
    static: Callable[[Weights], bool] = field(default=lambda weights: False)
    prepare: Callable[[Weights, Attributes], Weights] | None = None
    affine: Callable[[Weights, Attributes], tuple[Any, Any] | None] | None = None
    channels: Callable[[Weights, Attributes], Channels | None] | None = None
    most_iterations: Callable[[tuple[str, ...], Attributes], float | None] = field(
        default=lambda inputs, attributes: None
    )
    supported: Callable[[Attributes], str | None] = field(default=lambda attributes: None)
    roles: tuple[Role, ...] | Callable[[Attributes], tuple[Role, ...]] = ()

    @property
    def attributes(self) -> frozenset[str]:
        return self.signature.attributes

    @property
    def weights(self) -> frozenset[str]:
        return self.signature.weights

    @property
    def regions(self) -> Mapping[str, str]:
        return self.signature.regions

    def layout_for(self, attributes: Attributes, ranks: Ranks) -> Layout:
        """The layout that a node with these attributes wants. ranks: of its inputs, None for those that are absent."""
        return self.layout(attributes, ranks) if callable(self.layout) else self.layout

    def concrete_for(self, attributes: Attributes) -> tuple[int, ...]:
        """The positions of the inputs whose values a node with these attributes needs when it is traced."""
        return self.concrete(attributes) if callable(self.concrete) else self.concrete

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs; the last one may stand for any number, see `takes_many`."""
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        return tuple(p.name for p in inspect.signature(self.function).parameters.values() if p.kind in kinds)

    @property
    def takes_many(self) -> bool:
        """Whether the last input stands for any number of inputs."""
        return self.input_range[1] == math.inf

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @functools.cached_property
    def input_range(self) -> tuple[int, float]:
        """The fewest and the most inputs."""
        parameters = inspect.signature(self.function).parameters.values()
        inputs = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        many = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        return sum(p.default is p.empty for p in inputs), math.inf if many else len(inputs)


class ValueUnseen(UnsupportedError):
    """An operator has found that the values of inputs decide a shape which its row does not name as `concrete`.

    Attributes:
        positions: of these inputs.
    """

    def __init__(self, positions: tuple[int, ...]) -> None:
        super().__init__(
            f"the values of inputs {', '.join(str(position + 1) for position in positions)} decide a shape"
        )
        self.positions = positions


def _number_itself(number: Any) -> Any:
    return number


def _as_stored(stored: Any, lowered: Any) -> Any:
    return stored


@dataclass(frozen=True, eq=False)
class Dialect:
    """A set of operators, and the facts in which formats differ.

    Attributes:
        name: what the format calls one of its operations, such as "layer"; errors name nodes by it.
        signature: (kind, version, names of the inputs of its function) -> the signature of an operator in the format,
            against which its function is checked. Raises TypeError for an operator or an input that the format does not
            have.
        kernel: the name of the weights that `channels` of a row counts.
        truth: value of a condition, without axes -> whether it holds. The default takes a bool as it is.
        value_type: (type that a weight is stored in, type that the graph is lowered for) -> the type to compute in. The
            default is the stored type.
        known_type: (type that a constant is stored in) -> its type where its value decides a shape. The default is the
            stored type.
        constants_learn: (kind, input) -> whether a constant there is a weight, which is trained unless layers are
            chosen. By default none is.
        types_stay: whether trained weights keep their stored types, because the file declares these.
    """

    name: str
    signature: Callable[[str, int, tuple[str, ...]], Signature]
    kernel: str = "weights"
    truth: Callable[[Any], Any] = _number_itself
    value_type: Callable[[Any, Any], Any] = _as_stored
    known_type: Callable[[Any], Any] = lambda stored: stored
    constants_learn: Callable[[str, str], bool] = lambda kind, name: False
    types_stay: bool = False

    def __post_init__(self) -> None:
        if self.name in _dialects:
            raise TypeError(f"the dialect {self.name!r} is already registered")
        _dialects[self.name] = self

    def is_true(self, condition: Any) -> Any:
        """Whether a condition holds, a bool without axes.

        Args:
            condition: A blob of one element.

        Raises:
            ShapeError: If it has more elements, or none.
        """
        if condition.size != 1:
            raise ShapeError(f"a condition must have one element, got shape {list(condition.shape)}")
        return self.truth(condition.reshape(()))

    def operator(
        self,
        kind: str,
        *,
        version: int = 1,
        wire_only: tuple[str, ...] = (),
        concrete: tuple[int, ...] | Callable[[Attributes], tuple[int, ...]] = (),
        sizes: Callable[..., tuple[Any, ...]] | None = None,
        random: bool = False,
        shape_only: bool = False,
        quantized: bool = False,
        differentiable: Literal[True] | str = True,
        layout: Layout | Callable[[Attributes, Ranks], Layout] = "wire",
        stored: tuple[str, ...] = (),
        static: Callable[[Weights], bool] | None = None,
        prepare: Callable[[Weights, Attributes], Weights] | None = None,
        affine: Callable[[Weights, Attributes], tuple[Any, Any] | None] | None = None,
        channels: Callable[[Weights, Attributes], Channels | None] | None = None,
        most_iterations: Callable[[tuple[str, ...], Attributes], float | None] | None = None,
        supported: Callable[[Attributes], str | None] | None = None,
        roles: tuple[Role, ...] | Callable[[Attributes], tuple[Role, ...]] = (),
    ) -> Callable[[F], F]:
        """Enter a function into the catalogue under its name in the format, and return it unchanged.

        Where the format says that nodes have regions, these arrive as blocks (None where a node has none). Such a
        function also takes `control`, which runs blocks, and returns {blob: value} instead of outputs.

        Args:
            kind: the name of the operator in the format.
            version: the first version of the format in which the operator is what the function computes.
            wire_only: parameters of the format that the function does not take, because the front end or the shapes
                of arrays have used them up.
            concrete: positions of inputs whose *value* is needed when tracing (they decide a shape), or a function of
                the attributes. Where other values decide, the function raises `ValueUnseen` instead.
            sizes: (inputs, attributes) -> the sizes that those values lead to, as integers that may be traced. Such a
                function also takes `sizes` by keyword, known numbers, and then needs no value: programs that are made
                for sizes serve all values that lead to them. A single size is the length of the first axis of the
                result, and may be larger than needed: what follows then does not count.
            random: the function takes a PRNG `key` keyword. Its attribute `seed` is negative, or there is none, where
                it must be given one.
            shape_only: the result follows from the shapes of the inputs alone, and is a NumPy array.
            quantized: the function takes `Quantized` weights as they are, instead of floats.
            differentiable: True, or the reason in one sentence why there is no gradient.
            layout: see `Layout`; a function of the attributes and the ranks of the inputs where they decide.
            stored: the last inputs, where these are usually constants: `prepare`, `affine` and `channels` see them as
                weights, and the function receives them by keyword where the row prepares them.
            static: weights -> whether their values are part of the program, instead of parameters that may be replaced
                and differentiated. For constants.
            prepare: (weights, attributes) -> weights in their run-time form, when it pays to make that form once; the
                function then receives what `prepare` returns in place of the stored weights.
            affine: (weights, attributes) -> (factor, summand) of each channel, when that is all that the operator
                does, else None. Each is a number or a vector with one for each channel, or has more axes and broadcasts
                over the input.
            channels: (weights, attributes) -> how many channels the weights make, or None. `weights` holds them along
                its first axis, and `bias`, which may be absent, is added to them: this operator can take over an
                affine one. In place of the number, the shape in which one number for each channel broadcasts over the
                output and has its rank, such as (1, 8, 1, 1): then also one whose numbers have several axes.
            most_iterations: (names of inputs, attributes) -> how many iterations a loop runs at most, `math.inf` where
                nothing bounds them; None where an input says how many, and for what is not a loop.
            supported: attributes -> None, or the reason why this node cannot run here.
            roles: see `Role`; a function of the attributes where they decide.

        Raises:
            TypeError: Signature, format and `wire_only` disagree, or the row exists already.
        """

        def enter(function: F) -> F:
            place = self.name, kind, version
            if place in _rows:
                raise TypeError(f"{function.__name__}: {kind} is already in the catalogue")
            parameters = inspect.signature(function).parameters.values()
            positional = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
            says = self.signature(kind, version, positional)
            given = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
            given -= {"key"} if random else set()
            given -= {"sizes"} if sizes else set()
            given -= {"control", *says.regions} if says.regions else set()
            signature = _checked(says, given, wire_only, kind)
            if stored and positional[len(positional) - len(stored) :] != stored:
                raise TypeError(f"{kind}: {', '.join(stored)} are stored, so they must be the last inputs")
            _rows[place] = Op(
                dialect=self,
                kind=kind,
                version=version,
                function=function,
                signature=signature,
                concrete=concrete,
                sizes=sizes,
                random=random,
                shape_only=shape_only,
                quantized=quantized,
                differentiable=differentiable,
                layout=layout,
                stored=stored,
                static=static or (lambda weights: False),
                prepare=prepare,
                affine=affine,
                channels=channels,
                most_iterations=most_iterations or (lambda inputs, attributes: None),
                supported=supported or (lambda attributes: None),
                roles=roles,
            )
            _versions.setdefault((self.name, kind), []).append(version)
            return function

        return enter

    def operators(self, functions: Mapping[str, Callable[..., Any]], **facts: Any) -> None:
        """Enter a family of one-liners; `facts` are the same for all of them, as `operator` takes them."""
        for kind, function in functions.items():
            self.operator(kind, **facts)(function)


def _checked(format_says: Signature, given: set[str], wire_only: tuple[str, ...], kind: str) -> Signature:
    """The signature of a function whose keywords are `given`. Raises TypeError where it is not that of the format."""
    named = format_says.attributes | format_says.weights
    expected = set(named - set(wire_only))
    if given != expected or not set(wire_only) <= named:
        stray, missing = sorted(given - expected), sorted(expected - given)
        unknown = sorted(set(wire_only) - named)
        raise TypeError(f"{kind}: unknown attributes {stray}, missing {missing}, wire_only without field {unknown}")
    weights = format_says.weights
    return format_says._replace(attributes=frozenset(expected - weights), weights=frozenset(expected & weights))


_dialects: dict[str, Dialect] = {}
_rows: dict[tuple[str, str, int], Op] = {}
_versions: dict[tuple[str, str], list[int]] = {}


def dialect(name: str) -> Dialect:
    """The dialect of a name. Raises UnsupportedError when there is none."""
    _fill()
    if name not in _dialects:
        known = ", ".join(map(repr, sorted(_dialects)))
        raise UnsupportedError(f"there is no dialect {name!r}; the dialects are {known}")
    return _dialects[name]


def rows(name: str) -> Mapping[str, Op]:
    """The operators of a dialect by kind, each in its newest version."""
    _fill()
    return {kind: _rows[of, kind, max(versions)] for (of, kind), versions in _versions.items() if of == name}


def row(node: Node) -> Op:
    """The row of a node: that of the newest version of its operator which is not newer than the node.

    Raises:
        UnsupportedError: The catalogue has none.
    """
    found = _rows.get((node.dialect, node.kind, node.version))
    return _older_row(node) if found is None else found


def _older_row(node: Node) -> Op:
    versions = _versions.get((dialect(node.dialect).name, node.kind), ())
    older = [version for version in versions if version <= node.version]
    if older:
        return _rows[node.dialect, node.kind, max(older)]
    since = f" before version {min(versions)}, and this is version {node.version}" if versions else ""
    raise UnsupportedError(f"no operator runs {node.dialect}s of kind {node.kind}{since}")


def has_role(node: Node, role: Role) -> bool:
    """Whether the row of a node has a role; see `Role`."""
    roles = row(node).roles
    return role in (roles(node.attributes) if callable(roles) else roles)


def _fill() -> None:
    """Import the operators: each family enters its rows when it is imported."""
    import graphml.ops  # noqa: F401  # pyright: ignore[reportUnusedImport]


# What an operator may know about its context -----------------------------------------------------------------------

MAX_ARRAY_BYTES = 4 << 30


@dataclass(frozen=True)
class Target:
    """What a network is lowered for. Lowering choices are pure functions of this and of shapes."""

    platform: str = "cpu"
    train: bool = False
    dtype: Any = None  # what floats are computed in, as far as the dialect leaves the choice; None: as stored
    blob_rank: int | None = None  # the rank of all blobs, where the format has one for all
    debug: bool = False
    max_iterations: int | None = None  # iterations of a loop without a bound of its own, for its derivative
    low_precision: bool = False  # GPU: accumulate dots and convolutions in half precision
    max_array_bytes: int = MAX_ARRAY_BYTES  # that one array may take: see `graphml.interpreter.budget`
    custom_layers: Mapping[str, Callable[..., Any]] = field(default_factory=dict[str, Callable[..., Any]])

    def replace(self, **changes: Any) -> Target:
        return replace(self, **changes)


_ANY = Target()
_target: contextvars.ContextVar[Target] = contextvars.ContextVar("graphml_target")


def target() -> Target:
    """What is being lowered for, while an operator is traced."""
    return _target.get(_ANY)


@contextlib.contextmanager
def lowering_for(wanted: Target) -> Generator[None]:
    """Make `wanted` the `target()` of everything traced inside. JAX's settings for the promotion of ranks and types are
    about the caller's code, so they do not apply to operators."""
    token = _target.set(wanted)
    try:
        with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
            yield
    finally:
        _target.reset(token)


_channel_axis: contextvars.ContextVar[int] = contextvars.ContextVar("graphml_channel_axis", default=-3)


def channel_axis() -> Literal[-3, -1]:
    """The channel axis of the images of the operator that is being traced: see `Layout`."""
    return -1 if _channel_axis.get() == -1 else -3


@contextlib.contextmanager
def images_laid(last: bool) -> Generator[None]:
    """Make `channel_axis()` -1 (channels-last) or -3 (as the format says) inside."""
    token = _channel_axis.set(-1 if last else -3)
    try:
        yield
    finally:
        _channel_axis.reset(token)
