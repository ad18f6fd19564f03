"""The node tests of the ONNX project, converted and run, with the share that passes by operator.

    python benchmarks/onnx_node_tests.py                      # all, in two processes
    python benchmarks/onnx_node_tests.py '^test_(conv|gru)'   # those whose name matches
    python benchmarks/onnx_node_tests.py --peer               # against onnx2coreml, whose programs graphml runs

A test counts if a network can hold its values: real numbers and booleans, integers up to 2^24, at most five axes,
no empty arrays and no random values.
Values that layers need as attributes, such as axes, are inputs of the tests; if a test fails only for that reason, they
become constants, and the test counts as one of "constants". A test passes if each output has the expected shape and is
right to 1e-3 relative and 1e-5 absolute, or what the test itself allows.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

_TYPES = {"float16", "float32", "float64", "bool", *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64))}
_LARGEST = 1 << 24


def main() -> None:
    """Run the tests and print a line for each operator, then the reason for each test that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default=".", help="a regular expression of names")
    parser.add_argument("--peer", action="store_true", help="also convert with onnx2coreml, where it is installed")
    parser.add_argument("--json", type=Path, help="write the results to a file")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    names = [name for name in _names() if re.search(arguments.pattern, name)]
    with multiprocessing.get_context("spawn").Pool(arguments.jobs, _start, (arguments.peer,)) as pool:
        results = list(pool.imap_unordered(_one, names, chunksize=8))
    if arguments.json:
        arguments.json.write_text(json.dumps(sorted(results, key=lambda each: each["name"]), indent=1))
    _report(results, arguments.peer)


def _names() -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        return [test.name for test in load_model_tests(kind="node")]


# One test ------------------------------------------------------------------------------------------------------------

_tests: dict[str, Any] = {}
_peer = False


def _start(peer: bool) -> None:
    global _peer
    from compiling import QUICK, as_flags

    os.environ.setdefault("XLA_FLAGS", as_flags(QUICK))
    warnings.simplefilter("ignore")
    from onnx.backend.test.loader import load_model_tests

    _tests.update({test.name: test for test in load_model_tests(kind="node")})
    _peer = peer


def _one(name: str) -> dict[str, str]:
    test = _tests[name]
    kinds = [node.op_type for node in test.model.graph.node]
    result = {"name": name, "operator": _operator(name, kinds), "graphml": "", "peer": ""}
    outside = _outside(test)
    if outside:
        return result | {"graphml": f"outside: {outside}", "peer": "outside"}
    result["graphml"] = _judged(test, lambda: _converted(test, {}))
    if "must be a constant" in result["graphml"] or "was not written" in result["graphml"]:
        constants = _small_integers(test)
        if constants and _judged(test, lambda: _converted(test, constants), constants) == "passed":
            result["graphml"] = "constants"
    if _peer:
        result["peer"] = _judged(test, lambda: _by_peer(test.model))
    return result


def _operator(name: str, kinds: list[str]) -> str:
    """The operator that is tested. That of a test whose function is written out is in its name only."""
    return kinds[0] if len(kinds) == 1 or not name.endswith("_expanded") else f"{name.split('_')[1]} (expanded)"


def _outside(test: Any) -> str:
    """Why a network cannot hold the values of a test; empty if it can."""
    if any(entry.domain.startswith("ai.onnx.") for entry in test.model.opset_import):
        return "another operator set"
    if {node.op_type for node in test.model.graph.node} & {"Bernoulli", "RandomUniformLike", "Multinomial"}:
        return "random numbers, which differ"
    for inputs, outputs in test.data_sets:
        for value in (*inputs, *outputs):
            if np.ndim(value) > 5:
                return "more than five axes"
            if not isinstance(value, np.ndarray | np.generic):
                return "a sequence, or a type without NumPy's"
            array = np.asarray(value)
            if array.dtype.name not in _TYPES:
                return f"the type {array.dtype.name}"
            if array.size == 0:
                return "an empty array"
            if array.dtype.kind in "iu" and np.abs(array.astype(np.float64)).max() > _LARGEST:
                return "integers beyond 2^24"
    return ""


