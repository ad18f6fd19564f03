"""Our schema is Core ML's: every message, field, number, type and enum value, compared with tables of facts.

The tables in tests/data/wire list them under Core ML's package name; ours is graphml.spec, which is not on
the wire. What graphml adds (field numbers from 20000 on, the file extension.proto) has no row in them.
"""

import csv
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

import graphml.spec.wire
from graphml.spec.wire import model_pb2

TABLES = Path(__file__).resolve().parents[1] / "data" / "wire"
OWN_NUMBERS = 20000


def _table(name: str) -> list[tuple[str, ...]]:
    """Rows without header and first column: Core ML splits its messages over other files than we do."""
    with open(TABLES / name, newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file, delimiter="\t")
    renamed = [[cell.replace("CoreML.Specification", "graphml.spec") for cell in row[1:]] for row in rows]
    return sorted(map(tuple, renamed))


def _messages(scope: str, messages) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{scope}.{message.name}"
        yield name, message
        yield from _messages(name, message.nested_type)


def _type(field: FieldDescriptorProto, entries: dict[str, DescriptorProto]) -> str:
    if not field.type_name:
        return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    name = field.type_name.removeprefix(".")
    if name in entries:  # the hidden message behind a map field
        key, value = entries[name].field
        return f"map<{_type(key, entries)},{_type(value, entries)}>"
    return name


def _field_rows(file: FileDescriptorProto) -> list[tuple[str, ...]]:
    """(message, field, number, type, repeated, oneof); a message without fields is one row of dashes."""
    messages = dict(_messages(file.package, file.message_type))
    entries = {name: message for name, message in messages.items() if message.options.map_entry}
    rows = []
    for name, message in messages.items():
        fields = [field for field in message.field if field.number < OWN_NUMBERS]
        if name in entries:
            continue
        if not fields:
            rows.append((name, "-", "-", "-", "-", "-"))
        for field in fields:
            repeated = "yes" if field.label == FieldDescriptorProto.LABEL_REPEATED else "no"
            oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else "-"
            rows.append((name, field.name, str(field.number), _type(field, entries), repeated, oneof))
    return rows


def _enum_rows(file: FileDescriptorProto) -> list[tuple[str, ...]]:
    """(enum, name, number)"""
    enums = {f"{file.package}.{enum.name}": enum for enum in file.enum_type}
    for scope, message in _messages(file.package, file.message_type):
        enums |= {f"{scope}.{enum.name}": enum for enum in message.enum_type}
    return [(name, value.name, str(value.number)) for name, enum in enums.items() for value in enum.value]


def _files() -> list[FileDescriptorProto]:
    """All files of the package, without our own additions."""
    modules = [m.name for m in pkgutil.iter_modules(graphml.spec.wire.__path__) if m.name.endswith("_pb2")]
    files = []
    for name in modules:
        file = FileDescriptorProto()
        importlib.import_module(f"graphml.spec.wire.{name}").DESCRIPTOR.CopyToProto(file)
        files.append(file)
    return [file for file in files if not file.name.endswith("/extension.proto")]


ROWS = {"fields.tsv": _field_rows, "enums.tsv": _enum_rows}


@pytest.mark.parametrize("table", ROWS)
def test_schema_has_exactly_the_rows_of_the_table(table):
    ours = sorted(row for file in _files() for row in ROWS[table](file))
    theirs = _table(table)
    assert not set(theirs) - set(ours), "in Core ML's schema, but not in spec/wire"
    extra = sorted(set(ours) - set(theirs))
    assert not extra, (
        f"fields in spec/wire, but not in tests/data/wire/{table}. If Core ML's schema has them, add these rows: "
        + "".join("\n-\t" + "\t".join(row).replace("graphml.spec", "CoreML.Specification") for row in extra)
        + f"\nOtherwise, number them from {OWN_NUMBERS}, and declare their messages in spec/wire/extension.proto, "
        "which network.proto must import."
    )
    assert ours == theirs, "a row occurs twice"


def test_all_files_are_consistent():
    """Whoever imports model_pb2 gets all of the schema, so that a model with any content can be parsed."""
    reached, todo = set(), [model_pb2.DESCRIPTOR]
    while todo:
        file = todo.pop()
        reached.add(file.name)
        todo += [other for other in file.dependencies if other.name not in reached]
    assert {file.name for file in _files()} <= reached


def test_package_name_is_not_the_one_of_coremltools():
    """Equal names would clash in the pool of descriptors of a process that imports both."""
    assert {file.package.split(".")[0] for file in _files()} == {"graphml"}


def test_the_tables_are_whole():
    """The numbers of layer kinds and model types in Core ML's documentation; no other place repeats the first."""
    fields = _table("fields.tsv")
    members = Counter((message, oneof) for message, *_, oneof in fields)
    kinds = members["graphml.spec.NeuralNetworkLayer", "layer"]
    assert kinds == 158, f"the table has {kinds} layer kinds: if Core ML has as many, write that number here"
    assert members["graphml.spec.Model", "Type"] == 37


def test_rows_distinguish_fields_and_skip_extension_numbers():
    field = {"name": "a", "number": 1, "type": FieldDescriptorProto.TYPE_INT64}
    own = {"name": "b", "number": OWN_NUMBERS, "type": FieldDescriptorProto.TYPE_BOOL}
    message = DescriptorProto(name="M", field=[FieldDescriptorProto(**field), FieldDescriptorProto(**own)])
    file = FileDescriptorProto(package="p", message_type=[message, DescriptorProto(name="Empty")])
    assert _field_rows(file) == [("p.M", "a", "1", "int64", "no", "-"), ("p.Empty", "-", "-", "-", "-", "-")]
