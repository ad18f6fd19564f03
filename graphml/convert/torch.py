"""torch modules, scripted modules and exported programs: traced, then converted by coremltools."""

# torch is imported where it is used, without its types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graphml.convert.coremltools import load_coremltools, quiet, translate
from graphml.convert.request import ConversionRequest, Flexible, Input, dtype_name
from graphml.convert.source import OperatorUse, TensorSource, Translation, counted
from graphml.convert.versions import version
from graphml.errors import FeatureError, SpecError, UnsupportedError, need, typed
from graphml.inspect.references import Array, Given, Reference

_UNLIMITED = 2**31
_NO_WORK = {
    *("prim::Constant", "prim::GetAttr", "prim::ListConstruct", "prim::TupleConstruct", "prim::ListUnpack"),
    *("prim::TupleUnpack", "prim::NumToTensor", "aten::Int", "prim::DictConstruct", "prim::TupleIndex"),
}


def read_file(path: Path) -> Any:
    """Load a scripted module or an exported program. Pickled modules are refused, because opening one runs its code.

    Args:
        path: A file written by `torch.jit.save` or `torch.export.save`.

    Raises:
        SpecError: It is neither of them, or damaged.
        UnsupportedError: It contains a pickled module, or weights only.
        MissingExtraError: torch is not installed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise SpecError(
            f"{path} cannot be read as a torch file ({error}); expected one written by torch.jit.save or "
            "torch.export.save"
        ) from None
    inner = {name.partition("/")[2] for name in names} | set(names)
    scripted = any(name.startswith("code/") for name in inner)
    exported = any(name.startswith(("models/", "serialized_exported_program")) for name in inner)
    if not scripted and not exported:
        raise UnsupportedError(
            f"{path} contains pickled objects, which run code when they are opened, or weights without their module; "
            "load it yourself and pass the module, or save it with torch.jit.save or torch.export.save"
        )
    torch = need("torch", "torch")
    try:
        with quiet(), _only_weights_are_unpickled():
            return torch.jit.load(str(path), map_location="cpu") if scripted else torch.export.load(str(path))
    except Exception as error:  # torch raises its own classes
        raise SpecError(f"{path} cannot be loaded by torch {version('torch')}: {error}") from None


@contextlib.contextmanager
def _only_weights_are_unpickled() -> Generator[None]:
    """If torch cannot read the weights of an exported program safely, it unpickles anything."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class TorchSource(TensorSource):
    """A torch module.

    Args:
        module: A `torch.nn.Module`, a scripted or traced one, or an exported program.
        request: The request.

    Raises:
        FeatureError: Inputs are missing, or inputs are described that the module does not take.
    """

    def __init__(self, module: Any, request: ConversionRequest) -> None:
        self.torch = need("torch", "torch")
        self.request = request
        exported = self._is_exported = type(module).__name__ == "ExportedProgram"
        self.is_scripted = isinstance(module, self.torch.jit.ScriptModule)
        kind = "an exported program" if exported else "a scripted module" if self.is_scripted else "a torch module"
        self.what = f"{kind} (torch {version('torch')})"
        self._module = _traceable(module) if exported else module
        self._origin = module
        declared = _of_program(module) if exported else self._declared(module)
        self._inputs = request.named(declared)
        self._arguments = list(declared)  # the names in the source, in the order of `inputs`
        unknown = [name for name, one in self._inputs.items() if one.shape is None]
        if unknown or not self._inputs:
            what = f"the shapes of {', '.join(map(repr, unknown))}" if unknown else "its inputs"
            raise FeatureError(f"{kind} does not declare {what}: pass inputs=[...] with example tensors or shapes")

    @property
    def inputs(self) -> Mapping[str, Input]:
        return self._inputs

    def _declared(self, module: Any) -> dict[str, Input]:
        """The parameters of `forward` that the caller describes."""
        if self.is_scripted:
            return {one.debugName().partition(".")[0]: Input() for one in list(module.graph.inputs())[1:]}
        names = [
            name
            for name, one in inspect.signature(module.forward).parameters.items()
            if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        ]
        given = self.request.inputs
        if isinstance(given, Mapping) and set(given) <= set(names):
            return {name: Input() for name in names if name in given}
        if not names:  # *args
            return {f"input_{number}" if number > 1 else "input": Input() for number in range(1, len(given) + 1)}
        return {name: Input() for name in names[: len(given)]}

    # Running ---------------------------------------------------------------------------------------------------------

    def _examples(self) -> list[Any]:
        torch = self.torch
        device = next((weight.device for weight in self._module.parameters()), torch.device("cpu"))
        generator = torch.Generator().manual_seed(self.request.seed)
        found: list[Any] = []
        for one in self._inputs.values():
            dtype = getattr(torch, one.dtype or "float32")
            if one.example is not None and tuple(np.shape(one.example)) == one.default_shape:
                value = (
                    one.example if isinstance(one.example, torch.Tensor) else torch.from_numpy(np.array(one.example))
                )
            elif dtype.is_floating_point:
                value = torch.rand(one.default_shape, generator=generator)
            else:
                value = torch.zeros(one.default_shape)
            found.append(value.detach().to(device=device, dtype=dtype))
        return found

    @contextlib.contextmanager
    def _evaluating(self) -> Generator[None]:
        """Run the module in inference mode, and restore the mode of each part."""
        modes = [(part, part.training) for part in self._module.modules()]
        for part, _ in modes:
            part.training = False
        try:
            with self.torch.no_grad():
                yield
        finally:
            for part, mode in modes:
                part.training = mode

    @functools.cached_property
    def flat(self) -> Any:
        """The module wrapped so that it takes and returns tensors in order; `names` are those of its outputs, if the
        module names them."""
        return _flat(self.torch, self._module, self._arguments, self._positional())

    def _positional(self) -> int:
        """How many of the arguments are passed in order; the others are passed by name."""
        count = len(self._arguments)
        if self._is_exported:
            return len(self._origin.example_inputs[0]) if self._origin.example_inputs else count
        parameters = inspect.signature(self._module.forward).parameters
        in_order = list(parameters)[:count] == self._arguments
        return count if in_order or any(one.kind is one.VAR_POSITIONAL for one in parameters.values()) else 0

    @functools.cached_property
    def _traced(self) -> tuple[Any, tuple[str, ...]]:
        """The traced module, and warnings."""
        if self.is_scripted:
            return self._module.eval(), ()
        examples = self._examples()
        with self._evaluating(), quiet() as said:
            try:
                self.flat(*examples)
            except Exception as error:
                shapes = ", ".join(f"{name} {list(x.shape)}" for name, x in zip(self._inputs, examples, strict=True))
                raise typed(error, f"{self.what} fails with {shapes}") from error
            try:
                traced = self.torch.jit.trace(self.flat, tuple(examples), check_trace=False, strict=False)
            except Exception as error:
                raise typed(error, f"{self.what} cannot be traced") from error
        notes = [text.partition(". We can't record")[0] for text in said if "might cause the trace" in text]
        return traced, tuple(dict.fromkeys(notes))

    def reference(self) -> Reference:
        def run(given: Given) -> Any:
            values = [
                self.torch.from_numpy(np.array(value)).to(example.device, example.dtype)
                for value, example in zip(self.arguments(given), self._examples(), strict=True)
            ]
            module = self._module if self.is_scripted else self.flat
            with self._evaluating(), quiet():
                found = module(*values)
            return [part.detach().cpu().numpy() for _, part in _tensors(found)]

        return Reference(self.what, run)

    def _output_names(self) -> list[str]:
        if self.is_scripted:
            return []
        if self._decomposed is not None:
            with self._evaluating():
                self.flat(*self._examples())  # collects the names
        return self.flat.names

    # Looking inside --------------------------------------------------------------------------------------------------

    @functools.cached_property
    def _decomposed(self) -> Any:
        """An exported program with flexible shapes, in operators that coremltools reads; None for other sources: in a
        trace of an exported program, values computed from sizes are constant."""
        if not self._is_exported or not any(one.flexible for one in self._inputs.values()):
            return None
        with quiet():
            return self._origin.run_decompositions({})

    def operators(self) -> list[OperatorUse]:
        load_coremltools()
        from coremltools.converters.mil.frontend.torch.torch_op_registry import (  # pyright: ignore[reportMissingTypeStubs]
            _TORCH_OPS_REGISTRY as registry,  # pyright: ignore[reportPrivateUsage]  (the only list)
        )

        if self._decomposed is not None:
            calls = [node for node in self._decomposed.graph.nodes if node.op == "call_function"]
            found = [(getattr(node.target, "__name__", ""), node.stack_trace or "") for node in calls]
        else:
            graph = self._traced[0].inlined_graph.copy()
            self.torch._C._jit_pass_dce(graph)
            found = [(node.kind(), node.sourceRange()) for node in _nodes(graph) if node.kind() not in _NO_WORK]
        missing = "coremltools has no converter for it"
        return counted(
            (kind, _line(place), missing if registry.get_func(kind) is None else "") for kind, place in found
        )

    def weights(self) -> Mapping[str, tuple[Array, bool]]:
        module = self._module
        trained = {name: (weight, bool(weight.requires_grad)) for name, weight in module.named_parameters()}
        if self._is_exported:  # parameters of the program keep the flag
            trained |= {n: (w, bool(w.requires_grad)) for n, w in self._origin.named_parameters()}
        return {name: (weight.detach().cpu().numpy(), flag) for name, (weight, flag) in trained.items()}

    def translate(self) -> Translation:
        traced, warned = self._traced if self._decomposed is None else (self._decomposed, ())
        names = self.request.outputs or self._output_names()
        found = translate(self, traced, self._inputs, names or None, ["torch"])
        notes = (*found.notes, *(f"tracing: {text}" for text in warned))
        return replace(found, notes=notes)


