"""Programs as text: the `model.mil` of a compiled model (`.mlmodelc`) -> a `Program` message.

The text has no published grammar. This parser covers what occurs in public compiled models:

    program(1.3)
    [buildInfo = dict<string, string>({{"coremlc-version", "3600.25.1"}})]
    {
        func main<ios18>(tensor<fp32, [1, ?]> x) {
                tensor<fp32, [4]> w = const()[name = string("w"), val = tensor<fp32, [4]>(BLOBFILE(
                    path = string("@model_path/weights/weight.bin"), offset = uint64(64)))];
                tensor<fp32, [1, ?]> y = add(x = x, y = w)[name = string("y")];
            } -> (y);
    }

Older texts write tensor<string, []> for string. No compiled model with nested blocks (`cond`, `while_loop`) was found,
so these are refused, like everything else that is unknown, with line and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np

from graphml.errors import SpecError, quoted
from graphml.spec.program.types import MOST_AXES, bits_of, dtype_of, number_of, shaped, value_type
from graphml.spec.program.values import encode
from graphml.spec.wire.program_pb2 import (
    Argument,
    Block,
    DictionaryValue,
    Function,
    NamedValueType,
    Program,
    Value,
    ValueType,
)

_MOST_NESTED = 32  # types and values inside each other
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
    (?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<number>-?(?:0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d+)?|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|inf\b|nan\b))
    |(?P<name>[A-Za-z_][A-Za-z0-9_@.]*)
    |(?P<mark>->|[()\[\]{}<>,=;?])
    |(?P<end>\Z))""",
    re.VERBOSE,
)
_WORDS = "bool string int4 int8 int16 int32 int64 uint1 uint2 uint3 uint4 uint6 uint8 uint16 uint32 uint64"
_ELEMENTS = {word: word for word in _WORDS.split()} | {
    "fp16": "float16",
    "fp32": "float32",
    "fp64": "float64",
    "bf16": "bfloat16",
}
_OPSETS = {
    "ios15": "CoreML5",
    "ios16": "CoreML6",
    "ios17": "CoreML7",
    "ios18": "CoreML8",
    "ios19": "CoreML9",
    "ios26": "CoreML9",
}
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r", "'": "'"}

Item = TypeVar("Item")


class _Token(NamedTuple):
    kind: str  # string, number, name, mark or end
    text: str
    start: int


