/**
 * What a new webhook says of its output, for each module.
 *
 * @module
 */

import type { ModuleDocumentation } from "../../modules/documentation.ts";
import { findModule } from "../../modules/module.ts";
import { outputModules } from "../../modules/registry.ts";

/** The keys of a webhook that choose its output, and the connections that it names. */
export interface OutputSample {
  readonly webhook: Readonly<Record<string, unknown>>;
  readonly connections: Readonly<Record<string, unknown>>;
  /** What has to be there before events arrive, as a sentence; `undefined` where that is nothing. */
  readonly needs?: string;
}

/** What a connection to AWS has to say, whatever the service. */
const AWS_KEYS = {
  region: "eu-central-1",
  aws_access_key_id: "{$AWS_ACCESS_KEY_ID:an-access-key}",
  aws_secret_access_key: "{$AWS_SECRET_ACCESS_KEY:its-secret}",
} as const;

/** By the names of modules. @param name of the webhook */
const SAMPLES: Readonly<Record<string, (name: string) => OutputSample>> = {
  log: () => ({ webhook: { module: "log" }, connections: {} }),
  save_to_disk: () => ({
    webhook: { module: "save_to_disk", "module-config": { path: "events" } },
    connections: {},
  }),
  http_webhook: () => ({
    webhook: { module: "http_webhook", "module-config": { url: "https://receiver.example.com/hooks" } },
    connections: {},
    needs: "Put the address of your service in the place of https://receiver.example.com/hooks",
  }),
  kafka: (name) => ({
    webhook: { module: "kafka", connection: "kafka", "module-config": { topic: name } },
    connections: { kafka: { type: "kafka", bootstrap_servers: "localhost:9092" } },
    needs: `Create the topic '${name}', and name your brokers in connections.json`,
  }),
  mqtt: (name) => ({
    webhook: { module: "mqtt", connection: "mqtt", "module-config": { topic: `webhooks/${name}` } },
    connections: { mqtt: { type: "mqtt", host: "localhost" } },
    needs: "Name your broker in connections.json",
  }),
  aws_sqs: (name) => ({
    webhook: { module: "aws_sqs", connection: "aws_sqs", "module-config": { queue_name: name } },
    connections: {
      aws_sqs: { type: "aws_sqs", ...AWS_KEYS },
    },
    needs: `Create the queue '${name}', and name your region and keys in connections.json`,
  }),
  nats: (name) => ({
    webhook: { module: "nats", connection: "nats", "module-config": { subject: `webhooks.${name}` } },
    connections: { nats: { type: "nats", servers: "localhost:4222" } },
    needs:
      `Make a stream that takes the subject 'webhooks.${name}', and name your servers in connections.json`,
  }),
  gcp_pubsub: (name) => ({
    webhook: { module: "gcp_pubsub", connection: "pubsub", "module-config": { topic: `webhook-${name}` } },
    connections: {
      pubsub: { type: "gcp_pubsub", project_id: "my-project", credentials_path: "pubsub-key.json" },
    },
    needs: `Create the topic 'webhook-${name}', and name your project and key file in connections.json`,
  }),
  activemq: (name) => ({
    webhook: { module: "activemq", connection: "activemq", "module-config": { destination: name } },
    connections: { activemq: { type: "activemq", host: "localhost" } },
    needs: "Name your ActiveMQ and its user in connections.json",
  }),
  zeromq: () => ({
    webhook: {
      module: "zeromq",
      "module-config": { endpoint: "tcp://localhost:5555", socket_type: "DEALER" },
    },
    connections: {},
    needs: "Put your peer's address in the place of tcp://localhost:5555, and have it answer each message",
  }),
  rabbitmq: (name) => ({
    webhook: { module: "rabbitmq", connection: "rabbitmq", "module-config": { queue_name: name } },
    connections: { rabbitmq: { type: "rabbitmq", host: "localhost" } },
    needs: "Name your RabbitMQ and its user in connections.json",
  }),
  redis_rq: () => ({
    webhook: {
      module: "redis_rq",
      connection: "redis",
      "module-config": { function: "app.tasks.handle_event", queue_name: "default" },
    },
    connections: { redis: { type: "redis-rq", host: "localhost" } },
    needs: "Name the function of your workers in webhooks.json, and your Redis in connections.json",
  }),
  task_queue: () => ({
    webhook: {
      module: "task_queue",
      connection: "redis",
      "module-config": { protocol: "celery", function: "app.tasks.handle_event" },
    },
    connections: { redis: { type: "redis-rq", host: "localhost" } },
    needs: "Name your workers' protocol and function in webhooks.json, and your Redis in connections.json",
  }),
  redis_publish: (name) => ({
    webhook: { module: "redis_publish", connection: "redis", "module-config": { channel: name } },
    connections: { redis: { type: "redis", host: "localhost" } },
    needs: "Name your Redis in connections.json",
  }),
  redis_stream: (name) => ({
    webhook: { module: "redis_stream", connection: "redis", "module-config": { stream: name } },
    connections: { redis: { type: "redis", host: "localhost" } },
    needs: "Name your Redis in connections.json",
  }),
  postgresql: () => ({
    webhook: {
      module: "postgresql",
      connection: "postgresql",
      "module-config": { table: "webhook_events", create_table: true },
    },
    connections: {
      postgresql: { type: "postgresql", host: "localhost", database: "postgres", user: "postgres" },
    },
    needs: "Name your server, database and user in connections.json",
  }),
  clickhouse: () => ({
    webhook: { module: "clickhouse", connection: "clickhouse", "module-config": { table: "webhook_logs" } },
    connections: { clickhouse: { type: "clickhouse", host: "localhost" } },
    needs: "Create the table webhook_logs, or set create_table, and name your server in connections.json",
  }),
  mysql: () => ({
    webhook: {
      module: "mysql",
      connection: "mysql",
      "module-config": { table: "webhook_events", create_table: true },
    },
    connections: { mysql: { type: "mysql", host: "localhost", database: "webhooks", user: "root" } },
    needs: "Name your server, database, user and password in connections.json",
  }),
  kinesis: (name) => ({
    webhook: { module: "kinesis", connection: "kinesis", "module-config": { stream: name } },
    connections: { kinesis: { type: "kinesis", ...AWS_KEYS } },
    needs: `Create the stream '${name}', and name your region and keys in connections.json`,
  }),
  eventbridge: () => ({
    webhook: { module: "eventbridge", connection: "eventbridge" },
    connections: { eventbridge: { type: "eventbridge", ...AWS_KEYS } },
    needs: "Make a rule of the bus 'default' for them, and name your region and keys in connections.json",
  }),
  s3: (name) => ({
    webhook: { module: "s3", connection: "s3", "module-config": { bucket: "my-bucket", prefix: name } },
    connections: { s3: { type: "s3", ...AWS_KEYS } },
    needs: "Name your bucket in webhooks.json, and your region and keys in connections.json",
  }),
  websocket: () => ({
    webhook: {
      module: "websocket",
      "module-config": {
        url: "wss://receiver.example.com/events",
        format: "envelope",
        acknowledgement: { id: "/event_id", error: "/error" },
      },
    },
    connections: {},
    needs:
      "Put the address of your service in the place of wss://receiver.example.com/events, and have it answer each message",
  }),
  webhook_connect: (name) => ({
    webhook: {
      module: "webhook_connect",
      "module-config": {
        channel: name,
        channel_token: `{$${name.toUpperCase().replaceAll("-", "_")}_CHANNEL_TOKEN:${randomText()}}`,
      },
    },
    connections: {},
    needs: "Start a connector with the same channel and token: see cwm connector --help",
  }),
};

