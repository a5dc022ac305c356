"""A peer made of Debian's python3-websockets. What it does with messages is said by the path of the connection:

/ack        answers with the id of the event, as an acknowledgement
/refused    answers with the id and an error
/answer     answers with a text
/silent     answers nothing; the library answers pings
/closing    closes the connection on each message
/picky      closes the connection on messages that have "poison" in them, with 1007, and answers others as /ack
/denied     refuses the handshake with 401, as all do whose Authorization is not that of the peer
/wrong      answers with the id of another event

Arguments: the port, and a file that gets a line of JSON for each message.
"""

import asyncio
import base64
import http
import json
import sys

import websockets

LONGEST = 4 * 1024 * 1024


def note(recorded, socket, message):
    is_text = isinstance(message, str)
    entry = {
        "path": socket.path,
        "is_text": is_text,
        "data": message if is_text else base64.b64encode(message).decode(),
        "subprotocol": socket.subprotocol,
        "connection": str(socket.id),
        "authorization": socket.request_headers.get("Authorization"),
    }
    recorded.write(json.dumps(entry) + "\n")
    recorded.flush()


async def answer(socket, message):
    path = socket.path
    if path in ("/ack", "/picky"):
        await socket.send(json.dumps({"event_id": json.loads(message)["event_id"], "error": False}))
    elif path == "/refused":
        await socket.send(json.dumps({"event_id": json.loads(message)["event_id"], "error": "no room"}))
    elif path == "/wrong":
        await socket.send(json.dumps({"event_id": "another"}))
    elif path == "/answer":
        await socket.send("thanks")
    elif path == "/closing":
        await socket.close(1011)


async def serve(recorded, socket):
    async for message in socket:
        if socket.path == "/picky" and "poison" in message:
            await socket.close(1007)
            return
        note(recorded, socket, message)
        await answer(socket, message)


async def shake_hands(path, headers):
    if path == "/denied" and headers.get("Authorization") != "Bearer peer-s3cret":
        return http.HTTPStatus.UNAUTHORIZED, [], b""
    return None


async def main():
    port, path = sys.argv[1:]
    with open(path, "a") as recorded:
        async with websockets.serve(
            lambda socket: serve(recorded, socket),
            "127.0.0.1",
            int(port),
            max_size=LONGEST,
            subprotocols=["cwm.v2", "cwm.v1"],
            process_request=shake_hands,
        ):
            print("Taking messages", flush=True)
            await asyncio.Future()


asyncio.run(main())
