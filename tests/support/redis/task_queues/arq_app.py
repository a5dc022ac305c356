"""Workers of arq: one with pickles, which is its default, and one with JSON."""

import asyncio
import json
import os

from arq.connections import RedisSettings
from arq.worker import Worker

from recorded import record as write


async def record(ctx, payload, headers):
    write(ctx["job_id"], payload, headers, job_try=ctx["job_try"])


def worker(**settings):
    return Worker(
        functions=[record],
        redis_settings=RedisSettings.from_dsn(os.environ["CWM_REDIS"]),
        poll_delay=0.05,
        handle_signals=False,
        **settings,
    )


async def run():
    with_json = worker(
        queue_name="json",
        job_serializer=lambda value: json.dumps(value).encode(),
        job_deserializer=json.loads,
    )
    with_pickle = worker()
    print("Taking tasks", flush=True)
    await asyncio.gather(with_pickle.async_run(), with_json.async_run())


asyncio.run(run())
