"""Write layer_methods.py, the `add_...` methods of the builder, from `table`, `parameters` and the operators.

    python -m graphml.build.generate            write it
    python -m graphml.build.generate --check    write nothing, and exit with status 1 if it is stale

`python generate.py` runs this and all other generators. The package must be importable: if a merge leaves conflicts in
layer_methods.py, check out either version first.
"""

from __future__ import annotations

import argparse
import inspect
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from graphml.build.parameters import PARAMETERS
from graphml.build.table import BLOBS, ROWS, Row
from graphml.catalogue import Op
from graphml.catalogue import rows as operators
from graphml.spec.layers import descriptor, input_range, kinds, since, snake_case

MODULE = Path(__file__).with_name("layer_methods.py")

_WIDTH = 120
_HEAD = '''"""The `add_...` methods of the builder, one for each kind of layer.

Generated from table.py, parameters.py and the operators. To change a method, change these and run `python generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message
from numpy.typing import ArrayLike

from graphml.build import cells, irregular, weighted
from graphml.build.core import Core
from graphml.spec.attributes import Choice
from graphml.spec.weights import Quantized
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer


class LayerMethods(Core):
    """`add_<name>(name, ...)` for every kind of layer: each appends a layer and returns its message.

    The message is the one in the network and may be changed. A name of a mode or function may be written in any case.
    Weights are stored as float32; the builder's `add` stores other types too.

    Raises:
        SpecError: If the arguments do not describe a layer. It names the method and the layer.
        GraphError: If the name is taken, or the layer has too few or too many inputs or outputs.
            The network is unchanged in both cases.
    """
'''


def module() -> str:
    """The text of layer_methods.py.

    Raises:
        LookupError: If something about a layer kind is missing; the message says what to write, and where.
    """
    missing = [kind for kind in kinds() if not any(kind in row.all_kinds for row in ROWS.values())]
    if missing:
        raise LookupError(
            f"layer kind {missing[0]!r} has fields that are messages, so its builder method cannot be derived: "
            "write its row in graphml/build/table.py"
        )
    return "\n".join([_HEAD, *(_method(name, row) for name, row in ROWS.items())])


def _method(name: str, row: Row) -> str:
    parameters = ["self", "name: str", *(_parameter(name, row, p) for p in row.parameters.values())]
    lines = [
        *_bracketed(f"def add_{name}(", parameters, ") -> NeuralNetworkLayer:"),
        *(f"    {line}" if line else "" for line in _docstring(name, row)),
        *(f"    {line}" for line in _bracketed("return self._add_layer(", _call(name, row), ")")),
    ]
    return textwrap.indent("\n".join(lines), "    ") + "\n"


def _bracketed(start: str, parts: Sequence[str], end: str) -> list[str]:
    """A call or a signature: on one line if it fits there, else with one line for each part."""
    line = start + ", ".join(parts) + end
    return [line] if len(line) <= _WIDTH - 8 else [start, *(f"    {part}," for part in parts), end]


def _parameter(method: str, row: Row, parameter: inspect.Parameter) -> str:
    kind = _entry(method, row, parameter.name)[0]
    if parameter.name == "input_name" and input_range(row.all_kinds[0])[1] > 1:
        kind = "Sequence[str] | str"  # usually one blob, but several are allowed
    if parameter.default is None and "None" not in kind:
        kind += " | None"
    default = "" if parameter.default is inspect.Parameter.empty else f" = {_literal(parameter.default)}"
    return f"{parameter.name}: {kind}{default}"


def _entry(method: str, row: Row, parameter: str) -> tuple[str, str]:
    """The type and description of a parameter."""
    if row.derived and parameter not in ("name", *BLOBS):
        return _derived_entry(row.all_kinds[0], parameter)
    found = PARAMETERS.get(f"{method}.{parameter}", PARAMETERS.get(parameter))
    if found is None:
        raise LookupError(f"parameter {parameter!r} of add_{method} has no description in graphml/build/parameters.py")
    return found


