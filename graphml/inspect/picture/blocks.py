"""The boxes of a picture and the edges between them, from the summary of a model.

Layers, operations, features and whole models are boxes; stages, functions, branches, loops and scopes of names are
boxes that hold others. An edge goes from the last writer of a value to its readers. Values that a loop carries to its
next iteration are not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphml.inspect.picture.scopes import Scope, scoped
from graphml.inspect.viewer import stage_row, weights_text


@dataclass(eq=False)
class Box:
    """A box.

    Attributes:
        kind: What it is, such as the kind of a layer.
        name: The name in the file.
        note: A line below the name: shapes, or sizes.
        details: Further lines, which are shown on request.
        role: "layer", "feature", "control" or "scope".
        parts: The boxes inside of it; None for a simple box.
    """

    kind: str
    name: str = ""
    note: str = ""
    details: tuple[str, ...] = ()
    role: str = "layer"
    parts: list[Box] | None = None

    def walk(self) -> Iterator[Box]:
        """This box and all inside of it, outer before inner."""
        yield self
        for part in self.parts or ():
            yield from part.walk()


@dataclass
class Diagram:
    """Boxes and edges.

    Attributes:
        root: The box that holds all others.
        edges: (from, to); each goes from a box to a later one.
    """

    root: Box
    edges: dict[tuple[Box, Box], None] = field(default_factory=dict[tuple[Box, Box], None])


Writers = dict[str, tuple[Box, ...]]
"""{value: the boxes that may have written it last}"""


def diagram(summary: Mapping[str, Any], title: str) -> Diagram:
    """The boxes and edges of a model.

    Args:
        summary: See `graphml.inspect.summary.summarize`; layers may have "shapes".
        title: The name of the model.
    """
    drawn = Diagram(Box(str(summary["kind"]), title, role="scope", parts=[]))
    wiring = _Wiring(drawn)
    inputs = [*summary["inputs"], *summary.get("states", [])]
    features = [Box("input", one["name"], one["type"], role="feature") for one in inputs]
    writers: Writers = {one["name"]: (block,) for one, block in zip(inputs, features, strict=True)}
    inner = wiring.model(summary, writers)
    outputs = [Box("output", one["name"], one["type"], role="feature") for one in summary["outputs"]]
    for block in outputs:
        wiring.read(block, [block.name], writers)
    drawn.root.parts = [*features, *inner, *outputs]
    return drawn


class _Wiring:
    def __init__(self, drawn: Diagram) -> None:
        self._edges = drawn.edges

    def read(self, block: Box, names: Iterable[str], writers: Mapping[str, tuple[Box, ...]]) -> None:
        for name in names:
            for writer in writers.get(name, ()):
                if writer is not block:
                    self._edges[writer, block] = None

    def model(self, summary: Mapping[str, Any], writers: Writers) -> list[Box]:
        """The boxes of a model without its inputs and outputs; `writers` then has those of its outputs."""
        if "layers" in summary:
            inner = dict(writers)
            blocks = self._layers(summary["layers"], inner)
            self._write_outputs(summary, inner, writers, _last(blocks))
            return blocks
        if "functions" in summary:
            return self._functions(summary, writers)
        if summary.get("stages"):
            return [self._stage(number, stage, writers) for number, stage in enumerate(summary["stages"], 1)]
        block = Box(str(summary["kind"]), note=_size(summary))
        self.read(block, [feature["name"] for feature in summary["inputs"]], writers)
        writers |= {feature["name"]: (block,) for feature in summary["outputs"]}
        return [block]

    def _stage(self, number: int, summary: Mapping[str, Any], writers: Writers) -> Box:
        block = Box(f"stage {number}: {summary['kind']}", summary["name"], _size(summary), role="scope")
        block.parts = self.model(summary, writers)
        return block

    def _write_outputs(
        self, summary: Mapping[str, Any], inner: Writers, writers: Writers, last: tuple[Box, ...]
    ) -> None:
        """An output without a blob of its name, such as those of classifiers, comes from the last layer."""
        writers |= {one["name"]: inner.get(one["name"], last) for one in summary["outputs"]}

    # Networks --------------------------------------------------------------------------------------------------------

    def _layers(self, layers: list[dict[str, Any]], writers: Writers) -> list[Box]:
        return _grouped([self._layer(layer, writers) for layer in layers])

    def _layer(self, layer: dict[str, Any], writers: Writers) -> Box:
        regions = [name for name in ("if", "else", "condition", "body") if name in layer]
        shapes = layer.get("shapes", {})
        block = Box(
            str(layer["kind"]),
            layer["name"],
            ", ".join(str(list(shape)) for shape in shapes.values()),
            _details(layer["inputs"], layer["outputs"], weights_text(layer)),
            role="control" if regions else "layer",
            parts=[] if regions else None,
        )
        self.read(block, layer["inputs"], writers)
        if not regions:
            writers |= dict.fromkeys(layer["outputs"], (block,))
        before, ends = dict(writers), list[Writers]()
        for name in regions:
            inner = dict(ends[-1] if name == "body" and ends else before)  # the body reads what the condition wrote
            part = Box(name, role="control", parts=self._layers(layer[name], inner))
            ends.append(inner)
            assert block.parts is not None
            block.parts.append(part)
        if regions:
            branches = ends if "else" in regions else [*ends, before]
            for name in {name for end in ends for name in end}:
                found = dict.fromkeys(block for branch in branches for block in branch.get(name, ()))
                writers[name] = tuple(found)
        return block

    # Programs --------------------------------------------------------------------------------------------------------

    def _functions(self, summary: Mapping[str, Any], writers: Writers) -> list[Box]:
        functions = summary["functions"]
        blocks: list[Box] = []
        for function in functions:
            inner = dict(writers)
            parts = self._operations(function["operations"], inner)
            if len(functions) > 1:
                parts = [Box("function", function["name"], role="scope", parts=parts)]
            blocks += parts
            made = {one["name"]: inner[one["name"]] for one in summary["outputs"] if one["name"] in inner}
            for name, found in made.items():
                writers[name] = (*writers.get(name, ()), *found)
        self._write_outputs(summary, dict(writers), writers, _last(blocks))
        return blocks

    def _operations(self, operations: list[dict[str, Any]], writers: Writers) -> list[Box]:
        return _grouped([self._operation(operation, writers) for operation in operations])

    def _operation(self, operation: dict[str, Any], writers: Writers) -> Box:
        given = [f"{name} = {text}" for name, text in operation["inputs"].items()]
        shapes = operation.get("shapes") or operation["types"]
        block = Box(
            operation["kind"],
            operation["name"],
            ", ".join(str(shape) for shape in shapes.values()),
            (*given, *(f"{name}: {text}" for name, text in operation["types"].items())),
        )
        self.read(block, operation["reads"], writers)
        made: list[list[tuple[Box, ...]]] = []
        if "blocks" in operation:
            names = {"cond": ("if", "else"), "while_loop": ("condition", "body")}.get(operation["kind"], ())
            block.role, block.parts = "control", []
            for position, inner in enumerate(operation["blocks"]):
                known = writers | {
                    name: writers.get(outer, ()) for name, outer in operation["parameters"][position].items()
                }
                name = names[position] if position < len(names) else f"block {position + 1}"
                block.parts.append(Box(name, role="control", parts=self._operations(inner, known)))
                made.append([known.get(result, ()) for result in operation["results"][position]])
            if operation["kind"] == "while_loop":
                made = made[1:]  # the condition has no other results
        for position, name in enumerate(operation["outputs"]):
            found = dict.fromkeys(
                writer for results in made for writer in (results[position : position + 1] or [()])[0]
            )
            writers[name] = tuple(found) or (block,)
        return block


def _last(blocks: list[Box]) -> tuple[Box, ...]:
    """The last simple box."""
    simple = [one for block in blocks for one in block.walk() if one.parts is None]
    return tuple(simple[-1:])


def _size(summary: Mapping[str, Any]) -> str:
    return stage_row({"name": "", **summary})[-1]


def _details(inputs: list[str], outputs: list[str], weights: str) -> tuple[str, ...]:
    lines = (f"reads {', '.join(inputs)}" if inputs else "", f"writes {', '.join(outputs)}", weights)
    return tuple(line for line in lines if line)


def _grouped(blocks: list[Box]) -> list[Box]:
    """The boxes of one level, grouped by shared paths."""
    return [_made(part, blocks, "") for part in scoped([block.name for block in blocks])]


def _made(part: int | Scope, blocks: list[Box], prefix: str) -> Box:
    """A box whose name is shown without the path of the box around it."""
    if isinstance(part, int):
        block = blocks[part]
        if prefix and block.name.startswith(prefix) and len(block.name) > len(prefix):
            block.details = (block.name, *block.details)
            block.name = block.name[len(prefix) :]
        return block
    inner = [_made(one, blocks, part.name + part.separator) for one in part.parts]
    name = part.name.removeprefix(prefix)
    return Box("", name, details=(part.name,) if prefix else (), role="scope", parts=inner)
