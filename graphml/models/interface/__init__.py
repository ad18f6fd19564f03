"""The values of features: what a caller passes goes in, checked values come out.

`values` checks values against the description of a feature (`graphml.descriptions`), `images` converts images to pixels
and back, `conversion` adapts values that pass from one model to another. Start with `values`.
"""
