"""Control flow: small programs around each of its layers. Larger ones: `tests/test_loops.py`, `test_branches.py`."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes
from graphml.build import NeuralNetworkBuilder

_X = numbers(2, 3)
_YES, _NO = np.float32([1]), np.float32([0])


def _part():
    return NeuralNetworkBuilder({}, {})


def _layers(builder):
    return tuple(builder.network.layers)


# branch --------------------------------------------------------------------------------------------------------------


def _branch(predicate, x, *, otherwise=True):
    """out = x; if predicate: out = 3 x; else, if there is one: out = -x."""
    then = _part().add("multiply", "a", ["in1"], ["t"], alpha=3.0).add("copy", "b", ["t"], ["out0"])
    sides = {"if_branch": then}
    if otherwise:
        other = _part().add("multiply", "c", ["in1"], ["u"], alpha=-1.0).add("copy", "d", ["u"], ["out0"])
        sides["else_branch"] = other
    builder = _part().add("copy", "start", ["in1"], ["out0"]).add("branch", "layer", ["in0"], [], **sides)
    return Case((predicate, x), layers=_layers(builder))


def _branch_oracle(inputs, f):
    predicate, x = inputs
    return 3 * x if abs(predicate.ravel()[0]) > 1e-6 else -x


kind(
    "branch",
    oracle=_branch_oracle,
    base=_branch(_YES, _X),
    vary={"inputs": [_branch(_NO, _X), _branch(np.float32([1e-7]), _X)]},
    draw=st.builds(_branch, st.sampled_from([_YES, _NO, -_YES, _YES * 1e-5]), shapes().flatmap(arrays)),
    worked=[
        (_branch(_YES, np.float32([1, 2])), [[3, 6]]),
        (_branch(_NO, np.float32([1, 2])), [[-1, -2]]),
        (_branch(_NO, np.float32([1, 2]), otherwise=False), [[1, 2]]),
    ],
)


# loop ----------------------------------------------------------------------------------------------------------------


def _loop(x, iterations, condition_var=None):
    """out = x doubled in each iteration. The condition network gives 'go', which is true, and 'stop', which is not."""
    body = _part().add("multiply", "a", ["out0"], ["t"], alpha=2.0).add("copy", "b", ["t"], ["out0"])
    fields = {"max_loop_iterations": iterations, "body_network": body}
    if condition_var is not None:
        condition = _part().add("loadConstantND", "g", [], ["go"], data=_YES)
        condition.add("loadConstantND", "s", [], ["stop"], data=_NO)
        fields |= {"condition_network": condition, "condition_var": condition_var}
    builder = _part().add("copy", "start", ["in0"], ["out0"]).add("loop", "layer", [], [], **fields)
    plain = {name: fields[name] for name in ("max_loop_iterations", "condition_var") if name in fields}
    return Case((x,), plain, layers=_layers(builder))


def _loop_oracle(inputs, f):
    iterations = 0 if f.get("condition_var") == "stop" else f["max_loop_iterations"]
    return inputs[0] * 2.0**iterations


kind(
    "loop",
    oracle=_loop_oracle,
    base=_loop(_X, 3),
    vary={
        "max_loop_iterations": [_loop(_X, 1), _loop(_X, 4)],
        "condition_var": [_loop(_X, 3, "stop"), _loop(_X, 2, "go")],
    },
    draw=st.builds(_loop, shapes().flatmap(arrays), st.integers(1, 6), st.sampled_from([None, "go", "stop"])),
    smooth={"condition_var": "its constants sit at the edge of the truth, where the number of iterations jumps"},
    worked=[(_loop(np.float32([1, -1]), 3), [[8, -8]]), (_loop(np.float32([1, -1]), 3, "stop"), [[1, -1]])],
)


# break and continue --------------------------------------------------------------------------------------------------


def _leaving(leave, predicate, x):
    """Four iterations of: out = 2 out; if predicate: leave; out = out + 1."""
    body = _part().add("multiply", "a", ["out0"], ["t"], alpha=2.0).add("copy", "b", ["t"], ["out0"])
    body.add("branch", "if", ["in0"], [], if_branch=_part().add(leave, "layer", [], []))
    body.add("add", "c", ["out0"], ["u"], alpha=1.0).add("copy", "d", ["u"], ["out0"])
    builder = _part().add("copy", "start", ["in1"], ["out0"])
    builder.add("loop", "l", [], [], max_loop_iterations=4, body_network=body)
    return Case((predicate, x), layers=_layers(builder))


def _leaving_oracle(leave):
    def oracle(inputs, f):
        predicate, out = inputs
        for _ in range(4):
            out = 2 * out
            if predicate[0]:
                if leave == "loopBreak":
                    break
                continue
            out = out + 1
        return out

    return oracle


for _name, _worked in (("loopBreak", [[2, 4]]), ("loopContinue", [[16, 32]])):
    kind(
        _name,
        oracle=_leaving_oracle(_name),
        base=_leaving(_name, _YES, _X),
        vary={"inputs": [_leaving(_name, _NO, _X)]},
        draw=st.builds(_leaving, st.just(_name), st.sampled_from([_YES, _NO]), shapes().flatmap(arrays)),
        worked=[(_leaving(_name, _YES, np.float32([1, 2])), _worked)],
    )
