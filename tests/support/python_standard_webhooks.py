"""Says of each delivery on standard input whether the library of Standard Webhooks takes it.

Input: {"path": folder of the library, "deliveries": [{"secret", "headers", "body"}, ...]}
Output: a list with "" for each that is taken, and the name of the error for each that is not.
"""

import json
import sys

task = json.load(sys.stdin)
sys.path.insert(0, task["path"])

from standardwebhooks.webhooks import Webhook  # noqa: E402


def verdict(delivery):
    try:
        Webhook(delivery["secret"]).verify(delivery["body"], delivery["headers"], json_parse=False)
    except Exception as error:
        return type(error).__name__
    return ""


print(json.dumps([verdict(delivery) for delivery in task["deliveries"]]))
