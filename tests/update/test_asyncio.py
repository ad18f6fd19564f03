"""Tasks in coroutines."""

from __future__ import annotations

import asyncio

import pytest
from update.killed import bits
from update.networks import regression, regression_data

from graphml.errors import UpdateError
from graphml.update import MetricKey, ParameterKey, TaskState, UpdateEvent, UpdateTask, update

EPOCH, BATCH = UpdateEvent.EPOCH_END, UpdateEvent.MINI_BATCH_END


def _task(**keywords) -> UpdateTask:
    return UpdateTask(regression(), regression_data(10), **keywords)


def test_other_coroutines_run_while_a_task_is_awaited():
    async def main():
        ticks = []

        async def others():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.001)

        other = asyncio.create_task(others())
        task = _task(completion_handler=lambda context: ticks.append("end"))
        with pytest.raises(UpdateError, match="not started"):
            await task
        task.resume()
        state = await task
        assert "end" in ticks
        other.cancel()
        assert len(ticks) > 2
        return state, await task

    assert asyncio.run(main()) == (TaskState.COMPLETED, TaskState.COMPLETED)


def test_training_pauses_while_the_body_of_an_event_loop_runs():
    async def main():
        task, rates = _task(), []
        async for context in task.events(EPOCH):
            rates.append(context.parameters[ParameterKey.LEARNING_RATE])
            await asyncio.sleep(0.01)
            assert task.metrics == context.metrics
            task.resume({"learning_rate": rates[-1] / 2, "epochs": 4})
        assert task.state is TaskState.COMPLETED
        return task, rates

    task, rates = asyncio.run(main())
    assert rates == [0.05, 0.025, 0.0125, 0.00625]
    assert task.metrics[MetricKey.EPOCH_INDEX] == 3


def test_leaving_the_loop_lets_training_continue():
    async def main():
        task, seen = _task(), []
        events = task.events(BATCH | EPOCH)
        async for context in events:
            seen.append(context.event)
            if context.event == EPOCH:
                break
        await events.aclose()  # type: ignore[attr-defined]
        return await task, task, seen

    state, task, seen = asyncio.run(main())
    assert state is TaskState.COMPLETED
    assert seen == [BATCH, BATCH, BATCH, EPOCH]
    assert bits(task.model) == bits(update(regression(), regression_data(10)))


def test_cancelling_in_the_loop_or_around_it_ends_the_task():
    async def main():
        task, count = _task(), 0
        async for context in task.events():
            count += 1
            context.task.cancel()
        assert (count, task.cancelled) == (1, True)
        slow = _task()
        slow.resume({"epochs": 1000})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow, 0.01)
        return await slow, slow

    state, slow = asyncio.run(main())
    assert (state, slow.cancelled) == (TaskState.FAILED, True)


def test_a_closed_event_loop_does_not_block_training():
    task = _task()

    async def main():
        events = task.events(BATCH)
        async for _ in events:
            return events
        return None

    events = asyncio.run(main())
    assert task.wait(30) is TaskState.COMPLETED
    del events
