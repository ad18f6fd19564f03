"""A readable summary: as rows of text, and as HTML for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterator
from itertools import groupby
from typing import Any, cast

from graphml.visible import visible


def rows(summary: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Everything in a summary except layers and stages, as rows of text.

    Args:
        summary: See `graphml.inspect.summary.summarize`.

    Returns:
        (group, name, text) of each row. Texts come from the file and may contain any characters: see `graphml.visible`.
    """
    yield "model", "kind", str(summary["kind"])
    yield "model", "specification", str(summary["specification_version"])
    yield "model", "updatable", "yes" if summary["updatable"] else "no"
    for what in ("predicted_feature", "predicted_probabilities", "mapping"):
        if what in summary:
            yield "model", what.replace("_", " "), summary[what]
    for name, value in summary.get("facts", {}).items():
        yield "model", name.replace("_", " "), _text(value)
    yield from interface_rows(summary)
    for name, value in summary["metadata"].items():
        if name == "user_defined":
            yield from (("user defined", *item) for item in value.items())
        else:
            yield "metadata", name, value
    for name, parameter in summary.get("parameters", {}).items():
        yield "parameter", name.replace("_", " "), _parameter_text(parameter)
    if "update" in summary:
        yield from _update_rows(summary["update"])
    for name, value in summary.get("training_recipe", {}).items():
        yield "training recipe", name.replace("_", " "), _text(value)


