"""The `add_...` methods of the builder, one for each row of the table.

Nobody writes them; layer_methods.pyi, which `generate.py` makes of the same table, shows them to editors.
"""

from __future__ import annotations

import inspect
from typing import Any

from graphml.build.core import Core
from graphml.build.rows import BLOBS, Row
from graphml.build.table import ROWS
from graphml.spec.layers import since


class LayerMethods(Core):
    """`add_<name>(name, ...)` for every row of the table. Each appends a layer and returns its message.

    Raises SpecError or GraphError that names the method and the layer, and then leaves the network as it was.
    """


def documentation(row: Row) -> str:
    """What a method writes, and where its parameters go."""
    version = min(map(since, row.all_kinds))
    kinds = row.all_kinds[0] if len(row.all_kinds) == 1 else f"one of {', '.join(row.all_kinds)}"
    lines = [f"Append a layer: {kinds} (specification {version}). Returns its message."]
    for parameter in row.parameters:
        target = row.goes_to(parameter)
        if parameter in row.derived:
            lines.append(f"{parameter}: {row.derived[parameter]}.")
        elif parameter not in BLOBS and target != (parameter,):
            lines.append(f"{parameter}: the field{'s' if len(target) > 1 else ''} {', '.join(target)}.")
    return "\n".join([lines[0], "", *lines[1:]]) if lines[1:] else lines[0]


def _method(name: str, row: Row) -> Any:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature(
        [inspect.Parameter("self", kind), inspect.Parameter("name", kind), *row.parameters.values()]
    )

    def method(self: LayerMethods, *args: Any, **keywords: Any) -> Any:
        try:
            bound = signature.bind(self, *args, **keywords)
        except TypeError as error:
            raise TypeError(f"{name}(): {error}") from None
        bound.apply_defaults()
        _, layer, *values = bound.arguments.values()
        return self._add_row(name, row, layer, dict(zip(row.parameters, values, strict=True)))

    method.__name__, method.__qualname__, method.__doc__ = name, f"LayerMethods.{name}", documentation(row)
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


for _name, _row in ROWS.items():
    setattr(LayerMethods, f"add_{_name}", _method(f"add_{_name}", _row))
