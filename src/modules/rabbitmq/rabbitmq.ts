/**
 * `rabbitmq`: publishes each event as a persistent message to a queue or an exchange of RabbitMQ, with the body exactly
 * as it was received. It counts as delivered when RabbitMQ has confirmed it and a queue has taken it.
 *
 * @module
 */

import { hostDestination } from "../../policy/destination.ts";
import type { DocumentedModule } from "../module.ts";
import { type RabbitmqConfig, rabbitmqConfigSchema } from "./config.ts";
import { type RabbitmqConnection, rabbitmqConnectionSchema } from "./connection.ts";

/** More under way at once are not faster: the server's processor is the limit from 64 on. */
const MAX_BATCH = 64;

/** Publishes events to RabbitMQ. */
export const rabbitmqModule: DocumentedModule<RabbitmqConfig, RabbitmqConnection> = {
  name: "rabbitmq",
  summary: "a queue or an exchange of RabbitMQ",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["rabbitmq"],
  configSchema: rabbitmqConfigSchema,
  connectionSchema: rabbitmqConnectionSchema,
  // The default exchange has queues under their names.
  destinations: ({ exchange, routingKey }) => [
    exchange.literal === ""
      ? { kind: "queues", name: routingKey.destination, key: "queue_name" }
      : { kind: "exchanges", name: `${exchange.destination}/${routingKey.destination}`, key: "exchange" },
  ],
  connectionDestinations: ({ host, port }) => [hostDestination(host, port, "host")],
  acceptance: "durable",
  reads: "bytes",
  maxBatch: MAX_BATCH,
  maxBatchBytes: 1024 * 1024,
  gathers: 2,
  batchKey: ({ target }) => target,
  open: async (connection, context) => {
    // Loaded when they are needed, since they load the client.
    const { RabbitmqOutput } = await import("./output.ts");
    const { nameOf, RabbitmqPublisher } = await import("./publisher.ts");
    return new RabbitmqOutput(new RabbitmqPublisher(connection, context), nameOf(connection));
  },
};
