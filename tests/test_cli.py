"""The command line as a person uses it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import graphml
from graphml import spec
from graphml.build import NeuralNetworkBuilder, array

pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")

DATA = Path(__file__).parent / "data"
EXAMPLES = Path(__file__).resolve().parents[1] / "examples/data"
HOUSE = DATA / "house.mlmodel"
DENSE = DATA / "keras_model_personalization.mlmodel"
DRAW = EXAMPLES / "QuickDrawUpdatable.mlmodel"


def test_inspect_shows_interface_layers_and_recipe(run):
    status, out, _ = run("inspect", HOUSE)
    assert status == 0
    for words in (
        "numericalInput: float32 array [11]",
        "embedding1",
        "innerProduct",
        "meanSquaredError",
        "epochs  500",
    ):
        assert words in out


def test_inspect_json_is_complete(run):
    _, out, _ = run("inspect", "--json", DRAW)
    found = json.loads(out)
    assert found["layers"][-1]["kind"] == "softmax"
    assert found["class_labels"][:2] == ["Apple", "Bowtie"]
    assert found["update"]["optimizer"]["learning_rate"] == {"default": pytest.approx(0.001), "range": [0.0, 1.0]}
    updatable = [layer["name"] for layer in found["layers"] if layer.get("updatable")]
    assert updatable == ["dense_2", "dense_3"]


def test_inspect_shapes_traces_the_network(run):
    _, out, _ = run("inspect", "--shapes", "--json", HOUSE)
    shapes = {layer["name"]: layer["shapes"] for layer in json.loads(out)["layers"]}
    assert shapes["concat"] == {"outConcat": [1, 1, 18, 1, 1]}


def test_inspect_needs_no_jax_and_no_terminal():
    code = "import sys; from graphml.cli import main; sys.argv = sys.argv[1:]\ntry: main()\nexcept SystemExit: pass\n"
    code += "assert 'jax' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code, "graphml", "inspect", str(HOUSE)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_without_its_extra_the_command_says_what_to_install(tmp_path):
    (tmp_path / "typer.py").write_text("raise ImportError('hidden')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from graphml.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'graphml-jax[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_predict_with_numbers(run):
    status, out, _ = run("predict", "--json", DENSE, "-i", "dense_input=[1.0]")
    assert status == 0
    assert json.loads(out)["output"] == [pytest.approx(1.93309 + 1.45624, abs=1e-4)]


def test_a_network_that_draws_random_numbers(run, tmp_path):
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("randomUniformLike", "y", ["x"], ["y"], seed=-1, min_val=0.0, max_val=1.0)
    builder.save(tmp_path / "noise.mlmodel")
    call = ("predict", tmp_path / "noise.mlmodel", "-i", "x=[0, 0, 0]", "--json")
    first, second, fixed, same = (run(*call, *more)[1] for more in ((), (), ("--seed", 3), ("--seed", 3)))
    assert len({first, second, fixed}) == 3
    assert fixed == same
    _, out, _ = run("inspect", "--shapes", "--json", tmp_path / "noise.mlmodel")
    assert json.loads(out)["layers"][0]["shapes"] == {"y": [3]}
    assert run("predict", DENSE, "-i", "dense_input=[1.0]", "--seed", 3)[0] == 0  # a network without random numbers


def test_predict_with_an_image_and_an_array_file(run, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is an optional extra and is not installed here")
    drawing = np.load(EXAMPLES / "quickdraw.npz")["drawings"][150]
    image.fromarray(drawing).save(tmp_path / "drawing.png")
    _, out, _ = run("predict", DRAW, "-i", f"image={tmp_path / 'drawing.png'}")
    assert "classLabel" in out
    np.save(tmp_path / "x.npy", np.float32([1.0]))
    _, out, _ = run("predict", DENSE, "-i", f"dense_input={tmp_path / 'x.npy'}", "-o", tmp_path / "out")
    assert np.load(tmp_path / "out/output.npy").shape == (1,)
    written = float(np.load(tmp_path / "out/output.npy")[0])
    _, out, _ = run("predict", DENSE, "-i", "dense_input=[1.0]")
    assert out == f"output  [{written:.8f}]\n", "as NumPy prints arrays"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect", "missing.mlmodel"], "missing.mlmodel"),
        (["inspect", str(DATA / "README.md")], "README.md"),
        (["predict", str(DENSE), "-i", "dense_imput=[1]"], "dense_imput"),
        (["predict", str(DENSE)], "dense_input"),
        (["predict", str(DENSE), "-i", "dense_input=one"], "is neither JSON, as in dense_input=[1, 2], nor"),
        (["predict", str(DENSE), "-i", "dense_input=[1, 2, 3]"], "dense_input"),
        (["update", str(DENSE), "-d", str(DENSE), "-o", "x.mlmodel"], "training data must be a folder"),
        (["update", str(DENSE), "-d", "none.jsonl", "-o", "x.mlmodel"], "none.jsonl cannot be read"),
    ],
)
def test_errors_are_one_message_without_a_traceback(run, arguments, words):
    status, _, err = run(*arguments)
    assert status == 1
    assert words in err
    assert "Traceback" not in err
    assert "loss -" not in err  # no progress bar if nothing has started


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["predict", DENSE, "-i", "dense_input"],
            "-i takes NAME=VALUE with a name of 'dense_input', got",
        ),
        (["update", DENSE, "-d", DENSE, "-o", "x.mlmodel", "-s", "seed"], "--set takes KEY=VALUE, got 'seed'"),
        (["predict", DENSE, "-i", "x=1", "-i", "x=2"], "-i gives 'x' twice"),
        (["update", DENSE, "-d", DENSE, "-o", "x.mlmodel", "-s", "seed=1", "-s", "seed=2"], "--set gives 'seed' twice"),
        (
            ["update", DENSE, "-d", DENSE, "-o", "x.mlmodel", "-s", "epochs=1", "--epochs", 1],
            "--epochs and --set epochs",
        ),
        (["convert", "x.onnx", "-o", "x.mlmodel", "-i", "x"], "-i takes NAME=SHAPE, got 'x'"),
        (["convert", "x.onnx", "-o", "x.mlmodel", "--image", "x"], "--image takes NAME=COLOR,SCALE,BIAS, got 'x'"),
        (["convert", "x.onnx", "-o", "x.mlmodel", "--image", "x=RGB,a"], "NAME=COLOR,SCALE,BIAS with numbers, got"),
        (["convert", "x.onnx", "-o", "x.mlmodel", "--image", "x=PINK"], "--image takes a color of "),
    ],
)
def test_options_that_cannot_be_understood_are_errors_of_usage(run, arguments, words):
    status, _, err = run(*arguments)
    assert status == 2
    assert err.startswith("UsageError: ")
    assert words in err


STEERING = "a\x1b[31m\u202e\r\x07\x9b\x7f\nforged"


@pytest.fixture(scope="module")
def steering(tmp_path_factory):
    """A classifier with a branch in which every name and label would control a terminal."""
    builder = NeuralNetworkBuilder(
        {STEERING: array(2)}, {}, class_labels=[STEERING, "b"], probabilities="p", exact=True
    )
    builder.add("reduceSum", "sum" + STEERING, [STEERING], ["s" + STEERING], axes=[0], keep_dims=True)
    branch = builder.nn_spec.layers.add(name="choice" + STEERING, input=["s" + STEERING]).branch
    for side in (branch.ifBranch, branch.elseBranch):
        side.layers.add(name="side" + STEERING, input=[STEERING], output=["p"]).softmaxND.axis = 0
    path = tmp_path_factory.mktemp("steering") / "m.mlmodel"
    path.write_bytes(spec.serialize(builder.spec))
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect"],
        ["inspect", "--json"],
        ["inspect", "--shapes"],
        ["inspect", "--code"],
        ["inspect", "--flow"],
        ["inspect", "--flow", "--format", "dot"],
        ["inspect", "--flow", "--format", "html"],
        ["predict", "-i", f"{STEERING}=[1, 2]"],
        ["predict", "-i", f"{STEERING}=[1, 2]", "--json"],
        ["predict"],
        ["predict", "-i", f"{STEERING}=[1]"],
        ["compare", "{path}", "--json"],
    ],
    ids=lambda arguments: " ".join(argument for argument in arguments if STEERING not in argument),
)
def test_names_and_labels_never_control_the_terminal(run, steering, arguments):
    _, out, err = run(arguments[0], steering, *(argument.format(path=steering) for argument in arguments[1:]))
    shown = out + err
    assert not set(shown) & set("\x1b\u202e\r\x07\x9b\x7f")
    assert not [line for line in shown.splitlines() if line.startswith("forged")]
    assert "--code" in arguments or "compare" in arguments or "202e" in shown


def test_escaped_json_parses_to_the_original(run, steering):
    _, out, _ = run("predict", steering, "-i", f"{STEERING}=[2, 1]", "--json")
    assert json.loads(out)["classLabel"] == STEERING
    assert list(json.loads(out)["p"]) == [STEERING, "b"]


def test_printed_models_and_errors_never_control_the_terminal(steering):
    model = graphml.load(steering)
    with pytest.raises(graphml.FeatureError) as caught:
        model.predict({})
    error = graphml.GraphmlError(f"line 1\n  the label {STEERING}").in_context(STEERING)
    for text in (repr(model), str(model.description), str(caught.value), str(error)):
        assert "202e" in text
        assert not set(text) & set("\x1b\u202e\r\x07\x9b\x7f")


def test_debug_shows_the_traceback(run):
    with pytest.raises(graphml.GraphmlError):
        run("--debug", "inspect", "missing.mlmodel")


def test_numbers_that_json_does_not_have_are_null(run, tmp_path):
    np.save(tmp_path / "x.npy", np.float32([np.nan]))
    status, out, err = run("predict", DENSE, "-i", f"dense_input={tmp_path / 'x.npy'}", "--json")
    assert status == 0, err
    assert out == '{"output": [null]}\n'


@pytest.mark.parametrize("form", ["jsonl", "csv", "npz"])
def test_update_from_files(run, tmp_path, form):
    x = np.linspace(0, 1, 20)
    data = tmp_path / f"data.{form}"
    if form == "jsonl":
        data.write_text("\n".join(json.dumps({"dense_input": [v], "output_true": [3 * v]}) for v in x) + "\n")
    elif form == "csv":
        data.write_text("dense_input[0],output_true[0]\n" + "\n".join(f"{v},{3 * v}" for v in x) + "\n")
    else:
        np.savez(data, dense_input=x[:, None], output_true=3 * x[:, None])
    new = tmp_path / "new.mlmodel"
    status, out, err = run("update", DENSE, "--data", data, "-o", new, "--json", "-s", "learning_rate=0.05")
    assert status == 0, err
    assert json.loads(out)["samples"] == 20
    before = graphml.load(DENSE).predict({"dense_input": [1.0]})["output"]
    after = graphml.load(new).predict({"dense_input": [1.0]})["output"]
    assert abs(after[0] - 3) < abs(before[0] - 3)


def test_update_from_folders_of_images(run, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is an optional extra and is not installed here")
    drawings = np.load(EXAMPLES / "quickdraw.npz")["drawings"]
    for label, first in (("Fish", 100), ("Tent", 150)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(3):
            image.fromarray(drawings[first + i]).save(tmp_path / "data" / label / f"{i}.png")
    status, out, err = run("update", DRAW, "-d", tmp_path / "data", "-o", tmp_path / "new.mlmodel")
    assert status == 0, err
    assert "with 6 samples" in out


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"dense_input": [1], "output_true": [1]}\nnot json\n', "line 2: not JSON"),
        ("a.jsonl", "[1]\n", "line 1: a sample must be a JSON object"),
        ("a.jsonl", "\n", "contains no samples"),
        ("a.csv", "x,y\n1\n", "line 2: the row and the header differ"),
        ("a.npz", "rubbish", "cannot be read"),
    ],
)
def test_broken_training_files_are_named_with_their_line(run, tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    status, _, err = run("update", DENSE, "-d", tmp_path / name, "-o", tmp_path / "x.mlmodel")
    assert status == 1
    assert name in err
    assert words in err
    assert not (tmp_path / "x.mlmodel").exists()


def test_update_refuses_a_setting_that_the_file_does_not_allow(run, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"image": [[0]], "classLabel": "Fish"}\n')
    status, _, err = run("update", DRAW, "-d", tmp_path / "a.jsonl", "-o", tmp_path / "x.mlmodel", "-s", "epochs=5")
    assert status == 1
    assert "epochs" in err
    assert "1" in err


@pytest.mark.parametrize(
    ("option", "name", "words"),
    [
        ("-o", "missing/new.mlmodel", "there is no folder"),
        ("-o", "new.txt", "ends in .mlmodel or .mlpackage"),
        ("-o", "", "ends in .mlmodel or .mlpackage"),
        ("--plot", "missing/losses.png", "losses.png cannot be written: No such file"),
    ],
)
def test_update_checks_its_output_paths_before_it_trains(run, tmp_path, monkeypatch, option, name, words):
    pytest.importorskip("matplotlib", reason="drawing is an optional extra, which is not installed here")
    monkeypatch.setattr("graphml.cli.update._train", lambda *_, **keyword: pytest.fail("it trained"))
    paths = {"-o": tmp_path / "new.mlmodel", option: tmp_path / name}
    options = [part for pair in paths.items() for part in pair]
    status, _, err = run("update", DENSE, "-d", "none.jsonl", *options)
    assert (status, words in err) == (1, True), err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing/x.py", "cannot be written: No such file"),
        ("folder", "cannot be written: it is a folder"),
        ("a.txt/x.py", "cannot be written: Not a directory"),
    ],
)
def test_codegen_names_the_file_that_cannot_be_written(run, tmp_path, name, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").write_text("mine")
    status, out, err = run("codegen", DENSE, "-o", tmp_path / name)
    assert (status, out) == (1, "")
    assert err.startswith(f"GraphmlError: {tmp_path / name} {words}")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.txt", "folder"]


def test_codegen_writes_through_links_and_into_devices(run, tmp_path):
    (tmp_path / "x.py").symlink_to("real.py")
    assert run("codegen", DENSE, "-o", tmp_path / "x.py")[0] == 0
    assert (tmp_path / "x.py").is_symlink()
    assert (tmp_path / "real.py").read_text() == run("codegen", DENSE)[1]
    assert run("codegen", DENSE, "-o", os.devnull)[0] == 0
    assert not Path(os.devnull).is_file()


def test_predict_checks_its_output_folder_before_it_computes(run, tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("mine")
    monkeypatch.setattr("graphml.models.loading.spec.read", lambda path: pytest.fail("it was loaded"))
    for name, words in (("a.txt", "it is not a folder"), ("a.txt/out", "a.txt is not a folder")):
        status, _, err = run("predict", DENSE, "-i", "dense_input=[1.0]", "-o", tmp_path / name)
        assert (status, words in err) == (1, True), err


def test_predict_saves_an_image_of_floats(run, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is an optional extra and is not installed here")
    model = graphml.spec.Model(specificationVersion=7)
    model.identity.SetInParent()
    for group in (model.description.input, model.description.output):
        kind = group.add(name="depth").type.imageType
        kind.width, kind.height, kind.colorSpace = 2, 1, kind.ColorSpace.Value("GRAYSCALE_FLOAT16")
    graphml.spec.write(model, tmp_path / "m.mlmodel")
    image.fromarray(np.float32([[0.5, 300]])).save(tmp_path / "x.tiff")
    path = tmp_path / "out"
    status, _, err = run("predict", tmp_path / "m.mlmodel", "-i", f"depth={tmp_path / 'x.tiff'}", "-o", path)
    assert status == 0, err
    assert np.asarray(image.open(path / "depth.tiff")).tolist() == [[0.5, 300]]


def test_update_keeps_the_trained_model_if_it_cannot_be_written(run, tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_text('{"dense_input": [1], "output_true": [1]}\n')
    monkeypatch.setattr("graphml.cli.update.refuse_unwritable_model", lambda path: None)  # the folder is removed later
    status, _, err = run("update", DENSE, "-d", tmp_path / "a.jsonl", "-o", tmp_path / "gone" / "new.mlmodel")
    assert status == 1
    kept = Path(err.rpartition("the trained model is kept in ")[2].strip())
    graphml.load(kept)
    shutil.rmtree(kept.parent)


@pytest.fixture
def line(tmp_path):
    """A command that trains a model which allows any number of epochs and any learning rate."""
    x = np.linspace(0, 1, 20)[:, None]
    np.savez(tmp_path / "data.npz", dense_input=x, output_true=3 * x)
    model = graphml.load(DENSE).spec
    settings = model.neuralNetwork.updateParams
    settings.epochs.range.minValue, settings.epochs.range.maxValue = 1, 10**6
    for kind in ("sgdOptimizer", "adamOptimizer"):
        if settings.optimizer.HasField(kind):
            getattr(settings.optimizer, kind).learningRate.range.maxValue = 1e6
    graphml.utils.save_spec(model, tmp_path / "free.mlmodel")
    return ["update", tmp_path / "free.mlmodel", "-d", tmp_path / "data.npz", "-o", tmp_path / "new.mlmodel"]


def test_a_training_that_diverges_is_written_with_a_warning(run, tmp_path, line):
    line += ["-s", "epochs=2"]
    status, out, err = run(*line, "-s", "learning_rate=20")
    assert (status, "; written to" in out) == (0, True), err
    said = r"^Warning: the training diverged: the loss rose from [\d.]+ to \S+; try a lower learning rate than 20$"
    assert re.search(said, err)
    status, out, err = run(*line, "-s", "learning_rate=20", "--json")
    assert (status, json.loads(out)["diverged"], err.startswith("Warning: ")) == (0, True, True)
    assert run(*line, "-s", "learning_rate=20", "--quiet") == (0, "", "")
    status, out, err = run(*line, "-s", "learning_rate=0.01", "--json")
    assert (status, json.loads(out)["diverged"], err) == (0, False, "")


def test_update_stops_after_its_budget_and_the_same_command_continues(run, tmp_path, line):
    pytest.importorskip("orbax.checkpoint", reason="checkpoints are an optional extra, which is not installed here")
    status, _, err = run(*line, "--budget", "1")
    assert (status, "--budget needs --checkpoint-dir" in err) == (1, True)
    line += ["-s", "epochs=1000", "-s", "learning_rate=0.001"]
    command = [*line, "--checkpoint-dir", tmp_path / "kept", "--json"]
    for budget, expected in (("0", 3), ("0.001", 3), ("3600", 0)):
        status, out, err = run(*command, "--budget", budget)
        assert status == expected, err
        assert json.loads(out)["completed"] == (status == 0)
        assert (tmp_path / "new.mlmodel").exists() == (status == 0)
    interrupted = graphml.load(tmp_path / "new.mlmodel").parameters
    assert run(*line)[0] == 0
    whole = graphml.load(tmp_path / "new.mlmodel").parameters
    assert all(np.array_equal(whole[k][n], interrupted[k][n]) for k in whole for n in whole[k])
    status, out, _ = run(*command)  # it is complete; the model is written again
    assert (status, json.loads(out)["completed"]) == (0, True)


def test_ctrl_c_saves_a_checkpoint_and_prints_how_to_continue(run, tmp_path, line):
    pytest.importorskip("orbax.checkpoint", reason="checkpoints are an optional extra, which is not installed here")

    def press():
        while not any(thread.name.startswith("graphml update") for thread in threading.enumerate()):
            time.sleep(0.05)
        time.sleep(0.3)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    status, _, err = run(*line, "-s", "epochs=1000000")
    assert status == 130
    assert f"to continue from the checkpoint, add --checkpoint-dir {tmp_path / 'new.update'}" in err
    assert not (tmp_path / "new.mlmodel").exists()
    status, out, err = run(*line, "-s", "epochs=1", "--checkpoint-dir", tmp_path / "new.update")
    assert (status, "written to" in out) == (0, True), err


@pytest.mark.parametrize(
    "command",
    [
        ["inspect", "--format", "html"],
        ["codegen"],
        ["precision"],
        ["predict", "-i", "dense_input=[1]"],
        ["compare", DENSE],
    ],
    ids=lambda command: command[0],
)
def test_what_is_read_is_never_replaced_by_what_is_made_of_it(run, tmp_path, command):
    model = tmp_path / "net.mlmodel"
    shutil.copy(DENSE, model)
    status, _, err = run(*command, model, "-o", tmp_path / "." / "net.mlmodel")
    assert (status, "net.mlmodel cannot be written: it " in err) == (1, True), err
    assert model.read_bytes() == DENSE.read_bytes()
    (tmp_path / "link.txt").symlink_to(model)
    assert run("inspect", model, "-o", tmp_path / "link.txt")[0] == 1
    assert model.read_bytes() == DENSE.read_bytes()


def test_without_a_command_the_help_is_printed(run):
    status, out, err = run()
    assert (status, err) == (0, "")
    assert out == run("--help")[1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["precision", DENSE, "--tolerance", "nan"], "nan is not a number of at least 0"),
        (["compare", DENSE, DENSE, "--tolerance", "-1"], "-1 is not a number of at least 0"),
        (["inspect", DENSE, "--code", "--flow"], "--code and --flow are two views"),
        (["qa", DENSE, "who?", "-m", DENSE, "--count", "0"], "greater than or equal to 1"),
        (["qa", DENSE, "who?", "-m", DENSE, "--threshold", "nan"], "nan is not a number of at least 0"),
        (["update", DENSE, "-d", DENSE, "-o", "x.mlmodel", "--nice", "-5"], "greater than or equal to 0"),
    ],
)
def test_values_of_options_that_mean_nothing_are_errors_of_usage(run, line, words):
    status, _, err = run(*line)
    assert status == 2
    assert words in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["update", DENSE, "-d", DENSE, "-o", "x.mlmodel", "--plot", "x.xyz"], "a plot must end in .png, .svg or .pdf"),
        (["convert", "none.onnx", "-o", "nowhere/x.mlpackage"], "there is no folder"),
    ],
)
def test_what_cannot_be_written_is_reported_before_the_work(run, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    if "--plot" in options:
        pytest.importorskip("matplotlib", reason="plots are an optional extra, which is not installed here")
    status, _, err = run(*options)
    assert (status, words in err) == (1, True), err
    assert os.listdir(tmp_path) == []