def _small_integers(test: Any) -> dict[str, np.ndarray[Any, Any]]:
    inputs, _ = test.data_sets[0]
    named = zip(test.model.graph.input, inputs, strict=False)
    return {
        info.name: np.asarray(value)
        for info, value in named
        if (np.ndim(value) <= 1 and np.asarray(value).dtype.kind in "iub") or np.ndim(value) == 0
    }


def _converted(test: Any, constants: Mapping[str, Any]) -> Any:
    import graphml
    from graphml.convert.onnx import network_from_onnx

    return graphml.load(network_from_onnx(test.model, constants=constants).model)


def _by_peer(model: Any) -> Any:
    import onnx2coreml

    import graphml

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.mlpackage"
        onnx2coreml.convert(model).save(path)
        return graphml.load(path)


def _judged(test: Any, make: Any, constants: Mapping[str, Any] | None = None) -> str:
    """ "passed", or the reason."""
    try:
        model = make()
        for inputs, outputs in test.data_sets:
            names = [info.name for info in test.model.graph.input]
            feed = {n: _entered(v) for n, v in zip(names, inputs, strict=False) if n not in (constants or {})}
            found = model.predict(feed)
            declared = [info.name for info in test.model.graph.output]
            for place, (name, wanted) in enumerate(zip(declared, outputs, strict=True)):
                value = found[name] if name in found else list(found.values())[place]
                _check(np.asarray(value), np.asarray(wanted), max(test.rtol, 1e-3), max(test.atol, 1e-5))
        return "passed"
    except Exception as error:  # any failure is the result
        return f"{type(error).__name__}: {error}".replace("\n", " ")[:300]


def _entered(value: Any) -> Any:
    array = np.atleast_1d(np.asarray(value))
    return array.astype(np.int32) if array.dtype.kind in "iub" else array.astype(np.float32)


def _check(found: Any, wanted: Any, rtol: float, atol: float) -> None:
    if found.shape != (wanted.shape or (1,)) and not (wanted.ndim == 0 and found.ndim == 0):
        raise AssertionError(f"shape {found.shape}, expected {wanted.shape}")
    np.testing.assert_allclose(found.reshape(wanted.shape).astype(np.float64), wanted.astype(np.float64), rtol, atol)


# The table -----------------------------------------------------------------------------------------------------------


def _report(results: list[dict[str, str]], peer: bool) -> None:
    inside = [each for each in results if not each["graphml"].startswith("outside")]
    outside = collections.Counter(each["graphml"] for each in results if each["graphml"].startswith("outside"))
    groups: dict[str, list[dict[str, str]]] = collections.defaultdict(list)
    for each in inside:
        groups[each["operator"]].append(each)
    print(f"{'operator':32} {'tests':>6} {'passed':>7}{'  onnx2coreml' if peer else ''}")
    for operator, tests in sorted(groups.items()):
        passed, own = _passed(tests, "graphml"), f"  {_passed(tests, 'peer'):11}" if peer else ""
        print(f"{operator:32} {len(tests):6} {passed:7}{own}")
    total = _passed(inside, "graphml")
    print(f"\n{total} of {len(inside)} pass ({total / max(len(inside), 1):.1%})", end="")
    print(f", {sum(each['graphml'] == 'constants' for each in inside)} of them with constants", end="")
    print(f"; onnx2coreml: {_passed(inside, 'peer')}" if peer else "")
    print("outside:", ", ".join(f"{text.split(': ', 1)[1]} {count}" for text, count in outside.most_common()))
    for each in sorted(inside, key=lambda each: (each["graphml"], each["name"])):
        if each["graphml"] not in ("passed", "constants"):
            print(f"  {each['name']}: {each['graphml']}")


def _passed(tests: list[dict[str, str]], who: str) -> int:
    return sum(each[who] in ("passed", "constants") for each in tests)


if __name__ == "__main__":
    main()
