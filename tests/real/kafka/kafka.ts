/**
 * Apache Kafka from Maven. Each test starts a cluster of its own.
 *
 * @module
 */

import type { RealSystem } from "../real_system.ts";
import { installKafka, KAFKA_VERSION } from "./installation.ts";

/** The row of the table. */
export const kafka: RealSystem = {
  name: "kafka",
  files: [
    "tests/real/kafka/kafka_connections_test.ts",
    "tests/real/kafka/kafka_isolation_test.ts",
    "tests/real/kafka/kafka_ledger_test.ts",
    "tests/real/kafka/kafka_situations_test.ts",
  ],
  async prepare() {
    const obstacle = await installKafka();
    if (obstacle !== undefined) return obstacle;
    return {
      version: `Apache Kafka ${KAFKA_VERSION}`,
      env: {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
