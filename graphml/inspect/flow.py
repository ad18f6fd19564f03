"""The control flow of a graph as text, Graphviz or HTML: which nodes run together, which values branches and loops
depend on and carry, and which values decide shapes.

A stage is a compiled program; between two stages the host reads a value. The drawing is made from the layers and a
trace with the declared shapes of the inputs. The trace ends at the first value that decides a shape: shapes after it
are unknown, so a later loop that changes the shape of a blob in each iteration is not recognized here.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax

from graphml import catalogue
from graphml.errors import typed
from graphml.graph import EXIT, Graph, Node, Region, last_reads, live_after, reads, writes
from graphml.interpreter.constants import known_blobs
from graphml.interpreter.evaluate import run_node
from graphml.interpreter.lower import Lowered, is_endless
from graphml.visible import visible

_NAMED = 6  # layers of one step whose names are shown


@dataclass(frozen=True)
class FlowStep:
    """Layers that run together, or a branch or loop.

    Attributes:
        title: What runs.
        notes: Details, one per line.
        parts: (name, steps) for each alternative of a branch, or for the condition and the body of a loop.
        stage: Whether a compiled program starts here.
    """

    title: str
    notes: tuple[str, ...] = ()
    parts: tuple[tuple[str, tuple[FlowStep, ...]], ...] = ()
    stage: bool = False


def flow(lowered: Lowered) -> tuple[FlowStep, ...]:
    """The steps of a network, in order.

    Args:
        lowered: The network; see `NeuralNetwork.lower`.
    """
    graph = lowered.graph
    keep = frozenset((*graph.outputs, *graph.state))
    return tuple(_Flow(graph, _refused(lowered)).region(graph.body, keep, fresh=True))


def _refused(lowered: Lowered) -> dict[Node, str]:
    """The first branch or loop that does not compile with the declared shapes, if any, and why."""
    inputs = lowered.interface.declared_inputs(lowered.dtype)
    found: dict[Node, str] = {}
    if inputs.keys() != set(lowered.graph.inputs):
        return found

    def trace(params: Any, inputs: Any, state: Any, key: jax.Array) -> None:
        """Stops at the first error; running the model reports it."""
        env = lowered.enter(inputs, state)
        keep, body = frozenset((*lowered.graph.outputs, *lowered.graph.state)), lowered.graph.body
        evaluation = lowered.evaluation(params, key)
        with catalogue.lowering_for(lowered.target):
            for node, live, dead in zip(body.nodes, live_after(body, keep), last_reads(body, keep), strict=True):
                try:
                    run_node(node, env, live, evaluation)
                except Exception as error:
                    if node.regions:
                        found[node] = str(typed(error, node.label)).splitlines()[-1].strip()
                    return
                for name in dead:
                    env.pop(name, None)

    state = lowered.interface.declared_state()
    jax.eval_shape(  # pyright: ignore[reportUnknownMemberType]
        trace, lowered.params, inputs, state, jax.random.key(0)
    )
    return found


class _Flow:
    def __init__(self, graph: Graph, refused: dict[Node, str]) -> None:
        self._refused = refused
        self._known = known_blobs(graph)
        self._origins = {name: f"the input {name!r}" for name in graph.inputs}
        for node in graph.body.walk():
            self._origins |= {name: f"{name!r} of {node.dialect} {node.name!r}" for name in node.outputs}
        self._stages = 0

    def region(self, region: Region, live: frozenset[str], *, fresh: bool) -> Iterator[FlowStep]:
        """The steps of a region. live: blobs read after it; fresh: whether a stage starts with its first layer."""
        waiting: list[Node] = []
        why: tuple[str, ...] = ()
        for node, wanted in zip(region.nodes, live_after(region, live), strict=True):
            needed = self._needed(node)
            inside = any(map(self._needed, _inside(node)))
            by_host = node in self._refused or (bool(node.regions) and (is_endless(node) or inside))
            if (needed or node.regions or node.outputs == (EXIT,)) and waiting:
                yield self._layers(waiting, fresh, why)
                waiting, fresh, why = [], False, ()
            if needed:
                fresh, why = True, (self._decision(node, needed),)
            if node.regions:
                yield self._control(node, wanted, by_host)
                fresh = fresh or by_host
            elif node.outputs == (EXIT,):
                yield FlowStep({"loopBreak": "break", "loopContinue": "continue"}.get(node.kind, node.kind))
            elif not catalogue.has_role(node, "constant"):  # constants do not run
                waiting.append(node)
        if waiting:
            yield self._layers(waiting, fresh, why)

    def _layers(self, nodes: list[Node], fresh: bool, why: tuple[str, ...]) -> FlowStep:
        names = [f"{node.name} ({node.kind})" for node in nodes]
        if len(names) > _NAMED:
            names = [*names[: _NAMED - 1], f"... {len(names) - _NAMED} more ...", names[-1]]
        title = ", ".join(names)
        if not fresh:
            return FlowStep(title, why)
        self._stages += 1
        return FlowStep(f"stage {self._stages}: {title}", why, stage=True)

    def _control(self, node: Node, live: frozenset[str], by_host: bool) -> FlowStep:
        notes: list[str] = []
        if "body" in node.regions:
            written = frozenset[str]().union(*map(writes, node.regions.values())) - {EXIT}
            again = frozenset[str]().union(*map(reads, node.regions.values()))
            carried = sorted(written & (again | live))
            notes += [f"carries {', '.join(carried)}" if carried else "carries nothing"]
            title = f"loop {node.name!r}, {self._iterations(node)}"
            inner = live | again
        else:
            known = " (known before it runs)" if node.inputs[0] in self._known else ""
            title = f"branch {node.name!r} on {self._origins.get(node.inputs[0], node.inputs[0])}{known}"
            inner = live
        if by_host and is_endless(node):
            notes.append("unbounded: it runs some iterations at a time and can be interrupted")
        elif by_host:
            notes.append(f"the host decides: {self._refused.get(node, 'a shape inside depends on values')}")
        parts = tuple(
            (name, tuple(self.region(part, inner, fresh=by_host)))
            for name, part in sorted(node.regions.items(), key=_order)
        )
        return FlowStep(title, tuple(notes), parts)

    def _iterations(self, node: Node) -> str:
        most = node.attributes.get("max_loop_iterations", 0)
        count = self._origins.get(node.inputs[0], node.inputs[0]) if node.inputs else most
        if "condition" not in node.regions:
            return f"{count} times" if node.inputs or most else "until a break"
        bound = f", at most {count} times" if node.inputs or most else ""
        decides = node.attributes.get("condition_var", node.attributes.get("condition"))
        return f"while {decides!r}{bound}"

    def _needed(self, node: Node) -> list[str]:
        """The inputs of a node whose values decide a shape and are unknown until the network runs."""
        positions = catalogue.row(node).concrete_for(node.attributes)
        return [node.inputs[p] for p in positions if p < len(node.inputs) and node.inputs[p] not in self._known]

    def _decision(self, node: Node, names: list[str]) -> str:
        values = " and ".join(self._origins.get(name, repr(name)) for name in names)
        what = "the sizes that follow from " if catalogue.row(node).sizes is not None else ""
        verb = "decides" if len(names) == 1 and not what else "decide"
        return f"{what}{values} {verb} the shape of {', '.join(map(repr, node.outputs))}"


def _inside(node: Node) -> Iterator[Node]:
    for region in node.regions.values():
        yield from region.walk()


def _order(item: tuple[str, Region]) -> int:
    return ["if", "else", "condition", "body"].index(item[0])


# Drawings ------------------------------------------------------------------------------------------------------------


def as_text(steps: tuple[FlowStep, ...]) -> str:
    """Text with one line per step; the steps inside of branches and loops are indented."""
    return "\n".join(_lines(steps, ""))


def _lines(steps: tuple[FlowStep, ...], pad: str) -> Iterator[str]:
    for step in steps:
        yield pad + visible(step.title)
        for note in step.notes:
            yield f"{pad}  ({visible(note)})"
        for name, inner in step.parts:
            yield f"{pad}  {name}:"
            yield from _lines(inner, pad + "    ")


def as_html(steps: tuple[FlowStep, ...], title: str) -> str:
    """A self-contained HTML page without scripts, on which branches and loops can be folded.

    Args:
        steps: See `flow`.
        title: The heading.
    """
    name = html.escape(visible(title))
    style = (
        "body{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:60em}ul{list-style:none;padding-left:1.2em;"
        "border-left:1px solid #bbb}.stage{background:#eef5ff}.note{color:#666;font-size:90%}summary{cursor:pointer}"
    )
    head = f'<!doctype html><meta charset="utf-8"><title>{name}</title><style>{style}</style>'
    return f"{head}\n<h1>{name}</h1>\n{_list(steps)}\n"


def _list(steps: tuple[FlowStep, ...]) -> str:
    return "<ul>\n" + "\n".join(map(_item, steps)) + "\n</ul>"


def _item(step: FlowStep) -> str:
    title = html.escape(visible(step.title))
    notes = "".join(f'<div class="note">{html.escape(visible(note))}</div>' for note in step.notes)
    if not step.parts:
        return f"<li{' class=stage' if step.stage else ''}>{title}{notes}</li>"
    inner = "".join(f"<div>{html.escape(name)}</div>{_list(part)}" for name, part in step.parts)
    return f"<li><details open><summary>{title}</summary>{notes}{inner}</details></li>"


def as_dot(steps: tuple[FlowStep, ...], title: str) -> str:
    """A directed graph in the Graphviz language.

    Boxes are layers, diamonds are branches and loops, blue boxes start a compiled program.

    Args:
        steps: See `flow`.
        title: The name of the graph.
    """
    lines = [f"digraph {_quoted(title)} {{", "  node [shape=box, fontname=sans];"]
    drawing = _Drawing()
    first, last = drawing.chain(steps, "  ")
    lines += drawing.lines
    if first:
        lines += ['  begin [shape=circle, label=""];', f"  begin -> {first};"]
        lines += ['  end [shape=doublecircle, label=""];', *(f"  {name} -> end;" for name in last)]
    return "\n".join([*lines, "}", ""])


class _Drawing:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0

    def chain(self, steps: tuple[FlowStep, ...], pad: str) -> tuple[str, list[str]]:
        """Draw consecutive steps; returns the name of the first, and the names of those that lead to the next step."""
        first, last = "", []
        for step in steps:
            begin, end = self._step(step, pad)
            self.lines += [f"{pad}{name} -> {begin};" for name in last]
            first, last = first or begin, end
        return first, last

    def _step(self, step: FlowStep, pad: str) -> tuple[str, list[str]]:
        self._count += 1
        name = f"n{self._count}"
        label = _quoted(step.title, *step.notes)
        shape = ", shape=diamond" if step.parts else ', style=filled, fillcolor="#dbe9ff"' if step.stage else ""
        self.lines.append(f"{pad}{name} [label={label}{shape}];")
        if not step.parts:
            return name, [name]
        loop = any(part == "body" for part, _ in step.parts)
        ends = [name] if loop or len(step.parts) == 1 else []
        for part, inner in step.parts:
            self.lines += [f"{pad}subgraph cluster_{name}_{part} {{", f"{pad}  label={_quoted(part)};"]
            first, last = self.chain(inner, pad + "  ")
            self.lines.append(f"{pad}}}")
            if not first:
                ends = [*ends, name]
                continue
            self.lines.append(f"{pad}{name} -> {first} [label={_quoted(part)}];")
            if loop:
                self.lines += [f"{pad}{each} -> {name} [style=dashed];" for each in last]
            else:
                ends += last
        return name, list(dict.fromkeys(ends))


def _quoted(*lines: str) -> str:
    text = "\\n".join(visible(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return f'"{text}"'
