"""Plain functions of arrays that the dialects share.

Arrays, axes, strides and the like enter; arrays leave. Nothing here knows a layer, a message of the format or a graph.
Shapes and axes are expected to be legal: the operators check them and name what is wrong in the words of their format.

`cpu` holds the forms that exist only because XLA's CPU backend is slow at the plain ones. The modules here choose
between the two with `platform.on_cpu`. Read `normalization` first, then `reductions` to see such a choice.
"""
