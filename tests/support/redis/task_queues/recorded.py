"""What the functions of the tests' workers write down of a call: a line of JSON each.

A payload is written as JSON within it, in a string, so that its numbers do not pass through a parser of another
language; bytes are written in Base64.
"""

import base64
import json
import os


def record(task_id, payload, headers, **more):
    if isinstance(payload, bytes):
        shown = base64.b64encode(payload).decode()
    else:
        shown = json.dumps(payload)
    line = json.dumps(
        {"type": type(payload).__name__, "payload": shown, "headers": headers, "id": task_id, "more": more}
    )
    with open(os.environ["CWM_RECORDED"], "a", encoding="utf-8") as file:
        file.write(line + "\n")
