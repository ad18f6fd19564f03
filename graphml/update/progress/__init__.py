"""What an update reports and keeps while it runs: events, metrics, history and checkpoints.

Start with `events`; `checkpoints` is the directory from which an interrupted update continues.
"""
