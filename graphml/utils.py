"""Small tools under the names that coremltools uses: read, write and rename, join models, count errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from graphml import spec as files
from graphml.errors import FeatureError
from graphml.spec.files.packages import blob_values
from graphml.spec.program.packages import weight_files
from graphml.spec.renaming import rename
from graphml.spec.versions import required
from graphml.spec.wire.model_pb2 import Model

if TYPE_CHECKING:
    from graphml.models import Model as Loaded
    from graphml.models import ModelConfiguration


def save_spec(spec: Model, filename: str | Path, auto_set_specification_version: bool = False) -> None:
    """Write a Model message to a .mlmodel file or .mlpackage folder.

    Args:
        spec: The message; it is not changed.
        filename: The path; a name that ends in neither .mlmodel nor .mlpackage gets .mlmodel appended.
        auto_set_specification_version: Whether to write the lowest version that the content needs instead of the one in
            the message.
    """
    path = Path(filename)
    if path.suffix not in (".mlmodel", ".mlpackage"):
        path = path.with_name(f"{path.name}.mlmodel")
    if auto_set_specification_version:
        copy = Model()
        copy.CopyFrom(spec)
        copy.specificationVersion = required(spec)
        spec = copy
    files.write(spec, path)


def load_spec(model_path: str | Path) -> Model:
    """Read the Model message of a .mlmodel file or .mlpackage folder.

    Args:
        model_path: The path.

    Returns:
        The message.

    Raises:
        SpecError: The file cannot be read, or is not a Core ML model.
    """
    return files.read(model_path)


def rename_feature(
    spec: Model, current_name: str, new_name: str, rename_inputs: bool = True, rename_outputs: bool = True
) -> None:
    """Rename an input or an output of a model, and whatever refers to it: layers, operations, stages of a pipeline.

    Args:
        spec: The message, which is changed.
        current_name: The current name.
        new_name: The new name.
        rename_inputs: Whether to rename an input of this name.
        rename_outputs: Whether to rename an output of this name.

    Raises:
        GraphError: If there is no such feature, or the new name is taken. The model is then unchanged.
    """
    rename(spec, current_name, new_name, inputs=rename_inputs, outputs=rename_outputs)


def make_pipeline(*models: Any, configuration: ModelConfiguration | None = None) -> Loaded:
    """A pipeline of models: each finds its inputs by name among the inputs of the pipeline and earlier outputs.

    `graphml.build.pipeline` does the same with names for the stages, and returns the message.

    Args:
        *models: The models in order: paths, bytes, messages, models of graphml, or MLModels of coremltools.
        configuration: Where and how the pipeline runs.

    Returns:
        The pipeline, which predicts, and trains if the last model is updatable.

    Raises:
        GraphError: If there are no models, or a feature has different types in two of them.
        FeatureError: If the models have weight files in several folders.
        SpecError: If something else is wrong with the pipeline.
    """
    from graphml.build.pipelines import pipeline
    from graphml.models import Model as Loaded
    from graphml.models import load

    loaded = [model if isinstance(model, Loaded) else load(model) for model in models]
    stored = [model for model in loaded if any(blob_values(model.spec))]
    folders = {weight_files(model.path, model.weights_dir).folder for model in stored}
    if len(folders) > 1:
        raise FeatureError("the weights of these models are in several folders; a pipeline has one")
    return load(pipeline(loaded), configuration=configuration, weights_dir=next(iter(folders), None))


def evaluate_regressor(model: Any, data: Any, target: str = "target", verbose: bool = False) -> dict[str, Any]:
    """Compare the predictions of a regressor with known values.

    Args:
        model: A Model, or whatever `graphml.load` takes.
        data: {column: values}, a list of rows, or a DataFrame: the inputs of the model, and the column `target`.
        target: The column of the values to compare with.
        verbose: Whether to print each row.

    Returns:
        {"samples": their number, "rmse": the root of the mean squared error, "max_error": the largest difference}.

    Raises:
        FeatureError: If there are no rows, the column is missing, or the model predicts an array.
    """
    errors: list[float] = []
    for predicted, wanted in _compared(model, data, target, verbose):
        if not isinstance(predicted, int | float):
            raise FeatureError(f"evaluate_regressor compares single numbers; the model predicts {predicted!r}")
        errors.append(abs(predicted - float(wanted)))
    rmse = math.sqrt(math.fsum(error * error for error in errors) / len(errors))
    return {"samples": len(errors), "rmse": rmse, "max_error": max(errors)}


def evaluate_classifier(model: Any, data: Any, target: str = "target", verbose: bool = False) -> dict[str, Any]:
    """Compare the predictions of a classifier with known labels.

    Args:
        model: A Model, or whatever `graphml.load` takes.
        data: {column: values}, a list of rows, or a DataFrame: the inputs of the model, and the column `target`.
        target: The column of the labels to compare with.
        verbose: Whether to print each row.

    Returns:
        {"num_samples": their number, "num_errors": how many labels differ}.

    Raises:
        FeatureError: If there are no rows, or the column is missing.
    """
    found = _compared(model, data, target, verbose)
    return {"num_samples": len(found), "num_errors": sum(predicted != wanted for predicted, wanted in found)}


def _compared(model: Any, data: Any, target: str, verbose: bool) -> list[tuple[Any, Any]]:
    """The pairs (what the model predicts, value of the column `target`)."""
    from graphml.models import Model as Loaded
    from graphml.models import load

    loaded = model if isinstance(model, Loaded) else load(model)
    name = loaded.description.predicted_feature_name
    if not name:
        raise FeatureError(f"a {loaded.kind} predicts neither a label nor a number")
    rows = _rows(data)
    if not rows:
        raise FeatureError("there are no rows to compare with")
    missing = next((number for number, row in enumerate(rows, 1) if target not in row), None)
    if missing is not None:
        raise FeatureError(f"row {missing} has no column {target!r}; it has {', '.join(map(str, rows[missing - 1]))}")
    inputs = {feature.name for feature in loaded.description.inputs}
    answers = loaded.predict_batch([{key: value for key, value in row.items() if key in inputs} for row in rows])
    pairs = [(answer[name], row[target]) for answer, row in zip(answers, rows, strict=True)]
    if verbose:
        for predicted, wanted in pairs:
            print(f"{predicted}\t{wanted}")
    return pairs


def _rows(data: Any) -> Sequence[Mapping[str, Any]]:
    if hasattr(data, "to_dict"):  # a DataFrame
        return cast("Sequence[Mapping[str, Any]]", data.to_dict("records"))
    if not isinstance(data, Mapping):
        return list(data)
    columns = cast("Mapping[str, Sequence[Any]]", data)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise FeatureError(f"all columns must have the same number of values, got {lengths}")
    count = next(iter(lengths.values()), 0)
    return [{name: values[i] for name, values in columns.items()} for i in range(count)]
