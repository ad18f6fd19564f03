"""A Python module for one model: its inputs and outputs as typed dataclasses, and a class that predicts and trains.

    graphml codegen StickerClassifier.mlmodel -o sticker_classifier.py

Everything in the module that comes from the file is a string, a docstring or an identifier. Strings and docstrings are
escaped, identifiers made of letters, digits and underscores: whatever the names of features, the structure of the
module depends only on their types. The same model gives the same text.
"""

from __future__ import annotations

import keyword
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from graphml import spec
from graphml.descriptions import Description, FeatureDescription, FeatureType, describe_model
from graphml.errors import GraphmlError, SpecError, with_article
from graphml.naming import Names
from graphml.spec.program import programs
from graphml.visible import visible

_WIDTH = 88  # columns of docstrings
_LONGEST = 60  # letters of an identifier
_LONGEST_CLASS = 40


def generate(model: Any, class_name: str | None = None, function_name: str | None = None) -> str:
    """The text of the module for a model: a path, a Model message, or a loaded `Model`.

    Args:
        model: The model.
        class_name: The name of the class that predicts; by default it is made from the name of the file.
        function_name: The function of an ML Program that the class runs; by default that of a loaded model, or the
            default one. A file with several functions needs one module for each.

    Raises:
        GraphmlError: The name cannot be that of a class.
        SpecError: A file holds no model, or the program has no function of this name.
    """
    message, path = _read(model)
    function = _function(message, getattr(model, "function_name", None) if function_name is None else function_name)
    if class_name is None:
        class_name = _class_name("" if path is None else Path(path).stem)
    elif not _fits_class(class_name):
        raise GraphmlError(f"{class_name!r} cannot be the name of a class; letters, digits and underscores can")
    text = _module(message, class_name, function)
    # the model's texts may contain ambiguous Unicode letters
    return text if text.isascii() else text.replace("\n", "\n# ruff: noqa: RUF001, RUF002, RUF100\n", 1)


def _read(model: Any) -> tuple[Any, str | os.PathLike[str] | None]:
    if isinstance(model, str | os.PathLike):
        return spec.read(model), model
    message = getattr(model, "spec", model)
    if not isinstance(message, spec.Model):
        raise SpecError(
            f"a model is a path, a Model message or a loaded model, not {with_article(type(model).__name__)}"
        )
    return message, getattr(model, "path", None)


def _function(message: Any, wanted: str | None) -> str | None:
    """The function of a program that must be named when it is loaded; None for models that have only one."""
    if wanted is not None:
        programs.refuse_unknown(message, wanted)
    if message.WhichOneof("Type") != "mlProgram" or len(message.mlProgram.functions) < 2:
        return None
    return programs.default_function(message) if wanted is None else wanted


# Identifiers ---------------------------------------------------------------------------------------------------------

# Names used by annotations and calls next to the features, and three names that linters confuse with digits.
_NEEDED = {"self", "int", "float", "str", "dict", "list", "Any", "Mapping", "Sequence", "ArrayLike", "NDArray", "np"}
_NEEDED |= {"Image", "AnyImage", "asyncio", "O", "I", "l"}
# Other names used in the module, so no class can have them.
_GLOBAL = {
    "graphml",
    "annotations",
    "dataclass",
    "Iterable",
    "PathLike",
    "TYPE_CHECKING",
    "TypeAlias",
    "INPUTS",
    "FUNCTION",
}
_GLOBAL |= {"OUTPUTS", "TRAINING_INPUTS", "object", "getattr", "isinstance", "staticmethod", "ValueError", *_NEEDED}


