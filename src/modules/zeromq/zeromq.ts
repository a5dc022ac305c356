/**
 * `zeromq`: sends each event to peers of ZeroMQ. With `REQ` and `DEALER` it counts as delivered when the peer has
 * answered; with `PUSH` and `PUB`, which have to be asked for with `unconfirmed`, when it is written to a connection.
 *
 * @module
 */

import { hostDestination } from "../../policy/destination.ts";
import type { DocumentedModule } from "../module.ts";
import { socketKey, type ZeromqConfig, zeromqConfigSchema } from "./config.ts";

/** The protocol knows no batches: what is handed over together shares a write. */
const MAX_BATCH = 64;
const MAX_BATCH_BYTES = 1024 * 1024;

/** Sends events to peers of ZeroMQ. */
export const zeromqModule: DocumentedModule<ZeromqConfig, undefined> = {
  name: "zeromq",
  summary: "a socket of ZeroMQ, whose peer answers",
  documentation: () => import("./documentation.ts"),
  connectionTypes: [],
  configSchema: zeromqConfigSchema,
  destinations: ({ socket: { endpoint } }) => [
    endpoint.kind === "ipc"
      ? { kind: "paths", name: endpoint.path, key: "endpoint" }
      : hostDestination(endpoint.host, endpoint.port, "endpoint"),
  ],
  acceptance: "durable",
  reads: "bytes",
  maxBatch: MAX_BATCH,
  maxBatchBytes: MAX_BATCH_BYTES,
  gathers: 4,
  concurrency: 16,
  partition: ({ socket }) => socketKey(socket),
  destination: ({ socket }) => socket.text,
  timeoutMs: ({ timeoutMs }) => timeoutMs,
  // At its address another socket of the kind is, that of the gateway.
  canBeAsked: ({ socket }) => !socket.binds,
  hasCheapProbe: true,
  open: async (_connection, context) => {
    const { ZeromqOutput } = await import("./output.ts");
    return new ZeromqOutput(context);
  },
};
