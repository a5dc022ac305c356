/**
 * Opens producers: what the rest of the gateway needs to know of this folder.
 *
 * @module
 */

import type { KafkaConnection } from "./connection.ts";
import { loadTls } from "../../io/tls.ts";
import { BrokerConnection } from "./producer/broker_connection.ts";
import { KafkaProducer, type ProducerBounds, type ProducerEvents } from "./producer/producer.ts";

/** Makes a producer. It connects when it is first used. */
export function openProducer(
  connection: KafkaConnection,
  bounds: ProducerBounds,
  events: ProducerEvents,
): KafkaProducer {
  const { brokers, metadataMaxAgeMs, clientId, sasl } = connection;
  return new KafkaProducer({
    brokers,
    metadataMaxAgeMs,
    bounds,
    events,
    open: async (address, signal) => {
      // Read each time: certificates are replaced while the gateway runs.
      const tls = connection.tls === undefined ? undefined : await loadTls(connection.tls, signal);
      return await BrokerConnection.open(address, { clientId, tls, sasl }, signal);
    },
  });
}
