"""A page with the summary of a model and a picture of its graph, with folding, search and tracing of edges.

The page is a single file that loads nothing else. Without scripts it shows everything unfolded.
"""

from __future__ import annotations

import html
import json
from importlib import resources
from typing import Any

from graphml.inspect.picture.blocks import Box, diagram
from graphml.inspect.picture.drawing import Picture, as_svg, picture
from graphml.inspect.picture.layout import HEADER, PADDING, ROW_GAP, box_size
from graphml.inspect.viewer import as_html
from graphml.visible import visible

_MOST_OPEN = 80  # simple boxes; with more, scopes begin folded

_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:0 1.5em;color:#222}"
    ".bar{position:sticky;top:0;background:#fff;padding:.5em 0;display:flex;gap:.5em;align-items:center;z-index:1}"
    ".bar input{width:18em}.view{overflow:auto;max-height:88vh;border:1px solid #c3c8d0}"
    "#details{white-space:pre-wrap;overflow-wrap:anywhere;font:12px/1.4 ui-monospace,monospace;max-height:9em;"
    "overflow:auto;margin:.5em 0}.fold{cursor:pointer}svg{display:block;margin:auto}"
    "path.lit{stroke:#d6336c;stroke-width:2.5}.chosen>rect{stroke:#d6336c!important;stroke-width:2.5}"
    ".found>rect{fill:#fff3a3!important}"
)
_BAR = (
    '<div class="bar"><input id="find" type="search" placeholder="find a layer; Enter goes to the next">'
    '<span id="count"></span><button id="fold">fold all</button><button id="unfold">unfold all</button>'
    '<button id="out">&minus;</button><button id="in">+</button><button id="fit">fit</button>'
    "<span>click a frame to fold it, a box to see its edges</span></div>"
)


def as_page(summary: dict[str, Any], title: str) -> str:
    """A self-contained HTML page.

    Args:
        summary: See `graphml.inspect.summary.summarize`; layers may have "shapes".
        title: The heading.
    """
    shown = picture(diagram(summary, title))
    head = f'<meta charset="utf-8"><title>{html.escape(visible(title))}</title><style>{_STYLE}</style>'
    drawn = f'<h2>graph</h2>{_BAR}<div class="view">{as_svg(shown)}</div><pre id="details"></pre>'
    body = as_html(summary, title) + drawn + _script(shown)
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>\n"


def as_picture(summary: dict[str, Any], title: str) -> str:
    """The picture alone, as SVG. The arguments are those of `as_page`."""
    return as_svg(picture(diagram(summary, title)))


def _script(shown: Picture) -> str:
    """Numbers only: texts from the file are in the drawing, where they are escaped."""
    numbers, areas = shown.numbers, shown.areas
    left = {block: x for area in areas.values() for block, x in area.left.items()}
    blocks: list[Any] = []
    pieces: list[Any] = []
    for block in numbers:
        area = areas.get(block)
        width, height = (area.width, 0.0) if area else box_size(block)
        rows = [[numbers[one] for one in row] for row in area.rows] if area else None
        blocks.append([round(left.get(block, 0.0), 1), round(width, 1), height, rows])
        pieces.append(
            [
                [
                    *(piece.row, piece.last, round(piece.begin, 1), round(piece.end, 1)),
                    *(-1 if end is None else numbers[end] for end in (piece.source, piece.target)),
                    numbers[piece.writer],
                ]
                for piece in (area.pieces if area else ())
            ]
        )
    constants = {"BLOCKS": blocks, "PIECES": pieces, "FOLDED": _folded(shown)}
    constants |= {"HEADER": HEADER, "PADDING": PADDING, "GAP": ROW_GAP}
    lines = [f"const {name} = {json.dumps(value, separators=(',', ':'))};" for name, value in constants.items()]
    code = resources.files("graphml.inspect.picture").joinpath("page.js").read_text("utf-8")
    return f"<script>\n{chr(10).join(lines)}\n{code}</script>"


def _folded(shown: Picture) -> list[int]:
    """The boxes that begin folded: in a large picture the name scopes, but not the boxes around them."""
    simple = sum(block.parts is None for block in shown.numbers)
    if simple <= _MOST_OPEN:
        return []
    return [number for block, number in shown.numbers.items() if _is_name_scope(block)]


def _is_name_scope(block: Box) -> bool:
    return block.role == "scope" and not block.kind
