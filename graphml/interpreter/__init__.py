"""The interpreter: a `Graph` goes in, pure functions of parameters and inputs come out.

`lower` walks the graph, `control` runs branches and loops, `fold` merges scales and shifts into the layers before them,
and `stages` runs networks whose shapes depend on values. Start with `lower`.
"""
