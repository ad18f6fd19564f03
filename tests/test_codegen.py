"""Generated modules: typed, runnable, clean, and of one structure whatever the features are called."""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import one_model
import pytest
from example_programs import two_functions
from hypothesis import example, given
from hypothesis import strategies as st

import graphml
from graphml import codegen, spec
from graphml.build import array

DATA = Path(__file__).parent / "data"
DENSE = DATA / "keras_model_personalization.mlmodel"
RULES = "E,F,I,B,UP,SIM,RUF,C4,PT,NPY"

HOSTILE = [
    '"""; import os',
    '"""\nimport os\n"""',
    "'''\\",
    '\\"""',
    "a\\",
    "\\N{BULLET} \\x \\u202",
    "\u202eimport os\u202c",
    "x\u2028import os",
    "a: int = __import__('os')",
    "# noqa",
    ">>> import os",
    "\x00\x1b[2J\r",
    "{name}NAME%s",
    "lambda",
    "__class__",
    "self",
    "str",
    "\uff53\uff45\uff4c\uff46",  # full width: Python reads it as self
    "",
    "1",
    "ﬁ",
    "\u0301",
    "字 段",
]
names = st.one_of(
    st.sampled_from(HOSTILE),
    st.text("ab_-. 1\"'\\\n#é\u202e{}", max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)


def image() -> spec.FeatureType:
    message = spec.FeatureType()
    message.imageType.width, message.imageType.height, message.imageType.colorSpace = 4, 3, 20
    return message


TYPES = {
    "picture": image(),
    "row": array(3),
    "count": one_model.INT,
    "weight": one_model.DOUBLE,
    "title": one_model.optional(one_model.STRING),
    "words": one_model.WORDS,
    "places": one_model.PLACES,
    "tags": one_model.optional(one_model.STRINGS),
    "ids": one_model.INTS,
}


def model(features, outputs=None, *, updatable=False) -> spec.Model:
    message = one_model.made("identity", features, features if outputs is None else outputs)
    message.isUpdatable = updatable
    if updatable:
        for name, kind in features.items():
            message.description.trainingInput.add(name=name).type.CopyFrom(kind)
    return message


def imported(text: str, folder: Path, name: str = "made"):
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    found = importlib.util.spec_from_file_location(f"codegen_{name}", path)
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # where dataclasses look for annotations
    try:
        found.loader.exec_module(module)
    finally:
        del sys.modules[found.name]
    return module


# Running -------------------------------------------------------------------------------------------------------------


def test_a_module_predicts_by_keywords_by_inputs_in_batches_and_in_coroutines(tmp_path):
    features = {"class": one_model.DOUBLE, "a-b": one_model.STRING, "a b": one_model.optional(one_model.INT)}
    outputs = {name: features[name] for name in ("class", "a-b")}
    message = model(features, outputs)
    module = imported(codegen.generate(message, "Echo"), tmp_path)
    assert module.INPUTS == {"class_": "class", "a_b": "a-b", "a_b_": "a b"}
    echo = module.Echo(graphml.load(message))
    given = {"class_": 2.5, "a_b": "x"}
    whole = module.EchoInput(**given)
    assert whole.a_b_ is None
    batch = echo.predictions([whole, module.EchoInput(class_=-1.0, a_b="y", a_b_=3)])
    found = [echo.prediction(**given), echo.predict(whole), asyncio.run(echo.prediction_async(**given)), batch[0]]
    assert [(type(one).__name__, one.class_, one.a_b) for one in found] == [("EchoOutput", 2.5, "x")] * 4
    assert (batch[1].class_, batch[1].a_b) == (-1.0, "y")
    with pytest.raises(AttributeError):
        whole.class_ = 3.0
    with pytest.raises(TypeError, match="a_b"):
        echo.prediction(class_=1.0)
    with pytest.raises(ValueError, match="has its configuration"):
        module.Echo(echo.model, graphml.ModelConfiguration())


def test_an_updatable_model_is_trained_from_typed_samples(tmp_path):
    text = codegen.generate(DENSE)
    module = imported(text, tmp_path)
    model_ = module.Keras_model_personalization(DENSE)
    samples = [module.Keras_model_personalizationTrainingInput(dense_input=[x], output_true=[3 * x]) for x in (0.5, 1)]
    with model_.update(samples, graphml.ModelConfiguration(parameters={"learning_rate": 0.05})) as task:
        task.resume()
    assert task.state is graphml.TaskState.COMPLETED
    before, after = (one.prediction(dense_input=[1.0]).output[0] for one in (model_, type(model_)(task.model)))
    assert abs(after - 3) < abs(before - 3)
    assert isinstance(after, np.float64)
    assert "output: NDArray[np.float64]" in text


def test_a_model_that_cannot_be_trained_has_no_training_inputs():
    text = codegen.generate(model(TYPES), "Plain")
    assert "TrainingInput" not in text
    assert "def update" not in text
    assert "PlainTrainingInput" in codegen.generate(model(TYPES, updatable=True), "Plain")


def test_every_real_model_makes_a_module(real_models):
    paths = sorted(real_models.rglob("*.mlmodel"))
    assert len(paths) > 30
    for path in paths:
        text = codegen.generate(path)
        compile(text, str(path), "exec")
        assert text == codegen.generate(graphml.load(path)), path


def test_the_command_writes_and_prints(tmp_path, monkeypatch, capsys):
    pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")
    from graphml import cli

    text = codegen.generate(DENSE, "Line")
    for more in ([], ["-o", str(tmp_path / "line.py")]):
        monkeypatch.setattr(sys, "argv", ["graphml", "codegen", str(DENSE), "--class-name", "Line", *more])
        with pytest.raises(SystemExit, match="0"):
            cli.main()
    assert capsys.readouterr().out == text
    assert (tmp_path / "line.py").read_bytes() == text.encode()


def test_the_class_is_called_as_the_file_is(tmp_path):
    for stem, name in {
        "sticker-classifier v2": "StickerClassifierV2",
        "7up": "Model7up",
        "dataclass": "Dataclass",
        "any": "AnyModel",
        "字": "字",
        "__": "Model",
        "none": "NoneModel",
    }.items():
        path = tmp_path / f"{stem}.mlmodel"
        path.write_bytes(spec.serialize(model(TYPES)))
        assert f"\nclass {name}:\n" in codegen.generate(path), stem


@pytest.mark.parametrize("name", ["", "a b", "class", "Any", "x:\n import os", "_Hidden", "graphml", "ﬁ"])
def test_what_is_not_a_class_name_is_refused(name):
    with pytest.raises(graphml.GraphmlError, match="name of a class"):
        codegen.generate(model(TYPES), name)


def test_what_is_not_a_model_is_refused():
    with pytest.raises(graphml.SpecError, match="a loaded model, not an int"):
        codegen.generate(3)


# Names ---------------------------------------------------------------------------------------------------------------


def test_many_similar_names_take_no_longer_than_others():
    names = ["a!", "a?", "a;", "a_"] * 5000
    start = time.process_time()
    found = codegen.identifiers(names)
    assert time.process_time() - start < 5
    assert len(set(found)) == len(names)
    assert found[3] == "a_"


@given(st.lists(names, max_size=8))
@example(HOSTILE)
@example(["a_2", "a-", "a_", "a", "a", "a"])
@example(["A" * 300, "A" * 299 + "é"])
def test_identifiers_are_legal_different_and_public(given_names):
    found = codegen.identifiers(given_names)
    assert len(set(found)) == len(found) == len(given_names)
    for identifier in found:
        assert ast.unparse(ast.parse(f"{identifier}: int = 0")) == f"{identifier}: int = 0"  # as Python reads it
        assert not identifier.startswith("_")
    assert found == codegen.identifiers(given_names)


def test_legal_names_stay_and_come_first():
    assert codegen.identifiers(["a-b", "a_b", "classLabel", "__x", "x"]) == ["a_b_", "a_b", "classLabel", "x_", "x"]
    assert codegen.identifiers(["input", "id", "object"]) == ["input", "id", "object"]
    assert codegen.identifiers(["Gewürz", "self", "int", "1", ""]) == [
        "Gewürz",
        "self_",
        "int_",
        "feature_1",
        "feature",
    ]


# Structure -----------------------------------------------------------------------------------------------------------


def hostile(given_names, texts) -> spec.Model:
    """Nine inputs, three outputs and nine training inputs, called and described as given."""
    inputs, outputs = list(TYPES.values()), [image(), array(2, dtype="float64"), one_model.WORDS]
    message = one_model.made("identity", {}, {})
    message.isUpdatable = True
    description = message.description
    for field, kinds in (("input", inputs), ("output", outputs), ("trainingInput", inputs)):
        for number, kind in enumerate(kinds):
            feature = getattr(description, field).add(name=given_names[number], shortDescription=texts[number])
            feature.type.CopyFrom(kind)
    description.metadata.shortDescription, description.metadata.author = texts[:2]
    description.metadata.license, description.metadata.versionString = texts[2:4]
    return message


def shape(text: str) -> str:
    """The module as a tree in which texts are blank, and names of features where features belong."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        elif isinstance(node, ast.ClassDef) and node.decorator_list:
            for field in node.body:
                if isinstance(field, ast.AnnAssign):
                    field.target.id = "feature"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for argument in node.args.kwonlyargs:
                argument.arg = "feature"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "MadeInput":
            for keyword in node.keywords:
                assert keyword.arg == keyword.value.id
                keyword.arg = keyword.value.id = "feature"
    return ast.dump(tree)


def tables(text: str) -> dict[str, dict[str, str]]:
    return {
        node.target.id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


PLAIN = shape(codegen.generate(hostile([f"f{i}" for i in range(9)], [""] * 9), "Made"))


@given(
    st.lists(names, min_size=9, max_size=9, unique=True),
    st.lists(st.one_of(names, st.text(max_size=200)), min_size=9, max_size=9),
)
@example(HOSTILE[:9], HOSTILE[:9])
@example(HOSTILE[9:18], HOSTILE[9:18])
@example(HOSTILE[-9:], ["\\" * 200, '"' * 200, "\\" * 87 + '"""', "'" * 3, "x" * 300, "\n\n", " ", "\t\\", "é" * 90])
def test_names_and_descriptions_are_never_code(given_names, texts):
    text = codegen.generate(hostile(given_names, texts), "Made")
    compile(text, "made.py", "exec")
    assert shape(text) == PLAIN
    found = tables(text)
    assert list(found["INPUTS"].values()) == list(found["TRAINING_INPUTS"].values()) == given_names
    assert list(found["OUTPUTS"].values()) == given_names[:3]
    assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\x1b\x00\r")
    assert not doctest.DocTestParser().get_examples(text)


def test_one_more_name_would_be_seen():
    text = codegen.generate(hostile([f"f{i}" for i in range(9)], [""] * 9), "Made")
    assert shape(text + "import os\n") != PLAIN
    assert shape(text.replace("    f2: int\n", "    f2: os\n")) != PLAIN


# Tools ---------------------------------------------------------------------------------------------------------------


def test_the_module_is_clean(tmp_path):
    pytest.importorskip("ruff", reason="ruff is a tool of developers and is not installed here")
    modules = {
        "all": codegen.generate(model(TYPES, updatable=True), "Everything"),
        "none": codegen.generate(model({}), "Nothing"),
        "number": codegen.generate(model({"x": one_model.INT}), "Number"),
        "dense": codegen.generate(DENSE),
    }
    programs = two_functions().model().spec
    modules |= {name: codegen.generate(programs, name.title(), name) for name in programs.mlProgram.functions}
    for number in range(0, len(HOSTILE) - 8, 3):
        part = HOSTILE[number : number + 9]
        modules[f"hostile{number}"] = codegen.generate(hostile(part, [*part[1:], 'say "no"\\']), "Made" * 10)
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    settings = ["--isolated", "--no-cache", "--target-version", "py311"]
    for command in (["check", "--select", RULES], ["format", "--check", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, "."],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_module_is_strictly_typed(tmp_path):
    pytest.importorskip("pyright", reason="pyright is a tool of developers and is not installed here")
    features = {**TYPES, "class": one_model.INT, "features": one_model.INT, "found": one_model.STRING}
    text = codegen.generate(model(features, updatable=True), "Typed")
    (tmp_path / "typed.py").write_text(text, encoding="utf-8")
    (tmp_path / "decode.py").write_text(codegen.generate(two_functions().model(), "Decode", "decode"))
    use = "from typed import Typed\n\nmade = Typed('x.mlmodel')\nrow: str = made.predictions([])[0].row\n"
    (tmp_path / "use.py").write_text(use)
    root = str(Path(graphml.__file__).parents[1])
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "extraPaths": [root]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not done.stdout.startswith("{"):
        pytest.skip("pyright cannot start here: it needs node, which it would have to download")
    found = [(Path(one["file"]).name, one["message"]) for one in json.loads(done.stdout)["generalDiagnostics"]]
    assert [name for name, _ in found] == ["use.py"], found
    assert "float32" in found[0][1]
    assert 'declared type "str"' in found[0][1]
