"""Connects graphml to coremltools: the module `coremltools.libcoremlpython`, and the checks of the macOS version.

Each module of coremltools imports names such as `_MLModelProxy` from that module and continues without them if it does
not exist. So a finder at the end of `sys.meta_path` supplies it; on a Mac the real one is found first, and then nothing
else is changed either. In modules that were loaded before, the missing names are filled in.

A few functions also check the version of macOS. They are replaced by copies that see another version. The functions
that return the version are not changed: coremltools checks the system for other reasons too.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType
from typing import Any

LIBRARY = "coremltools.libcoremlpython"
_PACKAGE, _, _NAME = LIBRARY.partition(".")
_PROXY = "_MLModelProxy"

_GATES: Mapping[str, Sequence[str]] = {
    "coremltools.models.utils": ("compile_model",),
    "coremltools.models.model": ("_verify_optimization_hint_input", "MLModel.make_state", "MLModel.predict"),
    "coremltools.models._compiled_model": ("_verify_optimization_hint_input", "CompiledMLModel._init_check"),
}
"""{module: its functions that check for macOS}. `predict` checks before it shows why a model could not be loaded."""

_ANSWERS: Mapping[str, Any] = {"_is_macos": lambda: True, "_macos_version": lambda: (15, 0)}

_changing = threading.Lock()
_installed: list[_Hook] = []


def install(precision: str | None = "declared") -> None:
    """Let coremltools predict with graphml. On a Mac with Core ML, Core ML continues to be used.

    Calling it again changes the precision of models that are loaded later.

    Args:
        precision: In which types ML Programs compute, see `graphml.ModelConfiguration.compute_precision`. "declared"
            rounds every value to its type in the file, so that overflow in a float16 program is seen; "strict" also
            accumulates in float16; "float32" is the fastest on CPUs and shows neither. None: the default of graphml.

    Raises:
        FeatureError: There is no such precision.
    """
    from graphml.interop.coremltools.proxies import library

    hook = _Hook(library(precision))
    uninstall()
    with _changing:
        if LIBRARY not in sys.modules:  # otherwise Core ML is available
            hook.enter()
            _installed.append(hook)


def uninstall() -> None:
    """Undo `install`. Loaded models continue to work."""
    with _changing:
        while _installed:
            _installed.pop().leave()


class _Hook:
    """The changes of `install`.

    Args:
        names: The names that coremltools imports from the module.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names
        self._finders: tuple[MetaPathFinder, MetaPathFinder] = _LibraryFinder(names), _GateFinder(self)
        self._replaced: list[tuple[Any, str, Any]] = []

    def enter(self) -> None:
        last, first = self._finders
        sys.meta_path.append(last)
        sys.meta_path.insert(0, first)
        for module in _loaded_modules():
            for name, value in self._names.items():
                if vars(module).get(name, value) is None:
                    self._replace(module, name, value)
        for name in _GATES:
            if name in sys.modules:
                self.open_gates(sys.modules[name])

    def leave(self) -> None:
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in self._finders]
        for holder, name, value in reversed(self._replaced):
            setattr(holder, name, value)
        for module in _loaded_modules():  # including those that were loaded since
            for name, value in self._names.items():
                if vars(module).get(name) is value and module.__name__ != LIBRARY:
                    setattr(module, name, None)
        library = sys.modules.get(LIBRARY)
        if library is not None and vars(library).get(_PROXY) is self._names[_PROXY]:
            del sys.modules[LIBRARY]
            vars(sys.modules[_PACKAGE]).pop(_NAME, None)

    def open_gates(self, module: ModuleType) -> None:
        """Replace the functions of a module that check for macOS, if graphml supplies the library."""
        if vars(module).get(_PROXY) not in (None, self._names[_PROXY]):
            return  # Core ML supplies it
        for path in _GATES[module.__name__]:
            holder, _, name = path.rpartition(".")
            target: Any = getattr(module, holder) if holder else module
            if name not in vars(target):
                continue  # older versions have fewer functions
            original: FunctionType = getattr(target, name)  # of a method too, because `target` is the class
            copy = _seeing(original, _ANSWERS)
            static = isinstance(vars(target)[name], staticmethod)
            value: Any = staticmethod(copy) if static else copy
            self._replace(target, name, value)
            if not holder:
                for other in _loaded_modules():
                    if vars(other).get(name) is original:
                        self._replace(other, name, copy)

    def _replace(self, holder: Any, name: str, value: Any) -> None:
        held = holder.__dict__[name]  # of a class: the raw attribute, including `staticmethod`
        self._replaced.append((holder, name, held))
        setattr(holder, name, value)


def _loaded_modules() -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if name.startswith(f"{_PACKAGE}.")]


def _seeing(function: FunctionType, values: Mapping[str, Any]) -> FunctionType:
    """A copy of a function with other values for some global names."""
    names = {**function.__globals__, **values}
    copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    functools.update_wrapper(copy, function)
    return copy


class _LibraryFinder(MetaPathFinder, Loader):
    """Finds the module that only a Mac has, after all other finders."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        return ModuleSpec(fullname, self) if fullname == LIBRARY else None

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self._names)


class _GateFinder(MetaPathFinder):
    """Disables the macOS checks of modules as soon as they are loaded."""

    def __init__(self, hook: _Hook) -> None:
        self._hook = hook

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        found = PathFinder.find_spec(fullname, path, target) if fullname in _GATES else None
        if found is not None and found.loader is not None:
            execute = found.loader.exec_module

            def execute_and_open(module: ModuleType) -> None:
                execute(module)
                self._hook.open_gates(module)

            found.loader.exec_module = execute_and_open  # an attribute of this one loader
        return found
