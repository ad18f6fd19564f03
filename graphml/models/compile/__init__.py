"""Compiled programs: a lowered network goes in, functions that are compiled once per set of input shapes come out.

`programs` decides when to compile and for how many rows, `cache` stores prepared weights and machine code in a
directory for the next process, `random_keys` and `zeros` make arguments. Start with `programs`.
"""
