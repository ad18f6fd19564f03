"""A diagram as SVG."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphml.inspect.picture.blocks import Box, Diagram
from graphml.inspect.picture.layout import HEADER, LINE, PADDING, ROW_GAP, Area, EdgePiece, box_size, laid_out, lines
from graphml.visible import visible

STYLE = (
    "svg{font:12px system-ui,sans-serif;background:#fff}text{fill:#222}.kind{font-weight:600}.note{fill:#666}"
    "path{fill:none;stroke:#8a8f98;stroke-width:1.2}marker path{fill:#8a8f98;stroke:none}"
    ".frame{fill:#f6f7f9;stroke:#c3c8d0}.control>.frame{fill:#fff8e8;stroke:#dcb55c}"
    ".box{fill:#eceef1;stroke:#a9b0ba}.feature>.box{fill:#fff;stroke:#444}"
    ".weights>.box{fill:#dceafc;stroke:#7ba7dd}.norm>.box{fill:#e1f3e4;stroke:#7fbd8a}"
    ".nonlinear>.box{fill:#fde3dd;stroke:#dd9483}.pool>.box{fill:#d9f1f0;stroke:#6fb5b1}"
    ".recurrent>.box{fill:#ecdffa;stroke:#a987d6}"
)
_FAMILIES = {
    "norm": r"norm|lrn|mvn",
    "recurrent": r"lstm|gru|recurrent|rnn",
    "weights": r"conv|innerproduct|linear$|matmul|embedding|gather_nd_weights|einsum|attention",
    "nonlinear": r"activation|relu|sigmoid|tanh|softmax|softplus|gelu|elu|silu|swish|erf|clip|unary",
    "pool": r"pool|reduce|upsample|resize|resample",
}


@dataclass(frozen=True)
class Picture:
    """A diagram with its layout.

    Attributes:
        root: The box that holds all others.
        numbers: {box: its number}
        areas: {box that holds others: its inside}
    """

    root: Box
    numbers: Mapping[Box, int]
    areas: Mapping[Box, Area]


def picture(drawn: Diagram) -> Picture:
    """Lay out all boxes and edges."""
    numbers = {block: number for number, block in enumerate(drawn.root.walk())}
    return Picture(drawn.root, numbers, laid_out(drawn))


def as_svg(shown: Picture) -> str:
    """A self-contained drawing with everything unfolded."""
    drawing = _SvgDrawing(shown)
    body = "".join(drawing.block(shown.root, 0, 0))
    width, height = shown.areas[shown.root].width, drawing.heights[shown.root]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><style>{STYLE}</style>'
        '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8Z"/></marker>{body}</svg>\n'
    )


class _SvgDrawing:
    def __init__(self, shown: Picture) -> None:
        self._shown = shown
        self.heights: dict[Box, float] = {}
        self._tops: dict[Box, list[float]] = {}
        for block in reversed(list(shown.numbers)):  # inner before outer
            self.heights[block] = self._height(block)

    def _height(self, block: Box) -> float:
        area = self._shown.areas.get(block)
        if area is None:
            return box_size(block)[1]
        top, tops = float(HEADER), list[float]()
        for row in area.rows:
            tops.append(top)
            top += max((self.heights[one] for one in row), default=0.0) + ROW_GAP
        self._tops[block] = tops
        return top - ROW_GAP + PADDING

    def block(self, block: Box, x: float, y: float) -> Iterator[str]:
        """A box with all that is inside of it."""
        area = self._shown.areas.get(block)
        width = box_size(block)[0] if area is None else area.width
        kind = f"b {block.role} {_family(block)}".strip()
        yield f'<g class="{kind}" id="b{self._shown.numbers[block]}" transform="translate({x:.1f} {y:.1f})">'
        yield f"<title>{_title(block)}</title>"
        frame = "box" if area is None else "frame"
        yield f'<rect class="{frame}" width="{width:.1f}" height="{self.heights[block]:.1f}" rx="5"/>'
        if area is None:
            yield from _texts(block, width / 2)
        else:
            yield f'<text class="kind fold" x="{PADDING}" y="19">{_escaped("  ".join(lines(block)))}</text>'
            yield '<g class="inside">'
            for piece in area.pieces:
                yield self._path(block, piece)
            for row, top in zip(area.rows, self._tops[block], strict=True):
                for part in row:
                    yield from self.block(part, area.left[part], top)
            yield "</g>"
        yield "</g>"

    def _path(self, block: Box, piece: EdgePiece) -> str:
        tops, row = self._tops[block], piece.row
        begin = tops[row] + (0.0 if piece.source is None else self.heights[piece.source])
        if row == 0 and piece.source is None:
            begin = 0.0  # from the border
        bottom, end = tops[row + 1] - ROW_GAP, tops[piece.last]
        if piece.last + 1 == len(tops) and piece.target is None and not self._shown.areas[block].rows[-1]:
            end = self.heights[block]
        # the same curve as in page.js
        middle = (bottom + end) / 2
        a, b = f"{piece.begin:.1f}", f"{piece.end:.1f}"
        arrow = piece.target is not None and piece.target not in self._shown.areas
        mark = ' marker-end="url(#arrow)"' if arrow else ""
        return f'<path d="M{a} {begin:.1f}V{bottom:.1f}C{a} {middle:.1f} {b} {middle:.1f} {b} {end:.1f}"{mark}/>'


def _family(block: Box) -> str:
    if block.role != "layer" or block.parts is not None:
        return ""
    kind = block.kind.lower()
    return next((name for name, pattern in _FAMILIES.items() if re.search(pattern, kind)), "")


def _texts(block: Box, middle: float) -> Iterator[str]:
    shown = [name for name, text in (("kind", block.kind), ("name", block.name), ("note", block.note)) if text]
    for number, (name, text) in enumerate(zip(shown, lines(block), strict=True)):
        place = f'x="{middle:.1f}" y="{16 + number * LINE}" text-anchor="middle"'
        yield f'<text class="{name}" {place}>{_escaped(text)}</text>'


def _title(block: Box) -> str:
    first = "  ".join(text for text in (block.kind, block.name, block.note) if text)
    return "\n".join(_escaped(line) for line in (first, *block.details))


def _escaped(text: str) -> str:
    return html.escape(visible(text))
