"""A Celery application with a key prefix."""

import os

from celery import Celery

from recorded import record as write

app = Celery("shop", broker=os.environ["CWM_REDIS"])
app.conf.broker_transport_options = {"global_keyprefix": os.environ["CWM_KEY_PREFIX"]}
app.conf.broker_connection_retry_on_startup = True


@app.task(name="shop.tasks.record", bind=True)
def record(self, payload, headers):
    write(
        self.request.id,
        payload,
        headers,
        timelimit=self.request.timelimit,
        expires=self.request.expires is not None,
        queue=self.request.delivery_info["routing_key"],
    )
