"""Pipelines: several models go in, one model that runs them in order comes out.

`pipeline` connects the stages by the names of their features, `fusion` compiles several stages into one program,
`linked` loads stages that are stored in separate files, `linking` writes such files. Start with `pipeline`.
"""
