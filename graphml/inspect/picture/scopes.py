"""Scopes: runs of layers whose names share a path, such as encoder/layer_0/query and encoder/layer_0/key.

Only consecutive layers form a scope, so no edge goes back into a scope. Converters insert layers with unrelated names
between those of a scope; a few of them do not end it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_MOST_BETWEEN = 4  # layers of other names that do not end a scope
_LEAST = {"/": 2, ".": 3, "_": 4}  # layers of a scope, by what separates the parts of names
_MOST_DEPTH = 8
_LONG = 40  # levels of fewer layers are not divided by underscores
_ENDINGS = re.compile(r"^(cast|fp16|fp32|\d+)$")


@dataclass
class Scope:
    """A scope.

    Attributes:
        name: The path that its layers share.
        separator: The separator of the path.
        parts: Indices of layers, and scopes inside.
    """

    name: str
    separator: str
    parts: list[int | Scope] = field(default_factory=list["int | Scope"])


def scoped(names: Sequence[str]) -> list[int | Scope]:
    """Divide layers into scopes.

    Args:
        names: The names of the layers of one level, in order.

    Returns:
        Indices of layers, and scopes, in order.
    """
    separator = _separator(names)
    if not separator:
        return list(range(len(names)))
    paths = [_path(name, separator) for name in names]
    return _divided(range(len(names)), paths, 0, separator)


def _separator(names: Sequence[str]) -> str:
    """The separator in most of the names; empty if there is none."""
    for separator in ("/", "."):
        # a dot before a number numbers values, and does not separate a path
        found = sum(len(_path(name, separator)) > 0 and not name.rpartition(separator)[2].isdigit() for name in names)
        if found * 2 > len(names):
            return separator
    return "_" if len(names) >= _LONG else ""


def _path(name: str, separator: str) -> tuple[str, ...]:
    """The scopes that a name is in, without its last part."""
    parts = [part for part in name.split(separator) if part]
    while separator == "_" and parts and _ENDINGS.match(parts[-1]):
        parts.pop()
    return tuple(parts[:-1][:_MOST_DEPTH])


def _divided(members: Sequence[int], paths: Sequence[tuple[str, ...]], depth: int, separator: str) -> list[int | Scope]:
    out: list[int | Scope] = []
    for key, run in _runs(members, paths, depth):
        if key is None or len(run) < _LEAST[separator]:
            out += run
            continue
        common = _common([paths[one] for one in run if paths[one][: depth + 1] == key])
        parts = _divided(run, paths, len(common), separator)
        if len(run) == len(members):
            out += parts  # a box around everything is useless
        else:
            out.append(Scope(separator.join(common), separator, parts))
    return out


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The longest common path prefix."""
    same = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return tuple(parts[0] for parts in same)


def _runs(
    members: Sequence[int], paths: Sequence[tuple[str, ...]], depth: int
) -> Iterator[tuple[tuple[str, ...] | None, list[int]]]:
    """(path, layers) of each run of layers that share the path; None for layers without one."""
    keys = [paths[one][: depth + 1] if len(paths[one]) > depth else None for one in members]
    begin = 0
    while begin < len(members):
        key, last = keys[begin], begin
        position = begin + 1
        while key is not None and position < len(members) and position - last <= _MOST_BETWEEN + 1:
            if keys[position] == key:
                last = position
            position += 1
        yield key, list(members[begin : last + 1])
        begin = last + 1
