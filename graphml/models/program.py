"""ML Programs: mlProgram."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.descriptions import MOST_PIXELS, Description, default_dtype, describe
from graphml.errors import SpecError, UnsupportedError
from graphml.frontends.program import read_function
from graphml.frontends.program_interface import Argument, ProgramInterface
from graphml.graph import Graph
from graphml.models.graph_model import GraphModel
from graphml.models.interface.arrays import presentation
from graphml.models.interface.ports import Classes
from graphml.models.interface.program_ports import (
    arguments,
    check_of,
    classes_of_function,
    conversion_of,
    function_name,
    kinds_of,
)
from graphml.models.interface.values import input_check_of
from graphml.models.model import Traceable
from graphml.spec.files import write
from graphml.spec.files.packages import blob_values
from graphml.spec.program import programs
from graphml.spec.program.packages import weight_files
from graphml.spec.program.replacing import Replaced, replace_weights
from graphml.spec.program.values import WeightFiles


class MLProgram(GraphModel):
    """A function of an ML Program behind its declared interface; see `GraphModel`.

    Parameters are {constant: {"val": array}}. Arrays inside have the types that `ModelConfiguration.compute_precision`
    says; outputs have the declared types. Images enter `lower().fn` as float32 [1, channels, height, width], 0 to 255.

    Args:
        message: The Model message.
        function_name: The function to run; None: the default function of the file.
        **keyword: See `Model`.

    Raises:
        SpecError: There is no function of this name.
    """

    _node = "constant"

    def __init__(self, message: Any, *, function_name: str | None = None, **keyword: Any) -> None:
        super().__init__(message, **keyword)
        self._wanted_function = function_name
        if function_name is not None:
            _ = self.function_name
        self.files = _opened(self.path, self.weights_dir)

    # Functions -------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def function_name(self) -> str:
        """The function that this model runs. Raises SpecError if the file has none of that name, or no default."""
        return function_name(self._message, self._wanted_function)

    @property
    def function_names(self) -> tuple[str, ...]:
        """The functions of the file; `graphml.load(path, function_name=...)` picks one."""
        return tuple(sorted(self._message.mlProgram.functions))

    def _described(self) -> Description:
        allowed = self.configuration.max_image_pixels
        most = MOST_PIXELS if allowed is None else allowed
        try:
            function = self.function_name
        except SpecError:  # such a model can still be inspected
            function = None
        return describe(self._message.description, default_dtype(self.kind), most, function)

    @property
    def _function(self) -> Any:
        return self._message.mlProgram.functions[self.function_name]

    # For `GraphModel` ------------------------------------------------------------------------------------------------

    def _read_graph(self) -> tuple[Graph, ProgramInterface]:
        states = tuple(Argument(name, np.dtype(held.dtype), held.shape) for name, held in self._states.items())
        interface = ProgramInterface(arguments(self._function, self.description), states)
        graph = read_function(self._function, self.files)
        classes = self.classes  # raises for a function that should classify and does not
        labels = () if classes is None else (classes.label_name, classes.probabilities_name)
        wanted = [feature.name for feature in self.description.outputs if feature.name not in labels]
        for what, names, held in (
            ("input", [feature.name for feature in self.description.inputs], graph.inputs),
            ("output", wanted, graph.outputs),
            ("state", list(self._states), graph.state),
        ):
            absent = sorted(set(names) - set(held))
            if absent:
                raise SpecError(f"the program has no {what} {', '.join(map(repr, absent))}, which the model declares")
        stray = sorted(set(graph.state) - set(self._states))
        if stray:
            raise SpecError(
                f"the function takes the state {', '.join(map(repr, stray))}, which the model does not have"
            )
        return graph, interface

    def _read_classes(self) -> Classes | None:
        return classes_of_function(self._function, self.description, self.files)

    def _draws_numbers(self) -> bool:
        if not any(kind.startswith("random_") for kind in kinds_of(programs.body(self._function))):
            return False
        nodes = self._original.body.walk()
        return any(catalogue.row(node).random and node.attributes.get("seed", -1) < 0 for node in nodes)

    def _encode(self) -> Any:
        return self._rewritten().model

    def _rewritten(self) -> Replaced:
        return replace_weights(self._message, self.files, self.new_constants())

    def with_message(self, message: Any) -> Self:
        other = type(self)(message, function_name=self._wanted_function, configuration=self.configuration)
        # the weights are not part of the message: they stay those of this model, even if its package has changed
        other.path, other.weights_dir, other.files = self.path, self.weights_dir, self.files
        vars(other)["weights"] = self.weights
        return other

    def new_constants(self) -> Mapping[tuple[Any, ...], Any]:
        if not self.weights.replaced:
            return {}
        stored, current = self.weights.stored, self.weights.current
        found: dict[tuple[Any, ...], Any] = {}
        for node in self._original.body.walk():
            if not node.weights or current[node.key]["val"] is stored[node.key]["val"]:
                continue
            key = self.function_name, node.name
            if not node.name:
                raise UnsupportedError(f"{node.key!r} is written inline as an argument, so it cannot be replaced")
            if key in found:
                raise UnsupportedError(f"{node.name!r} is the name of several constants, so they cannot be replaced")
            found[key] = current[node.key]["val"]
        return found

    def spec_without_new_constants(self) -> Any:
        return self._message

    def _write(self, path: str | os.PathLike[str]) -> None:
        """Write the program; what was not changed is written as it was read, also if the package of the model has
        changed since. New weights are stored in the type of the old ones; other functions of the file keep theirs."""
        model, files = self._message, dict[str, Iterable[bytes]]()
        if self.path is None or os.path.realpath(self.path) != os.path.realpath(path):
            for name in {blob.fileName for blob in blob_values(model)}:
                file = self.files.file(name)
                files[name] = file.chunks(0, file.size)
        if self.weights.replaced:
            model, changed = self._rewritten()
            files |= changed
        source = self.path if self.path is not None and self.path.exists() else None
        write(model, path, source=source, weights=files)

    def _make_check(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return input_check_of(self.description, check_of)

    def _make_present(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return presentation(self.description.outputs, self.classes, conversion_of)

    def _compute_type(self, platform: str) -> Any:
        return jnp.float32 if self._precision(platform) == "float32" else None

    def _low_precision(self, platform: str) -> bool:
        return self._precision(platform) == "strict" or super()._low_precision(platform)

    def _precision(self, platform: str) -> str:
        chosen = self.configuration.compute_precision
        return chosen if chosen is not None else "float32" if platform == "cpu" else "declared"

    def _cache_facts(self) -> tuple[Any, ...]:
        return self.function_name, self.files.digests()

    # With other models -----------------------------------------------------------------------------------------------

    def traceable(self, *, stored: bool = False) -> Traceable:
        """The program for a program of several models, which pass pixels as [channels, height, width]."""
        inner = super().traceable(stored=stored)
        images = [feature.name for feature in self.description.inputs if feature.image is not None]

        def function(prepared: Any, inputs: Mapping[str, Any], key: jax.Array | None) -> dict[str, Any]:
            whole = {name: inputs[name][None] for name in images if name in inputs and inputs[name].ndim == 3}
            return inner.function(prepared, {**inputs, **whole}, key)

        return inner._replace(function=function) if images else inner


def _opened(path: Path | None, weights_dir: Path | None) -> WeightFiles:
    """The weight files of a model, mapped right away: the package may be replaced or removed while it is used.
    Errors in a file are reported when it is read."""
    try:
        files = weight_files(path, weights_dir)
    except SpecError:
        return WeightFiles()
    if files.folder is not None:
        with contextlib.suppress(OSError):
            for file in sorted(files.folder.iterdir()):
                with contextlib.suppress(SpecError):
                    files.file(file.name)
    return files
