/**
 * What the page of `zeromq` says.
 *
 * @module
 */

import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Sends each event as a message of ZeroMQ (ZMTP 3.0, mechanism NULL). With `REQ` and `DEALER` **it is delivered when the",
    "peer has answered it**. The answer's first frame says how: one that begins with `error` has the event tried again, one",
    "that begins with `reject` makes it a dead letter, and any other one, also an empty one, is a confirmation.",
    "",
    "**`PUSH` and `PUB` promise nothing.** A message that was written to a connection is in buffers of two machines, and is",
    "lost with the peer or the network; no journal knows of it. `PUB` also passes over subscribers that do not keep up. They",
    "have to be asked for with `unconfirmed: true`. An event for which there is no peer, or no subscriber, is tried again.",
    "",
    "A message has three frames: the webhook's id, which `PUB`'s subscribers choose by, the event's id and the body as it",
    "was received. An event may come more than once, with the same id.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "zeromq",
        "module-config": { endpoint: "tcp://worker.internal:5555", socket_type: "DEALER" },
      },
      news: {
        module: "zeromq",
        "module-config": { endpoint: "tcp://*:5556", socket_type: "PUB", bind: true, unconfirmed: true },
      },
    },
  },
  notes: [
    "## What the peer has to do",
    "",
    "- `REQ`: a `REP` gets the frames, and sends an answer. The next message waits for it.",
    "- `DEALER`: a `REP` does the same. A `ROUTER` gets `[peer, number, empty, frames…]`, and sends",
    "  `[peer, number, empty, answer]`; it may answer in any order.",
    "- `PUSH`: a `PULL`. `PUB`: a `SUB` that has subscribed to the webhook's id, or to everything.",
    "",
    "With `bind` peers come to the gateway. `REQ`, `DEALER` and `PUSH` go to the one with the least to do. The gateway binds",
    "when it has the first event, which is tried again until a peer has come.",
    "",
    "## What happens to an event that is not taken",
    "",
    "| The peer says, or does | The event |",
    "| --- | --- |",
    "| answers `error…` | is tried again |",
    "| answers `reject…` | is a dead letter |",
    "| does not answer within `timeout`, or takes nothing of what is written | is tried again |",
    "| is not there, closes the connection, has a socket of the wrong kind, asks for PLAIN, CURVE or GSSAPI | is tried again, and the output pauses |",
    "",
    "CURVE is not spoken, and nothing falls back: a peer that asks for it gets no event. There is no encryption and no login;",
    "let only trusted networks reach the socket. Answers have at most 1 MiB and 64 frames.",
    "",
    "The Python service always bound its socket, whatever `bind` said, refused private addresses, and sent one frame with the",
    "body written again (`single_frame`). Its `REQ` never read an answer, so the second message failed. `inproc` reaches",
    "nobody, there as here, and is a problem. `cwm check --probe` probes connections, and this module has none.",
  ],
};
