"""Inspection: a model or its file goes in; text, HTML or plain data that describe it come out.

`summary` says what a file contains, `code` prints a network as pseudocode, `flow` draws its control flow,
`viewer` renders a summary as HTML, `compare` finds the first value in which two models differ on inputs of `drawing`,
`precision` says what half precision does to a model, and `codegen` writes a typed Python module for one model. Start
with `summary`.
"""
