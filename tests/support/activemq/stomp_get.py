"""Takes messages out of a destination of ActiveMQ and prints them as JSON, bodies in base64."""

import base64
import json
import sys
import threading

import stomp

asked = json.load(sys.stdin)
messages = []
complete = threading.Event()


class Listener(stomp.ConnectionListener):
    def on_message(self, frame):
        body = frame.body if isinstance(frame.body, bytes) else frame.body.encode()
        messages.append({"headers": frame.headers, "body": base64.b64encode(body).decode()})
        if len(messages) == asked["count"]:
            complete.set()


connection = stomp.Connection12([("127.0.0.1", asked["port"])], auto_decode=False)
connection.set_listener("", Listener())
connection.connect("admin", asked["password"], wait=True)
connection.subscribe(asked["destination"], id=1)
if not complete.wait(60):
    raise SystemExit("not all messages came")
connection.disconnect()
json.dump(messages, sys.stdout)