def identifiers(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """A valid identifier for each name, all distinct, none of them private: the name itself if it is one."""
    names = list(names)
    wanted = [_identifier(name) for name in names]
    unique = Names({*_NEEDED, *taken})
    # names that can be kept take precedence over generated ones
    order = sorted(range(len(names)), key=lambda i: wanted[i] != names[i])
    found = {i: unique.free(wanted[i]) for i in order}
    return [found[i] for i in range(len(names))]


def _identifier(name: str) -> str:
    """The nearest valid identifier, normalized as Python does."""
    text = unicodedata.normalize("NFKC", name)
    text = "".join(c if f"x{c}".isidentifier() else "_" for c in text)
    text = unicodedata.normalize("NFKC", re.sub("__+", "_", text) if text != name else text).lstrip("_")[:_LONGEST]
    if not text.isidentifier():  # nothing is left, or it begins with a digit
        text = f"feature_{text}".rstrip("_") if f"x{text}".isidentifier() else "feature"
    return f"{text}_" if keyword.iskeyword(text) else text


def _fits_class(name: str) -> bool:
    made = {name, *(name + ending for ending in _ENDINGS)}
    return name.isidentifier() and _identifier(name) == name and not made & _GLOBAL


def _class_name(stem: str) -> str:
    words = re.split(r"\W+", unicodedata.normalize("NFKC", stem))
    name = "".join(word[:1].upper() + word[1:] for word in words).lstrip("_")[:_LONGEST_CLASS]
    name = name[:1].upper() + name[1:]
    if not name.isidentifier():
        name = f"Model{name}"
    return next(found for found in (name, f"{name}Model", "Model") if _fits_class(found))


_ENDINGS = ("Input", "Output", "TrainingInput")

# Types ---------------------------------------------------------------------------------------------------------------


class _Field(NamedTuple):
    """A feature in the module. takes, gives: its types as an input and as an output."""

    attribute: str
    name: str
    text: str
    takes: str
    gives: str
    optional: bool


def _fields(features: Sequence[FeatureDescription], taken: Iterable[str]) -> list[_Field]:
    attributes = identifiers((feature.name for feature in features), taken)
    return [
        _Field(attribute, feature.name, _about_feature(feature), *_types(feature), feature.optional)
        for attribute, feature in zip(attributes, features, strict=True)
    ]


def _about_feature(feature: FeatureDescription) -> str:
    return f"{feature.words}{' (optional)' if feature.optional else ''}. {feature.text}"


def _types(feature: FeatureDescription) -> tuple[str, str]:
    """(the annotation as an input, the annotation as an output)."""
    element = "int" if feature.keys is FeatureType.INT64 else "str"
    if feature.array is not None:
        return "ArrayLike", f"NDArray[np.{feature.array.dtype}]"
    if feature.type is FeatureType.DICTIONARY:
        return f"Mapping[{element}, float]", f"dict[{element}, float]"
    if feature.type is FeatureType.SEQUENCE:
        return f"Sequence[{element}]", f"list[{element}]"
    if feature.type is FeatureType.IMAGE:
        return "AnyImage", "Image.Image"
    scalars = {FeatureType.INT64: "int", FeatureType.DOUBLE: "float", FeatureType.STRING: "str"}
    scalar = scalars.get(feature.type, "Any")
    return scalar, scalar


# Text of the file in the module --------------------------------------------------------------------------------------


def _literal(text: str) -> str:
    """A string as ruff writes it, which evaluates to exactly this text."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    parts = (visible(c) if c not in "\\" + quote else f"\\{c}" for c in text)
    return quote + "".join(parts) + quote


def _docstring(texts: Iterable[str], indent: str) -> list[str]:
    """Paragraphs as the lines of a docstring, without quotes that would end it or anything that doctest would run."""
    lines: list[str] = []
    for paragraph in texts:
        wrapped = [part for line in paragraph.splitlines() for part in _wrapped(line, _WIDTH - len(indent) - 6)]
        lines += ["", *wrapped] if lines and wrapped else wrapped
    lines = lines if lines else ["No description."]
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}" if line else "" for line in lines[1:]), f'{indent}"""']


def _wrapped(line: str, width: int) -> Iterator[str]:
    """Escaped lines of limited width; a longer word is split, but not within an escape."""
    safe = visible(" ".join(line.split())).replace('"', "'").replace(">>>", "> > >")
    now, used = "", 0
    for word in safe.split():
        size = sum(map(_columns, word))
        if used and used + 1 + size > width:
            yield now
            now, used = "", 0
        now, used = (f"{now} ", used + 1) if used else (now, used)
        for c in word:
            if used + _columns(c) > width:
                yield now.rstrip()
                now, used = "", 0
            now, used = now + (c if c != "\\" else "\\\\"), used + _columns(c)
    if now:
        yield now


def _columns(character: str) -> int:
    return 2 if character == "\\" or unicodedata.east_asian_width(character) in "WF" else 1


# The module ----------------------------------------------------------------------------------------------------------


def _module(message: Any, name: str, function: str | None) -> str:
    description = describe_model(message, function)
    state = bool(description.states)
    kind = message.WhichOneof("Type")
    taken = (name, *(name + ending for ending in _ENDINGS), *(["state"] if state else []))
    inputs = _fields(description.inputs, taken)
    outputs = _fields(description.outputs, taken)
    training = None  # programs declare no training inputs
    if message.isUpdatable and kind != "mlProgram":
        training = _fields(description.training_inputs, taken)
    types = {f.takes for f in (*inputs, *(training or ()))} | {f.gives for f in outputs}
    parts = [
        ["# Written by `graphml codegen` from a model; write it again when the model has changed."],
        _docstring(_about(kind, description, name, _functions(message, function)), ""),
        ["", "from __future__ import annotations", ""],
        _imports(types),
        *(["", *_table(what, fields)] for what, fields in _tables(inputs, outputs, training)),
        [] if function is None else ["", f"FUNCTION = {_literal(function)}"],
        _dataclass(f"{name}Input", f"What {name} takes.", inputs),
        _dataclass(f"{name}Output", f"What {name} gives.", outputs, output=True),
        [] if training is None else _dataclass(f"{name}TrainingInput", f"What {name} is trained on.", training),
        _fill(_NAMED, name),
        _fill(_CLASS if function is None else _by_function(_CLASS), name),
        _fill(_STATE, name) if state else [],
        _fill(_with_state(_PREDICT) if state else _PREDICT, name),
        _prediction("prediction", "The outputs for these inputs.", name, inputs, state),
        _prediction("prediction_async", "`prediction` in a thread, while the event loop goes on.", name, inputs, state),
        _fill(_with_state(_BATCH) if state else _BATCH, name),
        _fill(_OUTPUT, name),
        [] if training is None else _fill(_UPDATE, name),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _functions(message: Any, function: str | None) -> str:
    if function is None:
        return ""
    others = sorted(name for name in message.mlProgram.functions if name != function)
    return f"It runs the function {function} of the file, which also has {', '.join(others)}."


def _about(kind: str | None, description: Description, name: str, functions: str) -> Iterator[str]:
    metadata = description.metadata
    yield f"{name}: a model of kind {kind or 'unknown'}."
    yield functions
    for held in description.states:
        yield f"It keeps a state, {held.name}: {held.array}."
    yield metadata.short_description
    yield f"Author: {metadata.author}" if metadata.author else ""
    yield f"License: {metadata.license}" if metadata.license else ""
    yield f"Version: {metadata.version}" if metadata.version else ""


def _imports(types: Iterable[str]) -> list[str]:
    words = {word for type_ in types for word in re.findall(r"\w+", type_)}
    image = bool(words & {"AnyImage", "Image"})
    abstract = ["Iterable", "Mapping", *(["Sequence"] if "Sequence" in words else [])]
    arrays = ["ArrayLike"] if words & {"ArrayLike", "AnyImage"} else []
    arrays += ["NDArray"] if "NDArray" in words else []
    any_image = "AnyImage" in words
    typing = [*(["TYPE_CHECKING"] if image else []), "Any", *(["TypeAlias"] if any_image else [])]
    return [
        "import asyncio",
        f"from collections.abc import {', '.join(abstract)}",
        "from dataclasses import dataclass",
        "from os import PathLike",
        f"from typing import {', '.join(typing)}",
        "",
        "import graphml",
        *(["import numpy as np"] if "np" in words else []),
        *([f"from numpy.typing import {', '.join(arrays)}"] if arrays else []),
        *(["", "if TYPE_CHECKING:", "    from PIL import Image"] if image else []),
        *(["", "    AnyImage: TypeAlias = Image.Image | PathLike[str] | str | ArrayLike"] if any_image else []),
    ]


def _tables(
    inputs: list[_Field], outputs: list[_Field], training: list[_Field] | None
) -> Iterator[tuple[str, list[_Field]]]:
    yield "INPUTS", inputs
    yield "OUTPUTS", outputs
    if training is not None:
        yield "TRAINING_INPUTS", training


def _table(what: str, fields: list[_Field]) -> list[str]:
    """attribute -> name of the feature, which maps identifiers back to the model's own names."""
    head = f"{what}: Mapping[str, str] = {{"
    if not fields:
        return [head + "}"]
    return [head, *(f'    "{f.attribute}": {_literal(f.name)},' for f in fields), "}"]


def _dataclass(name: str, about: str, fields: list[_Field], *, output: bool = False) -> list[str]:
    lines = ["", "", "@dataclass(frozen=True, eq=False, kw_only=True)", f"class {name}:", f'    """{about}"""']
    for f in fields:
        lines += ["", f"    {_declared(f, output)}", *_docstring([f.text], "    ")]
    return lines


def _declared(f: _Field, output: bool = False) -> str:
    kind = f.gives if output else f.takes
    return f"{f.attribute}: {kind} | None = None" if f.optional and not output else f"{f.attribute}: {kind}"


def _prediction(method: str, about: str, name: str, inputs: list[_Field], state: bool) -> list[str]:
    late = method == "prediction_async"
    given = [f"                {f.attribute}={f.attribute}," for f in inputs]
    features = [f"            {name}Input(", *given, "            ),"] if given else [f"            {name}Input(),"]
    features += ["            state,"] if state else []
    ordered = sorted(inputs, key=lambda f: f.optional)
    return [
        "",
        f"    {'async ' if late else ''}def {method}(",
        "        self,",
        *(["        state: graphml.State,"] if state else []),
        *(["        *,"] if inputs else []),
        *(f"        {_declared(f)}," for f in ordered),
        f"    ) -> {name}Output:",
        f'        """{about}"""',
        *(["        return await asyncio.to_thread(", "            self.predict,"] if late else []),
        *([] if late else ["        return self.predict("]),
        *features,
        "        )",
    ]


def _by_function(template: str) -> str:
    """The head of the class for a file of several functions."""
    load = "            model = graphml.load(model, configuration=configuration)\n"
    named = "            model = graphml.load(\n"
    named += "                model, configuration=configuration, function_name=FUNCTION\n            )\n"
    named += '        elif getattr(model, "function_name", None) != FUNCTION:\n'
    named += '            raise ValueError(f"load the model with function_name={FUNCTION!r}")\n'
    return template.replace(load, named)


def _with_state(template: str) -> str:
    """A method that predicts, for a model that has a state."""
    for old, new in (
        ("    ) -> NAMEOutput:", "        state: graphml.State,\n    ) -> NAMEOutput:"),
        ("    ) -> list[", "        state: graphml.State,\n    ) -> list["),
        ("INPUTS)))", "INPUTS), state=state))"),
        ("[self._output(found) for", "[\n            self._output(found) for"),
        ("(rows)]", "(rows, state=state)\n        ]"),
        ("for the inputs.", "for the inputs; changes the state."),
        ("in order.", "in order; each changes the state."),
    ):
        template = template.replace(old, new, 1)
    return template


def _fill(template: str, name: str) -> list[str]:
    return template.replace("NAME", name).splitlines()


_NAMED = '''

def _named(values: object, names: Mapping[str, str]) -> dict[str, Any]:
    """{name of the feature: value}, less what was left out."""
    found = {name: getattr(values, attribute) for attribute, name in names.items()}
    return {name: value for name, value in found.items() if value is not None}
'''

_CLASS = '''

class NAME:
    """The model with typed inputs and outputs; `model` is the model itself."""

    model: graphml.Model

    def __init__(
        self,
        model: graphml.Model | PathLike[str] | str,
        configuration: graphml.ModelConfiguration | None = None,
    ) -> None:
        if not isinstance(model, graphml.Model):
            model = graphml.load(model, configuration=configuration)
        elif configuration is not None:
            raise ValueError("a loaded model has its configuration already")
        self.model = model
'''

_STATE = '''
    def make_state(self) -> graphml.State:
        """A new state, all zeros; each prediction changes the one it is given."""
        return self.model.make_state()
'''

_PREDICT = '''
    def predict(
        self,
        features: NAMEInput,
    ) -> NAMEOutput:
        """The outputs for the inputs."""
        return self._output(self.model.predict(_named(features, INPUTS)))
'''

_BATCH = '''
    def predictions(
        self,
        features: Iterable[NAMEInput],
    ) -> list[NAMEOutput]:
        """The outputs for each of many inputs, in order."""
        rows = [_named(one, INPUTS) for one in features]
        return [self._output(found) for found in self.model.predict_batch(rows)]
'''

_OUTPUT = """
    @staticmethod
    def _output(
        found: Mapping[str, Any],
    ) -> NAMEOutput:
        values = {attribute: found[name] for attribute, name in OUTPUTS.items()}
        return NAMEOutput(**values)
"""

_UPDATE = '''
    def update(
        self,
        training_data: Iterable[NAMETrainingInput],
        configuration: graphml.ModelConfiguration | None = None,
        **options: Any,
    ) -> graphml.UpdateTask:
        """A task that trains the model: `resume()` starts it, `model` is the result.

        options: of `graphml.UpdateTask`, such as progress_handlers.
        """
        rows = (_named(sample, TRAINING_INPUTS) for sample in training_data)
        return graphml.UpdateTask(self.model, rows, configuration, **options)
'''
