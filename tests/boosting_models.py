"""Models of XGBoost and LightGBM for tests, and what these libraries predict on edge values.

`python tests/boosting_models.py` writes `tests/data/boosting`; it needs both libraries.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "data" / "boosting"
TINY = float(np.float32(1e-35))


def data() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rows with missing values and zeros, and the targets: "two" and "three" classes, a "number"."""
    generator = np.random.default_rng(5)
    rows = generator.normal(size=(200, 3))
    rows[:, 2] = np.round(rows[:, 2])
    total = rows[:, 0] + rows[:, 2]
    rows[::7, 1] = np.nan
    two = (total > 0).astype(int)
    return rows, {"two": two, "three": two + (rows[:, 0] > 0.5), "number": total}


def edge_rows(spec: Any, most: int) -> np.ndarray:
    """Rows with values around the thresholds of a converted model, around 0, and missing ones."""
    rows, _ = data()
    trees = getattr(spec, spec.WhichOneof("Type")).treeEnsemble
    found: list[np.ndarray] = []
    for node in trees.nodes:
        if node.nodeBehavior == node.LeafNode:
            continue
        threshold, single = node.branchFeatureValue, np.float32(node.branchFeatureValue)
        near = [np.nextafter(threshold, way) for way in (-np.inf, np.inf)]
        singles = [float(np.nextafter(single, np.float32(way))) for way in (-np.inf, np.inf)]
        tiny = [0.0, 1e-36, -1e-36, TINY, -TINY, np.nextafter(TINY, 1), np.nextafter(-TINY, -1)]
        for value in (threshold, *near, float(single), *singles, *tiny, np.nan):
            row = rows[len(found) % len(rows)].copy()
            row[node.branchFeatureIndex] = value
            found.append(row)
    step = max(1, len(found) // most)
    return np.array(found[::step])


def fit_xgboost(target: str, **keyword: Any) -> Any:
    xgboost: Any = importlib.import_module("xgboost")

    rows, targets = data()
    kind = xgboost.XGBRegressor if target == "number" else xgboost.XGBClassifier
    return kind(**{"n_estimators": 3, "max_depth": 3, "n_jobs": 1, **keyword}).fit(rows, targets[target])


def fit_lightgbm(target: str, **keyword: Any) -> Any:
    lightgbm: Any = importlib.import_module("lightgbm")

    rows, targets = data()
    kind = lightgbm.LGBMRegressor if target == "number" else lightgbm.LGBMClassifier
    settings = {"n_estimators": 3, "num_leaves": 5, "n_jobs": 1, "verbose": -1, **keyword}
    return kind(**settings).fit(rows, targets[target])


def predicted(estimator: Any, rows: np.ndarray) -> np.ndarray:
    return estimator.predict_proba(rows) if hasattr(estimator, "classes_") else estimator.predict(rows)


def main() -> None:
    from graphml.convert.lightgbm import from_lightgbm
    from graphml.convert.xgboost import from_xgboost

    expected: dict[str, Any] = {}
    for target in ("two", "three", "number"):
        xgboost, lightgbm = fit_xgboost(target, n_estimators=2, max_depth=2), fit_lightgbm(target, n_estimators=2)
        xgboost.get_booster().save_model(FOLDER / f"xgboost_{target}.json")
        if target == "three":
            xgboost.get_booster().save_model(FOLDER / f"xgboost_{target}.ubj")
        text = lightgbm.booster_.model_to_string()
        end = text.index("end of trees") + len("end of trees")
        (FOLDER / f"lightgbm_{target}.txt").write_text(text[:end] + "\n")
        for name, estimator, convert in (
            (f"xgboost_{target}.json", xgboost, from_xgboost),
            (f"lightgbm_{target}.txt", lightgbm, from_lightgbm),
        ):
            rows = edge_rows(convert(estimator).spec, 60)
            values = predicted(estimator, rows).astype(np.float64)
            expected[name] = {"rows": rows.tolist(), "values": values.tolist()}
    (FOLDER / "expected.json").write_text(json.dumps(expected).replace("}, ", "},\n") + "\n")


if __name__ == "__main__":
    main()
