"""Compiled programs: a lowered model goes in, functions that are compiled once per set of shapes come out.

`programs` decides when to compile and for how many rows, `cache` keeps prepared weights and machine code in a directory
for the next process. Start with `programs`.
"""
