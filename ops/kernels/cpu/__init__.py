"""Forms that exist only because XLA's CPU backend is slow at the plain ones.

Each function or class gives the same result as a plain form, up to the rounding of its sums, and names the jaxlib
version it was measured with. Each has one row in `benchmarks/cpu_forms.py`, which fails when the plain form is as fast:
then delete the form. Operators do not call these forms; the modules of `graphml.ops.kernels` choose them on CPUs.
"""
