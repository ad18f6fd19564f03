"""Front ends: what a file says becomes a `Graph` and an `Interface`, which `graphml.interpreter.lower` takes.

One front end for each format: `layers` reads the messages of neural networks, `layer_interface` maps arrays and images
to the blobs that layers expect, `sequences` says how inputs of recurrent networks are given. Start with `layers`.
"""
