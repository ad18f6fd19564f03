"""Feature engineering: models that turn features into other features, on numbers, categories, sound and boxes.

Start with `transforms`.
"""
