"""The interpreter: a `Graph` and its `Interface` go in, pure functions of parameters and inputs come out.

`lower` is the entry point; `evaluate` runs nodes, with `layout`, `weights` and `constants`. Conditionals and loops are
in `control`, `block` and `loop`. `fold` merges scales and shifts into the nodes before them, `budget` limits memory.
Graphs whose shapes depend on values run in `stages`, on the host. Start with `lower`, then `evaluate`.
"""
