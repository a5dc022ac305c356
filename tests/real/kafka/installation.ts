/**
 * Apache Kafka from Maven, kept in the user's cache.
 *
 * @module
 */

import { installFromMaven, mavenClassPath } from "../maven.ts";

/** The version that tests run against. */
export const KAFKA_VERSION = "4.4.0";

const NAME = `kafka-${KAFKA_VERSION}`;

/** Where the server of this version is, for `java -cp`. */
export function classPath(): string {
  return mavenClassPath(NAME);
}

/** Downloads the server unless it is there. Returns why that is not possible, if so. */
export function installKafka(): Promise<string | undefined> {
  return installFromMaven(NAME, [
    ["org.apache.kafka", "kafka_2.13", KAFKA_VERSION],
    ["org.apache.kafka", "kafka-tools", KAFKA_VERSION],
    ["org.slf4j", "slf4j-nop", "1.7.36"],
  ]);
}
