"""What an installed wheel must do with nothing but the hard dependencies, run outside the checkout."""

import sys
from pathlib import Path

import graphml

HERE = Path(__file__).parent


def main() -> None:
    assert "jax" not in sys.modules, "import graphml alone does not import JAX"
    where = Path(graphml.__file__).resolve()
    assert HERE.resolve() not in where.parents or "site-packages" in str(where), f"the checkout was imported: {where}"
    model = graphml.load(HERE / "keras_model_personalization.mlmodel")
    before = float(model.predict({"dense_input": [1.0]})["output"][0])
    data = [{"dense_input": [x / 10], "output_true": [3.0 * x / 10]} for x in range(20)]
    task = graphml.UpdateTask(model, data)
    task.resume()
    task.wait()
    assert task.error is None, task.error
    task.model.save(HERE / "updated.mlmodel")
    after = float(graphml.load(HERE / "updated.mlmodel").predict({"dense_input": [1.0]})["output"][0])
    assert before != after
    for name in dir(graphml):
        getattr(graphml, name)
    print(f"the wheel works: {before:.4f} became {after:.4f}")


if __name__ == "__main__":
    main()
