"""The update task: a model and training data go in, an updated model comes out, and handlers follow the progress.

`task` is the public class, which runs one update in a thread; `lifecycle` has its states, `asynchronous` serves
asyncio. `background` runs a task in a separate process: `job` says what that process does, `worker` is its program.
Read `task` first.
"""
