"""A peer of ZeroMQ with Debian's libzmq: peer.py KIND ENDPOINT FILE ANSWER [bind] [subscriptions].

Writes each message to FILE, a JSON line with its frames in hexadecimal, before it answers. One of a single frame is
answered with "reject".
"""

import json
import os
import sys

import zmq

kind, endpoint, path, answer, way = sys.argv[1:6]
context = zmq.Context()
socket = context.socket(getattr(zmq, kind))
socket.setsockopt(zmq.LINGER, 0)
if kind == "SUB":
    for topic in sys.argv[6:]:
        socket.setsockopt_string(zmq.SUBSCRIBE, topic)
if way == "curve":
    public, secret = zmq.curve_keypair()
    socket.curve_secretkey, socket.curve_publickey, socket.curve_server = secret, public, True
if way == "connect":
    socket.connect(endpoint)
else:
    socket.bind(endpoint)
print("ready", flush=True)

with open(path, "ab", buffering=0) as file:
    while True:
        frames = socket.recv_multipart()
        # A router gets who has sent it and the way back first.
        front = frames[: frames.index(b"") + 1] if kind == "ROUTER" else []
        body = frames[len(front) :]
        os.write(file.fileno(), (json.dumps([frame.hex() for frame in body]) + "\n").encode())
        if kind in ("REP", "ROUTER"):
            reply = "reject" if len(body) == 1 else answer
            if reply != "silent":
                socket.send_multipart(front + [reply.encode()])
