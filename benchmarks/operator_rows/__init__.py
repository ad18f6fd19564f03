"""The rows of `operators.py`: each layer kind with its fields, input shapes, ONNX nodes and torch function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rendering import needed

from operator_rows.arrays import choices, matrices, movement, random, recurrent, reductions
from operator_rows.elementwise import elementwise, pairs
from operator_rows.images import convolutions, images, norms, pools
from operator_rows.row import SIZES, Row

_FAMILIES = (
    elementwise,
    pairs,
    convolutions,
    pools,
    norms,
    images,
    matrices,
    movement,
    choices,
    reductions,
    recurrent,
    random,
)

WITHOUT_PEER: Mapping[str, str] = {
    **dict.fromkeys(("branch", "loop", "loopBreak", "loopContinue", "custom"), "holds other layers"),
    **dict.fromkeys(("loadConstant", "loadConstantND", "rangeStatic", "fillStatic"), "a constant when compiled"),
    **dict.fromkeys(("rangeDynamic", "fillDynamic", "getShape"), "a constant when compiled"),
    **dict.fromkeys(("reshapeStatic", "reshapeDynamic", "reshapeLike", "rankPreservingReshape"), "moves nothing"),
    **dict.fromkeys(("squeeze", "expandDims", "flattenTo2D", "reshape", "flatten", "copy"), "moves nothing"),
    **dict.fromkeys(("broadcastToDynamic", "broadcastToLike"), "as broadcastToStatic"),
    **dict.fromkeys(("sliceDynamic", "sliceBySize"), "as sliceStatic, when compiled"),
    **{
        f"random{name}{how}": f"as random{name}Like"
        for name in ("Normal", "Uniform", "Bernoulli")
        for how in ("Static", "Dynamic")
    },
    "whereNonZero": "the shape of its output depends on values, so it runs uncompiled",
    "cropResize": "no other library samples boxes this way",
}


def rows(size: str) -> Iterator[Row]:
    """All rows at a size."""
    torch = needed("torch")
    for family in _FAMILIES:
        yield from family(SIZES[size], torch)
