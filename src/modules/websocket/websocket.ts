/**
 * `websocket`: sends each event as a message over a WebSocket connection that is kept, and waits for what shows that it
 * has arrived: an answer, an acknowledgement with its id, or at least the answer to a ping behind it.
 *
 * @module
 */

import { authorityOf } from "../../io/address.ts";
import type { DocumentedModule } from "../module.ts";
import { type WebsocketConfig, websocketConfigSchema } from "./config.ts";

/** Sends events over WebSockets. */
export const websocketModule: DocumentedModule<WebsocketConfig, undefined> = {
  name: "websocket",
  summary: "a message over a WebSocket",
  documentation: () => import("./documentation.ts"),
  connectionTypes: [],
  configSchema: websocketConfigSchema,
  destinations: ({ asked }) => asked,
  acceptance: "durable",
  reads: "bytes",
  forWebhook: (config, { dataType }) => dataType === "json" ? config : { ...config, isBlob: true },
  partition: ({ identity }) => identity,
  destination: ({ destination: { protocol, hostname, port } }) =>
    `${protocol === "https:" ? "wss" : "ws"}://${authorityOf(hostname, port)}`,
  // One batch of a connection at a time: where it ends, what ended it is in that batch.
  concurrency: 1,
  gathers: 1,
  maxBatch: 256,
  maxBatchBytes: 1024 * 1024,
  timeoutMs: ({ timeoutMs }) => timeoutMs,
  open: async (_, context) => {
    const { WebsocketOutput } = await import("./output.ts"); // Not for those who do not use it: it loads the client.
    return new WebsocketOutput(context);
  },
};
