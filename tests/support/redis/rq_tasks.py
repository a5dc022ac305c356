"""Functions for `rq worker` to run: `shop.tasks` of the tests.

Each line that is recorded is a JSON object. A payload is written as JSON within it, in a string, so that its
numbers do not pass through a parser of another language; bytes are written in Base64.
"""

import base64
import json
import os

from rq import get_current_job


def record(payload, headers):
    record_as(
        base64.b64encode(payload).decode() if isinstance(payload, bytes) else json.dumps(payload),
        payload,
        headers,
    )


def record_depth(payload, headers):
    """Records how deep lists are nested, of which there may be more than json.dumps can follow."""
    depth = 0
    value = payload
    while value is not None:
        depth += 1
        value = value[0] if value else None
    record_as(str(depth), payload, headers)


def record_as(shown, payload, headers):
    job = get_current_job()
    line = json.dumps({
        "type": type(payload).__name__,
        "payload": shown,
        "headers": headers,
        "job": {
            "id": job.id,
            "description": job.description,
            "origin": job.origin,
            "created_at": job.created_at.isoformat(),
            "timeout": job.timeout,
            "result_ttl": job.result_ttl,
            "failure_ttl": job.failure_ttl,
            "ttl": job.ttl,
            "meta": job.meta,
        },
    })
    with open(os.environ["CWM_RECORDED"], "a", encoding="utf-8") as file:
        file.write(line + "\n")


def fail_twice(payload, headers):
    """Fails in the first two runs of a job, and records the third."""
    job = get_current_job()
    if job.retries_left:
        raise ValueError("This run fails")
    record(payload, headers)


def fail(payload, headers):
    raise ValueError("This function always fails")