def _derived_entry(kind: str, parameter: str) -> tuple[str, str]:
    """The type of a field, and its description in the docstring of the operator."""
    field = next(field for field in descriptor(kind).fields if snake_case(field.name) == parameter)
    of_type = "str" if field.enum_type is not None else _TYPES.get(field.cpp_type, "int")
    arguments = (inspect.getdoc(_operator(kind).function) or "").partition("\nArgs:\n")[2].partition("\n\n")[0]
    entry = re.search(rf"^    {parameter}: (.+(?:\n     +.+)*)", arguments, re.MULTILINE)
    if entry is None:
        raise LookupError(
            f"the operator of layer kind {kind!r} does not describe {parameter!r} in its docstring, under Args"
        )
    text = " ".join(entry[1].split()).removesuffix(".")
    return f"Sequence[{of_type}]" if field.is_repeated else of_type, text


_TYPES = {
    FieldDescriptor.CPPTYPE_FLOAT: "float",
    FieldDescriptor.CPPTYPE_DOUBLE: "float",
    FieldDescriptor.CPPTYPE_BOOL: "bool",
    FieldDescriptor.CPPTYPE_STRING: "str",
}


def _operator(kind: str) -> Op:
    found = operators("layer").get(kind)
    if found is None:
        raise LookupError(f"layer kind {kind!r} has no operator: write a function @layer({kind!r}) in ops/layers")
    return found


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _docstring(name: str, row: Row) -> list[str]:
    version = min(map(since, row.all_kinds))
    *others, last = (f"`{kind}`" for kind in row.all_kinds)
    kinds = f"{', '.join(others)} or {last}" if others else last
    lines = [f'"""Append a layer of kind {kinds} (specification {version}).', ""]
    summaries = [_operator(kind).summary.partition(" Source:")[0] for kind in row.all_kinds]
    if len(summaries) == 1:
        lines += textwrap.wrap(summaries[0], _WIDTH - 8)
    else:
        for kind, summary in zip(row.all_kinds, summaries, strict=True):
            lines += textwrap.wrap(f"- `{kind}`: {summary}", _WIDTH - 8, subsequent_indent="  ")
    lines += ["", "Args:"]
    for parameter in ("name", *row.parameters):
        description = _entry(name, row, parameter)[1]
        target = row.target(parameter)
        written = "" if row.make or parameter == "name" or target in ("", parameter) else f" (field `{target}`)"
        text = f"{parameter}: {description[0].upper() if description[0] != '`' else '`'}{description[1:]}{written}."
        lines += textwrap.wrap(text, _WIDTH - 12, initial_indent="    ", subsequent_indent="        ")
    return [*lines, '"""']


def _call(name: str, row: Row) -> list[str]:
    """The arguments of `_add_layer`."""
    kind = f'"{row.kinds}"' if row.pick is None else _reference(row.pick)
    inputs = next((p for p in ("input_names", "input_name") if p in row.parameters), "None")
    outputs = next((p for p in ("output_names", "output_name") if p in row.parameters), "None")
    make = [] if row.make is None else [_reference(row.make)]
    options = [p for p in row.parameters if p not in (inputs, outputs)]
    fields = [f"{p if row.make else row.target(p)}={p}" for p in options]
    return [f'"add_{name}"', kind, "name", inputs, outputs, *make, *fields]


def _reference(function: Any) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def main(argv: list[str] | None = None) -> int:
    """Write the module, or check it."""
    parser = argparse.ArgumentParser(description="Write graphml/build/layer_methods.py.")
    parser.add_argument("--check", action="store_true", help="write nothing, only report whether it is stale")
    check = parser.parse_args(argv).check
    try:
        fresh = module()
    except LookupError as error:
        raise SystemExit(error.args[0]) from None
    stale = not MODULE.exists() or MODULE.read_text(encoding="utf-8") != fresh
    if stale:
        print(f"{'stale' if check else 'written'}: {MODULE.name}")
        if not check:
            MODULE.write_text(fresh, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
