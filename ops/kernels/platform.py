"""Which kind of processor the program being traced is for."""

from __future__ import annotations

from graphml.catalogue import target


def on_cpu() -> bool:
    """Whether the program being traced is for CPUs.

    Kernels read this one fact from their surroundings and not from an argument: derivative rules need it as well, and
    they receive nothing but the arguments of the mathematical function.
    """
    return target().platform == "cpu"