def interface_rows(summary: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The features of a model, or of a function of a program with a separate interface.

    Args:
        summary: A summary, or an entry of "functions".

    Returns:
        (group, name, text) of each feature.
    """
    for what in ("inputs", "outputs", "training_inputs", "states"):
        for feature in summary.get(what, []):
            note = f"  {feature['description']}" if "description" in feature else ""
            yield what[:-1].replace("_", " "), feature["name"], feature["type"] + note


def _update_rows(update: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for loss in update["losses"]:
        yield "update", "loss", f"{loss['loss']}({loss.get('input')}, {loss.get('target')})"
    optimizer = dict(update.get("optimizer", {}))
    if optimizer:
        yield "update", "optimizer", optimizer.pop("kind")
    seed = {"seed": update["seed"]} if "seed" in update else {}
    for name, parameter in {**optimizer, "epochs": update["epochs"], **seed}.items():
        yield "update", name.replace("_", " "), _parameter_text(parameter)
    yield "update", "shuffle", str(update["shuffle"])


def _parameter_text(parameter: dict[str, Any]) -> str:
    default = str(parameter["default"])
    if "range" in parameter:
        low, high = parameter["range"]
        return f"{default}  ({low} to {high})"
    return f"{default}  (one of {', '.join(map(str, parameter['allowed']))})" if "allowed" in parameter else default


def _text(value: Any) -> str:
    if isinstance(value, dict):
        facts = cast("dict[str, Any]", value)
        return ", ".join(f"{name.replace('_', ' ')} {_text(inner)}" for name, inner in facts.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(_text, cast("list[Any]", value))) if isinstance(value, list) else str(value)


def walk(layers: list[dict[str, Any]], depth: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """All layers or operations of a summary, including those inside of branches and loops.

    Args:
        layers: The entry "layers" of a summary, or "operations" of one of its functions.
        depth: The depth of these layers.

    Returns:
        (depth, layer) of each layer.
    """
    for layer in layers:
        yield depth, layer
        for region in ("if", "else", "condition", "body"):
            yield from walk(layer.get(region, []), depth + 1)
        for block in layer.get("blocks", []):
            yield from walk(block, depth + 1)


def weights_text(layer: dict[str, Any]) -> str:
    """The weights of a layer with their shapes; their storage is given once if it is the same for all."""
    weights = layer.get("weights", {})
    storages = {weight["storage"] for weight in weights.values()}
    said = [f"{name} {weight['shape']}" if weight["shape"] else name for name, weight in weights.items()]
    if len(storages) == 1:
        return f"{', '.join(said)} {storages.pop()}"
    return ", ".join(f"{text} {weight['storage']}" for text, weight in zip(said, weights.values(), strict=True))


def stage_row(stage: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """A stage of a pipeline: name, kind, inputs, outputs, size."""
    inputs, outputs = (", ".join(feature["name"] for feature in stage[what]) for what in ("inputs", "outputs"))
    sizes = [
        f"{facts[name]:,} {word}"
        for facts in [stage.get("facts", {})]
        for name, word in _SIZES.items()
        if isinstance(facts.get(name), int)
    ]
    return stage["name"], str(stage["kind"]), inputs, outputs, ", ".join([*sizes, f"{stage['size_bytes']:,} bytes"])


_SIZES = {
    "layer_count": "layers",
    "operation_count": "operations",
    "weight_count": "weights",
    "stages": "stages",
    "trees": "trees",
    "nodes": "nodes",
    "support_vectors": "support vectors",
    "samples": "samples",
}

# As HTML -------------------------------------------------------------------------------------------------------------

_STYLE = (
    ".graphml{font:14px/1.45 system-ui,sans-serif}.graphml table{border-collapse:collapse}"
    ".graphml td,.graphml th{text-align:left;vertical-align:top;padding:1px 12px 1px 0}"
    ".graphml td{white-space:pre-wrap;overflow-wrap:anywhere}.graphml summary{cursor:pointer;font-weight:bold}"
    ".graphml details{margin-left:1em}"
)
_FOLDED = 20  # more labels than this are folded


def as_html(summary: dict[str, Any], title: str) -> str:
    """A summary as HTML to embed in a page, without scripts; layers, labels and stages can be folded.

    Args:
        summary: See `graphml.inspect.summary.summarize`.
        title: The heading.
    """
    return f'<div class="graphml"><style>{_STYLE}</style>{_model(summary, title)}</div>'


def _model(summary: dict[str, Any], title: str) -> str:
    parts = [f"<h3>{_cell(title)}</h3>"]
    for group, found in groupby(rows(summary), lambda row: row[0]):
        lines = "".join(f"<tr><th>{_cell(name)}</th><td>{_cell(text, lines=True)}</td></tr>" for _, name, text in found)
        parts.append(f"<h4>{_cell(group)}</h4><table>{lines}</table>")
    if "class_labels" in summary:
        labels = [_cell(str(label)) for label in summary["class_labels"]]
        opened = " open" if len(labels) <= _FOLDED else ""
        parts.append(f"<details{opened}><summary>{len(labels)} classes</summary>{', '.join(labels)}</details>")
    if "layers" in summary:
        parts.append(_layers(summary["layers"]))
    parts += [_operations(function) for function in summary.get("functions", [])]
    stages = summary.get("stages", [])
    if stages:
        head = "".join(f"<th>{name}</th>" for name in ("", "stage", "kind", "inputs", "outputs", "size"))
        lines = "".join(
            f"<tr><td>{number}</td>{''.join(f'<td>{_cell(cell)}</td>' for cell in stage_row(stage))}</tr>"
            for number, stage in enumerate(stages, 1)
        )
        parts.append(f"<h4>stages</h4><table><tr>{head}</tr>{lines}</table>")
    for stage in stages:
        name = f"stage {stage['name']}"
        parts.append(f"<details><summary>{_cell(name)}</summary>{_model(stage, name)}</details>")
    return "".join(parts)


def _layers(layers: list[dict[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("", "layer", "kind", "inputs", "outputs", "weights"))
    lines: list[str] = []
    for depth, layer in walk(layers):
        name = "  " * depth + layer["name"] + (" (updatable)" if layer.get("updatable") else "")
        cells = (layer["number"], name, layer["kind"], *(", ".join(layer[b]) for b in ("inputs", "outputs")))
        lines.append("".join(f"<td>{_cell(str(cell))}</td>" for cell in (*cells, weights_text(layer))))
    table = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<details><summary>{len(lines)} layers</summary><table><tr>{head}</tr>{table}</table></details>"


def _operations(function: dict[str, Any]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("", "outputs", "operation", "inputs"))
    lines: list[str] = []
    for depth, operation in walk(function["operations"]):
        cells = (str(operation["number"]), "  " * depth + typed_outputs(operation), operation["kind"])
        inputs = ", ".join(f"{name} = {text}" for name, text in operation["inputs"].items())
        lines.append("".join(f"<td>{_cell(cell)}</td>" for cell in (*cells, inputs)))
    table = "".join(f"<tr>{line}</tr>" for line in lines)
    title = f"function {_cell(function['name'])}: {len(lines)} operations"
    own = "".join(f"<div>{_cell(f'{what} {name}: {text}')}</div>" for what, name, text in interface_rows(function))
    return f"<details><summary>{title}</summary>{own}<table><tr>{head}</tr>{table}</table></details>"


def typed_outputs(operation: dict[str, Any]) -> str:
    """The outputs of an operation of a summary with their types, as one text."""
    return ", ".join(f"{name}: {operation['types'][name]}" for name in operation["outputs"])


def _cell(text: str, *, lines: bool = False) -> str:
    parts = text.splitlines() if lines else [text]
    return "\n".join(html.escape(visible(part)) for part in parts)
