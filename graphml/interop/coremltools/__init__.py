"""Predictions of coremltools on systems without Core ML: unchanged coremltools 7.2 to 9.0 runs its models with graphml.

    import graphml.interop.coremltools
    graphml.interop.coremltools.install()       # before or after `import coremltools`

    model = coremltools.convert(...)
    model.predict({"x": x})

On a Mac, coremltools reaches Core ML through its module `coremltools.libcoremlpython`, which no other system has.
`hook` supplies a module of that name and disables the checks for macOS; `proxies` has the classes in it; `compiled` is
our form of a compiled model; `structure` describes the structure of a model. Read
`proxies` first.

To run a script with it, use `python -m graphml.interop.coremltools script.py`; for a test suite,
`pytest -p graphml.interop.coremltools.pytest_plugin`.
"""

from __future__ import annotations

from graphml.interop.coremltools.hook import install as install
from graphml.interop.coremltools.hook import uninstall as uninstall
