"""The values of an ONNX graph during the conversion.

If inputs have flexible shapes, everything is evaluated for two sets of trial sizes: a size, or a value that depends on
sizes, is static if it is the same in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.errors import GraphError, UnsupportedError, quoted

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

LARGEST_RANK = 5  # of the inputs of a layer


class Tensor:
    """A tensor of the graph, or an intermediate one between the layers of a node.

    Args:
        dtype: Its ONNX type. In the network, everything is float32.
        shapes: Its shape in ONNX, one for each set of sizes.
        known: Its value for each set of sizes, if constants and sizes determine it.
        name: The blob; empty until the network is written.

    Attributes:
        dtype: See above.
        shapes: See above.
        known: See above.
        name: See above.
    """

    def __init__(
        self, dtype: Any, shapes: Sequence[Shape], known: Sequence[Array] | None = None, name: str = ""
    ) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shapes = tuple(tuple(int(size) for size in shape) for shape in shapes)
        self.known = None if known is None else tuple(known)
        self.name = name

    @property
    def rank(self) -> int:
        """How many axes it has.

        Raises:
            GraphError: It depends on the sizes of the inputs.
        """
        ranks = {len(shape) for shape in self.shapes}
        if len(ranks) > 1:
            raise GraphError(f"the rank of {quoted(self.name)} depends on the sizes of the inputs")
        return ranks.pop()

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Its shape; None for sizes that depend on the inputs."""
        assert self.rank >= 0
        return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*self.shapes, strict=True))

    @property
    def constant(self) -> Array | None:
        """Its value, if that is the same for all sizes of the inputs; else None."""
        if self.known is None:
            return None
        first, *others = self.known
        same = all(first is other or np.array_equal(first, other, equal_nan=_has_nan(first)) for other in others)
        return first if same else None

    @property
    def is_float(self) -> bool:
        """Whether it has a floating-point type in ONNX (bfloat16 included)."""
        return self.dtype.kind == "f" or self.dtype.name.startswith(("bfloat", "float"))

    @property
    def is_bool(self) -> bool:
        """Whether it has the type bool in ONNX."""
        return self.dtype.kind == "b"

    @property
    def is_integer(self) -> bool:
        """Whether it has an integer type in ONNX."""
        return not self.is_float and not self.is_bool

    def axis(self, axis: int, rank: int | None = None) -> int:
        """An axis counted from the front.

        Args:
            axis: As the node has it; negative numbers count from the end.
            rank: The rank that the axis refers to. Default: the tensor's own.

        Raises:
            GraphError: There is no such axis.
        """
        rank = self.rank if rank is None else rank
        if not -rank <= axis < max(rank, 1):
            raise GraphError(f"axis {axis} is out of range for a tensor with {rank} axes")
        return axis % max(rank, 1)

    def __repr__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"<{self.name or 'tensor'}: {self.dtype}[{sizes}]>"


def _has_nan(array: Array) -> bool:
    return array.dtype.kind == "f"  # other types have none, and isnan does not take strings


class TensorList:
    """A sequence of ONNX. Its length is known while converting: the network has no sequences.

    Args:
        items: The tensors.
    """

    def __init__(self, items: Sequence[Tensor]) -> None:
        self.items = tuple(items)


Value = Tensor | TensorList | None
"""The value of a name in the graph. None: an optional input that is not given, or an empty optional."""


def blob_shape(shape: Shape) -> Shape:
    """The shape that a tensor has in the network, which has neither scalars nor more than five axes.

    A scalar has shape [1]; a tensor of more axes is stored flat.
    """
    return (1,) if not shape else shape if len(shape) <= LARGEST_RANK else (math.prod(shape),)


def integer_range(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The range of an integer type, including those of less than a byte.

    Raises:
        UnsupportedError: It is not an integer type.
    """
    unsigned = dtype.name.startswith("u")
    digits = dtype.name.removeprefix("u").removeprefix("int")
    if not digits.isdigit():
        raise UnsupportedError(f"it gives {dtype.name} values; a network holds integers up to 2^24")
    bits = int(digits)
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
