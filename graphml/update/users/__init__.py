"""Many users of one model: training their copies together, storing what differs, and averaging what they learned.

Start with `many`.
"""
