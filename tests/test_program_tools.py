"""The command line on ML Programs: predictions, generated modules, notebooks, pipelines."""

from __future__ import annotations

import ast
import asyncio
import json
import sys
import types

import numpy as np
import pytest
from example_programs import HOSTILE, TABLE, classifier, image_program, rewritten, two_functions

import graphml
from graphml import ProgramBuilder, codegen, spec
from graphml.errors import SpecError

pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder with the example programs."""
    folder = tmp_path_factory.mktemp("programs")
    for name, make in {"two": two_functions, "image": image_program, "classes": classifier}.items():
        make().save(folder / f"{name}.mlpackage")
    return folder


def test_predict_runs_a_function_from_a_new_state(programs, run):
    path = programs / "two.mlpackage"
    for _ in range(2):
        status, out, err = run("predict", path, "-i", "x=[[1, 0, 0, 0]]", "--json")
        assert status == 0, err
        np.testing.assert_allclose(json.loads(out)["y"], TABLE[:4, :1].T, rtol=1e-2)
    status, out, err = run("predict", path, "--function", "decode", "-i", "token=[15]", "--json")
    assert status == 0, err
    np.testing.assert_allclose(json.loads(out)["logits"], TABLE[15:] * 8, rtol=1e-6)
    status, _, err = run("predict", path, "--function", "train")
    assert (status, "no function 'train'" in err) == (1, True)


def test_predict_takes_images_integers_and_half_precision(programs, run, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is an optional extra and is not installed here")
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 10
    image.fromarray(pixels).save(tmp_path / "x.png")
    np.save(tmp_path / "half.npy", np.float16([0.5, 70000.0 / 2]))
    given = ["-i", f"image={tmp_path / 'x.png'}", "-i", "count=[1, -3]", "-i", f"half={tmp_path / 'half.npy'}"]
    path, folder = programs / "image.mlpackage", tmp_path / "out"
    status, _, err = run("predict", path, *given, "-o", folder, "--json")
    assert status == 0, err
    assert np.array_equal(np.asarray(image.open(folder / "picture.png").convert("RGB")), pixels // 2)
    twice = np.load(folder / "twice.npy")
    assert (twice.dtype, twice.tolist()) == (np.float16, [1.0, np.inf])
    assert np.load(folder / "next.npy").tolist() == [2, -2]
    found = json.loads(run("predict", path, *given, "--json")[1])
    assert found["picture"] == "image 3 x 2 (use --output FOLDER to save it)"
    np.testing.assert_allclose(found["means"], [pixels.reshape(-1, 3).mean(0)])
    assert (found["next"], found["twice"]) == ([2, -2], [1.0, None])  # JSON has no infinity
    status, _, err = run("predict", path, *given, "-i", "count=[1.5, 2]")
    assert (status, "'count'" in err) == (2, True)


def test_predict_shows_classes_harmlessly(programs, run):
    status, out, err = run("predict", programs / "classes.mlpackage", "-i", "x=[[0, 0, 9]]")
    assert status == 0, err
    assert "classLabel  c\\x1b[2J" in out
    assert not set(out) & {"\x1b", "\u202e"}


# Generated modules ---------------------------------------------------------------------------------------------------


def imported(text, monkeypatch):
    module = types.ModuleType("generated")
    monkeypatch.setitem(sys.modules, "generated", module)  # where dataclasses look for annotations
    exec(compile(text, "generated.py", "exec"), module.__dict__)
    return module


def test_a_module_keeps_states_and_knows_its_function(programs, monkeypatch):
    path = programs / "two.mlpackage"
    prefill = imported(codegen.generate(path, "Prefill"), monkeypatch)
    decode = imported(codegen.generate(path, "Decode", "decode"), monkeypatch)
    assert (prefill.FUNCTION, decode.FUNCTION, decode.INPUTS) == ("prefill", "decode", {"token": "token"})
    assert codegen.generate(graphml.load(path, function_name="decode"), "Decode") == codegen.generate(
        path, "Decode", "decode"
    )
    first, second = prefill.Prefill(path), decode.Decode(path)
    state = first.make_state()
    x = np.ones((1, 4), np.float32)
    once = first.prediction(state, x=x).y
    np.testing.assert_allclose(first.predict(prefill.PrefillInput(x=x), state).y, 2 * once, rtol=1e-2)
    found = second.prediction(state, token=[15]).logits  # functions of one file share their states
    fresh = second.predict(decode.DecodeInput(token=[15]), second.make_state()).logits
    assert not np.allclose(found, fresh, rtol=1e-2)
    late = asyncio.run(second.prediction_async(second.make_state(), token=[15])).logits
    np.testing.assert_array_equal(late, fresh)
    rows = first.predictions([prefill.PrefillInput(x=x)] * 2, first.make_state())
    np.testing.assert_allclose(rows[1].y, 2 * rows[0].y, rtol=1e-2)
    with pytest.raises(ValueError, match="load the model with function_name='decode'"):
        decode.Decode(graphml.load(path))
    with pytest.raises(SpecError, match="no function 'train'"):
        codegen.generate(path, "Train", "train")


def test_the_module_of_one_function_without_a_state_is_plain(programs):
    text = codegen.generate(programs / "image.mlpackage")
    for word in ("FUNCTION", "State", "TrainingInput", "function_name"):
        assert word not in text
    for line in ("    image: AnyImage", "    picture: Image.Image", "    twice: NDArray[np.float16]"):
        assert line in text.splitlines()


def test_names_of_features_functions_and_states_are_never_code(tmp_path):
    def rename(message):
        held, description = message.mlProgram.functions, message.description
        for i, name in enumerate(("prefill", "decode")):
            held[HOSTILE * (i + 1)].CopyFrom(held[name])
            del held[name]
            description.functions[i].name = HOSTILE * (i + 1)
            description.functions[i].state[0].name = 'state"""\nimport os'
            description.functions[i].input[0].name = "state"
        description.defaultFunctionName = HOSTILE

    two_functions().save(tmp_path / "a.mlpackage")
    rewritten(tmp_path / "a.mlpackage", rename)
    text = codegen.generate(tmp_path / "a.mlpackage", "Made")
    tree = ast.parse(text)
    assert not set(text) & {"\x1b", "\u202e"}
    assert sum(isinstance(node, ast.Import) for node in ast.walk(tree)) == 3
    (name,) = (n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "FUNCTION")
    assert ast.literal_eval(name) == HOSTILE
    assert 'INPUTS: Mapping[str, str] = {\n    "state_": "state",\n}' in text


