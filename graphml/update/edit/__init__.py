"""Changing a model file so that it can be updated: `updatable` adds a recipe, `head` replaces the last layers."""
