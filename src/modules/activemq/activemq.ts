/**
 * `activemq`: sends each event to a queue or a topic of ActiveMQ over STOMP 1.2, with the body as it was received. It
 * counts as delivered when the broker has answered with a receipt: a persistent message is in its store then.
 *
 * @module
 */

import { hostDestination } from "../../policy/destination.ts";
import type { DocumentedModule } from "../module.ts";
import { type ActivemqConfig, activemqConfigSchema } from "./config.ts";
import { type ActivemqConnection, activemqConnectionSchema } from "./connection.ts";

/** Two batches of so many are under way at once: more receipts that are waited for make nothing faster. */
const MAX_BATCH = 32;
const BATCHES = 2;

/** Sends events to ActiveMQ. */
export const activemqModule: DocumentedModule<ActivemqConfig, ActivemqConnection> = {
  name: "activemq",
  summary: "a queue or a topic of ActiveMQ",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["activemq"],
  configSchema: activemqConfigSchema,
  connectionSchema: activemqConnectionSchema,
  forWebhook: (config, { dataType }) =>
    config.messageType === undefined
      ? { ...config, messageType: dataType === "json" ? "text" : "bytes" }
      : config,
  destinations: ({ destination }) => {
    const [, type, name = ""] = /^\/(queue|topic)\/(.*)$/s.exec(destination) ?? [];
    return [{ kind: type === "topic" ? "topics" : "queues", name, key: "destination" }];
  },
  connectionDestinations: ({ host, port }) => [hostDestination(host, port, "host")],
  acceptance: "durable",
  reads: "bytes",
  maxBatch: MAX_BATCH,
  maxBatchBytes: 1024 * 1024,
  gathers: BATCHES,
  concurrency: BATCHES,
  // A broker says nothing for as long as a queue is full: the others have connections of their own.
  partition: ({ destination }) => destination,
  destination: ({ destination }) => destination,
  open: async (connection, context) => {
    const { ActivemqOutput } = await import("./output.ts"); // It loads the client.
    return new ActivemqOutput(connection, context);
  },
};
