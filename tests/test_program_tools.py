"""The command line on ML Programs: predictions, generated modules, notebooks, pipelines."""

from __future__ import annotations

import json

import numpy as np
import pytest
from example_programs import TABLE, classifier, image_program, two_functions

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
    assert (found["next"], found["twice"]) == ([2, -2], [1.0, np.inf])
    status, _, err = run("predict", path, *given, "-i", "count=[1.5, 2]")
    assert (status, "'count'" in err) == (1, True)


def test_predict_shows_classes_harmlessly(programs, run):
    status, out, err = run("predict", programs / "classes.mlpackage", "-i", "x=[[0, 0, 9]]")
    assert status == 0, err
    assert "classLabel  c\\x1b[2J" in out
    assert not set(out) & {"\x1b", "\u202e"}
