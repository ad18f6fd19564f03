"""How the windows of convolutions and pooling move over an image, from their ONNX attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graphml.convert.onnx.tensors import Tensor
from graphml.errors import UnsupportedError

Pair = tuple[int, int]
"""(before, after) an axis."""
Cut = tuple[int | None, int | None, int]
"""(begin, end, stride) along an axis; None is the edge."""


@dataclass(frozen=True)
class Windows:
    """The windows of a node.

    Attributes:
        kernel: Their size along each axis.
        strides: From one window to the next.
        dilations: From one element of a window to the next.
        pads: Padding (before, after) each axis.
        same: The side that gets the extra element if the padding is such that there are ceil(size / stride) windows:
            "UPPER" the end, "LOWER" the start. Empty if `pads` is used.
        ceil: Whether the last window may reach beyond the end.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[Pair, ...]
    same: str = ""
    ceil: bool = False

    @property
    def reach(self) -> tuple[int, ...]:
        """The size of a window with its dilation."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    @property
    def dilated(self) -> bool:
        """Whether a window has gaps."""
        return any(k > 1 and d > 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def lifted(self) -> Windows:
        """With another axis in front, of window size 1."""
        return replace(
            self,
            kernel=(1, *self.kernel),
            strides=(1, *self.strides),
            dilations=(1, *self.dilations),
            pads=((0, 0), *self.pads),
        )

    def all_pads(self, x: Tensor) -> tuple[Pair, ...]:
        """The padding of each axis of [batch, channels, *axes], including what the last window needs beyond the end.

        Raises:
            UnsupportedError: It depends on a size that varies.
        """
        return tuple(self._axis_pads(axis, size) for axis, size in enumerate(x.shape[2:]))

    def _axis_pads(self, axis: int, size: int | None) -> Pair:
        reach, stride, (before, after) = self.reach[axis], self.strides[axis], self.pads[axis]
        if self.same:
            if size is None and stride > 1:
                raise UnsupportedError(f"auto_pad SAME_{self.same} with strides needs an image of fixed size here")
            count = 1 if size is None else -(-size // stride)
            total = max(0, (count - 1) * stride + reach - (size or 1))
            return (total // 2, total - total // 2) if self.same == "UPPER" else (total - total // 2, total // 2)
        if not self.ceil or stride == 1:
            return before, after
        if size is not None:
            count = -(-(size + before + after - reach) // stride) + 1
            count -= (count - 1) * stride >= size + before  # a window must not begin beyond the end
            return before, max(0, (count - 1) * stride + reach - size - before)
        if after + stride > reach:
            raise UnsupportedError("ceil_mode with these pads and strides needs an image of fixed size")
        return before, after + stride - 1

    def reaches_beyond(self, x: Tensor) -> bool:
        """Whether ceil_mode makes a window reach beyond the padding, or may do so if a size varies."""
        if self.same or not self.ceil:
            return False
        known = zip(self.strides, x.shape[2:], strict=True)
        if any(size is None and stride > 1 for stride, size in known):
            return True
        return any(own[1] > declared[1] for own, declared in zip(self.all_pads(x), self.pads, strict=True))


def windows(
    x: Tensor,
    kernel: Sequence[int],
    strides: Sequence[int] | None,
    dilations: Sequence[int] | None,
    pads: Sequence[int] | None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Windows:
    """The windows that the attributes of a node describe.

    Args:
        x: [batch, channels, *axes].
        kernel: The size of a window.
        strides: None for 1.
        dilations: None for 1.
        pads: All at the start, then all at the end; None for no padding.
        auto_pad: NOTSET, VALID, SAME_UPPER or SAME_LOWER.
        ceil_mode: Whether the number of windows is rounded up.

    Raises:
        UnsupportedError: There are not one to three axes, or an attribute is for another number of axes.
    """
    count = x.rank - 2
    if not 1 <= count <= 3:
        raise UnsupportedError(f"it has {count} spatial axes; a network has layers for one to three")
    strides, dilations = strides or (1,) * count, dilations or (1,) * count
    amounts = tuple(pads or ()) if auto_pad == "NOTSET" else ()
    amounts = amounts or (0,) * (2 * count)
    if {len(kernel), len(strides), len(dilations)} != {count} or len(amounts) != 2 * count:
        raise UnsupportedError(f"the attributes do not match the {count} spatial axes of the input")
    same = auto_pad.removeprefix("SAME_") if auto_pad.startswith("SAME_") else ""
    both = tuple(zip(amounts[:count], amounts[count:], strict=True))
    return Windows(tuple(kernel), tuple(strides), tuple(dilations), both, same, bool(ceil_mode))
