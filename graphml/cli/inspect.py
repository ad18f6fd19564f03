"""graphml inspect: what a model file contains."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table
from rich.text import Text

from graphml import spec
from graphml.cli.app import AsJson, FunctionName, ModelFile, app
from graphml.cli.output import console, print_json, print_line
from graphml.errors import FeatureError, GraphmlError, UnsupportedError, with_article
from graphml.inspect.summary import summarize
from graphml.inspect.viewer import interface_rows, rows, typed_outputs, walk
from graphml.visible import visible

if TYPE_CHECKING:  # importing it needs JAX
    from graphml.models.graph_model import GraphModel


class Drawing(enum.StrEnum):
    """Output formats of --flow."""

    text = "text"
    dot = "dot"
    html = "html"


@app.command()
def inspect(
    file: ModelFile,
    shapes: Annotated[bool, typer.Option("--shapes", help="trace the network and show the shape of each blob")] = False,
    code: Annotated[bool, typer.Option("--code", help="print a network as straight-line code with shapes")] = False,
    flow: Annotated[
        bool, typer.Option("--flow", help="show branches, loops, compiled stages and what determines shapes")
    ] = False,
    form: Annotated[Drawing, typer.Option("--format", help="output format of --flow")] = Drawing.text,
    function: FunctionName = None,
    as_json: AsJson = False,
) -> None:
    """Show what a model contains: interface, layers, weights, update recipe."""
    message = spec.read(file)
    if flow:
        print(_flow(_graph_model(file, function), form, file.name), end="")  # already escaped
        return
    if code:
        print_line(_code(_graph_model(file, function)))
        return
    summary = summarize(message, function)
    if shapes:
        model = _graph_model(file, function)
        found = _blob_shapes(model)
        traced = summary.get("layers", [])
        for each in summary.get("functions", []):
            if each["name"] == getattr(model, "function_name", None):
                traced = [operation for _, operation in walk(each["operations"])]
        for layer in traced:
            layer["shapes"] = {name: list(found[name]) for name in layer["outputs"] if name in found}
    if as_json:
        print_json(summary, indent=2)
    else:
        _show(summary, str(file))


def _graph_model(file: Path, function: str | None) -> GraphModel:
    from graphml.models import load
    from graphml.models.graph_model import GraphModel

    model = load(file, function_name=function)
    if not isinstance(model, GraphModel):
        raise UnsupportedError(
            f"only neural networks and ML Programs have a graph; this model is {with_article(model.kind)}"
        )
    return model


def _blob_shapes(model: GraphModel) -> dict[str, tuple[int, ...]]:
    """The shape of every blob for inputs of their default shapes, traced but not computed."""
    import jax
    import numpy as np

    lowered = model.lower()
    inputs = lowered.interface.declared_inputs(np.float32)
    for name in lowered.graph.inputs:
        if name not in inputs:
            raise FeatureError(f"cannot trace the network: the input {name!r} declares no shape")

    state = lowered.interface.declared_state() if lowered.graph.state else None

    def blobs_of(params: Any, inputs: Any, key: Any, state: Any) -> dict[str, jax.Array]:
        return lowered.intermediates(params, inputs, key=key, state=state)

    shape_of = cast(Any, jax.eval_shape)  # pyright: ignore[reportUnknownMemberType]  (JAX's own annotation is partial)
    key = shape_of(lambda: jax.random.key(0))
    blobs = shape_of(blobs_of, lowered.params, inputs, key, state)
    return {name: blob.shape for name, blob in blobs.items()}


def _code(model: GraphModel) -> str:
    from graphml.inspect.code import listing

    try:
        shapes = _blob_shapes(model)
    except GraphmlError:  # a network that cannot run, or declares no shapes, still has code to read
        shapes = None
    return listing(model.graph, model.interface, shapes, name=getattr(model, "function_name", "network"))


def _flow(model: GraphModel, form: Drawing, title: str) -> str:
    from graphml.inspect import flow

    steps = flow.flow(model.lower())
    if form is Drawing.text:
        return flow.as_text(steps) + "\n"
    return (flow.as_dot if form is Drawing.dot else flow.as_html)(steps, title)


def _show(summary: dict[str, Any], title: str, indent: int = 0) -> None:
    pad = "  " * indent
    console.print(pad, Text(visible(title), style="bold"), sep="", soft_wrap=True)
    updatable = ", updatable" if summary["updatable"] else ""
    print_line(f"{pad}{summary['kind']}, specification {summary['specification_version']}{updatable}")
    for group, name, text in rows(summary):
        if group == "model" and name in ("kind", "specification", "updatable"):
            continue  # already in the line above
        feature = group in ("input", "output", "training input", "state")
        said = f"{group}  {visible(name)}: " if feature else f"{visible(name)}  "
        below = f"\n{pad}    "  # indent the further lines of a long text
        print_line(f"{pad}{said}{below.join(map(visible, text.splitlines()))}")
    if "class_labels" in summary:
        labels = [visible(str(label)) for label in summary["class_labels"]]
        print_line(f"{pad}classes  {len(labels)}: {', '.join(labels[:8])}{' ...' if len(labels) > 8 else ''}")
    if "layers" in summary:
        console.print(_layer_table(summary["layers"]))
    for function in summary.get("functions", []):
        print_line(f"{pad}function {visible(function['name'])}")
        for group, name, text in interface_rows(function):
            print_line(f"{pad}  {group}  {visible(name)}: {visible(text)}")
        console.print(_operation_table(function["operations"]))
    for stage in summary.get("stages", []):
        _show(stage, f"stage {stage['name']}", indent + 1)


def _layer_table(layers: list[dict[str, Any]]) -> Table:
    with_shapes = any("shapes" in layer for layer in layers)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("#", "layer", "kind", "inputs", "outputs", *(["shape"] if with_shapes else []), "weights"):
        table.add_column(column, overflow="fold")
    for depth, layer in walk(layers):
        shape = [" ".join(str(s) for s in layer.get("shapes", {}).values())] if with_shapes else []
        weights = [f"{name} {w['shape'] or ''} {w['storage']}" for name, w in layer.get("weights", {}).items()]
        mark = " (updatable)" if layer.get("updatable") else ""
        cells = [str(layer["number"]), "  " * depth + layer["name"] + mark, str(layer["kind"])]
        cells += [", ".join(layer["inputs"]), ", ".join(layer["outputs"]), *shape, ", ".join(weights)]
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def _operation_table(operations: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("#", "outputs", "operation", "inputs"):
        table.add_column(column, overflow="fold")
    for depth, operation in walk(operations):
        shapes = operation.get("shapes", {})
        outputs = ", ".join(f"{name} {shapes[name]}" for name in shapes) if shapes else typed_outputs(operation)
        inputs = ", ".join(f"{name} = {text}" for name, text in operation["inputs"].items())
        cells = [str(operation["number"]), "  " * depth + outputs, operation["kind"], inputs]
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table
