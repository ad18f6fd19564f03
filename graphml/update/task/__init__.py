"""The update task: a model and training data go in, an updated model comes out while handlers hear of the progress.

`task` runs one update in a thread, `asynchronous` offers it to asyncio, `background` runs it in a process of its own.
Start with `task`.
"""
