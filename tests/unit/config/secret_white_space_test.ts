import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { compileConnection, compileWebhook } from "../../../src/config/compile/compiler.ts";
import type { Compiled } from "../../../src/config/problem.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { isSensitiveName } from "../../../src/observability/redaction.ts";

const SECRETS = ["pa55word\n", "pa55word\r\n", " pa55word", "pa55word\t", "\u00a0pa55word", "pa55word\n\n"];

/** As long as a key has to be for the shortest hash of a token, and in the form of Standard Webhooks. */
const LONG_SECRET = "whsec_pa55wordMfKQ9r8GKYqrTwjUPD8ILPZI";

const webhook = (value: Record<string, unknown>) => ({ module: "log", ...value });
const output = (module: string, config: Record<string, unknown>) => ({ module, "module-config": config });

/** A value for every place of a secret, by where that is. */
const WEBHOOKS: Readonly<Record<string, unknown>> = {
  authorization: webhook({ authorization: "Bearer {$SECRET}" }),
  "basic_auth.password": webhook({ basic_auth: { username: "u", password: "{$SECRET}" } }),
  "digest_auth.password": webhook({ digest_auth: { username: "u", password: "{$SECRET}" } }),
  "header_auth.api_key": webhook({ header_auth: { api_key: "{$SECRET}" } }),
  "query_auth.api_key": webhook({ query_auth: { api_key: "{$SECRET}" } }),
  "oauth1.consumer_key": webhook({ oauth1: { consumer_key: "{$SECRET}", consumer_secret: "s" } }),
  "oauth1.consumer_secret": webhook({ oauth1: { consumer_key: "k", consumer_secret: "{$SECRET}" } }),
  "oauth1.token": webhook({ oauth1: { consumer_key: "k", consumer_secret: "s", token: "{$SECRET}" } }),
  "oauth1.token_secret": webhook({
    oauth1: { consumer_key: "k", consumer_secret: "s", token_secret: "{$SECRET}" },
  }),
  "recaptcha.secret_key": webhook({ recaptcha: { secret_key: "{$SECRET}" } }),
  "hmac.secret": webhook({ hmac: { secret: "{$SECRET}" } }),
  "jwt.secret": webhook({ jwt: { secret: "{$SECRET}" } }),
  "oauth2.jwt_secret": webhook({ oauth2: { jwt_secret: "{$SECRET}" } }),
  "oauth2.client_secret": webhook({
    oauth2: { introspection_endpoint: "https://example.com", client_id: "c", client_secret: "{$SECRET}" },
  }),
  "module-config.channel_token": output("webhook_connect", { channel: "c", channel_token: "{$SECRET}" }),
  "module-config.channel_token.0": output("webhook_connect", { channel: "c", channel_token: ["{$SECRET}"] }),
  "module-config.headers.X-Api-Key": output("http_webhook", {
    url: "https://example.com",
    headers: { "X-Api-Key": "{$SECRET}" },
  }),
  "module-config.auth.bearer.token": output("http_webhook", {
    url: "https://example.com",
    auth: { bearer: "{$SECRET}" },
  }),
  "module-config.auth.basic.password": output("http_webhook", {
    url: "https://example.com",
    auth: { basic: { username: "u", password: "{$SECRET}" } },
  }),
  "module-config.auth.oauth2.client_secret": output("http_webhook", {
    url: "https://example.com",
    auth: { oauth2: { token_url: "https://example.com", client_id: "c", client_secret: "{$SECRET}" } },
  }),
  "module-config.sign.secret": output("http_webhook", {
    url: "https://example.com",
    sign: { secret: "{$SECRET}" },
  }),
};

const AWS_KEYS = { aws_access_key_id: "k", aws_secret_access_key: "s" };
const AWS_SECRETS = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
const AWS_CONNECTIONS = ["aws_sqs", "eventbridge", "kinesis", "s3"].flatMap((type) =>
  AWS_SECRETS.map((key) => [`${type} ${key}`, { ...AWS_KEYS, [key]: "{$SECRET}" }])
);

const CONNECTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ...Object.fromEntries(AWS_CONNECTIONS),
  "redis-rq password": { host: "h", password: "{$SECRET}" },
  "redis password": { host: "h", password: "{$SECRET}" },
  "redis-publish password": { host: "h", password: "{$SECRET}" },
  "redis-rq sentinel_password": { sentinels: "s", master: "m", sentinel_password: "{$SECRET}" },
  "redis sentinel_password": { sentinels: "s", master: "m", sentinel_password: "{$SECRET}" },
  "redis-publish sentinel_password": { sentinels: "s", master: "m", sentinel_password: "{$SECRET}" },
  "rabbitmq pass": { pass: "{$SECRET}" },
  "rabbitmq password": { password: "{$SECRET}" },
  "clickhouse password": { password: "{$SECRET}" },
  "mqtt password": { password: "{$SECRET}" },
  "mysql password": { password: "{$SECRET}" },
  "mariadb password": { password: "{$SECRET}" },
  "nats password": { username: "u", password: "{$SECRET}" },
  "nats token": { token: "{$SECRET}" },
  "nats nkey_secret": { nkey_secret: "{$SECRET}" },
  "nats jwt_token": { nkey_secret: "s", jwt_token: "{$SECRET}" },
  "nats credentials_file": { credentials_file: "{$SECRET}" },
  "activemq password": { user: "u", password: "{$SECRET}" },
  "postgresql password": { password: "{$SECRET}" },
  "postgresql connection_string": { connection_string: "postgres://u:{$SECRET}@h/d" },
  "postgres password": { password: "{$SECRET}" },
  "postgres connection_string": { connection_string: "postgres://u:{$SECRET}@h/d" },
  "kafka sasl_password": {
    security_protocol: "SASL_SSL",
    sasl_mechanism: "PLAIN",
    sasl_username: "u",
    sasl_password: "{$SECRET}",
  },
};

/** A document, around which white space means nothing, and a path. */
const OTHER_SECRETS: ReadonlySet<string> = new Set(["gcp_pubsub credentials", "gcp_pubsub credentials_path"]);

function assertWhiteSpaceProblem(compiled: Compiled<unknown>, path: string): void {
  assert("problems" in compiled);
  assertEquals(compiled.problems.map((problem) => problem.path), [path]);
  assertStringIncludes(compiled.problems[0]!.message, "white space");
  assert(!JSON.stringify(compiled.problems).includes("pa55word"));
}

Deno.test("white space at an end of any secret is a problem that says so and does not show it", () => {
  for (const SECRET of SECRETS) {
    const context = { environment: { SECRET }, modules: outputModules };
    for (const [path, value] of Object.entries(WEBHOOKS)) {
      assertWhiteSpaceProblem(compileWebhook(value, context), path);
    }
    for (const [name, value] of Object.entries(CONNECTIONS)) {
      const [type, path] = name.split(" ") as [string, string];
      assertWhiteSpaceProblem(compileConnection("c", { type, ...value }, context), path);
    }
  }
});

Deno.test("the same secrets without it are taken, white space inside of them too", () => {
  const context = { environment: { SECRET: LONG_SECRET }, modules: outputModules };
  for (const value of Object.values(WEBHOOKS)) assert("value" in compileWebhook(value, context));
  for (const [name, value] of Object.entries(CONNECTIONS)) {
    assert("value" in compileConnection("c", { type: name.split(" ")[0], ...value }, context));
  }
  const inside = { environment: { SECRET: "pass word" }, modules: outputModules };
  assert("value" in compileWebhook(WEBHOOKS["hmac.secret"], inside));
});

/** Names of the keys of a schema that look like those of secrets. */
function secretKeysOf(schema: z.ZodType): string[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as {
    properties?: Record<string, unknown>;
  };
  return Object.keys(properties).filter(isSensitiveName);
}

// The contract of verifiers tries the secret of each kind.
Deno.test("every key of an output that looks like a secret's is among those that are tried", () => {
  const ofModules = outputModules.flatMap(({ configSchema }) =>
    secretKeysOf(configSchema).map((name) => `module-config.${name}`)
  );
  for (const path of ofModules) {
    assert(Object.keys(WEBHOOKS).some((tried) => tried === path || tried.startsWith(`${path}.`)), path);
  }
  for (const { connectionTypes, connectionSchema } of outputModules) {
    for (const name of connectionSchema === undefined ? [] : secretKeysOf(connectionSchema)) {
      for (const key of connectionTypes.map((type) => `${type} ${name}`)) {
        assert(key in CONNECTIONS || OTHER_SECRETS.has(key), key);
      }
    }
  }
});
