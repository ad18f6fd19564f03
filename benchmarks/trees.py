"""Ensembles of trees on 10^5 rows, against the library that grew them.

    python benchmarks/trees.py                  # all of them, on one core, about two minutes
    python benchmarks/trees.py forest --threads 2

Each ensemble is grown by scikit-learn (and by XGBoost if it is installed), written as a Core ML model, and
predicts the same rows, in CPU time: the peer from its array of float32, graphml from an array of columns
(`predict_batch({"x": rows})`) and from a list of dictionaries, one for each row. Answers agree within 1e-6 before
anything is timed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

import timing

ROWS, FEATURES = 100_000, 20


def ensembles() -> dict[str, Callable[[Any, Any], Any]]:
    from sklearn import ensemble

    found: dict[str, Callable[[Any, Any], Any]] = {
        "boosted-100x3": lambda x, y: ensemble.GradientBoostingRegressor(n_estimators=100).fit(x, y),
        "boosted-100x6": lambda x, y: ensemble.GradientBoostingRegressor(n_estimators=100, max_depth=6).fit(x, y),
        "boosted-1000x4": lambda x, y: ensemble.GradientBoostingRegressor(n_estimators=1000, max_depth=4).fit(x, y),
        "forest-50": lambda x, y: ensemble.RandomForestRegressor(n_estimators=50).fit(x, y),
    }
    try:
        import xgboost  # pyright: ignore[reportMissingImports]
    except ImportError:
        print("XGBoost is not installed: its trees are left out", file=sys.stderr)
    else:
        found["xgboost-100x6"] = lambda x, y: xgboost.XGBRegressor(n_estimators=100, max_depth=6, n_jobs=1).fit(x, y)
    return found


# As Core ML models ----------------------------------------------------------------------------------------------------


def core_ml(grown: Any) -> Any:
    """A regressor as a Model message."""
    from graphml.build import array
    from graphml.spec import Model

    model = Model(specificationVersion=1)
    model.description.input.add(name="x").type.CopyFrom(array(FEATURES, dtype="float64"))
    model.description.output.add(name="y").type.doubleType.SetInParent()
    model.description.predictedFeatureName = "y"
    ensemble = model.treeEnsembleRegressor.treeEnsemble
    ensemble.numPredictionDimensions = 1
    if hasattr(grown, "get_booster"):
        import json

        settings = json.loads(grown.get_booster().save_config())["learner"]["learner_model_param"]
        base, nodes = float(settings["base_score"].strip("[]")), _xgboost_nodes(grown)
    else:
        base = float(grown.init_.constant_[0, 0]) if hasattr(grown, "init_") else 0.0
        nodes = _sklearn_nodes(grown)
    ensemble.basePredictionValue.append(base)
    for tree, number, leaf, branch in nodes:
        node = ensemble.nodes.add(treeId=tree, nodeId=number)
        if branch is None:
            node.nodeBehavior = node.LeafNode
            node.evaluationInfo.add(evaluationValue=leaf)
        else:
            node.nodeBehavior, node.branchFeatureIndex, node.branchFeatureValue = branch[:3]
            node.trueChildNodeId, node.falseChildNodeId = branch[3:]
    return model


def _sklearn_nodes(grown: Any) -> Iterator[tuple[int, int, float, tuple | None]]:
    boosted = hasattr(grown, "learning_rate")
    trees = [e.tree_ for e in (grown.estimators_[:, 0] if boosted else grown.estimators_)]
    scale = grown.learning_rate if boosted else 1 / len(trees)
    for number, tree in enumerate(trees):
        for i in range(tree.node_count):
            branch = (0, tree.feature[i], tree.threshold[i], tree.children_left[i], tree.children_right[i])
            leaf = tree.children_left[i] < 0
            yield number, i, scale * float(tree.value[i, 0, 0]), None if leaf else branch


def _xgboost_nodes(grown: Any) -> Iterator[tuple[int, int, float, tuple | None]]:
    table = grown.get_booster().trees_to_dataframe()
    for row in table.itertuples():
        children = [int(child.split("-")[1]) for child in (row.Yes, row.No) if isinstance(child, str)]
        leaf = row.Feature == "Leaf"
        branch = None if leaf else (1, int(row.Feature.lstrip("f")), float(row.Split), *children)
        yield row.Tree, row.Node, row.Gain, branch


# Timing ---------------------------------------------------------------------------------------------------------------


def measure(names: list[str], rounds: int) -> None:
    import numpy as np

    import graphml

    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, FEATURES))
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3] ** 2
    small = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    rows = small.astype(np.float64)
    dictionaries = [{"x": row} for row in rows]
    grow = ensembles()
    unknown = sorted(set(names) - set(grow))
    if unknown:
        raise SystemExit(f"no such ensemble: {', '.join(unknown)}; there are {', '.join(grow)}")
    print("| trees | peer ms | columns ms | dictionaries ms | columns / peer | dictionaries / peer |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in names or grow:
        grown = grow[name](x, y)
        model: Any = graphml.load(core_ml(grown))
        given = np.array([answer["y"] for answer in model.predict_batch({"x": rows})])
        np.testing.assert_allclose(given, grown.predict(small), rtol=1e-6, atol=1e-6)
        calls = {
            "peer": lambda grown=grown: grown.predict(small),
            "columns": lambda model=model: model.predict_batch({"x": rows}),
            "dictionaries": lambda model=model: model.predict_batch(dictionaries),
        }
        readings = timing.measure(calls, rounds=rounds)
        peer, columns, dicts = (readings[call].cpu for call in calls)
        print(
            f"| {name} | {peer:.0f} | {columns:.0f} | {dicts:.0f} | **{columns / peer:.2f}** | **{dicts / peer:.2f}** |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("ensembles", nargs="*", help="names of ensembles (all)")
    parser.add_argument("--threads", type=int, default=1, help="cores to use (1)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (5)")
    options = parser.parse_args()
    timing.pin(options.threads)
    measure(options.ensembles, options.rounds)
    print(timing.machine(options.threads), file=sys.stderr)


if __name__ == "__main__":
    main()
