"""The allocator's settings hold for a whole process, so each test starts a new one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graphml import allocator

FAULTS = """
import resource
import numpy as np
from graphml.allocator import tune_host_allocator

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        np.ones(1 << 23)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

untuned = faults()
assert tune_host_allocator() and tune_host_allocator()
faults()
print(untuned, faults())
"""


@pytest.mark.skipif(not allocator._is_glibc(), reason="only glibc's allocator can be tuned")
def test_tuning_ends_page_faults_of_large_arrays():
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    untuned, tuned = map(int, done.stdout.split())
    assert tuned * 10 < untuned


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(allocator, "_is_glibc", lambda: False)
    assert allocator.tune_host_allocator() is False


RESIDENT = """
import os
from graphml.allocator import return_free_memory, tune_host_allocator

def megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

if TUNED:
    tune_host_allocator()
blocks = [bytes(60_000) for _ in range(2000)]  # 120 MB
last = bytes(60_000)  # above them on the heap, which cannot shrink below it by itself
del blocks
before = megabytes()
return_free_memory()
print(before - megabytes())
"""


@pytest.mark.skipif(not allocator._is_glibc(), reason="only glibc's allocator is asked to return memory")
@pytest.mark.parametrize("tuned", [False, True])
def test_free_memory_goes_back_to_the_system_unless_the_allocator_was_told_to_keep_it(tuned: bool):
    command = [sys.executable, "-c", RESIDENT.replace("TUNED", str(tuned))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (float(done.stdout) > 80) != tuned
