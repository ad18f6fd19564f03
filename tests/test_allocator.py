"""The allocator's settings hold for a whole process, so each test has a process of its own."""

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
