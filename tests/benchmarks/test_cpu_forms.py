"""The forms for CPUs: each public one has one benchmark row, names the jaxlib of its measurement, and can lose."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path

import jax
import pytest

from graphml.ops.kernels import cpu

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = {
    info.name: importlib.import_module(f"{cpu.__name__}.{info.name}")
    for info in pkgutil.iter_modules(cpu.__path__)
    if not info.name.startswith("_")
}


@pytest.fixture(scope="module")
def script():
    """The script, which is in no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("cpu_forms")
    finally:
        sys.path.remove(str(FOLDER))


def test_every_public_form_has_exactly_one_row(script):
    forms = [
        f"{name}.{form}"
        for name, module in MODULES.items()
        for form, value in vars(module).items()
        if not form.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    ]
    assert sorted(row.name for row in script.rows()) == sorted(forms)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_names_the_jaxlib_that_it_was_measured_with(name):
    assert re.search(r"Measured with jaxlib \d+\.\d+\.\d+", MODULES[name].__doc__ or "")


def test_a_form_that_is_no_faster_is_named(script):
    assert script.verdict({"cumsum.cumsum": 0.2}) is None
    message = script.verdict({"cumsum.cumsum": 0.2, "matmul.matmul_int8": 1.01})
    assert message == "the plain form is as fast: delete graphml.ops.kernels.cpu.matmul.matmul_int8 (1.01)"


def test_a_form_that_gives_something_else_is_refused(script):
    row = script.Row("of.nothing", lambda x: 2 * x, lambda x: x, ((3,),))
    with pytest.raises(ValueError, match=r"of\.nothing differs from the plain form by 1\.0e"):
        script.compiled(row)


def test_the_exit_status_says_that_a_form_lost(script, monkeypatch, capsys):
    monkeypatch.setattr(script.timing, "pin", lambda threads: None)
    monkeypatch.setattr(script, "ratio", lambda row, **settings: 1.0)
    dispatch = jax.config.read("jax_cpu_enable_async_dispatch")
    try:
        with pytest.raises(SystemExit, match=r"the plain form is as fast: delete graphml\.ops\.kernels\.cpu\.cumsum"):
            script.main(["cumsum.cumsum"])
    finally:
        jax.config.update("jax_cpu_enable_async_dispatch", dispatch)
    assert "| cumsum.cumsum | **1.00** |" in capsys.readouterr().out
