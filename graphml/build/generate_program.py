"""Write program_methods.py, the methods of the program builder, from the table of operations and the operators.

python -m graphml.build.generate_program            write it
python -m graphml.build.generate_program --check    write nothing, and exit with status 1 if it is stale
"""

from __future__ import annotations

import argparse
import inspect
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

from graphml import catalogue
from graphml.catalogue import Op
from graphml.graph import Node
from graphml.spec.program.operations import Operation, Parameter, operations

MODULE = Path(__file__).with_name("program_methods.py")

_WIDTH = 120
_WRITTEN_BY_HAND = {"const", "cond", "while_loop", "classify"}
_HEAD = '''"""The methods of the program builder, one for each operation.

Generated from the table of operations and the operators. To change a method, change these and run `python generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from graphml.build.program_core import Argument, ProgramCore, Value


class ProgramMethods(ProgramCore):
    """`<operation>(...)` for every operation: each appends it to the block under construction and returns its results.

    Raises:
        SpecError: If the operator set has no such operation, or a parameter is missing or not constant.
        GraphError: If the operation does not take these values.
        ShapeError: If their shapes do not fit. All errors name the operation.
    """
'''


def module() -> str:
    """The text of program_methods.py."""
    rows = catalogue.rows("operation")
    # compression is left to other tools; the builder stores weights uncompressed
    kinds = sorted(kind for kind in set(operations()) - _WRITTEN_BY_HAND if not kind.startswith("constexpr_"))
    return "\n".join([_HEAD, *(_method(operations()[kind], rows[kind]) for kind in kinds if kind in rows)])


def _method(versions: Mapping[int, Operation], row: Op) -> str:
    newest = versions[max(versions)]
    parameters = {p.name: p for version in sorted(versions) for p in versions[version].parameters.values()}
    always = [p for p in parameters if all(p in version.parameters for version in versions.values())]
    required = [p for p in parameters.values() if not p.optional and p.name in always]
    optional = [p for p in parameters.values() if p not in required]
    values = [p for p in optional if p.name in row.inputs]
    optional = [*values, *(p for p in optional if p not in values)]
    signature = ["self", *(f"{p.name}: {_type(p, row)}" for p in required)]
    signature += [f"{p.name}: {_type(p, row)} | None = None" for p in values]
    signature += ["*", *(f"{p.name}: {_type(p, row)} | None = None" for p in optional[len(values) :])]
    signature.append("name: str | None = None")
    counts = {count for version in versions.values() for count in version.outputs}
    result = "None" if counts == {0} else "Value" if counts == {1} else "tuple[Value, ...]"
    result = "Value | tuple[Value, ...]" if counts == {1, 2} else result
    given = ", ".join(f'"{p.name}": {p.name}' for p in (*required, *optional))
    lines = [
        *_bracketed(f"def {newest.kind}(", signature, f") -> {result}:"),
        *(f"    {line}" if line else "" for line in _docstring(newest, versions, row, [*required, *optional])),
        *(f"    {line}" for line in _call(newest.kind, given)),
    ]
    return textwrap.indent("\n".join(lines), "    ") + "\n"


def _call(kind: str, given: str) -> list[str]:
    line = f'return self._operation("{kind}", name, {{{given}}})'
    if len(line) <= _WIDTH - 8:
        return [line]
    entries = [f"        {entry}," for entry in given.split(", ")]
    return ["return self._operation(", f'    "{kind}",', "    name,", "    {", *entries, "    },", ")"]


def _bracketed(start: str, parts: list[str], end: str) -> list[str]:
    line = start + ", ".join(parts) + end
    return [line] if len(line) <= _WIDTH - 4 else [start, *(f"    {part}," for part in parts), end]


def _type(parameter: Parameter, row: Op) -> str:
    if parameter.many:
        return "Sequence[Argument]"
    if parameter.name in row.inputs or not parameter.constant:
        return "Argument"
    annotation = inspect.signature(row.function).parameters.get(parameter.name)
    if annotation is None or annotation.annotation is inspect.Parameter.empty:
        return "Argument"
    text = str(annotation.annotation).replace(" | None", "")
    plain = re.fullmatch(r"tuple\[(int|float|bool), \.\.\.\]", text)
    if plain:
        return f"Sequence[{plain[1]}]"
    return text if text in ("int", "float", "bool", "str") else "ArrayLike"


def _docstring(newest: Operation, versions: Mapping[int, Operation], row: Op, parameters: list[Parameter]) -> list[str]:
    older = (Node("", "", "operation", newest.kind, (), (), version=version) for version in sorted(versions))
    described = {name: text for node in older for name, text in _described(catalogue.row(node)).items()}
    whole = inspect.getdoc(row.function) or ""
    words = " ".join(whole.partition("\n\n")[0].splitlines())
    summary = textwrap.wrap(words, _WIDTH - 12)
    lines = ['"""' + summary[0], *summary[1:], ""]
    lines += [f"The operation `{newest.kind}` (since iOS {min(versions)}).", "", "Args:"]
    for parameter in parameters:
        text = described.get(parameter.name, "See the format.")
        lines += _wrapped(f"{parameter.name}: {text}")
    lines += ["    name: The name of the operation and of its first result. Default: generated.", '"""']
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - 8, initial_indent="    ", subsequent_indent="        ")


def _described(row: Op) -> dict[str, str]:
    """{parameter: description} from the docstring of the operator."""
    arguments = (inspect.getdoc(row.function) or "").partition("\nArgs:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    ([\w, ]+): (.+(?:\n     +.+)*)", arguments, re.MULTILINE)
    return {
        name.strip(): " ".join(line.strip() for line in text.splitlines())
        for names, text in found
        for name in names.split(",")
    }


def main() -> int:
    """Write the module, or check it. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = module()
    if not parser.parse_args().check:
        MODULE.write_text(text)
        return 0
    if not MODULE.exists() or MODULE.read_text() != text:
        print(f"{MODULE.name} is stale: run python generate.py")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
