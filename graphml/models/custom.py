"""Custom models: the file names a class, and the user registers the function that it stands for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, cast

from graphml.errors import FeatureError, GraphmlError, with_article
from graphml.models.interface.values import checker
from graphml.models.model import Model

Function = Callable[..., Mapping[str, Any]]

_registered: dict[str, Function] = {}


def register_custom_model(
    class_name: str, function: Function | None = None, *, replace: bool = False
) -> Callable[..., Any]:
    """Register the function that custom models of a class compute.

        @register_custom_model("TextCleaner")
        def clean(features, *, parameters):
            return {"text": features["text"].strip(parameters["characters"])}

    Args:
        class_name: The class that the file names.
        function: f({input: value}, parameters={name: value}) -> {output: value}. Inputs are checked and converted to
            plain values before the call; outputs are checked against the description.
        replace: Whether an earlier function for the class may be replaced.

    Returns:
        The function; a decorator if no function was given.

    Raises:
        ValueError: If the class has a function already.
    """
    if function is None:
        return functools.partial(register_custom_model, class_name, replace=replace)
    if class_name in _registered and not replace:
        raise ValueError(f"custom model class {class_name!r} already has a function; pass replace=True to replace it")
    _registered[class_name] = function
    return function


class CustomModel(Model):
    """A model that is computed by a Python function.

    The function is one of the `custom_models` that the model was loaded with, or else was registered by
    `register_custom_model`.

    Source: CustomModel (spec 3).
    """

    @property
    def _function(self) -> Function | None:
        name = self._message.customModel.className
        return self.custom_models.get(name, _registered.get(name))

    def obstacles(self) -> list[str]:
        message = self._message.customModel
        if self._function is not None or not message.className:
            return super().obstacles()
        reason = f"custom model class {message.className!r} is not registered"
        if message.description:
            reason += f"; its description: {message.description}"
        return [*super().obstacles(), f"{reason}; register its function with graphml.register_custom_model"]

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        message, function = self._message.customModel, self._function
        assert function is not None, "`obstacles` has refused a model without a function"
        parameters = {name: getattr(value, value.WhichOneof("value")) for name, value in message.parameters.items()}
        return answers(self, function(values, parameters=parameters), f"custom model class {message.className!r}")


def answers(model: Model, outputs: Any, who: str) -> dict[str, Any]:
    """Check the outputs of a user's function against the description of the model.

    Args:
        model: The model.
        outputs: What the function has returned.
        who: What error messages call the function.

    Raises:
        FeatureError: If an output is missing or has another type than declared.
    """
    if not isinstance(outputs, Mapping):
        raise FeatureError(
            f"the function of {who} must return {{output: value}}, not {with_article(type(outputs).__name__)}"
        )
    found = cast("Mapping[str, Any]", outputs)
    out: dict[str, Any] = {}
    for feature in model.description.outputs:
        if feature.name not in found:
            raise FeatureError(f"the function of {who} does not return {feature.name!r}, which is {feature.takes}")
        value = found[feature.name]
        if feature.image is None:
            try:
                value = checker(feature)(value)
            except GraphmlError as error:
                raise error.in_context(f"the function of {who} returns another type than the model declares") from None
        out[feature.name] = value
    return out
