"""Rows of elementwise layers: functions, arithmetic, comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from operator_rows.row import Row, Size, booleans, indices, small


def elementwise(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional

    def row(kind, nodes, function, positive=False, name="", **fields):
        return Row(f"{kind} {name}".strip(), kind, (s.image,), nodes, function, fields, positive=positive)

    def act(name, nodes, function, **numbers):
        return row("activation", nodes, function, name=name, **{name: numbers})

    third = np.float32(0.3)
    yield act("linear", [("Mul", [third], {}), ("Add", [third], {})], lambda x: x * 0.3 + 0.3, alpha=0.3, beta=0.3)
    yield act("ReLU", [("Relu", [], {})], F.relu)
    yield act("leakyReLU", [("LeakyRelu", [], {"alpha": 0.3})], lambda x: F.leaky_relu(x, 0.3), alpha=0.3)
    yield act("thresholdedReLU", [("ThresholdedRelu", [], {"alpha": 0.3})], lambda x: F.threshold(x, 0.3, 0), alpha=0.3)
    yield act("tanh", [("Tanh", [], {})], torch.tanh)
    scaled = [("Mul", [third], {}), ("Tanh", [], {}), ("Mul", [third], {})]
    yield act("scaledTanh", scaled, lambda x: torch.tanh(x * 0.3) * 0.3, alpha=0.3, beta=0.3)
    yield act("sigmoid", [("Sigmoid", [], {})], torch.sigmoid)
    hard = [("HardSigmoid", [], {"alpha": 0.2, "beta": 0.5})]
    yield act("sigmoidHard", hard, lambda x: (x * 0.2 + 0.5).clamp(0, 1), alpha=0.2, beta=0.5)
    yield act("ELU", [("Elu", [], {"alpha": 0.3})], lambda x: F.elu(x, 0.3), alpha=0.3)
    yield act("softsign", [("Softsign", [], {})], F.softsign)
    yield act("softplus", [("Softplus", [], {})], F.softplus)
    slope = small(s.image[1])
    tensor = torch.from_numpy(slope)
    yield act("PReLU", [("PRelu", [slope[:, None, None]], {})], lambda x: F.prelu(x, tensor), alpha=slope)
    wide = tensor[:, None, None]
    both = {"alpha": slope, "beta": slope}
    yield act("parametricSoftplus", None, lambda x: wide * F.softplus(wide * x), **both)

    for name, nodes, function in (
        ("SQRT", [("Sqrt", [], {})], torch.sqrt),
        ("RSQRT", [("Sqrt", [], {}), ("Reciprocal", [], {})], torch.rsqrt),
        ("INVERSE", [("Reciprocal", [], {})], torch.reciprocal),
        ("EXP", [("Exp", [], {})], torch.exp),
        ("LOG", [("Log", [], {})], torch.log),
        ("ABS", [("Abs", [], {})], torch.abs),
    ):
        yield row("unary", nodes, function, True, name, type=name, epsilon=1e-9)
    for power in (2.0, 1.7):
        constant = np.float32(power)
        yield row(
            "unary",
            [("Pow", [constant], {})],
            lambda x, n=power: x**n,
            True,
            f"POWER {power}",
            type="POWER",
            alpha=power,
        )
    limit = [("Max", [third], {})]
    yield row("unary", limit, lambda x: x.clamp(min=0.3), name="THRESHOLD", type="THRESHOLD", alpha=0.3)
    ends = [np.float32(-1), np.float32(1)]
    yield row("clip", [("Clip", ends, {})], lambda x: x.clamp(-1, 1), min_val=-1.0, max_val=1.0)
    leaky = [("LeakyRelu", [], {"alpha": 0.3}), ("Min", [np.float32(1)], {})]
    yield row("clampedReLU", leaky, lambda x: F.leaky_relu(x, 0.3).clamp(max=1), alpha=0.3, beta=1.0)
    yield row("exp2", [("Pow", [np.float32(2), ...], {})], torch.exp2)
    for name in ("ceil", "floor", "sign", "round", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "erf"):
        yield row(name, [(name.capitalize(), [], {})], getattr(torch, name))
    for name in ("asin", "acos", "atanh", "acosh"):
        x = np.random.default_rng(1).uniform(-0.9, 0.9, s.image).astype(np.float32) + 2 * (name == "acosh")
        yield Row(name, name, (x.astype(np.float32),), [(name.capitalize(), [], {})], getattr(torch, name))
    for mode, theirs in (("EXACT", "none"), ("TANH_APPROXIMATION", "tanh")):
        nodes = [("Gelu", [], {"approximate": theirs})]
        yield row("gelu", nodes, lambda x, how=theirs: F.gelu(x, approximate=how), name=mode, mode=mode)
    quick = lambda x: x * torch.sigmoid(1.702 * x)  # noqa: E731
    yield row("gelu", None, quick, name="SIGMOID_APPROXIMATION", mode="SIGMOID_APPROXIMATION")


def pairs(s: Size, torch: Any) -> Iterator[Row]:
    two, column = (s.image, s.image), (s.image, (s.image[1], 1, 1))
    for kind, operator, function in (("add", "Add", torch.add), ("multiply", "Mul", torch.mul)):
        yield Row(kind, kind, two, [(operator, [], {})], function)
    for kind, operator, function in (
        ("average", "Mean", lambda a, b: (a + b) * 0.5),
        ("max", "Max", torch.maximum),
        ("min", "Min", torch.minimum),
    ):
        yield Row(kind, kind, two, [(operator, [], {})], function)
    for name, operator, function in (
        ("add", "Add", torch.add),
        ("subtract", "Sub", torch.sub),
        ("multiply", "Mul", torch.mul),
        ("divide", "Div", torch.div),
        ("min", "Min", torch.minimum),
        ("max", "Max", torch.maximum),
        ("pow", "Pow", torch.pow),
    ):
        kind = f"{name}Broadcastable"
        yield Row(kind, kind, column, [(operator, [], {})], function, positive=True)
    yield Row(
        "floorDivBroadcastable",
        "floorDivBroadcastable",
        column,
        [("Div", [], {}), ("Floor", [], {})],
        torch.floor_divide,
    )
    yield Row("modBroadcastable", "modBroadcastable", column, None, torch.remainder)
    for kind, operator, function in (
        ("equal", "Equal", torch.eq),
        ("lessThan", "Less", torch.lt),
        ("lessEqual", "LessOrEqual", torch.le),
        ("greaterThan", "Greater", torch.gt),
        ("greaterEqual", "GreaterOrEqual", torch.ge),
    ):
        yield Row(kind, kind, two, [(operator, [], {})], function)
    yield Row("notEqual", "notEqual", two, [("Equal", [], {}), ("Not", [], {})], torch.ne)
    bits = indices(2, *s.image)
    more = np.ascontiguousarray(bits[..., ::-1])
    for name in ("And", "Or", "Xor"):
        function, kind = getattr(torch, f"logical_{name.lower()}"), f"logical{name}"
        yield Row(kind, kind, (bits, more), [(name, [], {})], function, native=(booleans, booleans))
    yield Row("logicalNot", "logicalNot", (bits,), [("Not", [], {})], torch.logical_not, native=(booleans,))
