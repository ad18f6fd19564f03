"""Models of a class of the user's own: the file names the class, the user brings the function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphml.errors import FeatureError, GraphmlError, with_article
from graphml.models.interface.values import checker
from graphml.models.model import Model

Function = Callable[..., Mapping[str, Any]]

_registered: dict[str, Function] = {}


def register_custom_model(
    class_name: str, function: Function | None = None, *, replace: bool = False
) -> Callable[..., Any]:
    """Say what custom models of a class compute; returns the function, or a decorator when none is given.

        @register_custom_model("TextCleaner")
        def clean(features, *, parameters):
            return {"text": features["text"].strip(parameters["characters"])}

    function: f({input: value}, parameters={name: value}) -> {output: value}. Inputs come checked, as plain values;
    outputs are checked against the description. Raises ValueError when the class has a function already, unless
    `replace`.
    """
    if function is None:
        return lambda given: register_custom_model(class_name, given, replace=replace)
    if class_name in _registered and not replace:
        raise ValueError(f"custom model class {class_name!r} has a function already; pass replace=True to replace it")
    _registered[class_name] = function
    return function


class CustomModel(Model):
    """A model that a function of the user's computes.

    It is looked up among the `custom_models` that the model was loaded with, then among those that
    `register_custom_model` has entered. Source: CustomModel (spec 3).
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
        return [*super().obstacles(), f"{reason}; graphml.register_custom_model says what it computes"]

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        message, function = self._message.customModel, self._function
        assert function is not None, "a model without a function is refused before"
        parameters = {name: getattr(value, value.WhichOneof("value")) for name, value in message.parameters.items()}
        return answers(self, function(values, parameters=parameters), f"custom model class {message.className!r}")


def answers(model: Model, outputs: Any, who: str) -> dict[str, Any]:
    """The outputs of a user's function, checked as the model declares them."""
    if not isinstance(outputs, Mapping):
        raise FeatureError(f"the function of {who} gives {{output: value}}, not {with_article(type(outputs).__name__)}")
    out = {}
    for feature in model.description.outputs:
        if feature.name not in outputs:
            raise FeatureError(f"the function of {who} gives no {feature.name!r}, which is {feature.takes}")
        value = outputs[feature.name]
        if feature.image is None:
            try:
                value = checker(feature)(value)
            except GraphmlError as error:
                raise error.in_context(f"the function of {who} gives what the model does not declare") from None
        out[feature.name] = value
    return out
