"""Front ends: the content of a file becomes a `Graph` and an `Interface`, which `graphml.interpreter.lower` takes.

One front end for each format: `layers` reads the messages of neural networks, `layer_interface` maps arrays and images
to the blobs that layers expect, `sequences` knows the shapes of the inputs of recurrent networks. Start with `layers`.
"""
