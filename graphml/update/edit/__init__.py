"""Editing a model so that it can be updated: a model goes in, a new model comes out.

`updatable` adds a recipe (read it first), `head` replaces the last layers of a classifier.
"""
