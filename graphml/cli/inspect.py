"""graphml inspect: what a model file contains."""

from __future__ import annotations

import contextlib
import enum
import html
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from graphml import spec
from graphml.cli.app import FormatIsJson, FunctionName, ModelFile, ReportFile, app, examples
from graphml.cli.listing import show
from graphml.cli.output import as_json, captured, deliver, refuse_unwritable
from graphml.errors import FeatureError, GraphmlError, UnsupportedError, with_article
from graphml.inspect.summary import summarize
from graphml.inspect.viewer import walk
from graphml.visible import visible, visible_lines

if TYPE_CHECKING:  # importing it needs JAX
    from graphml.models.graph_model import GraphModel
    from graphml.models.model import Model


class InspectFormat(enum.StrEnum):
    """Output formats of `graphml inspect`."""

    text = "text"
    json = "json"
    html = "html"
    svg = "svg"
    dot = "dot"


_VIEWS = {
    "the summary": ("text", "json", "html", "svg"),
    "--code": ("text", "html"),
    "--flow": ("text", "html", "dot"),
}


@app.command(
    short_help="Show what a model contains, and draw its graph.",
    epilog=examples("graphml inspect net.mlmodel --shapes", "graphml inspect net.mlmodel --format html -o net.html"),
)
def inspect(
    file: ModelFile,
    shapes: Annotated[bool, typer.Option("--shapes", help="trace the network and show the shape of each blob")] = False,
    code: Annotated[bool, typer.Option("--code", help="print a network as straight-line code with shapes")] = False,
    flow: Annotated[
        bool, typer.Option("--flow", help="show branches, loops, compiled stages and what determines shapes")
    ] = False,
    form: Annotated[
        InspectFormat,
        typer.Option(
            "--format",
            help="html is a page with the summary and a picture of the graph, svg the picture alone; dot is for --flow",
        ),
    ] = InspectFormat.text,
    output: ReportFile = None,
    function: FunctionName = None,
    json_too: FormatIsJson = False,
) -> None:
    """Show what a model contains: interface, layers, weights, update recipe, and a picture of its graph."""
    form = InspectFormat.json if json_too else form
    view = "--flow" if flow else "--code" if code else "the summary"
    if code and flow:
        raise typer.BadParameter("--code and --flow are two views; give one of them")
    if form not in _VIEWS[view]:
        raise typer.BadParameter(f"{view} can be {', '.join(_VIEWS[view])}, got {form.value}")
    if output is not None:
        refuse_unwritable(output, file)
    if flow:
        deliver(_flow(_graph_model(file, function), form, file.name), output)
    elif code:
        deliver(_code(_graph_model(file, function), form, file.name), output)
    elif form is InspectFormat.text and output is None:
        show(_summarized(file, function, shapes=shapes, must=shapes), str(file))
    else:
        deliver(_summary(file, function, form, shapes=shapes), output)


def _summarized(file: Path, function: str | None, *, shapes: bool, must: bool) -> dict[str, Any]:
    """The summary of a file, with shapes on request. must: whether it is an error if the network cannot be traced."""
    summary = summarize(spec.read(file), function)
    if shapes:
        from graphml.models import load

        with contextlib.nullcontext() if must else contextlib.suppress(GraphmlError):
            _add_shapes(summary, load(file, function_name=function))
    return summary


def _summary(file: Path, function: str | None, form: InspectFormat, *, shapes: bool) -> str:
    drawn = form in (InspectFormat.html, InspectFormat.svg)
    summary = _summarized(file, function, shapes=shapes or drawn, must=shapes)
    if form is InspectFormat.json:
        return as_json(summary, indent=2) + "\n"
    if form is InspectFormat.text:
        return captured(lambda: show(summary, str(file)))
    from graphml.inspect.picture.page import as_page, as_picture

    return (as_page if form is InspectFormat.html else as_picture)(summary, file.name)


def _code(model: GraphModel, form: InspectFormat, title: str) -> str:
    from graphml.inspect.code import listing

    try:
        shapes = _blob_shapes(model)
    except GraphmlError:  # a network that cannot run, or declares no shapes, still has code to read
        shapes = None
    code = visible_lines(listing(model.graph, model.interface, shapes, name=getattr(model, "function_name", "network")))
    return f"{code}\n" if form is InspectFormat.text else _code_page(code, title)


def _code_page(code: str, title: str) -> str:
    name = html.escape(visible(title))
    head = f'<!doctype html><meta charset="utf-8"><title>{name}</title>'
    return f"{head}\n<h1>{name}</h1>\n<pre>{html.escape(code)}</pre>\n"


def _flow(model: GraphModel, form: InspectFormat, title: str) -> str:
    from graphml.inspect import flow

    steps = flow.flow(model.lower())
    if form is InspectFormat.text:
        return flow.as_text(steps) + "\n"
    return (flow.as_dot if form is InspectFormat.dot else flow.as_html)(steps, title)


def _graph_model(file: Path, function: str | None) -> GraphModel:
    from graphml.models import load
    from graphml.models.graph_model import GraphModel

    model = load(file, function_name=function)
    if not isinstance(model, GraphModel):
        raise _no_graph(model)
    return model


def _no_graph(model: Model) -> UnsupportedError:
    return UnsupportedError(
        f"only neural networks and ML Programs have a graph; this model is {with_article(model.kind)}"
    )


# Shapes --------------------------------------------------------------------------------------------------------------


def _add_shapes(summary: dict[str, Any], model: Model) -> None:
    """Add the shape of every blob to the layers of a summary, those of the stages of a pipeline included.

    Raises:
        GraphmlError: Nothing in the model has a graph, or it cannot be traced.
    """
    from graphml.models.graph_model import GraphModel
    from graphml.models.pipelines.pipeline import Pipeline

    if isinstance(model, Pipeline):
        for stage, inner in zip(summary["stages"], model.models.values(), strict=False):
            with contextlib.suppress(UnsupportedError):
                _add_shapes(stage, inner)
        return
    if not isinstance(model, GraphModel):
        raise _no_graph(model)
    found = _blob_shapes(model)
    traced = [layer for _, layer in walk(summary.get("layers", []))]
    for each in summary.get("functions", []):
        if each["name"] == getattr(model, "function_name", None):
            traced = [operation for _, operation in walk(each["operations"])]
    for layer in traced:
        layer["shapes"] = {name: list(found[name]) for name in layer["outputs"] if name in found}


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
