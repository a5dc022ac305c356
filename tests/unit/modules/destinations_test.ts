/** That every module says where its events go. What that is, the tests of policies show. */

import { assert, assertEquals } from "@std/assert";
import { DESTINATION_KINDS } from "../../../src/policy/destination.ts";
import { outputModules, outputModulesWithin } from "../../../src/modules/registry.ts";

/** A configuration of each module, and a connection of each that has one: as short as they can be. */
const CONFIGS: Readonly<Record<string, readonly [config: unknown, connection?: unknown]>> = {
  activemq: [{ destination: "q" }, { host: "h" }],
  aws_sqs: [{ queue_name: "q" }, { aws_access_key_id: "a", aws_secret_access_key: "s" }],
  clickhouse: [{}, { host: "h" }],
  eventbridge: [{}, { aws_access_key_id: "a", aws_secret_access_key: "s" }],
  gcp_pubsub: [{ topic: "topic" }, { project_id: "a-project", emulator_host: "h:8085" }],
  http_webhook: [{ url: "https://h.example" }],
  kafka: [{ topic: "t" }, { bootstrap_servers: "h" }],
  kinesis: [{ stream: "s" }, { aws_access_key_id: "a", aws_secret_access_key: "s" }],
  log: [{}],
  mqtt: [{ topic: "t" }, { host: "h" }],
  mysql: [{ table: "t" }, { host: "h" }],
  nats: [{ subject: "s" }, { servers: "h" }],
  postgresql: [{ table: "t" }, { host: "h" }],
  rabbitmq: [{ queue_name: "q" }, { host: "h" }],
  redis_publish: [{}, { host: "h" }],
  redis_rq: [{ function: "a.b" }, { host: "h" }],
  redis_stream: [{ stream: "s" }, { host: "h" }],
  s3: [{ bucket: "bucket" }, { aws_access_key_id: "a", aws_secret_access_key: "s" }],
  save_to_disk: [{ base_dir: "/data" }],
  task_queue: [{ protocol: "celery", function: "a.b" }, { host: "h" }],
  webhook_connect: [{ channel: "c", channel_token: "a-token-of-the-channel" }],
  websocket: [{ url: "wss://h.example", unconfirmed: true }],
  zeromq: [{ endpoint: "tcp://h:5555", socket_type: "REQ" }],
};

/** Modules that hand events to nobody. */
const NOWHERE = ["log"];

Deno.test("every output module says where its events go, and where its connections lead", () => {
  const kinds = [...DESTINATION_KINDS, "directories"] as readonly string[];
  for (const module of outputModules) {
    const [config, connection] = CONFIGS[module.name] ?? [];
    assert(config !== undefined, `${module.name} has no line here`);
    const destinations = module.destinations(module.configSchema.parse(config));
    assertEquals(destinations.length > 0, !NOWHERE.includes(module.name), module.name);
    for (const { kind, name } of destinations) assert(kinds.includes(kind) && name !== "", module.name);
    assertEquals(module.connectionTypes.length > 0, connection !== undefined, module.name);
    if (connection === undefined) continue;
    const parsed = module.connectionSchema!.parse(connection);
    const hosts = module.connectionDestinations?.(parsed) ?? [];
    assert(hosts.length > 0 && hosts.every(({ kind }) => kind === "hosts" || kind === "paths"), module.name);
  }
});

Deno.test("a module says the same within the bounds of the settings", () => {
  const bounds = { directories: ["/data"], functions: ["a.*"], tasks: ["a.*"], pubsubEmulator: "h:1" };
  for (const module of outputModulesWithin(bounds)) assert(module.destinations !== undefined, module.name);
});
