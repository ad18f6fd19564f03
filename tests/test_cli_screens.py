"""What commands print, where they print it, and with which status they end."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

import graphml
from graphml import spec
from graphml.build import NeuralNetworkBuilder, array

pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")

from graphml.cli import output
from graphml.cli.app import app
from graphml.cli.status import ExitStatus, one_line

DATA = Path(__file__).parent / "data"
DOCS = Path(__file__).resolve().parents[1] / "docs"
HOUSE = DATA / "house.mlmodel"
LONG = "a_name_that_is_longer_than_any_column_of_a_narrow_terminal_and_has_no_spaces"


@pytest.fixture
def long(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(3)}, {LONG: array(3)})
    builder.add("softmax", LONG, ["x"], [LONG])
    builder.save(tmp_path / "long.mlmodel")
    return tmp_path / "long.mlmodel"


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(output.console, "_force_terminal", True)
    monkeypatch.setattr(output.console, "_color_system", None)
    return lambda width: monkeypatch.setattr(output.console, "_width", width)


@pytest.fixture
def pipeline(tmp_path):
    """A pipeline of one network."""
    inner = graphml.load(DATA / "TinyDrawingEmbedding.mlmodel").spec
    whole = spec.Model(specificationVersion=4)
    whole.description.CopyFrom(inner.description)
    whole.pipeline.models.add().CopyFrom(inner)
    whole.pipeline.names.append("embedding")
    spec.write(whole, tmp_path / "p.mlmodel")
    return tmp_path / "p.mlmodel"


def test_the_version(run):
    assert run("--version") == (0, f"graphml {graphml.__version__}\n", "")


@pytest.mark.parametrize("arguments", [["-h"], ["help"], ["help", "inspect"], ["inspect", "-h"]])
def test_help_is_found_in_many_ways(run, arguments):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert f"Usage: graphml {'inspect ' if 'inspect' in arguments else ''}[OPTIONS]" in out


def test_tables_in_a_pipe_are_as_wide_as_names(run, long):
    _, out, _ = run("inspect", long)
    (line,) = [line for line in out.splitlines() if line.startswith("1 ")]
    assert line.split() == ["1", LONG, "softmax", "x", LONG]
    assert not [line for line in out.splitlines() if line != line.rstrip()]


def test_a_table_that_does_not_fit_into_a_terminal_becomes_lines(run, long, terminal):
    terminal(90)
    _, out, _ = run("inspect", long)
    assert f"1  {LONG}  softmax\n   x\n" in plain(out)
    terminal(300)
    _, out, _ = run("inspect", long)
    assert "inputs" in out


def test_the_table_of_precision_keeps_names_and_numbers_whole(run, long, terminal):
    status, piped, err = run("precision", long, "--half", "float16")
    assert status == 0, err
    cells = [line.split() for line in piped.splitlines() if re.match(r"\d+  ", line)]
    for width in (300, 140, 80):  # the whole table, without the columns that have nothing, and lines
        terminal(width)
        lines = [line.rstrip() for line in plain(run("precision", long, "--half", "float16")[1]).splitlines()]
        words = " ".join(lines).replace(",", "").split()
        assert all(cell in words for row in cells for cell in row)
        assert max(len(line) for line in lines if LONG not in line) <= width
        assert ("to inf" in lines[0], "own error" in lines[0]) == (width == 300, width != 80)


def plain(text: str) -> str:
    """Text without the codes that style it."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_long_lines_wrap_between_words_in_a_terminal(run, terminal, tmp_path):
    message = graphml.load(HOUSE).spec
    message.description.metadata.shortDescription = "word " * 40
    spec.write(message, tmp_path / "m.mlmodel")
    terminal(60)
    _, out, _ = run("inspect", tmp_path / "m.mlmodel")
    assert "\n    word word" in out
    assert max(len(line) for line in out.splitlines() if "word" in line) <= 60


def test_inspect_looks_into_pipelines(run, pipeline):
    _, out, _ = run("inspect", pipeline)
    assert re.search(r"1  embedding  neuralNetwork  \w+ +\w+ +\d+ layers, [\d,]+ weights, [\d,]+ bytes", out)
    assert "stage 1: embedding" in out
    _, out, _ = run("inspect", "--shapes", "--json", pipeline)
    (stage,) = json.loads(out)["stages"]
    assert stage["size_bytes"] > 1000
    assert all(layer["shapes"] for layer in stage["layers"])


