"""A graph as pseudocode: one line for each node, branches and loops as blocks. For reading, not for running."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import numpy as np

from graphml import catalogue
from graphml.graph import ABSENT, Graph, Node, Region
from graphml.interpreter.interface import Interface
from graphml.naming import Names
from graphml.spec.attributes import Choice
from graphml.spec.layers import EXITS, snake_case
from graphml.visible import visible

Shapes = Mapping[str, tuple[int, ...]]
"""{blob: shape}."""


def listing(graph: Graph, interface: Interface, shapes: Shapes | None = None, name: str = "network") -> str:
    """A graph as indented pseudocode.

    Args:
        graph: The graph.
        interface: Its inputs.
        shapes: {blob: shape}; known shapes are added to the lines as comments.
        name: The name of the function.
    """
    names = _Identifiers(_inlined(graph))
    declared, held = interface.signature(), interface.declared_state()
    inputs = [f"{names(each)}: {declared[each]}" if declared.get(each) else names(each) for each in graph.inputs]
    inputs += [f"{names(each)}: {_state(held[each]) if each in held else 'state'}" for each in graph.state]
    lines = [f"def {_identifier(name)}({', '.join(inputs)}):"]
    lines += ["    " + line for line in _region(graph.body, names, shapes or {})]
    lines.append("    return " + ", ".join(map(names, graph.outputs)))
    return "\n".join(lines)


_FEW = 8  # elements of a constant that is written inline


def _inlined(graph: Graph) -> dict[str, str]:
    """{blob: value} of the constants that are part of the program and short."""
    found: dict[str, str] = {}
    for node in graph.body.walk():
        if node.weights and catalogue.has_role(node, "constant") and catalogue.row(node).static(node.weights):
            (value,) = node.weights.values()
            if value.size <= _FEW and value.ndim <= 1:
                found[node.outputs[0]] = _value(tuple(value.tolist()) if value.ndim else value.item())
    return found


class _Identifiers:
    """A unique identifier for each blob, similar to its name; the value itself for some."""

    def __init__(self, inlined: Mapping[str, str]) -> None:
        self.inlined = inlined
        self._given: dict[str, str] = dict(inlined)
        self._names = Names()

    def __call__(self, blob: str) -> str:
        if blob not in self._given:
            self._given[blob] = self._names.free(_identifier(blob))
        return self._given[blob]


def _identifier(name: str) -> str:
    name = re.sub(r"\W", "_", name) or "_"
    return f"_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name


def _state(held: Any) -> str:
    return f"state {held.dtype}{list(held.shape)}"


def _region(region: Region, names: _Identifiers, shapes: Shapes) -> Iterator[str]:
    for node in region.nodes:
        if not (node.outputs and node.outputs[0] in names.inlined):
            yield from _node(node, names, shapes)
    if not region.nodes:
        yield "pass"


def _node(node: Node, names: _Identifiers, shapes: Shapes) -> Iterator[str]:
    def block(name: str) -> list[str]:
        return ["    " + line for line in _region(node.regions[name], names, shapes)]

    if set(node.regions) & {"if", "else"}:
        yield f"if {names(node.inputs[0])}:"
        yield from block("if") if "if" in node.regions else ["    pass"]
        if "else" in node.regions:
            yield "else:"
            yield from block("else")
    elif "body" in node.regions or "condition" in node.regions:
        yield from _loop(node, names, block)
    elif node.weights and catalogue.has_role(node, "constant"):
        yield f"{names(node.outputs[0])} = constant({', '.join(map(_constant, node.weights.values()))})"
    elif node.kind in EXITS:
        yield {"loopBreak": "break", "loopContinue": "continue"}[node.kind]
    else:
        outputs = ", ".join(names(name) for name in node.outputs)
        arguments = ["None" if name == ABSENT else names(name) for name in node.inputs]
        arguments += [_weight(name, value) for name, value in node.weights.items()]
        arguments += [
            f"{name}={_value(value)}" for name, value in node.attributes.items() if _is_informative(node, name)
        ]
        known = [str(list(shapes[name])) for name in node.outputs if name in shapes]
        comment = f"  # {', '.join(known)}" if known else ""
        yield f"{outputs} = {snake_case(node.kind)}({', '.join(arguments)}){comment}"


def _loop(node: Node, names: _Identifiers, block: Callable[[str], list[str]]) -> Iterator[str]:
    most = node.attributes.get("max_loop_iterations")
    bound = names(node.inputs[0]) if node.inputs else str(most) if most else ""
    decides = node.attributes.get("condition_var", node.attributes.get("condition"))
    if "condition" not in node.regions:
        yield f"for _ in range({bound}):"
        yield from block("body")
        return
    yield f"for _ in range({bound}):" if bound else "while True:"
    yield from block("condition")
    yield f"    if not {names(decides)}:"
    yield "        break"
    yield from block("body")


# Attributes that are obvious from the shapes of the weights.
_SIZES = {
    *("input_channels", "output_channels", "kernel_channels", "kernel_size", "has_bias", "shape", "shape_scale"),
    *("shape_bias", "channels", "input_dim", "input_vector_size", "output_vector_size", "vocab_size"),
}


def _is_informative(node: Node, name: str) -> bool:
    value = node.attributes[name]
    if node.weights and name in _SIZES:
        return False
    defaults = catalogue.row(node).signature.defaults
    if defaults is not None:
        return name in defaults and not _same(value, defaults[name])
    if len(node.attributes) == 1 and len(node.inputs) == 1 and isinstance(value, float):
        return True  # as in x < 0 or x + 0, where zero is the operand
    return value not in (0, "", (), None) and value is not False and value != {}


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and np.array_equal(a, b)


def _weight(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inner = cast("dict[str, Any]", value)
        return f"{name}=({', '.join(_weight(n, v) for n, v in inner.items())})"
    if isinstance(value, list):
        return f"{name}=[{', '.join(_weight('', v) for v in cast('list[Any]', value))}]"
    return f"{name}{list(value.shape)}"


def _constant(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if hasattr(value, "dtype") else _weight("", value)


def _value(value: Any) -> str:
    if isinstance(value, Choice):
        inner = ", ".join(f"{n}={_value(v)}" for n, v in value.fields.items())
        return f"{value.name}({inner})" if inner else value.name
    if isinstance(value, dict):
        inner = cast("dict[str, Any]", value)
        return "(" + ", ".join(f"{visible(n)}={_value(v)}" for n, v in inner.items()) + ")"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, cast("tuple[Any, ...]", value))) + "]"
    return f"{value:.6g}" if isinstance(value, float) else visible(str(value))
