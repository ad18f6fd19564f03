"""Writes layer_methods.pyi, which shows the derived `add_...` methods to editors and type checkers.

python -m graphml.build.generate            after the table has changed
python -m graphml.build.generate --check    only say whether the file is stale; status 1 if it is
"""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path
from typing import Any

from graphml.build.layer_methods import documentation
from graphml.build.rows import Row
from graphml.build.table import ROWS
from graphml.spec import layers

STUB = Path(__file__).with_name("layer_methods.pyi")

_HEAD = '''# Made by graphml/build/generate.py from the table of methods; change that and run it again.
"""The `add_...` methods of the builder."""

from collections.abc import Sequence
from typing import Any

from graphml.build.core import Core
from graphml.build.rows import Row
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

def documentation(row: Row) -> str: ...

class LayerMethods(Core):
'''

_SINGLE = {"double": "float", "float": "float", "bool": "bool"}
_BLOBS = {"input_names": "Sequence[str] | str", "output_names": "Sequence[str] | str"}


def stub() -> str:
    """The text of the stub."""
    return _HEAD + "\n".join(_method(f"add_{name}", row) for name, row in ROWS.items()) + "\n"


def _method(name: str, row: Row) -> str:
    parameters = ["self", "name: str", *(_parameter(row, p) for p in row.parameters.values())]
    lines = [f"    def {name}(", *(f"        {parameter}," for parameter in parameters), "    ) -> NeuralNetworkLayer:"]
    text = documentation(row).split("\n")
    quotes = '"""'
    body = [f"{quotes}{text[0]}{quotes}"] if len(text) == 1 else [f"{quotes}{text[0]}", *text[1:], quotes]
    return "\n".join([*lines, *(f"        {line}" if line else "" for line in body)])


def _parameter(row: Row, parameter: inspect.Parameter) -> str:
    optional = parameter.default is None
    kind = _annotation(row, parameter)
    kind = f"{kind} | None" if optional and kind != "Any" else kind
    default = "" if parameter.default is inspect.Parameter.empty else f" = {_literal(parameter.default)}"
    return f"{parameter.name}: {kind}{default}"


def _literal(value: Any) -> str:
    return '"' + value + '"' if isinstance(value, str) else repr(value)


def _annotation(row: Row, parameter: inspect.Parameter) -> str:
    name, default = parameter.name, parameter.default
    if name in _BLOBS:
        return _BLOBS[name]
    if name == "input_name" and layers.input_range(row.all_kinds[0])[1] > 1:
        return "Sequence[str] | str"
    if name in ("input_name", "output_name"):
        return "str"
    for kind, annotation in ((bool, "bool"), (int, "float"), (float, "float"), (str, "str"), (tuple, "Sequence[int]")):
        if isinstance(default, kind):
            return "int" if kind is int and _wire_type(row, name) in ("", "int") else annotation
    return {"int": "int", "float": "float", "bool": "bool", "ints": "Sequence[int]"}.get(_wire_type(row, name), "Any")


def _wire_type(row: Row, parameter: str) -> str:
    """The plain type of the only field that a parameter goes to, unchanged; nothing where it is not that simple."""
    target = row.goes_to(parameter)
    if len(target) != 1 or isinstance(row.fields.get(parameter), tuple):
        return ""
    fields = {layers.snake_case(f.name): f for f in layers.descriptor(row.all_kinds[0]).fields}
    wire = fields.get(target[0])
    if wire is None or wire.enum_type or wire.message_type:
        return ""
    floats = wire.cpp_type in (wire.CPPTYPE_FLOAT, wire.CPPTYPE_DOUBLE)
    if wire.is_repeated:
        # a list field that several numbers make up is no list in the arguments
        shared = sum(row.goes_to(other) == target for other in row.parameters) > 1
        return "" if floats or wire.cpp_type == wire.CPPTYPE_BOOL or shared else "ints"
    return "bool" if wire.cpp_type == wire.CPPTYPE_BOOL else "float" if floats else "int"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write graphml/build/layer_methods.pyi.")
    parser.add_argument("--check", action="store_true", help="write nothing, only say whether it is stale")
    check = parser.parse_args(argv).check
    fresh = stub()
    stale = not STUB.exists() or STUB.read_text() != fresh
    if stale:
        print(f"{'stale' if check else 'written'}: {STUB.name}")
        if not check:
            STUB.write_text(fresh)
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
