"""Kinds of models that need a part of Apple's systems: feature prints, text models and private kinds.

They can be loaded, printed and saved. To predict, register a Python function for them: `register_provider`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from graphml.models.custom import answers
from graphml.models.model import Model

Function = Callable[..., Mapping[str, Any]]

_registered: dict[str, Function] = {}

# What the file lacks.
_MISSING = {
    "visionFeaturePrint": "the network that turns an image into features is part of Apple's systems, not of the file",
    "audioFeaturePrint": "the network that turns sound into features is part of Apple's systems, not of the file",
    "textClassifier": "the file holds a payload that only the language framework, part of Apple's systems, can read",
    "wordTagger": "the file holds a payload that only the language framework, part of Apple's systems, can read",
    "gazetteer": "the file holds a payload that only the language framework, part of Apple's systems, can read",
    "wordEmbedding": "the file holds a payload that only the language framework, part of Apple's systems, can read",
    "serializedModel": "its content is private to Apple",
}


def register_provider(name: str, function: Function | None = None, *, replace: bool = False) -> Callable[..., Any]:
    """Register a Python function that replaces a part of Apple's systems.

        @register_provider("audioFeaturePrint")
        def embed(features, *, model):
            return {"features": my_network(features["audioSamples"])}

    Args:
        name: A kind of model, or one version of it, as the error of a model without a function names it
            ("visionFeaturePrint.scene.2", "textClassifier.1"). A function for a version overrides one for the kind.
        function: f({input: value}, model=message of the kind) -> {output: value}. Inputs are checked before the call,
            outputs are checked against the description.
        replace: Whether an earlier function may be replaced.

    Returns:
        The function; a decorator if no function was given.

    Raises:
        ValueError: If the name is not one of these kinds, or has a function already.
    """
    if function is None:
        return functools.partial(register_provider, name, replace=replace)
    if name.partition(".")[0] not in _MISSING:
        raise ValueError(f"expected one of {', '.join(_MISSING)}, got {name!r}")
    if name in _registered and not replace:
        raise ValueError(f"{name!r} has a provider already; pass replace=True to replace it")
    _registered[name] = function
    return function


class SystemModel(Model):
    """A model that only Apple's systems can compute, unless a function is registered for it."""

    @property
    def variant(self) -> str:
        """The kind with its version, such as "visionFeaturePrint.scene.2" or "textClassifier.1"."""
        message = getattr(self._message, self.kind)
        if self.kind == "serializedModel":
            return f"{self.kind}.{message.identifier}"
        if not self.kind.endswith("FeaturePrint"):
            return f"{self.kind}.{message.revision}"
        which = message.WhichOneof(f"{self.kind[0].upper()}{self.kind[1:]}Type")
        return self.kind if which is None else f"{self.kind}.{which}.{getattr(message, which).version}"

    @property
    def _provider(self) -> Function | None:
        return _registered.get(self.variant, _registered.get(self.kind))

    def obstacles(self) -> list[str]:
        if self._provider is not None:
            return super().obstacles()
        reason = f"models of kind {self.kind} do not run here: {_MISSING[self.kind]}"
        gives = "; ".join(f"{f.name!r} ({f.takes})" for f in self.description.outputs)
        takes = "; ".join(f"{f.name!r} ({f.takes})" for f in self.description.inputs)
        return [
            *super().obstacles(),
            f"{reason}. graphml.register_provider({self.variant!r}, function) registers a function that returns "
            f"{gives or 'nothing'} from {takes or 'nothing'}",
        ]

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        function = self._provider
        assert function is not None, "`obstacles` has refused a model without a function"
        return answers(
            self, function(values, model=getattr(self._message, self.kind)), f"the provider of {self.variant}"
        )
