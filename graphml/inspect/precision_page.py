"""A report on half precision as text lines and as an HTML page with a plot, without scripts."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from graphml.inspect.precision import PrecisionReport, PrecisionRow
from graphml.visible import visible

COLUMNS = ("", "operation", "kind", "type", "largest", "to inf", "to 0", "NaN", "error", "own error", "")


def conclusions(report: PrecisionReport) -> list[str]:
    """The conclusions of a report, as lines of text; names in them are not escaped."""
    if not report.is_half:
        return ["nothing is declared in half precision: half='float16' (--half float16) shows what it would do"]
    start = report.start
    broken = [row for row in report.judged if row.nonfinite]
    float32 = [
        f"in float32, too, {len(broken)} of {len(report.judged)} results have infinities or NaN, first at "
        f"{row.label}: {row.nonfinite} of {math.prod(row.shape)} numbers"
        for row in broken[:1]
    ]
    if start is None:
        return [f"half precision holds: every operation is within {report.tolerance:g} of float32", *float32]
    where = f"{start.label}, {list(start.shape)}"
    first = f"half precision first exceeds the tolerance of {report.tolerance:g} at {where}: {in_words(start)}"
    lines = [*float32, first]
    if report.outputs_only and report.holds:
        lines.append("every output is still within the tolerance")
    mend = report.mend
    if mend is not None and not mend.mends:
        lines.append("no choice of operations in float32 fixes it")
    elif mend is not None:
        what = "outputs" if report.outputs_only else "operations"
        count = len(mend.nodes)
        lines.append(
            f"with {count} operation{'' if count == 1 else 's'} in float32 all {what} are within the tolerance:"
        )
        lines += [f"  {node.name} ({node.kind})" for node in mend.nodes]
        least = "all of them are needed" if mend.minimal else "some of them may not be needed"
        lines.append(f"{least} (found in {mend.runs} runs of the model)")
    return lines


def in_words(row: PrecisionRow) -> str:
    """A description of what happens to a value in half precision."""
    size = math.prod(row.shape)
    counts = {"overflow": row.overflow, "become NaN": row.nan, "become 0": row.underflow if row.error >= 1 else 0}
    parts = [f"{count} of {size} numbers {what}" for what, count in counts.items() if count]
    if math.isfinite(row.error):
        parts.append(f"the error is {row.error:.2g} of the largest magnitude")
    elif not parts:
        parts.append("its shape differs, or infinite values become finite")
    return "; ".join([*parts, row.note] if row.note else parts)


def cells(number: int, row: PrecisionRow) -> tuple[str, ...]:
    """The cells of a row of the table, for the columns `COLUMNS`."""
    counts = tuple(str(count) if count else "" for count in (row.overflow, row.underflow, row.nan))
    errors = tuple("inf" if math.isinf(error) else f"{error:.1e}" if error else "0" for error in (row.error, row.own))
    return (
        str(number),
        row.operation or row.blob,
        row.kind,
        row.type,
        f"{row.largest:.4g}",
        *counts,
        *errors,
        row.note,
    )


# HTML ----------------------------------------------------------------------------------------------------------------

_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:2em;max-width:80em}table{border-collapse:collapse}"
    "td,th{text-align:left;vertical-align:top;padding:1px 12px 1px 0;overflow-wrap:anywhere}"
    ".bad td{color:#b00020}.given td{color:#777}svg{max-width:100%;font:11px system-ui,sans-serif}"
)
_LEFT, _RIGHT, _TOP, _HEIGHT = 48, 12, 12, 220
_LEAST, _MOST = -5, 1  # decades of the plot


def as_page(report: PrecisionReport, title: str) -> str:
    """A report as an HTML page.

    Args:
        report: The report.
        title: Its heading, such as the name of the file.
    """
    name = _text(title)
    said = "".join(f"<p>{_text(line)}</p>" for line in conclusions(report))
    head = "".join(f"<th>{_text(column)}</th>" for column in COLUMNS)
    rows = "".join(_line(number, row, report.tolerance) for number, row in enumerate(report.rows, 1))
    sums = "half precision" if report.strict else "float32"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style></head>"
        f"<body><h1>Half precision: {name}</h1>{said}<p>Floats: {report.half}; sums are accumulated in {sums}.</p>"
        f"{plot(report)}<table><tr>{head}</tr>{rows}</table></body></html>\n"
    )


def _line(number: int, row: PrecisionRow, tolerance: float) -> str:
    group = "given" if row.is_given else "bad" if row.fails(tolerance) else ""
    inner = "".join(f"<td>{_text(cell)}</td>" for cell in cells(number, row))
    return f'<tr class="{group}">{inner}</tr>'


def plot(report: PrecisionReport) -> str:
    """The error of each operation as inline SVG, on a logarithmic scale; overflow and NaN are crosses at the top."""
    computed = [(number, row) for number, row in enumerate(report.rows, 1) if not row.is_given]
    step = max(4, min(24, 900 // max(1, len(computed))))
    width = _LEFT + step * max(1, len(computed)) + _RIGHT
    parts = [_axis(width), _limit(report.tolerance, width)]
    parts += [_mark(_LEFT + step * (i + 0.5), *each, report.tolerance) for i, each in enumerate(computed)]
    size = f'width="{width}" height="{_TOP + _HEIGHT + 24}"'
    label = "relative error of each operation, on a logarithmic scale"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _axis(width: int) -> str:
    lines: Sequence[str] = [
        f'<line x1="{_LEFT}" x2="{width}" y1="{_height(10.0**e):.1f}" y2="{_height(10.0**e):.1f}" stroke="#ddd"/>'
        f'<text x="4" y="{_height(10.0**e) + 4:.1f}">1e{e}</text>'
        for e in range(_LEAST, _MOST + 1)
    ]
    return "".join(lines) + f'<text x="{_LEFT}" y="{_TOP + _HEIGHT + 18}">operations in order; height: error</text>'


def _limit(tolerance: float, width: int) -> str:
    y = _height(tolerance)
    line = f'<line x1="{_LEFT}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#b00020" stroke-dasharray="4 3"/>'
    return f"<g><title>tolerance {tolerance:g}</title>{line}</g>"


def _mark(x: float, number: int, row: PrecisionRow, tolerance: float) -> str:
    y, color = _height(row.error), "#b00020" if row.fails(tolerance) else "#1565c0"
    said = _text(f"{number}: {row.label}: {in_words(row)}")
    if math.isinf(row.error):
        path = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
        return f'<g><title>{said}</title><path d="{path}" stroke="{color}" stroke-width="2"/></g>'
    return f'<g><title>{said}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}"/></g>'


def _height(error: float) -> float:
    """The position of an error on the vertical axis; 0 and very small ones are at the bottom."""
    decade = _MOST if math.isinf(error) else math.log10(error) if error > 0 else _LEAST
    share = (min(max(decade, _LEAST), _MOST) - _LEAST) / (_MOST - _LEAST)
    return _TOP + _HEIGHT * (1 - share)


def _text(text: str) -> str:
    return html.escape(visible(text))
