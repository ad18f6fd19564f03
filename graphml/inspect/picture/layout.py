"""Layered layout of the boxes and edges of a picture (Sugiyama et al. 1981): ranks, orders, then coordinates.

Each box that holds others is laid out by itself, from the innermost outwards. An edge that enters or leaves it does so
at a port on its border, so folding a box only moves what is below it: all x are final, and all y follow from the
heights of rows.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from unicodedata import east_asian_width

from graphml.inspect.picture.blocks import Box, Diagram

LINE = 15  # height of a line of text
HEADER = 30  # height of the title of a box that holds others
ROW_GAP = 26  # between rows; edges bend here
PADDING = 14
_BOX_GAP, _LINE_GAP = 20, 10
_LETTER = 6.9  # width
MOST_LETTERS = 36
_SWEEPS = 8
_MOST_BENDS = 50_000  # in one box; with more, long edges cross the boxes in between
_STRAIGHT = 8.0  # the weight of straight long edges relative to centered boxes


@dataclass(frozen=True)
class EdgePiece:
    """A part of an edge.

    Attributes:
        row: The row where it begins.
        last: The row where it ends, usually the next one.
        begin: x where it begins.
        end: x where it ends.
        source: The box at its beginning, or None if the edge only passes.
        target: The box at its end, or None if the edge continues.
        writer: The box that the whole edge comes from.
    """

    row: int
    last: int
    begin: float
    end: float
    source: Box | None
    target: Box | None
    writer: Box


@dataclass
class Area:
    """The inside of a box that holds others.

    Attributes:
        rows: The boxes, from the top.
        left: {box: x of its left side}
        width: The width of the whole.
        pieces: The edges.
    """

    rows: list[list[Box]] = field(default_factory=list[list[Box]])
    left: dict[Box, float] = field(default_factory=dict[Box, float])
    width: float = 0.0
    pieces: list[EdgePiece] = field(default_factory=list[EdgePiece])


def lines(block: Box) -> list[str]:
    """The lines of text in a box, shortened."""
    return [_short(text) for text in (block.kind, block.name, block.note) if text]


def _short(text: str) -> str:
    if len(text) <= MOST_LETTERS:
        return text
    return f"{text[: MOST_LETTERS // 2 - 1]}…{text[-MOST_LETTERS // 2 :]}"


def box_size(block: Box) -> tuple[float, float]:
    """The width and height of a simple box."""
    texts = lines(block)
    return max(map(text_width, texts), default=0.0) + 2 * PADDING, LINE * len(texts) + 10


def text_width(text: str) -> float:
    """The approximate width of a text."""
    return _LETTER * sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def laid_out(drawn: Diagram) -> dict[Box, Area]:
    """The inside of every box that holds others."""
    return _Layout(drawn).areas


# Edges, by the box that they run in ----------------------------------------------------------------------------------


@dataclass(eq=False)
class _Port:
    """The point where the edges of one writer cross the border of a box."""

    writer: Box


_Item = Box | _Port


@dataclass
class _Inner:
    """The edges inside of a box.

    Attributes:
        entries: {writer: port} at the top.
        exits: {writer: port} at the bottom.
        edges: {(from, writer): the targets}
    """

    entries: dict[Box, _Port] = field(default_factory=dict[Box, _Port])
    exits: dict[Box, _Port] = field(default_factory=dict[Box, _Port])
    edges: dict[tuple[_Item, Box], dict[_Item, None]] = field(
        default_factory=lambda: defaultdict[tuple[_Item, Box], dict[_Item, None]](dict)
    )


class _Layout:
    def __init__(self, drawn: Diagram) -> None:
        self.areas: dict[Box, Area] = {}
        self._parents = {part: block for block in drawn.root.walk() for part in block.parts or ()}
        self._inner = defaultdict[Box, _Inner](_Inner)
        self._ports: dict[tuple[Box, _Port], float] = {}
        for source, target in drawn.edges:
            self._route(source, target)
        holders = [block for block in drawn.root.walk() if block.parts is not None]
        for block in reversed(holders):  # inner before outer
            self._place(block)

    def _path(self, block: Box) -> list[Box]:
        path = [block]
        while path[-1] in self._parents:
            path.append(self._parents[path[-1]])
        return path[::-1]

    def _route(self, source: Box, target: Box) -> None:
        """Divide an edge at the borders of boxes."""
        a, b = self._path(source), self._path(target)
        common = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x is not y), None)
        if common is None:
            return  # one is inside of the other
        for holder, child in zip(a[-2 : common - 1 : -1], a[:common:-1], strict=True):
            port = self._inner[holder].exits.setdefault(source, _Port(source))
            self._inner[holder].edges[child, source][port] = None
        self._inner[a[common - 1]].edges[a[common], source][b[common]] = None
        for holder, child in zip(b[common:-1], b[common + 1 :], strict=True):
            port = self._inner[holder].entries.setdefault(source, _Port(source))
            self._inner[holder].edges[port, source][child] = None

    # One box ---------------------------------------------------------------------------------------------------------

    def size(self, block: Box) -> float:
        """The width of a box."""
        return self.areas[block].width if block in self.areas else box_size(block)[0]

    def _place(self, block: Box) -> None:
        inner, parts = self._inner[block], block.parts or []
        ranks = _ranks(parts, inner)
        grid = _Grid(ranks, inner)
        width = {item: self.size(item) if isinstance(item, Box) else 0.0 for item in grid.items()}
        centers = _centers(grid, width, self._offset)
        left = min((centers[item] - width[item] / 2 for item in centers), default=0.0) - PADDING
        right = max((centers[item] + width[item] / 2 for item in centers), default=0.0) + PADDING
        title = max(map(text_width, lines(block)), default=0.0) + text_width("  ▾") + 2 * PADDING
        spare = max(0.0, title - (right - left)) / 2
        area = Area(width=right - left + 2 * spare)
        for row in grid.rows:
            area.rows.append([item for item in row if isinstance(item, Box)])
        for item, center in centers.items():
            centers[item] = center - left + spare
            if isinstance(item, Box):
                area.left[item] = centers[item] - width[item] / 2
            elif isinstance(item, _Port):
                self._ports[block, item] = centers[item] - area.width / 2
        area.pieces = [
            EdgePiece(
                *(
                    row,
                    last,
                    centers[a] + self._offset(a, net[1], out=True),
                    centers[b] + self._offset(b, net[1], out=False),
                ),
                *(a if isinstance(a, Box) else None, b if isinstance(b, Box) else None, net[1]),
            )
            for row, last, a, b, net in grid.pieces
        ]
        self.areas[block] = area

    def _offset(self, item: _Node, writer: Box, *, out: bool) -> float:
        """Where an edge touches a box, from the center of the box."""
        if not isinstance(item, Box) or item not in self.areas:
            return 0.0
        ports = self._inner[item].exits if out else self._inner[item].entries
        return self._ports[item, ports[writer]] if writer in ports else 0.0


def _ranks(parts: Sequence[Box], inner: _Inner) -> dict[_Item, int]:
    """The row of each box: below all its inputs, and as low as possible if it has none."""
    incoming = defaultdict[_Item, list[_Item]](list)
    outgoing = defaultdict[_Item, list[_Item]](list)
    for (begin, _), ends in inner.edges.items():
        for end in ends:
            incoming[end].append(begin)
            outgoing[begin].append(end)
    ranks: dict[_Item, int] = dict.fromkeys(inner.entries.values(), 0)
    first = 1 if ranks else 0
    for part in parts:
        ranks[part] = 1 + max((ranks[one] for one in incoming[part]), default=first - 1)
    bottom = 1 + max(ranks.values(), default=-1)
    ranks |= dict.fromkeys(inner.exits.values(), bottom)
    for part in reversed(parts):
        if not incoming[part] and outgoing[part] and part.role != "feature":
            ranks[part] = max(first, min(ranks[one] for one in outgoing[part]) - 1)
    return ranks


@dataclass(eq=False)
class _Bend:
    """The point where a long edge passes a row."""


_Node = Box | _Port | _Bend
_Net = tuple[_Item, Box]


class _Grid:
    """Boxes, ports and bends in rows, and the pieces of edges between neighboring rows."""

    def __init__(self, ranks: Mapping[_Item, int], inner: _Inner) -> None:
        self.rows: list[list[_Node]] = [[] for _ in range(1 + max(ranks.values(), default=0))]
        self.pieces: list[tuple[int, int, _Node, _Node, _Net]] = []
        for item, rank in ranks.items():
            self.rows[rank].append(item)
        longest = {net: max(map(ranks.__getitem__, ends)) - ranks[net[0]] for net, ends in inner.edges.items()}
        straight = sum(longest.values()) > _MOST_BENDS
        for net, ends in inner.edges.items():
            bends: list[_Node] = [net[0]]
            first = ranks[net[0]]
            for end in sorted(ends, key=ranks.__getitem__):
                if straight:
                    self.pieces.append((first, ranks[end], net[0], end, net))
                    continue
                while first + len(bends) < ranks[end]:
                    bend, row = _Bend(), first + len(bends)
                    self.rows[row].append(bend)
                    self.pieces.append((row - 1, row, bends[-1], bend, net))
                    bends.append(bend)
                self.pieces.append((ranks[end] - 1, ranks[end], bends[ranks[end] - 1 - first], end, net))
        self.above = defaultdict[_Node, list[tuple[_Node, Box]]](list)
        self.below = defaultdict[_Node, list[tuple[_Node, Box]]](list)
        for _, _, a, b, net in self.pieces:
            self.above[b].append((a, net[1]))
            self.below[a].append((b, net[1]))
        self._sort()

    def items(self) -> Iterator[_Node]:
        """Everything in the rows."""
        for row in self.rows:
            yield from row

    def _sort(self) -> None:
        """Order each row by the middle of its neighbors, which leaves few crossings."""
        place = {item: float(i) for row in self.rows for i, item in enumerate(row)}
        for sweep in range(_SWEEPS):
            rows, near = (self.rows, self.above) if sweep % 2 == 0 else (self.rows[::-1], self.below)
            for row in rows:
                wanted = {
                    item: sum(place[one] for one, _ in near[item]) / len(near[item]) if near[item] else place[item]
                    for item in row
                }
                row.sort(key=wanted.__getitem__)
                # positions are relative to the middle, because rows differ in length
                place.update({item: i - len(row) / 2 for i, item in enumerate(row)})


class _Offset(Protocol):
    def __call__(self, item: _Node, writer: Box, *, out: bool) -> float: ...


def _centers(grid: _Grid, width: Mapping[_Node, float], offset: _Offset) -> dict[_Node, float]:
    """x of the center of every item: near the mean of its neighbors, as far as the row allows."""
    spacing = {
        id(row): [
            (width[a] + width[b]) / 2 + (_LINE_GAP if isinstance(a, _Bend) and isinstance(b, _Bend) else _BOX_GAP)
            for a, b in itertools.pairwise(row)
        ]
        for row in grid.rows
    }
    centers: dict[_Node, float] = {}
    for row in grid.rows:
        centers.update(zip(row, _spread([0.0] * len(row), [1.0] * len(row), spacing[id(row)]), strict=True))
    for sweep in range(_SWEEPS + 1):
        down = sweep % 2 == 0
        near = grid.above if down else grid.below
        for row in grid.rows if down else grid.rows[::-1]:
            wanted = [
                sum(centers[b] + offset(b, w, out=down) - offset(a, w, out=not down) for b, w in near[a]) / len(near[a])
                if near[a]
                else centers[a]
                for a in row
            ]
            weights = [_STRAIGHT if isinstance(item, _Bend) else 1.0 for item in row]
            centers.update(zip(row, _spread(wanted, weights, spacing[id(row)]), strict=True))
    return centers


def _spread(wanted: Sequence[float], weights: Sequence[float], spacing: Sequence[float]) -> list[float]:
    """The positions nearest to the wanted ones, by weighted least squares, that keep order and spacing.

    After subtracting the spacing, the positions must not decrease: pooling neighbors that do solves this exactly.
    """
    begin, starts = 0.0, [0.0]
    for gap in spacing:
        begin += gap
        starts.append(begin)
    pools: list[tuple[float, float, int]] = []  # mean, weight, count
    for place, weight, start in zip(wanted, weights, starts, strict=False):
        mean, count = place - start, 1
        while pools and pools[-1][0] > mean:
            other, more, number = pools.pop()
            mean = (mean * weight + other * more) / (weight + more)
            weight, count = weight + more, count + number
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + start for mean, start in zip(means, starts, strict=False)]
