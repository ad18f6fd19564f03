"""What a legal model is, one module per family of rules.

A message enters, `Problem`s leave: every rule is a function that yields what is wrong and where. Nothing here raises or
stops at the first fault. `graphml.spec.validate` is the entry; read `problems` first, then `layer_fields`, the rules of
single layers.
"""
