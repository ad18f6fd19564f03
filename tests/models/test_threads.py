"""One model, many threads: its program is compiled once, and runs of it overlap."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest
from models.test_content import compilations as compilations  # a fixture
from models.test_content import dense

from graphml.interpreter.programs import Compiled
from graphml.models import ModelConfiguration, load
from graphml.models.compile import parallel
from graphml.models.compile.once import once
from graphml.models.compile.parallel import in_threads

THREADS = 8
WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)


def at_once(call):
    """The results of `call(number)` in eight threads that begin at the same moment."""
    gate = threading.Barrier(THREADS)

    def begin(number):
        gate.wait(60)
        return call(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def image(number):
    return np.linspace(-1, 1, 4, dtype=np.float32) * number


@pytest.mark.parametrize("directory", [False, True])
def test_threads_compile_once_and_predict_what_one_predicts(directory, tmp_path, compilations):
    load(dense(kind="erf")).predict({"x": image(1)})  # finds out which compiler options there are
    configuration = ModelConfiguration(cache_directory=tmp_path / "cache" if directory else None)
    model = load(dense(), configuration=configuration)
    compilations.clear()
    found = at_once(lambda number: [model.predict({"x": image(number)})["y"] for _ in range(3)])
    assert len(compilations) == 1
    assert model.trace_count == 1
    for number, answers in enumerate(found):
        for y in answers:
            np.testing.assert_allclose(y, np.tanh(WEIGHTS @ image(number) + 1), rtol=1e-5)


def test_threads_with_shapes_of_their_own(compilations):
    compiled = Compiled(lambda x: x + 1)
    found = at_once(lambda number: compiled(np.zeros(1 + number % 2, np.float32)))
    assert [len(each) for each in found] == [1 + number % 2 for number in range(THREADS)]
    assert len(compilations) == 2


def test_equal_models_in_threads_compile_once(compilations):
    load(dense(kind="erf")).predict({"x": image(1)})
    models = [load(dense()) for _ in range(THREADS)]
    compilations.clear()
    found = at_once(lambda number: models[number].predict({"x": image(1)})["y"])
    assert len(compilations) == 1
    assert sum(model.trace_count for model in models) == 1
    for y in found:
        np.testing.assert_array_equal(y, found[0])


def test_no_lock_is_held_while_a_program_runs():
    """Each call waits inside the program until the others are there too."""
    gate = threading.Barrier(THREADS)

    def make(which, function, arguments):
        class Program:
            def lower(self, *arguments):
                return self

            def compile(self):
                return self

            def runtime_executable(self):
                return self

            def __call__(self, *arguments):
                gate.wait(60)
                return function(*arguments)

        return Program()

    compiled = Compiled(lambda x: x, make=make)
    assert at_once(lambda number: compiled(np.float32(number))) == list(range(THREADS))


def test_other_shapes_run_while_one_is_compiled():
    compiling, go_on = threading.Event(), threading.Event()

    def slow(x):
        if x.shape == (2,):
            compiling.set()
            assert go_on.wait(60)
        return x

    compiled = Compiled(slow)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(compiled, np.zeros(2, np.float32))
        assert compiling.wait(60)
        assert len(compiled(np.zeros(1, np.float32))) == 1
        assert not waiting.done()
        go_on.set()
        assert len(waiting.result(60)) == 2


def test_a_program_that_cannot_be_traced_does_not_block_the_next_call():
    def refusing(x):
        raise ValueError("not today")

    compiled = Compiled(refusing)
    for _ in range(2):
        with pytest.raises(ValueError, match="not today"):
            compiled(np.zeros(2, np.float32))
    assert len(compiled) == 0


def test_a_property_is_computed_once():
    counted = []

    class Thing:
        @once
        def value(self):
            counted.append(threading.get_ident())
            return self.inner + 1

        @once
        def inner(self):
            return 1

    thing = Thing()
    assert at_once(lambda number: thing.value) == [2] * THREADS
    assert len(counted) == 1
    assert isinstance(Thing.value, once)


def test_enumerated_shapes_are_compiled_at_the_same_time(monkeypatch):
    model = load(dense(), configuration=ModelConfiguration(most_programs=3))
    gate, run = threading.Barrier(2), model._program.run  # type: ignore[attr-defined]

    def waiting(*arguments):
        gate.wait(60)
        return run(*arguments)

    monkeypatch.setattr(parallel, "cores", lambda: 2)
    monkeypatch.setattr(model._program, "run", waiting)  # type: ignore[attr-defined]
    model.warm_up([{"x": (4,)}] * 4)  # type: ignore[attr-defined]
    assert model.trace_count == 1


def test_threads_have_the_settings_of_the_caller_or_are_not_used(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)

    def thread(item):
        found.append((threading.get_ident(), jax.config.jax_default_matmul_precision))

    found: list = []
    in_threads(thread, range(3))
    assert threading.get_ident() not in {ident for ident, _ in found}
    found.clear()
    with jax.default_matmul_precision("highest"):
        in_threads(thread, range(3))
    assert found == [(threading.get_ident(), "highest")] * 3
    found.clear()
    in_threads(thread, [1])
    assert [ident for ident, _ in found] == [threading.get_ident()]


def test_the_first_error_in_order_is_raised():
    def refuse(item):
        raise ValueError(str(item))

    with pytest.raises(ValueError, match=r"^1$"):
        in_threads(refuse, [1, 2, 3])
