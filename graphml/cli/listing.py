"""The summary of a model as lines and tables for a terminal or a pipe.

If a table does not fit into a terminal, each layer takes several lines instead, so names are not cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from graphml.cli.output import Row, console, print_line, print_table, print_wrapped
from graphml.inspect.viewer import interface_rows, rows, stage_row, typed_outputs, walk, weights_text
from graphml.visible import visible

_STAGE_COLUMNS = ("#", "stage", "kind", "inputs", "outputs", "size")
_FEW = 8  # class labels that are shown


def show(summary: dict[str, Any], title: str, pad: str = "") -> None:
    """Print a summary.

    Args:
        summary: See `graphml.inspect.summary.summarize`.
        title: The first line.
        pad: The indentation of all lines.
    """
    console.print(pad, Text(visible(title), style="bold"), sep="", soft_wrap=True)
    updatable = ", updatable" if summary["updatable"] else ""
    print_line(f"{pad}{summary['kind']}, specification {summary['specification_version']}{updatable}")
    for group, name, text in rows(summary):
        if group == "model" and name in ("kind", "specification", "updatable"):
            continue  # already in the line above
        feature = group in ("input", "output", "training input", "state")
        said = f"{group}  {visible(name)}: " if feature else f"{visible(name)}  "
        first, *more = text.splitlines() or [""]
        print_wrapped(said + first, pad)
        for line in more:
            print_wrapped(line, pad + "    ")
    if "class_labels" in summary:
        labels = [visible(str(label)) for label in summary["class_labels"]]
        shown = f"{len(labels)}: {', '.join(labels[:_FEW])}{' ...' if len(labels) > _FEW else ''}" if labels else "0"
        print_wrapped(f"classes  {shown}", pad)
    if "layers" in summary:
        _show_layers(summary["layers"], pad)
    for function in summary.get("functions", []):
        _show_function(function, pad)
    stages = summary.get("stages", [])
    if stages:
        _show_stages(stages, pad)
    for number, stage in enumerate(stages, 1):
        print_line("")
        show(stage, f"stage {number}: {stage['name']}", pad + "  ")


def _show_stages(stages: Sequence[dict[str, Any]], pad: str) -> None:
    cells = [(str(number), *stage_row(stage)) for number, stage in enumerate(stages, 1)]
    if not print_table(_STAGE_COLUMNS, [(row, "") for row in cells], pad):
        for number, name, kind, inputs, outputs, size in cells:
            print_wrapped(f"{number}  {name}  {kind}  {size}", pad)
            print_wrapped(f"{inputs} -> {outputs}", pad + "     ")


def _show_layers(layers: list[dict[str, Any]], pad: str) -> None:
    with_shapes = any("shapes" in layer for layer in layers)
    columns = ("#", "layer", "kind", "inputs", "outputs", *(["shape"] if with_shapes else []), "weights")
    if not print_table(columns, _layer_rows(layers, with_shapes=with_shapes), pad):
        for depth, layer in walk(layers):
            _show_record(depth, layer, _layer_name(layer), _shapes(layer), weights_text(layer), pad)


def _layer_rows(layers: list[dict[str, Any]], *, with_shapes: bool) -> Iterator[Row]:
    for depth, layer in walk(layers):
        cells = [str(layer["number"]), "  " * depth + _layer_name(layer), str(layer["kind"])]
        cells += [", ".join(layer["inputs"]), ", ".join(layer["outputs"])]
        yield (*cells, *([_shapes(layer)] if with_shapes else []), weights_text(layer)), ""


def _layer_name(layer: dict[str, Any]) -> str:
    return layer["name"] + (" (updatable)" if layer.get("updatable") else "")


def _shapes(layer: dict[str, Any]) -> str:
    return " ".join(str(shape) for shape in layer.get("shapes", {}).values())


def _show_record(depth: int, layer: dict[str, Any], name: str, shapes: str, weights: str, pad: str) -> None:
    """A layer on several lines: its name and kind, inputs and outputs, weights."""
    number = f"{layer['number']}  "
    indent = pad + "  " * depth
    print_wrapped(f"{number}{name}  {layer['kind']}{f'  {shapes}' if shapes else ''}", indent, style="bold")
    indent += " " * len(number)
    inputs, outputs = ", ".join(layer["inputs"]), ", ".join(layer["outputs"])
    wiring = inputs if layer["outputs"] == [layer["name"]] or not outputs else f"{inputs} -> {outputs}".strip()
    for text in (wiring, weights):
        if text:
            print_wrapped(text, indent)


def _show_function(function: dict[str, Any], pad: str) -> None:
    print_line(f"{pad}function {visible(function['name'])}")
    for group, name, text in interface_rows(function):
        print_wrapped(f"{group}  {name}: {text}", pad + "  ")
    operations = function["operations"]
    if print_table(("#", "outputs", "operation", "inputs"), _operation_rows(operations), pad):
        return
    for depth, operation in walk(operations):
        number, indent = f"{operation['number']}  ", pad + "  " * depth
        print_wrapped(number + _results(operation), indent, style="bold")
        print_wrapped(f"{operation['kind']}({_arguments(operation)})", indent + " " * len(number))


def _operation_rows(operations: list[dict[str, Any]]) -> Iterator[Row]:
    for depth, operation in walk(operations):
        results = "  " * depth + _results(operation)
        yield (str(operation["number"]), results, operation["kind"], _arguments(operation)), ""


def _results(operation: dict[str, Any]) -> str:
    shapes = operation.get("shapes", {})
    return ", ".join(f"{name} {shapes[name]}" for name in shapes) if shapes else typed_outputs(operation)


def _arguments(operation: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {text}" for name, text in operation["inputs"].items())
