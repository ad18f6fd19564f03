"""A picture of a model: its summary goes in; SVG, or a page that folds and searches, comes out.

`blocks` makes boxes and edges of a summary, `scopes` groups boxes whose names have a path in common, `layout` finds the
places of boxes and edges, `drawing` and `page` write SVG and HTML. Start with `blocks`.
"""
