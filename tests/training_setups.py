"""What tests of training share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from graphml.update.step.programs import trunk_program
from graphml.update.step.trunk import Parts


def trunk_blobs(parts: Parts, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Mapping[str, jax.Array]:
    """The blobs at the cut for samples that are stacked, {blob: [samples, ...]}. params: also of other layers."""
    program = trunk_program(parts)
    used = {node.key for node in parts.trunk.graph.body.walk()} - parts.trunk.known
    return program.run_stacked(program.prepare({k: v for k, v in params.items() if k in used}), inputs)
