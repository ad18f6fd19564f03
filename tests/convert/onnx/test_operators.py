"""What holds for every operator of ONNX that is converted."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest

from graphml.convert.onnx import catalogue, operator_names

TESTS = Path(__file__).parent
SCHEMAS = {schema.name: schema for schema in onnx.defs.get_all_schemas() if not schema.domain}


def test_every_operator_is_converted_in_a_test():
    text = "\n".join(path.read_text() for path in TESTS.glob("test_*.py") if path.name != Path(__file__).name)
    named = set(re.findall(r"[\"'](\w+)[\"']", text))
    assert sorted(set(operator_names()) - named) == []


def test_every_operator_is_one_of_onnx():
    assert sorted(set(operator_names()) - SCHEMAS.keys()) == []


@pytest.mark.parametrize("name", operator_names())
def test_every_version_from_7_to_23_has_a_row_that_takes_its_attributes(name):
    """An attribute that ONNX declares is taken, moved to an input, or ignored on purpose."""
    for version in range(7, 24):
        try:
            schema = onnx.defs.get_schema(name, version, "")
        except onnx.defs.SchemaError:
            continue
        row = catalogue.find("", name, version)
        if schema.deprecated:
            continue
        assert row is not None, f"version {version}"
        unknown = set(schema.attributes) - row.attributes - set(row.moved) - set(row.ignored)
        assert not unknown, f"version {version}: {sorted(unknown)}"
