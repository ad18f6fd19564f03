"""Inspection: describes a model or its file as text, HTML or plain data.

`summary` describes the contents of a file, `code` prints a network as pseudocode, `flow` draws its control flow,
`viewer` renders a summary as HTML, `compare` finds the first value in which two models differ on inputs of `drawing`,
`precision` shows what half precision does to a model, and `codegen` writes a typed Python module for one model. Start
with `summary`.
"""
