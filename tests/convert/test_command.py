"""graphml convert and graphml export."""

from __future__ import annotations

import pytest
import typer

from graphml.cli.convert import _inputs
from graphml.convert import Flexible, ImageInput, Input, door
from graphml.errors import FeatureError


def test_shapes_of_the_command_line():
    found = _inputs(["x=1,3,224|320,8", "ids=1,1..512:int32", "y=2,3.."], [])
    assert found == {
        "x": Input((1, 3, Flexible(sizes=(224, 320)), 8)),
        "ids": Input((1, Flexible(1, 512)), "int32"),
        "y": Input((2, Flexible(3, None))),
    }
    assert _inputs(["p=1,3,8,8"], ["p=BGR,0.5,-1,-2,-3", "q=GRAYSCALE"]) == {
        "p": ImageInput((1, 3, 8, 8), None, None, 0.5, (-1, -2, -3), "BGR"),
        "q": ImageInput(None, None, None, 1.0, 0.0, "GRAYSCALE"),
    }
    assert _inputs([], []) is None
    for given, images in ((["x=a"], []), ([], ["x=CMYK"]), ([], ["x=RGB,1,2,3"]), ([], ["x=RGB,a"])):
        with pytest.raises(typer.BadParameter):
            _inputs(given, images)


def test_what_is_passed_on(run, tmp_path, monkeypatch):
    seen = {}

    class Done:
        conversion = None

        def save(self, path):
            seen["path"] = path
            raise FeatureError("seen")

    def fake(source, inputs, **options):
        seen.update(options, source=source, inputs=inputs)
        return Done()

    monkeypatch.setattr(door, "convert", fake)
    out = tmp_path / "net.mlmodel"
    status, _, err = run("convert", "net.onnx", "-o", out, "-i", "x=1,4", "--trainable", "fc*", "--no-check")
    assert (status, "seen" in err) == (1, True)
    assert seen["inputs"] == {"x": Input((1, 4))}
    assert (seen["trainable"], seen["check"], seen["to"], seen["path"]) == (["fc*"], False, "neuralnetwork", out)


@pytest.mark.parametrize(
    ("arguments", "expected", "what"),
    [
        (["convert", "none.onnx"], 2, "-o names the file"),
        (["convert", "none.onnx", "-o", "a.mlmodel", "--to", "mlprogram"], 2, "writes a .mlpackage"),
        (["convert", "none.onnx", "-o", "a.mlmodel"], 1, "does not exist"),
        (["convert", "none.onnx", "--explain"], 1, "does not exist"),
        (["export", "none.mlmodel", "-o", "a.txt"], 2, "writes .onnx files"),
    ],
)
def test_what_is_refused(run, tmp_path, monkeypatch, arguments, expected, what):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(*arguments)
    assert status == expected
    assert what in err
    assert list(tmp_path.iterdir()) == []
