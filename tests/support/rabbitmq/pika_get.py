"""Takes all messages out of a queue of RabbitMQ and prints them as JSON, bodies in base64."""

import base64
import json
import sys

import pika

asked = json.load(sys.stdin)
connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", asked["port"]))
channel = connection.channel()
messages = []
while True:
    method, properties, body = channel.basic_get(asked["queue"], auto_ack=True)
    if method is None:
        break
    messages.append({
        "body": base64.b64encode(body).decode(),
        "exchange": method.exchange,
        "routing_key": method.routing_key,
        "redelivered": method.redelivered,
        "properties": {name: value for name, value in vars(properties).items() if value is not None},
    })
connection.close()
json.dump(messages, sys.stdout)