def parse_text(text: str) -> Program:
    """Read a program from its text.

    Args:
        text: The content of `model.mil`.

    Returns:
        The message, as an `.mlmodel` would hold it.

    Raises:
        SpecError: If the text is damaged, or contains something that this reader does not know. The error names line
            and column.
    """
    return _Parser(text).program()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._next = self._token(0)

    # Tokens

    def _token(self, place: int) -> _Token:
        match = _TOKEN.match(self._text, place)
        if match is None or match.lastgroup is None:
            start = place + len(self._text[place:]) - len(self._text[place:].lstrip())
            self._fail(f"{quoted(self._text[start : start + 1])} is unknown here", start)
        kind = match.lastgroup
        self._end = match.end()
        return _Token(kind, match.group(kind), match.start(kind))

    def _take(self) -> _Token:
        taken = self._next
        if taken.kind != "end":
            self._next = self._token(self._end)
        return taken

    def _is(self, mark: str) -> bool:
        return self._next.text == mark and self._next.kind in ("mark", "name")

    def _accept(self, mark: str) -> bool:
        found = self._is(mark)
        if found:
            self._take()
        return found

    def _expect(self, *marks: str) -> None:
        for mark in marks:
            if not self._accept(mark):
                self._fail(f"expected {mark!r}, got {self._got()}")

    def _kind(self, kind: str, what: str) -> str:
        if self._next.kind != kind:
            self._fail(f"expected {what}, got {self._got()}")
        return self._take().text

    def _got(self) -> str:
        return "the end of the text" if self._next.kind == "end" else quoted(self._next.text)

    def _fail(self, what: str, start: int | None = None) -> NoReturn:
        place = self._next.start if start is None else start
        line = self._text.count("\n", 0, place) + 1
        column = place - (self._text.rfind("\n", 0, place) + 1) + 1
        raise SpecError(f"line {line}, column {column}\n  {what}")

    def _name(self) -> str:
        return self._kind("name", "a name")

    def _string(self) -> str:
        start, text = self._next.start, self._kind("string", "a string")[1:-1]

        def escaped(match: re.Match[str]) -> str:
            if match[1] not in _ESCAPES:
                self._fail(f"the escape sequence {quoted(match[0])} is unknown", start)
            return _ESCAPES[match[1]]

        return re.sub(r"\\(.)", escaped, text)

    def _many(self, item: Callable[[], Item], first: str, last: str) -> list[Item]:
        """Items with commas between them, inside of brackets."""
        self._expect(first)
        items: list[Item] = []
        while not self._is(last):
            items.append(item())
            if not self._accept(","):
                break
        self._expect(last)
        return items

    def _deeper(self, step: Callable[[], Item]) -> Item:
        if self._depth >= _MOST_NESTED:
            self._fail(f"types and values are nested deeper than {_MOST_NESTED}")
        self._depth += 1
        try:
            return step()
        finally:
            self._depth -= 1

    # Programs, functions, operations

    def program(self) -> Program:
        program = Program(version=1)
        self._expect("program", "(")
        self._kind("number", "a version")
        self._expect(")")
        self._attributes(program.attributes)
        self._expect("{")
        while not self._is("}"):
            name, start = self._function_name()
            if name in program.functions:
                self._fail(f"there is another function {quoted(name)}", start)
            self._function(program.functions[name])
        self._expect("}")
        if self._next.kind != "end":
            self._fail(f"expected the end of the text, got {self._got()}")
        return program

    def _function_name(self) -> tuple[str, int]:
        self._expect("func")
        return self._next.text, self._next.start

    def _function(self, function: Function) -> None:
        self._name()
        self._expect("<")
        start, opset = self._next.start, self._name()
        if opset not in _OPSETS and opset not in _OPSETS.values():
            self._fail(f"the operator set {quoted(opset)} is unknown; expected one of {', '.join(_OPSETS)}", start)
        self._expect(">")
        function.opset = _OPSETS.get(opset, opset)
        function.inputs.extend(self._many(self._named_type, "(", ")"))
        self._attributes(function.attributes)
        block = function.block_specializations[function.opset]
        self._expect("{")
        while not self._is("}"):
            self._operation(block)
        self._expect("}", "->")
        block.outputs.extend(self._many(self._name, "(", ")"))
        self._expect(";")

    def _named_type(self) -> NamedValueType:
        return NamedValueType(type=self._type(), name=self._name())

    def _operation(self, block: Block) -> None:
        operation = block.operations.add()
        if self._is("("):
            operation.outputs.extend(self._many(self._named_type, "(", ")"))
            self._expect("=")
        elif self._starts_type():
            operation.outputs.append(self._named_type())
            while self._accept(","):
                operation.outputs.append(self._named_type())
            self._expect("=")
        operation.type = self._name()
        for name, argument, start in self._many(self._argument, "(", ")"):
            if name in operation.inputs:
                self._fail(f"the parameter {quoted(name)} is given twice", start)
            operation.inputs[name].CopyFrom(argument)
        self._attributes(operation.attributes)
        if self._is("{"):
            self._fail(f"{quoted(operation.type)} has a nested block, which this reader does not know")
        self._expect(";")

    def _argument(self) -> tuple[str, Argument, int]:
        start, name = self._next.start, self._name()
        self._expect("=")
        many = self._is("(")
        bindings = self._many(self._binding, "(", ")") if many else [self._binding()]
        return name, Argument(arguments=bindings), start

    def _binding(self) -> Argument.Binding:
        if self._starts_type():
            return Argument.Binding(value=self._value())
        return Argument.Binding(name=self._name())

    def _starts_type(self) -> bool:
        """Whether a type comes next and not a name: a value may be named like a type."""
        if self._next.kind != "name":
            return False
        follows = self._text[self._end : self._end + 64].lstrip()[:1]
        if self._next.text in ("tensor", "list", "tuple", "dict", "state"):
            return follows == "<"
        return self._next.text in _ELEMENTS and follows not in (",", ")", "=")

    def _attributes(self, target: Any) -> None:
        if not self._is("["):
            return
        for name, value, start in self._many(self._attribute, "[", "]"):
            if name in target:
                self._fail(f"the attribute {quoted(name)} is given twice", start)
            target[name].CopyFrom(value)

    def _attribute(self) -> tuple[str, Value, int]:
        start, name = self._next.start, self._name()
        self._expect("=")
        return name, self._value(), start

    # Types

    def _type(self) -> ValueType:
        return self._deeper(self._type_here)

    def _type_here(self) -> ValueType:
        start, word, made = self._next.start, self._name(), ValueType()
        if word in _ELEMENTS:
            return value_type(_ELEMENTS[word])
        if word == "tensor":
            self._expect("<")
            start, element = self._next.start, self._name()
            if element not in _ELEMENTS:
                self._fail(f"the type {quoted(element)} is unknown; expected one of {', '.join(_ELEMENTS)}", start)
            self._expect(",")
            shape = self._many(self._size, "[", "]")
            if len(shape) > MOST_AXES:
                self._fail(f"a tensor has {len(shape)} axes; expected at most {MOST_AXES}", start)
            made = value_type(_ELEMENTS[element], shape)
        elif word == "list":
            self._expect("<")
            made.listType.type.CopyFrom(self._type())
            self._expect(",")
            length = self._size()
            if length is None:
                made.listType.length.unknown.variadic = False
            else:
                made.listType.length.constant.size = length
        elif word == "dict":
            self._expect("<")
            made.dictionaryType.keyType.CopyFrom(self._type())
            self._expect(",")
            made.dictionaryType.valueType.CopyFrom(self._type())
        elif word == "state":
            self._expect("<")
            made.stateType.wrappedType.CopyFrom(self._type())
        elif word == "tuple":
            made.tupleType.types.extend(self._many(self._type, "<", ">"))
            return made
        else:
            self._fail(f"the type {quoted(word)} is unknown", start)
        self._expect(">")
        return made

    def _size(self) -> int | None:
        if self._accept("?"):
            return None
        start, text = self._next.start, self._kind("number", "a size or '?'")
        if not text.isdecimal() or int(text) >= 1 << 63:
            self._fail(f"a size must be an integer of at most 63 bits, got {quoted(text)}", start)
        return int(text)

    # Values

    def _value(self) -> Value:
        declared = self._type()
        self._expect("(")
        value = self._blob(declared) if self._is("BLOBFILE") else self._content(declared)
        self._expect(")")
        return value

    def _blob(self, declared: ValueType) -> Value:
        value = Value(type=declared)
        self._expect("BLOBFILE", "(", "path", "=")
        path, start = self._value(), self._next.start
        self._expect(",", "offset", "=")
        offset = self._value()
        self._expect(")")
        names, numbers = path.immediateValue.tensor.strings.values, offset.immediateValue.tensor.longInts.values
        if len(names) != 1 or len(numbers) != 1 or numbers[0] < 0:
            self._fail("BLOBFILE needs a string as its path and a uint64 as its offset", start)
        value.blobFileValue.fileName, value.blobFileValue.offset = names[0], numbers[0]
        return value

    def _content(self, declared: ValueType) -> Value:
        return self._deeper(lambda: self._content_here(declared))

    def _content_here(self, declared: ValueType) -> Value:
        kind = declared.WhichOneof("type")
        if kind == "tensorType":
            return self._tensor(declared)
        value = Value(type=declared)
        if kind == "listType":
            items = self._many(lambda: self._content(declared.listType.type), "[", "]")
            value.type.listType.length.constant.size = len(items)
            value.immediateValue.list.values.extend(items)
            value.immediateValue.list.SetInParent()
        elif kind == "tupleType":
            value.immediateValue.tuple.SetInParent()
            types = iter(declared.tupleType.types)
            items = self._many(lambda: self._content(self._following(types)), "(", ")")
            if len(items) != len(declared.tupleType.types):
                self._fail(f"a tuple of {len(declared.tupleType.types)} values has {len(items)}")
            value.immediateValue.tuple.values.extend(items)
        elif kind == "dictionaryType":
            value.immediateValue.dictionary.SetInParent()
            pairs = self._many(lambda: self._pair(declared), "{", "}")
            value.immediateValue.dictionary.values.extend(pairs)
        else:
            self._fail("a state has no stored value")
        return value

    def _following(self, types: Any) -> ValueType:
        found = next(types, None)
        if found is None:
            self._fail("a tuple has more values than its type")
        return found

    def _pair(self, declared: ValueType) -> DictionaryValue.KeyValuePair:
        self._expect("{")
        key = self._content(declared.dictionaryType.keyType)
        self._expect(",")
        value = self._content(declared.dictionaryType.valueType)
        self._expect("}")
        return DictionaryValue.KeyValuePair(key=key, value=value)

    def _tensor(self, declared: ValueType) -> Value:
        start, name = self._next.start, _NAME_OF[declared.tensorType.dataType]
        rank = declared.tensorType.rank
        read = self._string if name == "string" else lambda: self._scalar(name)
        items: list[Any] = []
        shape: list[int] = []
        if rank:
            self._nested(rank, read, items, shape)
        else:
            items.append(read())
        sizes = declared.tensorType.dimensions
        for axis, size in enumerate(sizes):
            if size.HasField("constant") and size.constant.size != shape[axis]:
                self._fail(f"axis {axis} has {shape[axis]} entries; its type says {size.constant.size}", start)
        if name == "string":
            flat = np.array([*items, None], np.object_)[:-1]  # None keeps NumPy from inspecting the strings
        else:
            with np.errstate(over="ignore"):  # values that are too large are infinite in the file's type too
                flat = np.array(items, dtype_of(name))
        return encode(shaped(flat, shape), name)

    def _nested(self, rank: int, read: Callable[[], Any], items: list[Any], shape: list[int]) -> None:
        """Entries in `rank` levels of brackets. All brackets of a level have the same number of entries."""
        found: list[int | None] = [None] * rank

        def level(axis: int) -> None:
            start, count = self._next.start, 0
            self._expect("[")
            while not self._is("]"):
                if axis == rank - 1:
                    items.append(read())
                else:
                    level(axis + 1)
                count += 1
                if not self._accept(","):
                    break
            self._expect("]")
            if found[axis] not in (None, count):
                self._fail(f"this has {count} entries; the one before has {found[axis]}", start)
            found[axis] = count

        level(0)
        shape.extend(size or 0 for size in found)

    def _scalar(self, name: str) -> Any:
        start = self._next.start
        if name == "bool":
            if not (self._is("true") or self._is("false")):
                self._fail(f"expected true or false, got {self._got()}")
            return self._take().text == "true"
        if "float" in name and self._next.kind == "name":
            word = self._take().text
            if word not in ("inf", "infinity", "nan"):
                self._fail(f"expected a number, got {quoted(word)}", start)
            return float(word)
        text = self._kind("number", "a number")
        try:
            if "float" in name:
                return float.fromhex(text) if "x" in text.lower() else float(text)
            number = int(text, 0)
        except (ValueError, OverflowError):
            self._fail(f"expected {'a number' if 'float' in name else 'an integer'}, got {quoted(text)}", start)
        bits = bits_of(name)
        low = 0 if name.startswith("u") else -(1 << bits - 1)
        if not low <= number < low + (1 << bits):
            self._fail(f"{number} does not fit into {name}", start)
        return number


_NAME_OF = {number_of(name): name for name in _ELEMENTS.values()}
