"""Run, compile and differentiate networks with branches, loops and arrays of a computed size.

Each function below builds the layers for the pseudocode in its docstring.
"""

from __future__ import annotations

import jax
import numpy as np

import graphml
from graphml.build import NeuralNetworkBuilder, array
from graphml.models.network import NeuralNetwork


def network() -> NeuralNetworkBuilder:
    """An empty sub-network, for a branch or a loop body."""
    return NeuralNetworkBuilder({}, {})


def load(builder: NeuralNetworkBuilder) -> NeuralNetwork:
    model = graphml.load(builder.spec.SerializeToString())
    assert isinstance(model, NeuralNetwork)
    return model


def number(value: float) -> np.ndarray:
    return np.array([value], np.float32)


def if_else() -> NeuralNetworkBuilder:
    """if x > 0: y = x * 2; else: y = x - 1."""
    builder = NeuralNetworkBuilder({"x": array(1)}, {"y": None})
    builder.add("greaterThan", "positive", ["x"], ["p"], alpha=0.0)
    then = network().add("multiply", "twice", ["x"], ["y"], alpha=2.0)
    otherwise = network().add("add", "less", ["x"], ["y"], alpha=-1.0)
    return builder.add("branch", "if", ["p"], [], if_branch=then, else_branch=otherwise)


def square_root() -> NeuralNetworkBuilder:
    """h = x; while |h * h - x| > 0.001: h = (h + x / h) / 2."""
    condition = network().add("multiplyBroadcastable", "square", ["h", "h"], ["hh"])
    condition.add("subtractBroadcastable", "gap", ["hh", "x"], ["g"]).add("unary", "size", ["g"], ["a"], type="ABS")
    condition.add("greaterThan", "far", ["a"], ["far"], alpha=1e-3)
    body = network().add("divideBroadcastable", "over", ["x", "h"], ["q"])
    body.add("addBroadcastable", "sum", ["h", "q"], ["s"]).add("multiply", "half", ["s"], ["u"], alpha=0.5)
    body.add("copy", "again", ["u"], ["h"])  # only a copy may overwrite a blob
    builder = NeuralNetworkBuilder({"x": array(1)}, {"h": None}).add("copy", "start", ["x"], ["h"])
    return builder.add("loop", "while", [], [], condition_var="far", condition_network=condition, body_network=body)


def allocation() -> NeuralNetworkBuilder:
    """y = x * 5; z = malloc(y); for i in 0..<y: z[i] = x + i."""
    body = network().add("addBroadcastable", "value", ["x", "i"], ["v"])
    body.add("scatter", "put", ["z", "i", "v"], ["z1"], axis=0).add("copy", "keep", ["z1"], ["z"])
    body.add("add", "next", ["i"], ["i1"], alpha=1.0).add("copy", "count", ["i1"], ["i"])
    builder = NeuralNetworkBuilder({"x": array(1)}, {"z": None}).add("multiply", "five", ["x"], ["y"], alpha=5.0)
    builder.add("fillDynamic", "malloc", ["y"], ["z"], value=0.0)
    builder.add("loadConstantND", "zero", [], ["i0"], data=number(0)).add("copy", "begin", ["i0"], ["i"])
    return builder.add("loop", "for", ["y"], [], body_network=body)


def main() -> None:
    model = load(if_else())
    lowered = model.lower()
    gradient = jax.jit(jax.grad(lambda x: lowered.fn(lowered.params, {"x": x})["y"].sum()))
    print("if x > 0: y = 2 x, else: y = x - 1")
    for x in (3.0, -3.0):
        y = model.predict({"x": number(x)})["y"].item()
        print(f"  x = {x:+.0f}   y = {y:+.0f}   dy/dx = {gradient(number(x)).item():.0f}")
    many = jax.vmap(lambda x: lowered.fn(lowered.params, {"x": x})["y"])(np.array([[1], [-1], [2]], np.float32))
    print(f"  mapped over 1, -1, 2: {many.ravel().tolist()}")
    assert many.ravel().tolist() == [2, -2, 4]

    model = load(square_root())
    lowered = model.lower(max_iterations=20)  # a derivative needs a bound on the number of iterations
    gradient = jax.jit(jax.grad(lambda x: lowered.fn(lowered.params, {"x": x})["h"].sum()))
    print("while h is not yet the square root of x: one step of Newton's method")
    for x in (2.0, 9.0):
        root, got = model.predict({"x": number(x)})["h"].item(), gradient(number(x)).item()
        assert abs(got - 0.5 / x**0.5) < 1e-3
        print(f"  x = {x:.0f}   root = {root:.4f}   gradient = {got:.4f}, expected 1 / (2 root) = {0.5 / x**0.5:.4f}")

    model = load(allocation())
    print("an array of y = 5 x elements is filled in a loop; the host reads y and compiles the rest for it")
    for x in (1.0, 2.0, 1.0):
        before = len(model.compilations())
        z = model.predict({"x": number(x)})["z"]
        assert z.shape == (5 * x,)
        print(f"  x = {x:.0f}   z = {z.astype(int).tolist()}   newly compiled: {len(model.compilations()) - before}")


if __name__ == "__main__":
    main()
