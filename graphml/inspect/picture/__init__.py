"""Draws the summary of a model as SVG, or as a page with folding and search.

`blocks` turns a summary into boxes and edges, `scopes` groups boxes whose names share a path, `layout` positions boxes
and edges, `drawing` and `page` write SVG and HTML. Start with `blocks`.
"""
