"""A worker of Dramatiq in a namespace, with one actor."""

import os
import signal

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage

from recorded import record as write

broker = RedisBroker(url=os.environ["CWM_REDIS"], namespace=os.environ["CWM_KEY_PREFIX"])
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="high")
def record(payload, headers):
    message = CurrentMessage.get_current_message()
    options = {name: message.options.get(name) for name in ("time_limit", "max_age", "max_retries")}
    write(message.message_id, payload, headers, queue=message.queue_name, **options)


worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=1)
worker.start()
print("Taking tasks", flush=True)
signal.pause()