@pytest.mark.parametrize("options", [["--format", "html"], ["--format", "svg"], ["--code", "--format", "html"], []])
def test_inspect_writes_files(run, tmp_path, options):
    path = tmp_path / "out"
    status, out, err = run("inspect", HOUSE, *options, "-o", path)
    assert (status, out, err) == (0, "", "")
    assert path.read_text() == run("inspect", HOUSE, *options)[1]
    assert "outRelu2" in path.read_text()


@pytest.mark.parametrize("form", ["json", "html"])
def test_reports_have_the_same_options(run, tmp_path, form):
    for command in (["compare", HOUSE, HOUSE], ["precision", HOUSE, "--no-mend", "--tolerance", "9"]):
        path = tmp_path / f"{command[0]}.{form}"
        status, out, err = run(*command, "--format", form, "-o", path)
        assert status == 0, err
        assert out.endswith(f"written to {path}\n")
        assert path.read_text().startswith({"json": "{", "html": "<!DOCTYPE html>"}[form])
        assert run(*command, "--format", form, "-o", path, "--quiet")[:2] == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspct"], "no such command 'inspct'"),
        (["net.mlmodel"], "graphml inspect net.mlmodel"),
        (["predict", HOUSE, "image=a.png"], "inputs are given as -i NAME=VALUE (see graphml predict --help)"),
        (["inspect"], "missing argument 'FILE' (see graphml inspect --help)"),
        (["inspect", HOUSE, "--colour"], "no such option: --colour"),
        (["inspect", HOUSE, "--format", "dot"], "the summary can be text, json, html, svg, got dot"),
        (["update", HOUSE, "-d", "x.csv", "-o", "y.mlmodel", "--epochs", "0"], "'--epochs'"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(run, arguments, words):
    status, out, err = run(*arguments)
    assert (status, out) == (ExitStatus.USAGE, "")
    assert words in err
    assert err.startswith("UsageError: ")
    assert err.count("\n") == 1


def test_an_error_of_several_lines_is_one_line_if_it_goes_from_a_place_to_a_reason():
    assert one_line("layer 'a'\n  input 'x'\n    wrong shape") == "layer 'a': input 'x': wrong shape"
    assert one_line("not supported:\n  a\n  b") == "not supported:\n  a\n  b"


def test_a_defect_is_one_line_without_a_traceback(run, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("graphml.cli.inspect.summarize", fail)
    status, _, err = run("inspect", HOUSE)
    assert status == ExitStatus.FAILED
    assert err == "ZeroDivisionError: by zero (this is a bug in graphml; --debug shows where)\n"


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), ExitStatus.INTERRUPTED), (BrokenPipeError(), ExitStatus.BROKEN_PIPE)],
)
def test_an_interrupt_and_a_closed_pipe_end_quietly(run, monkeypatch, error, status):
    def fail(*_):
        raise error

    monkeypatch.setattr("graphml.cli.inspect.summarize", fail)
    assert run("inspect", HOUSE) == (status, "", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this platform has no /dev/full")
def test_a_full_disk_is_an_error(run, monkeypatch):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        status, _, err = run("inspect", HOUSE)
    assert status == ExitStatus.FAILED
    assert err == "OSError: the output cannot be written: No space left on device\n"


def test_a_file_that_cannot_be_written_to_its_end_is_not_left_half_written(run, tmp_path, monkeypatch):
    (tmp_path / "net.html").write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("graphml.cli.output.replace_file", full)
    status, _, err = run("inspect", HOUSE, "--format", "html", "-o", tmp_path / "net.html")
    assert (status, err) == (1, f"GraphmlError: {tmp_path / 'net.html'} cannot be written: No space left on device\n")
    assert [path.name for path in tmp_path.iterdir()] == ["net.html"]
    assert (tmp_path / "net.html").read_text() == "before"


@pytest.mark.parametrize(
    ("words", "found"),
    [("graphml ins", "inspect"), ("graphml inspect --fo", "--format"), ("graphml --vers", "--version")],
)
def test_a_shell_completes_commands_and_options(run, monkeypatch, words, found):
    monkeypatch.setenv("_GRAPHML_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert run()[:2] == (0, f"{found}\n")


def test_every_command_has_an_example_and_is_documented(run):
    text = (DOCS / "cli.md").read_text()
    assert run("--help")[0] == 0
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        assert f"graphml {name}" in (command.epilog or ""), name
        assert f"## graphml {name}" in text, name
    for status in ExitStatus.__members__.values():
        assert f"\n| {int(status)} |" in text
