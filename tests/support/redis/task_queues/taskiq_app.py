"""Workers of TaskIQ: one that reads a list, and one that reads a stream."""

import asyncio
import os

from taskiq import Context, SimpleRetryMiddleware, TaskiqDepends
from taskiq.api import run_receiver_task
from taskiq_redis import ListQueueBroker, RedisStreamBroker

from recorded import record as write


async def record(payload, headers, context: Context = TaskiqDepends()):
    labels = context.message.labels
    write(context.message.task_id, payload, headers, timeout=labels.get("timeout"))
    if headers.get("x-fail") == "always":
        raise ValueError("This run fails")


async def run():
    brokers = [
        ListQueueBroker(os.environ["CWM_REDIS"]),
        RedisStreamBroker(os.environ["CWM_REDIS"], queue_name="stream", xread_block=50),
    ]
    for broker in brokers:
        broker.add_middlewares(SimpleRetryMiddleware())
        broker.register_task(record, task_name="shop.tasks:record")
        broker.is_worker_process = True
        await broker.startup()
    print("Taking tasks", flush=True)
    await asyncio.gather(*(run_receiver_task(broker) for broker in brokers))


asyncio.run(run())
