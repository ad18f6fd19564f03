"""JAX functions, Flax NNX and Equinox modules: to networks via ONNX, to ML Programs via StableHLO."""

# jax2onnx and stablehlo-coreml are untyped, JAX is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax.extend import core as jax_core

from graphml.convert.coremltools import input_types, load_coremltools, quiet, translation_of
from graphml.convert.onnx_source import OnnxSource
from graphml.convert.request import ConversionRequest, Flexible, Input
from graphml.convert.source import OperatorUse, TensorSource, Translation, counted
from graphml.convert.versions import tried, version
from graphml.errors import FeatureError, need, typed
from graphml.inspect.references import Array, Given, Reference


class JaxSource(TensorSource):
    """A function of arrays.

    Args:
        function: A JAX function, or a callable object, such as a module of Flax NNX or Equinox.
        request: The request.

    Raises:
        FeatureError: The inputs are not described.
    """

    def __init__(self, function: Callable[..., Any], request: ConversionRequest) -> None:
        self.request = request
        self._function = function
        libraries = [cls.__module__.partition(".")[0] for cls in inspect.getmro(type(function))]
        kinds = {"flax": "a Flax module", "equinox": "an Equinox module"}
        kind = next((kinds[library] for library in libraries if library in kinds), "a JAX function")
        self.what = f"{kind} (JAX {version('jax')})"
        names = _parameters(function)
        given = request.inputs
        if isinstance(given, Mapping) and set(given) <= set(names):
            names = [name for name in names if name in given]
        else:
            names = [*names[: len(given)], *(f"input_{number}" for number in range(len(names) + 1, len(given) + 1))]
        self._inputs = request.named(dict.fromkeys(names, Input()))
        if not names or any(one.shape is None for one in self._inputs.values()):
            raise FeatureError(
                "a function does not declare the shapes of its inputs: pass inputs={name: example array}"
            )
        self._arguments = names

    @property
    def inputs(self) -> Mapping[str, Input]:
        return self._inputs

    # Tracing ---------------------------------------------------------------------------------------------------------

    def _flat(self, *arrays: Any) -> tuple[Any, ...]:
        """The outputs in order; arguments are passed by name only if necessary."""
        names = _parameters(self._function)
        in_order = names[: len(self._arguments)] == self._arguments or len(names) < len(arrays)
        found = (
            self._function(*arrays) if in_order else self._function(**dict(zip(self._arguments, arrays, strict=True)))
        )
        return tuple(jax.tree.leaves(found))

    def _specs(self, *, symbolic: bool) -> list[jax.ShapeDtypeStruct]:
        """The types of the inputs; flexible axes have symbolic sizes."""
        flexible = list(dict.fromkeys(axis for one in self._inputs.values() for axis in one.flexible))
        letters = {axis: f"n{number}" for number, axis in enumerate(flexible)}
        scope = jax.export.SymbolicScope() if symbolic else None
        found: list[jax.ShapeDtypeStruct] = []
        for one in self._inputs.values():
            sizes: Any = one.default_shape
            if symbolic and one.flexible:
                text = ", ".join(letters[axis] if isinstance(axis, Flexible) else str(axis) for axis in one.shape or ())
                sizes = jax.export.symbolic_shape(text, scope=scope)
            found.append(jax.ShapeDtypeStruct(sizes, np.dtype(one.dtype or "float32")))
        return found

    @functools.cached_property
    def _traced(self) -> Any:
        try:
            with quiet():
                return jax.make_jaxpr(self._flat)(*self._specs(symbolic=False))
        except Exception as error:  # of any class: this runs the function
            shapes = ", ".join(f"{name} {list(one.default_shape)}" for name, one in self._inputs.items())
            raise typed(error, f"{self.what} fails with {shapes}") from error

    @functools.cached_property
    def _outputs(self) -> list[str]:
        """The names of the outputs: the requested ones, or their keys."""
        shapes = jax.eval_shape(self._nested, *self._specs(symbolic=False))
        paths = [path for path, _ in jax.tree.leaves_with_path(shapes)]
        own = ["_".join(str(getattr(part, "key", getattr(part, "idx", part))) for part in path) for path in paths]
        named = [
            name if name and not name[0].isdigit() else f"output_{number}" if number > 1 else "output"
            for number, name in enumerate(own, 1)
        ]
        return [*self.request.outputs, *named[len(self.request.outputs) :]][: len(named)]

    def _nested(self, *arrays: Any) -> Any:
        return self._function(*arrays)

    # Converting ------------------------------------------------------------------------------------------------------

    def translate(self) -> Translation:
        self._traced  # noqa: B018  (whose errors are those of the function)
        return self._network() if self.request.to == "neuralnetwork" else self._program()

    def _onnx(self) -> OnnxSource:
        with quiet():
            jax2onnx = need("jax2onnx", "jax2onnx")
        flexible = any(one.flexible for one in self._inputs.values())
        specs = self._specs(symbolic=flexible)
        by = f"jax2onnx {version('jax2onnx')}"
        try:
            with quiet():
                traced = self._flat if flexible else jax_core.jaxpr_as_fun(self._traced)
                model = jax2onnx.to_onnx(
                    traced, specs, opset=21, input_names=list(self._inputs), output_names=self._outputs
                )
        except Exception as error:  # of any class
            raise typed(error, f"{by} fails to convert {self.what}", tried(["jax2onnx", "jax"])) from error
        request = ConversionRequest(
            inputs=self._inputs, to=self.request.to, class_labels=self.request.class_labels, seed=self.request.seed
        )
        return OnnxSource(model, request, self.what)

    def _network(self) -> Translation:
        found = self._onnx().translate()
        by = f"jax2onnx {version('jax2onnx')} and {found.by}"
        return Translation(found.model, by, found.lines, found.notes)

    def _program(self) -> Translation:
        tools = load_coremltools()
        with quiet():
            stablehlo = need("stablehlo_coreml", "stablehlo")
        by = f"stablehlo-coreml {version('stablehlo-coreml')} and coremltools {version('coremltools')}"
        flexible = any(one.flexible for one in self._inputs.values())
        request = self.request
        try:
            from jax._src.interpreters import mlir as jax_mlir
            from jax._src.lib.mlir import ir  # pyright: ignore[reportPrivateImportUsage]  (stablehlo-coreml takes its modules)

            with quiet():
                exported = jax.export.export(jax.jit(self._flat))(*self._specs(symbolic=flexible))
                module = ir.Module.parse(exported.mlir_module(), context=jax_mlir.make_ir_context())
                target = tools.target.iOS18
                program = stablehlo.convert(module, minimum_deployment_target=target)
                names = list(program.functions["main"].inputs)
                own = dict(zip(names, self._inputs.values(), strict=True))
                found = tools.convert(
                    program,
                    source="milinternal",
                    minimum_deployment_target=target,
                    pass_pipeline=stablehlo.build_pass_pipeline(),
                    compute_precision=getattr(tools.precision, request.precision.upper()),
                    skip_model_load=True,
                    **({"inputs": input_types(tools, own)} if flexible else {}),
                )
        except Exception as error:  # of any class
            facts = tried(["stablehlo-coreml", "coremltools", "jax", "numpy"])
            raise typed(error, f"{by} fails to convert {self.what}", facts) from error
        message = found.get_spec()
        for old, new in zip(names, self._inputs, strict=True):
            tools.utils.rename_feature(message, old, new, rename_outputs=False)
        outputs = [feature.name for feature in message.description.output]
        renamed = dict(zip(outputs, self._outputs, strict=True))
        return translation_of(found, by, [], self._inputs, renamed, message=message)

    # Running and looking inside --------------------------------------------------------------------------------------

    def reference(self) -> Reference:
        def run(given: Given) -> Any:
            values = [
                np.asarray(value, one.dtype or "float32")
                for value, one in zip(self.arguments(given), self._inputs.values(), strict=True)
            ]
            return [np.asarray(part) for part in self._flat(*values)]

        return Reference(self.what, run)

    def operators(self) -> list[OperatorUse]:
        return counted((equation.primitive.name, "", "") for equation in _equations(self._traced.jaxpr))

    def weights(self) -> Mapping[str, tuple[Array, bool]]:
        constants = [np.asarray(value) for value in self._traced.consts]
        return {
            f"constant_{number}": (value, True)
            for number, value in enumerate(constants)
            if value.dtype.kind == "f" and value.size > 1
        }


def _equations(jaxpr: Any) -> list[Any]:
    found: list[Any] = []
    for equation in jaxpr.eqns:
        inner = [getattr(value, "jaxpr", value) for value in equation.params.values()]
        inner += [getattr(one, "jaxpr", one) for value in equation.params.get("branches", ()) for one in [value]]
        bodies = [one for one in inner if hasattr(one, "eqns")]
        if equation.primitive.name not in ("jit", "pjit", "custom_jvp_call", "custom_vjp_call"):
            found.append(equation)
        for body in bodies:
            found += _equations(body)
    return found


def _parameters(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters that take arrays, in order."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a C function without a signature
        return []
    return [one.name for one in found if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
