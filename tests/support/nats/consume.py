"""Prints the messages of a stream, in its order, one JSON line each: consume.py PORT STREAM COUNT."""

import asyncio
import base64
import json
import sys

import nats


async def main(port: str, stream: str, count: int) -> None:
    connection = await nats.connect(f"nats://127.0.0.1:{port}")
    consumer = await connection.jetstream().pull_subscribe("", durable="consumer", stream=stream)
    for message in await consumer.fetch(count, timeout=30):
        await message.ack()
        line = {
            "subject": message.subject,
            "headers": dict(message.headers or {}),
            "body": base64.b64encode(message.data).decode(),
        }
        print(json.dumps(line), flush=True)
    await connection.close()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
