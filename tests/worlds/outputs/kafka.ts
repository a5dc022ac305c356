import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { KAFKA_API, KAFKA_ERROR, KafkaServer } from "../../support/kafka/server.ts";

/** Two brokers. */
export const world: OutputWorld = { setUp };

async function setUp(): Promise<OutputUnderTest> {
  const kafka = await KafkaServer.start({ brokers: 2 });
  await kafka.createTopic("orders", 3);
  await kafka.setTopicError("missing", KAFKA_ERROR.unknownTopicOrPartition);
  await kafka.setTopicError("closed", KAFKA_ERROR.topicAuthorizationFailed);
  const config = { topic: "orders", key: { header: "x-order" } };
  const answer = (code: number) => () => kafka.failRequests(KAFKA_API.produce, [code]);
  return {
    connection: { bootstrap_servers: kafka.bootstrap },
    config,
    failures: [
      {
        when: "the topic is missing",
        disposition: "retry",
        config: { topic: "missing" },
        probed: /Topic missing: .*UNKNOWN_TOPIC/,
      },
      {
        when: "the topic is closed to the gateway",
        disposition: "retry",
        config: { topic: "closed" },
        probed: /Topic closed: .*AUTHORIZATION/,
      },
      {
        when: "the partition is missing",
        disposition: "retry",
        config: { ...config, partition: 3 },
        probed: /Topic orders, partition 3/,
      },
      {
        when: "the record is too large",
        disposition: "dead_letter",
        arrange: answer(KAFKA_ERROR.messageTooLarge),
      },
      {
        when: "the record is not valid",
        disposition: "dead_letter",
        arrange: answer(KAFKA_ERROR.invalidRecord),
      },
      {
        when: "too few replicas are in step",
        disposition: "retry",
        arrange: answer(KAFKA_ERROR.notEnoughReplicas),
      },
      { when: "the brokers are down", disposition: "retry", arrange: () => kafka.takeDown() },
    ],
    received: async () => {
      const records = await kafka.consume("orders");
      return records.map(({ headers, value }) => ({
        id: new Map(headers).get("cwm-event-id") ?? "",
        body: value,
      }));
    },
    stall: () => kafka.freeze(),
    goOn: () => kafka.thaw(),
    impatient: { config: { timeout: 0.5 } },
    takeDown: () => kafka.takeDown(),
    restore: () => kafka.bringUp(),
    [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
  };
}
