"""The rules of a valid model, one module per family.

A message enters, `Problem`s leave: every rule is a function that yields what is wrong and where. Nothing here raises or
stops at the first fault. `graphml.spec.validate` is the entry; read `problems` first, then `layer_fields`, the rules of
single layers.
"""