/** Every module that a new webhook may have. */
export const OUTPUT_NAMES: readonly string[] = outputModules.map(({ name }) => name);

/**
 * What a webhook says of its output: of modules that have no sample here, what the example of their page says.
 *
 * @param module one of {@linkcode OUTPUT_NAMES}
 */
export async function outputSample(module: string, name: string): Promise<OutputSample> {
  const sample = SAMPLES[module];
  if (sample !== undefined) return sample(name);
  return exampleSample((await findModule(outputModules, module)!.documentation()).documentation);
}

/** A variable, such as that of a password, that has nothing to stand in for it as long as it is not set. */
const BARE_VARIABLE = /\{\$((?:env:)?\w+)\}/g;

/** The example of a page as a sample. For variables that are not set a random text stands in. */
export function exampleSample({ example }: Pick<ModuleDocumentation, "example">): OutputSample {
  const instead = randomText();
  const [webhook, connections] = JSON.parse(
    JSON.stringify([Object.values(example.webhooks)[0], example.connections ?? {}]),
    (_key, value) => typeof value === "string" ? value.replaceAll(BARE_VARIABLE, `{$$$1:${instead}}`) : value,
  );
  return { webhook, connections, needs: "Put your own values in the place of the examples in both files" };
}

/** A text that nobody guesses: 256 random bits in hexadecimal. */
export function randomText(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
