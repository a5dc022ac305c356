/**
 * What the page of `websocket` says.
 *
 * @module
 */

import type { ModuleDocumentation } from "../documentation.ts";

/** The parts of the page. */
export const documentation: ModuleDocumentation = {
  description: [
    "Sends each event as a message over a WebSocket connection that is kept. What `delivered` means is up to the webhook:",
    "",
    "- `acknowledgement`: the peer has sent a JSON document with the event's id in it.",
    "- `wait_for_response`: the peer has sent any message after the event.",
    "- neither: the peer has answered a ping behind the event. **Its WebSocket library has read the message then; its",
    "  program may not have.**",
    "- `unconfirmed`: the message was handed to the network. **What is on its way when the connection breaks is lost.**",
    "",
    "An event may arrive more than once: its `event_id`, in the forms that have one, stays the same.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "websocket",
        "module-config": {
          url: "wss://feed.example.com/orders",
          format: "envelope",
          acknowledgement: { id: "/event_id", error: "/error" },
          headers: { authorization: "Bearer {$FEED_TOKEN}" },
        },
      },
    },
  },
  notes: [
    "Connections are opened to addresses that `allowed_hosts` permits, each time again; redirects and the proxies of the",
    "environment are not used. Messages are not compressed, and those of the peer may have 64 KiB. Up to 256 events or",
    "1 MiB are under way at once, with `wait_for_response` one.",
    "",
    "What happens to an event that does not arrive:",
    "",
    "- The handshake is refused (401, 403, 404, a redirect, another subprotocol), the connection breaks, is closed, or",
    "  cannot be opened: all that go there wait until it can be again.",
    "- The peer says that it did not take the event (`error`): it is tried again, by itself.",
    "- The peer closes the connection on a message with 1003, 1007 or 1009 (its kind, its content, its size): the message",
    "  is looked for in halves of the batch, and it alone is a dead letter. So is one that `max_message_bytes` does not allow.",
    "- The peer is silent: the connection is closed after `timeout`, or when pings are not answered, and opened again.",
    "",
    "Other than in the Python service, the connection is kept, the body's own text goes in, binary bodies are binary",
    "messages (`raw`) or Base64, credentials are not among the headers that go along, and `max_retries` has no effect.",
    "Tried with python3-websockets 10.4.",
  ],
};
