"""ML Programs: types, values, weight files and the table of operations.

Messages and files enter, NumPy arrays and plain Python values leave. Read `operations` first: it holds what the format
says of each operation.
"""
