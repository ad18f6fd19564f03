"""Training data: samples in any form go in, checked arrays in memory or in files come out.

`samples` checks samples against the model, `storage` keeps their arrays, `streaming` reads ahead, and `files` reads
folders of images, JSON lines, CSV and NumPy archives. Read `samples` first.
"""
