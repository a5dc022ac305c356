/** Disposes gateways in the midst of what they do: the sanitizers find whatever goes on afterwards. */

import { TestGateway, type TestGatewayOptions } from "../../support/gateway.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** A port that nothing listens on. */
const NOBODY = { host: "127.0.0.1", port: 1 };

/** What a gateway does when it is disposed. */
interface Situation {
  readonly options: TestGatewayOptions;
  /** How long it does it, in milliseconds. @default 0 and 5 */
  readonly pausesMs?: readonly number[];
  /** Makes it begin. */
  readonly begin?: (gateway: TestGateway) => Promise<unknown>;
}

const send = (gateway: TestGateway) => gateway.post("/webhook/a", "{}");

/** Webhooks over a connection whose first TLS files can be read and whose last one is missing. */
function overTls(
  module: string,
  config: unknown,
  connection: unknown,
  directory: TempDir,
): TestGatewayOptions {
  const pem = directory.file("large.pem");
  const tls = { ca: pem, cert: pem, key: directory.file("missing.pem") };
  return {
    webhooks: { a: { module, connection: "c", accept: "durable", "module-config": config } },
    connections: { c: { ...connection as Record<string, unknown>, tls } },
  };
}

const SITUATIONS: Readonly<Record<string, (directory: TempDir) => Situation>> = {
  "reads its files again": () => ({
    options: { webhooks: { a: { module: "log" } } },
    pausesMs: [0, 0, 10, 20, 40],
  }),
  "is asked to reload": () => ({
    options: { webhooks: { a: { module: "log" } } },
    begin: (gateway) => gateway.reload(),
  }),
  "counts connections": () => ({
    options: { webhooks: { a: { module: "log" } }, environment: { MAX_CONNECTIONS: "10" } },
    pausesMs: [498, 501],
  }),
  "opens Kafka over TLS": (directory) => ({
    options: overTls("kafka", { topic: "x" }, { type: "kafka", brokers: "127.0.0.1:1" }, directory),
    begin: send,
  }),
  "opens Redis over TLS": (directory) => ({
    options: overTls("redis_publish", { channel: "x" }, { type: "redis", ...NOBODY }, directory),
    begin: send,
  }),
  "looks at a table of ClickHouse over TLS": (directory) => ({
    options: overTls("clickhouse", { table: "x" }, { type: "clickhouse", ...NOBODY }, directory),
    begin: send,
  }),
  "reads secrets of files": ({ path }) => ({
    options: {
      webhooks: { a: { module: "log", authorization: "{$file:secret}" } },
      environment: { SECRETS_DIR: path },
    },
    begin: (gateway) => gateway.reload(),
  }),
  "logs in to Vault": (directory) => ({
    options: {
      webhooks: { a: { module: "log", authorization: "{$vault:a#b}" } },
      environment: {
        SECRETS_BACKEND: "vault",
        VAULT_ADDR: "https://127.0.0.1:1",
        VAULT_TOKEN_FILE: directory.file("secret"),
        VAULT_VERIFY: directory.file("large.pem"),
      },
    },
  }),
  "connects to etcd over TLS": (directory) => ({
    options: {
      environment: {
        CONFIG_BACKEND: "etcd",
        ETCD_HOST: "127.0.0.1",
        ETCD_PORT: "1",
        ETCD_CA_CERT: directory.file("large.pem"),
        ETCD_CLIENT_CERT: directory.file("large.pem"),
        ETCD_CLIENT_KEY: directory.file("missing.pem"),
      },
    },
  }),
};

for (const [what, situationIn] of Object.entries(SITUATIONS)) {
  Deno.test(`nothing goes on of a gateway that is disposed while it ${what}`, async (t) => {
    await using directory = await TempDir.create();
    await directory.writeText("large.pem", "not a certificate\n".repeat(20_000));
    await directory.writeText("secret", "Bearer a-secret-of-the-tests");
    const { options, pausesMs = [0, 5], begin } = situationIn(directory);
    for (const [index, pauseMs] of pausesMs.entries()) {
      await t.step(`after ${pauseMs} ms (${index + 1})`, async () => {
        const gateway = await TestGateway.start(options);
        // It may be broken off by the disposal.
        const begun = begin?.(gateway).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        await gateway[Symbol.asyncDispose]();
        await begun;
      });
    }
  });
}
