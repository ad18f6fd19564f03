"""ML Programs: types, values, weight files, text, and the table of operations.

Messages and files enter, NumPy arrays and plain Python values leave. Read `operations` first: it defines each
operation of the format. `programs` walks a program, `types` names the types of values, `values` reads and stores them,
and `blobs` is the weight file beside a program (`packages` finds it, `replacing` changes it). `constexprs` reads
constants, `compression` has the forms of compressed weights, and `text` reads the programs of compiled models.
"""