def test_the_command_takes_a_function(programs, run):
    path = programs / "two.mlpackage"
    assert run("codegen", path, "--function", "decode")[1] == codegen.generate(path, None, "decode")
    assert run("codegen", path, "--function", "train")[0] == 1


# Notebooks and pipelines ---------------------------------------------------------------------------------------------


def test_notebooks_show_functions_states_and_blocks(programs):
    page = graphml.load(programs / "two.mlpackage")._repr_html_()
    for words in ("state cache: state, a float16 array [1, 4]", "function decode: 14 operations", "while_loop"):
        assert words in page
    page = graphml.load(programs / "classes.mlpackage")._repr_html_()
    assert "3 classes" in page
    assert not set(page) & {"\x1b", "\u202e"}


def test_programs_are_stages(programs, tmp_path, run, monkeypatch):
    def stage(name, source, target):
        builder = ProgramBuilder("CoreML7")
        builder.output(target, builder.mul(builder.input(source, (1, 4)), builder.const(TABLE[1:2].copy(), name=name)))
        return builder.model().spec

    stages = [stage("first", "x", "h"), stage("second", "h", "y")]
    pipeline = spec.Model(specificationVersion=8)
    pipeline.pipeline.models.extend(stages)
    pipeline.description.input.extend(stages[0].description.input)
    pipeline.description.output.extend(stages[1].description.output)
    path = tmp_path / "both.mlpackage"
    spec.write(pipeline, path)
    status, out, err = run("inspect", path)
    assert status == 0, err
    assert out.index("stage 1: model0") < out.index("y = first float32[1, 4]") < out.index("stage 2: model1")
    assert "stage model1" in graphml.load(path)._repr_html_()
    module = imported(codegen.generate(path, "Both"), monkeypatch)
    x = np.ones((1, 4), np.float32)
    np.testing.assert_allclose(module.Both(path).prediction(x=x).y, TABLE[1:2] ** 2, rtol=1e-6)
    status, out, err = run("predict", path, "-i", "x=[[1, 1, 1, 1]]", "--json")
    assert status == 0, err
    np.testing.assert_allclose(json.loads(out)["y"], TABLE[1:2] ** 2, rtol=1e-6)
    status, _, err = run("inspect", "--code", path)
    assert (status, "only neural networks and ML Programs have a graph" in err) == (1, True)
