"""What becomes of an update when the program ends that has started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from update.killed import bits, network, processes, samples

from graphml.errors import UpdateError
from graphml.update import ParameterKey, TaskState, UpdateTask, ending, update

pytest.importorskip("orbax.checkpoint", reason="checkpoints are an optional extra, which is not installed here")

LONG = """
import sys, time
from update.killed import network, samples
from graphml.update import ParameterKey, UpdateEvent, UpdateProgressHandlers, UpdateTask

task = UpdateTask(network(), samples(), checkpoint_dir=sys.argv[1], memory_bytes=6000)
task.resume({ParameterKey.EPOCHS: 1000})
while not task.metrics:
    time.sleep(0.01)
print("the end of the program", flush=True)
"""

HANGING = """
import time
import numpy as np
from neighbor_models import neighbors
import graphml
from graphml.update import UpdateEvent, UpdateProgressHandlers, UpdateTask

model = graphml.load(neighbors(np.zeros((0, 2)), [], default="none"))
handlers = UpdateProgressHandlers(UpdateEvent.TRAINING_BEGIN, lambda context: time.sleep(600))
UpdateTask(model, [{"x": [0, 0], "label": "a"}], progress_handlers=handlers).resume()
print("the end of the program", flush=True)
"""


def _started(program: str, *arguments: object) -> subprocess.Popen[str]:
    """A program that has ended, apart from its update."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    command = [sys.executable, "-c", program, *map(str, arguments)]
    pipe = subprocess.PIPE
    started = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "PYTHONPATH": path})
    assert started.stdout is not None
    assert started.stdout.readline() == "the end of the program\n"
    time.sleep(0.5)  # it has still to leave its last line
    return started


def _start(directory: Path) -> None:
    """Samples from files, and checkpoints all the time: both take threads."""
    task = UpdateTask(network(), samples(), checkpoint_dir=directory, memory_bytes=6000, checkpoint_seconds=0)
    task.resume({ParameterKey.EPOCHS: 3})


def test_a_program_stays_alive_until_its_update_is_over(tmp_path):
    process = processes().Process(target=_start, args=(tmp_path,))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    task = UpdateTask.restore(tmp_path)
    assert task.state is TaskState.COMPLETED
    assert bits(task.model) == bits(update(network(), samples(), epochs=3))


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_at_the_end_of_the_program_cancels_its_update(tmp_path):
    program = _started(LONG, tmp_path)
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=60)[1] == "interrupted: cancelling updates\n"
    assert program.returncode == 0
    assert UpdateTask.restore(tmp_path).metrics  # a checkpoint was written at the end


class _NoThreads:
    """As many threads as there are left; then none, as at the end of a program in Python 3.12.1."""

    def __init__(self, left: int) -> None:
        self.left, self._start = left, threading.Thread.start

    def __call__(self, thread: threading.Thread) -> None:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("can't create new thread at interpreter shutdown")
        self._start(thread)


def _starting(monkeypatch, left: int) -> None:
    starts = _NoThreads(left)
    monkeypatch.setattr(threading.Thread, "start", lambda thread: starts(thread))


def test_an_update_for_which_no_thread_can_be_started_is_not_started(monkeypatch):
    task = UpdateTask(network(), samples())
    with monkeypatch.context() as patch:
        _starting(patch, 0)
        with pytest.raises(UpdateError, match="cannot start a thread: can't create new thread at interpreter shutdown"):
            task.resume()
    assert task.state is TaskState.SUSPENDED
    assert not ending._running  # the program does not wait for it
    task.resume({ParameterKey.EPOCHS: 1})
    assert task.wait(60) is TaskState.COMPLETED


@pytest.mark.parametrize("left", [1, 2])
def test_an_update_that_needs_another_thread_fails(monkeypatch, left):
    """The second reads samples, the third reads files."""
    readers = set(ending._readers)
    task = UpdateTask(network(), samples(), memory_bytes=6000)
    with monkeypatch.context() as patch:
        _starting(patch, left)
        task.resume({ParameterKey.EPOCHS: 3})
        assert task.wait(60) is TaskState.FAILED
    assert "cannot start a thread" in str(task.error)
    assert "wait for the update before the program ends" in str(task.error)
    assert all(thread.ident is not None for thread in set(ending._readers) - readers)  # else joining them fails


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_a_second_ctrl_c_ends_a_program_whose_update_hangs():
    program = _started(HANGING)
    program.send_signal(signal.SIGINT)
    assert program.stderr is not None
    assert program.stderr.readline() == "interrupted: cancelling updates\n"
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=60)[1] == ""
    assert program.returncode == 130
