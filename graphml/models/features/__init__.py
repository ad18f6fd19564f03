"""Feature engineering: models that convert features to other features. Features go in, features come out.

`transforms` has numbers and arrays, `categories` strings and dictionaries, `sound` spectrograms, `nms` boxes. Start
with `transforms`.
"""
