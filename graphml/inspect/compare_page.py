"""A comparison of two models as text lines and as an HTML page, without scripts."""

from __future__ import annotations

import html

from graphml.inspect.compare import Comparison, Difference
from graphml.visible import visible

_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:2em;max-width:80em}table{border-collapse:collapse}"
    "td,th{text-align:left;vertical-align:top;padding:1px 12px 1px 0;overflow-wrap:anywhere}.bad td{color:#b00020}"
)
_COLUMNS = ("", "value", "compared with", "layer", "shape", "error", "matched by")


def conclusions(found: Comparison) -> list[str]:
    """The conclusions of a comparison, as lines of text; names in them are not escaped."""
    lines: list[str] = []
    if found.shapes < found.declared_shapes:
        lines.append(f"{found.shapes} of {found.declared_shapes} enumerated shapes were tried; see --all-shapes")
    for one in found.differences:
        if one.matched != "name":
            lines.append(f"{visible(one.first)} was compared with {visible(one.second)}, matched by {one.matched}")
    start = found.start
    if start is not None:
        lines += [
            f"the second model received {visible(name)} as the first one scales it; see --pixels"
            for name in found.scaled
        ]
        lines.append(f"first difference: {start.first!r} {list(start.shape)}, {start.layer}")
        return [*lines, f"the error is {start.error:.3g} of its largest magnitude"]
    worst = max(one.error for one in found.differences)
    count = len(found.differences)
    lines.append(f"{count} values agree within {found.tolerance:g}; the largest error is {worst:.3g}")
    blank = [one.first for one in found.differences if not one.finite]
    if blank:
        which = f"{len(blank)} of them have no finite number on these inputs, first {blank[0]!r}"
        lines.append(f"{which}: try other inputs")
    return lines


def as_page(found: Comparison, first: str, second: str) -> str:
    """A comparison as an HTML page.

    Args:
        found: The comparison.
        first: The name of the first model.
        second: The name of the second model.
    """
    title = _text(f"{first} and {second}")
    said = "".join(f"<p>{_text(line)}</p>" for line in conclusions(found))
    head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    rows = "".join(_row(number, one, found.tolerance) for number, one in enumerate(found.differences, 1))
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head><body><h1>{title}</h1>{said}<table><tr>{head}</tr>{rows}</table></body></html>\n"
    )


def _row(number: int, one: Difference, tolerance: float) -> str:
    texts = (str(number), one.first, one.second, one.layer, str(list(one.shape)), f"{one.error:.3g}", one.matched)
    style = ' class="bad"' if not one.error <= tolerance else ""
    return f"<tr{style}>{''.join(f'<td>{_text(text)}</td>' for text in texts)}</tr>"


def _text(text: str) -> str:
    return html.escape(visible(text))