def _traceable(program: Any) -> Any:
    """The module of an exported program, without its input checks, which cannot be traced."""
    module = program.module(check_guards=False)
    for node in list(module.graph.nodes):
        if not node.users and "_assert" in str(node.target):
            module.graph.erase_node(node)
    module.recompile()
    module._forward_pre_hooks.clear()
    return module


def _flat(torch: Any, module: Any, arguments: Sequence[str], positional: int) -> Any:
    class Flat(torch.nn.Module):
        """A module that takes and returns tensors in order."""

        def __init__(self) -> None:
            super().__init__()
            self.module = module
            self.training = False
            self.names: list[str] = []

        def forward(self, *tensors: Any) -> Any:
            named = dict(zip(arguments[positional:], tensors[positional:], strict=True))
            found = list(_tensors(self.module(*tensors[:positional], **named)))
            self.names = [name for name, _ in found if name]
            if len(self.names) != len(found):
                self.names = []
            return found[0][1] if len(found) == 1 else tuple(tensor for _, tensor in found)

    return Flat()


def _tensors(found: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The tensors in the return value of a module, with their names if there are any."""
    if isinstance(found, Mapping):
        for key, value in found.items():
            yield from _tensors(value, f"{name}_{key}" if name else str(key))
    elif isinstance(found, tuple | list):
        for number, value in enumerate(found):
            yield from _tensors(value, f"{name}_{number}" if name else "")
    elif hasattr(found, "detach"):
        yield name, found


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _line(source: str) -> str:
    """The innermost line of user code in torch's source location of a node."""
    found = [
        (match[1] or match[3], match[2] or match[4])
        for match in re.finditer(r'([^\s()"]+\.py)\((\d+)\)|File "([^"]+\.py)", line (\d+)', source)
    ]
    own = [(path, line) for path, line in found if not re.search(r"[/\\](torch|graphml)[/\\]", path)]
    return f"{Path(own[0][0]).name}:{own[0][1]}" if own else ""


def _of_program(program: Any) -> dict[str, Input]:
    """The inputs of an exported program; dynamic dimensions are those it was exported with."""
    wanted = set(program.graph_signature.user_inputs)
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    args, kwargs = program.example_inputs or ((), {})
    examples = [*args, *kwargs.values()]
    found: dict[str, Input] = {}
    for number, (name, value) in enumerate((n, v) for n, v in values.items() if n in wanted):
        example = examples[number] if len(examples) > number else None
        sizes = value.shape if example is None else example.shape
        shape = [_size(size, int(hint), program) for size, hint in zip(value.shape, sizes, strict=True)]
        found[name] = Input(tuple(shape), dtype_name(value.dtype), example)
    return found


def _size(size: Any, hint: int, program: Any) -> int | Flexible:
    if isinstance(size, int):
        return size
    symbol = size.node.expr
    bounds = program.range_constraints.get(symbol)
    low = 1 if bounds is None else max(1, int(bounds.lower))
    high = None if bounds is None or bounds.upper > _UNLIMITED else int(bounds.upper)
    return Flexible(low, high, default=hint, name=str(symbol))
