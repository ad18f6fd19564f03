"""What a model takes and gives: a `ModelDescription` goes in, descriptions and checked values come out.

`descriptions` reads the declared features, `values` checks what a caller passes, `images` turns pictures into pixels
and back. Start with `descriptions`.
"""
