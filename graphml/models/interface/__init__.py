"""What a model takes and gives: a `ModelDescription` goes in, descriptions and checked values come out.

`descriptions` reads the declared features, `values` checks what a caller passes, `images` converts images to pixels and
back, `conversion` adapts values that pass from one model to another. Start with `descriptions`.
"""
