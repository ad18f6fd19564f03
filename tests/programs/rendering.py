"""A program as the bytes of a model."""

from __future__ import annotations

import numpy as np

from graphml.build import NeuralNetworkBuilder, array
from programs.language import Block, Copy, If, Let, Loop, Program

# operation -> kind of layer, and its fields from the number of the operation
_LAYERS = {
    "constant": ("loadConstantND", lambda n: {"data": np.float32([n])}),
    "triple": ("loadConstantND", lambda n: {"data": np.float32([n, n + 0.5, -n])}),
    "plus": ("add", lambda n: {"alpha": n}),
    "times": ("multiply", lambda n: {"alpha": n}),
    "add": ("addBroadcastable", None),
    "subtract": ("subtractBroadcastable", None),
    "multiply": ("multiplyBroadcastable", None),
    "larger": ("maxBroadcastable", None),
    "tanh": ("tanh", None),
    "sin": ("sin", None),
    "size": ("unary", lambda n: {"type": "ABS"}),
    "limited": ("clip", lambda n: {"min_val": 0.0, "max_val": n}),
    "floor": ("floor", None),
    "above": ("greaterThan", lambda n: {"alpha": n}),
    "below": ("lessThan", lambda n: {"alpha": n}),
    "less": ("lessThan", None),
    "and": ("logicalAnd", None),
    "or": ("logicalOr", None),
    "not": ("logicalNot", None),
    "choose": ("whereBroadcastable", None),
    "sum": ("reduceSum", lambda n: {"axes": (0,), "keep_dims": True}),
    "length": ("getShape", None),
    "join": ("concatND", lambda n: {"axis": 0}),
    "fill": ("fillDynamic", lambda n: {"value": n}),
    "range": ("rangeDynamic", lambda n: {"start_value": 0.0, "step_size_value": 1.0}),
    "positions": ("whereNonZero", None),
    "take": ("gatherND", None),
}


def model_bytes(program: Program) -> bytes:
    """The saved model."""
    inputs = {name: array(size) for name, size in program.inputs.items()}
    builder = NeuralNetworkBuilder(inputs, dict.fromkeys(program.outputs))
    _add(builder, program.body)
    return builder.spec.SerializeToString(deterministic=True)


def _network(block: Block) -> NeuralNetworkBuilder:
    builder = NeuralNetworkBuilder({}, {})
    _add(builder, block)
    return builder


def _add(builder: NeuralNetworkBuilder, block: Block) -> None:
    for place, each in enumerate(block):
        label = f"n{place}"
        if isinstance(each, Let) and each.operation == "tail":
            ends = {"end_ids": (0,), "strides": (1,), "begin_masks": (False,), "end_masks": (True,)}
            builder.add("sliceDynamic", label, list(each.arguments), [each.name], **ends)
        elif isinstance(each, Let):
            kind, fields = _LAYERS[each.operation]
            given = {} if fields is None else fields(each.number)
            builder.add(kind, label, list(each.arguments), [each.name], **given)
        elif isinstance(each, Copy):
            builder.add("copy", label, [each.source], [each.target])
        elif isinstance(each, If):
            sides = {"if_branch": _network(each.then)}
            if each.otherwise:
                sides["else_branch"] = _network(each.otherwise)
            builder.add("branch", label, [each.predicate], [], **sides)
        elif isinstance(each, Loop):
            networks = {"body_network": _network(each.body)}
            if each.variable is not None:
                networks |= {"condition_network": _network(each.condition), "condition_var": each.variable}
            count = [] if each.count is None else [each.count]
            builder.add("loop", label, count, [], max_loop_iterations=each.most, **networks)
        else:
            builder.add({"break": "loopBreak", "continue": "loopContinue"}[each.kind], label, [], [])
