import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { type ConnectorConfig, loadConnectorConfig } from "../../../src/connector/config.ts";
import { StartupError } from "../../../src/errors.ts";
import { TempDir } from "../../support/temp_dir.ts";

const MINIMUM = {
  cloud_url: "https://hooks.example.com/",
  channel: "inbox",
  token: "some-token",
  default_target: { url: "http://10.0.0.7:8080/in" },
};

async function load(
  file: unknown,
  environment: Readonly<Record<string, string>> = {},
): Promise<ConnectorConfig> {
  await using directory = await TempDir.create();
  const text = typeof file === "string" ? file : JSON.stringify(file);
  const path = file === undefined ? undefined : await directory.writeText("c.json", text);
  return await loadConnectorConfig({ file: path, environment, hostname: "host-1", logIsTerminal: false });
}

async function problemsOf(
  file: unknown,
  environment: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  try {
    await load(file, environment);
  } catch (error) {
    assertInstanceOf(error, StartupError);
    assertEquals(error.exitStatus, 2);
    return error.problems;
  }
  return [];
}

Deno.test("connector files in the Python service's own shapes are taken, without the ignored keys", async () => {
  const relay = {
    cloud_url: "http://cloud:8000",
    channel: "farm",
    token: "farm-gate",
    connector_id: "farm-connector",
    reconnect_delay: 2.0,
    max_reconnect_delay: 30.0,
  };
  const target = {
    url: "http://target:8000/webhook/crates",
    method: "POST",
    timeout_seconds: 30,
    headers: { "Content-Type": "application/json" },
  };
  assertEquals(await problemsOf({ ...relay, protocol: "sse", default_target: target }), []);
  assertEquals(await problemsOf({ ...relay, protocol: "websocket", default_target: target }), []);
  assertEquals(
    await problemsOf({ ...relay, protocol: "websocket", webhooks_config: "/farm/webhooks.json" }),
    [],
  );
  const ignored = { max_concurrent: 10, retry_attempts: 3, retry_delay: 1.0 };
  const problems = await problemsOf({ ...relay, protocol: "sse", default_target: target, ...ignored });
  assertEquals(problems.length, 3);
});

Deno.test("connector configuration fills in the defaults of the Python original", async () => {
  const config = await load(MINIMUM);
  assertEquals(config.cloudUrl, "https://hooks.example.com");
  assertEquals(config.protocol, "websocket");
  assertEquals(config.connectorId, "host-1");
  assertEquals(config.reconnect, { initialMs: 1_000, maxMs: 60_000, multiplier: 2 });
  assertEquals(config.maxConcurrent, 10);
  assert(config.delivery.mode === "http");
  const { timeout_seconds, retry_max_attempts, method } = config.delivery.defaultTarget!;
  assertEquals([timeout_seconds, retry_max_attempts, method], [30, 3, "POST"]);
});

Deno.test("connector configuration comes from the environment alone, or from it over the file", async () => {
  const environment = {
    CONNECTOR_CLOUD_URL: "wss://hooks.example.com",
    CONNECTOR_CHANNEL: "other",
    CONNECTOR_TOKEN: "env-token",
    CONNECTOR_TARGET_URL: "http://localhost:3000/x",
    CONNECTOR_TARGET_TIMEOUT: "2.5",
    CONNECTOR_MAX_CONCURRENT_REQUESTS: "3",
    CONNECTOR_PROTOCOL: "sse",
  };
  for (const file of [undefined, MINIMUM]) {
    const config = await load(file, environment);
    assertEquals([config.cloudUrl, config.channel, config.token, config.protocol, config.maxConcurrent], [
      ...["https://hooks.example.com", "other", "env-token", "sse"],
      3,
    ]);
    assert(config.delivery.mode === "http");
    assertEquals(config.delivery.defaultTarget?.url, "http://localhost:3000/x");
    assertEquals(config.delivery.defaultTarget?.timeout_seconds, 2.5);
  }
});

Deno.test("connector configuration knows etcd mode by CONNECTOR_ETCD_HOST, with all its variables", async () => {
  const { default_target: _, ...rest } = MINIMUM;
  const config = await load(rest, {
    CONNECTOR_ETCD_HOST: "etcd.internal",
    CONNECTOR_NAMESPACE: "production",
  });
  assertEquals(config.delivery, {
    mode: "etcd",
    etcd: {
      endpoints: ["http://etcd.internal:2379"],
      prefix: "/cwm/",
      credentials: undefined,
      tls: undefined,
    },
    namespace: "production",
  });
});

Deno.test("connector configuration allows exactly one delivery mode", async () => {
  const { default_target: _, ...none } = MINIMUM;
  assertEquals(await problemsOf(none), [
    "No delivery mode is chosen: set default_target or targets, webhooks_config, or etcd_endpoints",
  ]);
  assertEquals(
    await problemsOf({ ...MINIMUM, webhooks_config: "webhooks.json" }, { CONNECTOR_ETCD_HOST: "etcd" }),
    [
      "Only one delivery mode is allowed: HTTP targets (default_target, targets) and webhooks_config and " +
      "etcd_endpoints or etcd_host are set, keep one of them",
    ],
  );
});

Deno.test("connector configuration takes a cluster over TLS with the gateway's settings", async () => {
  const { default_target: _, ...rest } = MINIMUM;
  const config = await load(rest, {
    CONNECTOR_ETCD_ENDPOINTS: "a.example, b.example:2380",
    CONNECTOR_ETCD_PREFIX: "/team/cwm/",
    CONNECTOR_ETCD_USERNAME: "reader",
    CONNECTOR_ETCD_PASSWORD_FILE: "/secrets/password",
    CONNECTOR_ETCD_TLS_CA: "/tls/ca.pem",
    CONNECTOR_ETCD_TLS_CERT: "/tls/client.pem",
    CONNECTOR_ETCD_TLS_KEY: "/tls/client.key",
  });
  assertEquals(config.delivery, {
    mode: "etcd",
    etcd: {
      endpoints: ["https://a.example", "https://b.example:2380"],
      prefix: "/team/cwm/",
      credentials: { username: { text: "reader" }, password: { file: "/secrets/password" } },
      tls: { caFile: "/tls/ca.pem", certFile: "/tls/client.pem", keyFile: "/tls/client.key" },
    },
    namespace: undefined,
  });
});

Deno.test("connector configuration says what contradicts itself in etcd mode", async () => {
  const { default_target: _, ...rest } = MINIMUM;
  const problems = (keys: Record<string, unknown>) => problemsOf({ ...rest, ...keys });
  assertEquals(
    await problems({ etcd_host: "a", etcd_username: "u", etcd_password: "p", etcd_password_file: "f" }),
    ["etcd_password and etcd_password_file must not be set together: remove one of them"],
  );
  assertEquals(await problems({ etcd_host: "a", etcd_username: "u" }), [
    "etcd_username and etcd_password (or etcd_password_file) must be set together",
  ]);
  assertEquals(await problems({ etcd_endpoints: ["http://a:1", "https://b:1"] }), [
    "etcd_endpoints must be all http or all https",
  ]);
  assertEquals(await problems({ etcd_endpoints: ["http://a:1"], etcd_tls_ca: "ca.pem" }), [
    "etcd_endpoints must be https while etcd_tls_ca, etcd_tls_cert or etcd_tls_key is set",
  ]);
  assertEquals(await problems({ etcd_host: "a", etcd_tls_cert: "c.pem" }), [
    "etcd_tls_cert and etcd_tls_key must be set together",
  ]);
});

Deno.test("connector configuration names the nearest key of a misspelt one, and a variable by name", async () => {
  assertEquals(
    await problemsOf({ ...MINIMUM, chanel: "x", default_target: { url: "http://a/", timeout_secnds: 1 } }),
    [
      "default_target.timeout_secnds: Key 'timeout_secnds' is not known: nearest is 'timeout_seconds'",
      "chanel: Key 'chanel' is not known: nearest is 'channel'",
    ],
  );
  const [problem] = await problemsOf(MINIMUM, { CONNECTOR_ETCD_PORT: "70000" });
  assert(problem?.startsWith("CONNECTOR_ETCD_PORT: "));
  const { warnings } = await load(MINIMUM, { CONNECTOR_TOKN: "x", CONNECTOR_SERVICE_HOST: "10.0.0.1" });
  assertEquals(warnings, [
    "CONNECTOR_TOKN is not a variable of the connector: nearest is CONNECTOR_TOKEN",
  ]);
});

Deno.test("connector configuration refuses what would be unsafe or contradict itself", async () => {
  assertEquals(
    await problemsOf({
      ...MINIMUM,
      cloud_url: "https://user:pass@hooks.example.com",
      verify_ssl: false,
      client_cert_path: "client.pem",
      reconnect_delay: 5,
      max_reconnect_delay: 1,
      targets: { orders: { url: "ftp://10.0.0.7/" } },
    }),
    [
      "verify_ssl must be true: name the authority to trust in ca_cert_path instead",
      "client_cert_path and client_key_path must be set together",
      "max_reconnect_delay must not be less than reconnect_delay",
      "cloud_url must be an http, https, ws or wss address without user, query and fragment",
      "targets.orders.url must be an http or https address without user name",
    ],
  );
});

Deno.test("connector configuration warns of what looks like a reference and is none, without its text", async () => {
  const file = {
    ...MINIMUM,
    token: "${TOKEN}",
    default_target: { ...MINIMUM.default_target, headers: { "X-Key": "{$FILE:some-key}" } },
  };
  const { warnings } = await load(file);
  assertEquals(warnings.map((warning) => warning.split(": ")[0]), ["token", "default_target.headers.X-Key"]);
  assertEquals(warnings.filter((warning) => /TOKEN|some-key/.test(warning)), []);
});

Deno.test("connector configuration warns of a token that travels in the clear, and shows none", async () => {
  const { warnings } = await load({ ...MINIMUM, cloud_url: "http://hooks.example.com" });
  assertEquals(warnings.length, 1);
  assertEquals((await load({ ...MINIMUM, cloud_url: "http://127.0.0.1:8000" })).warnings, []);
  const problems = await problemsOf({ ...MINIMUM, token: "secret with spaces" });
  assertEquals(problems, ["token: A token has visible ASCII characters, no spaces"]);
});

Deno.test("connector configuration replaces references, and says which variable is missing", async () => {
  const file = { ...MINIMUM, token: "{$INBOX_TOKEN}", _remark: "ours" };
  assertEquals((await load(file, { INBOX_TOKEN: "from-env" })).token, "from-env");
  assertEquals(await problemsOf(file), [
    "token: Environment variable INBOX_TOKEN is not set and has no default: write {$INBOX_TOKEN:default} or set it",
  ]);
});

Deno.test("connector configuration has remarks, and no key that stands twice at any depth", async () => {
  const remarks = '"$schema": "s", "description": "ours", "//": 1, "//": 2, "_old": {"a": 1, "a": 2}';
  const fileWith = (more: string) => `${JSON.stringify(MINIMUM).slice(0, -1)}, ${more}}`;
  assertEquals(await problemsOf(fileWith(remarks)), []);
  for (
    const [text, key] of [
      [fileWith('"token": "other"'), "token"],
      [
        fileWith('"targets": {"a": {"url": "http://a/", "headers": {"x-a": "1", "x-a": "2"}}}'),
        "targets.a.headers.x-a",
      ],
    ]
  ) {
    const [problem] = await problemsOf(text);
    assertMatch(problem!, new RegExp(`Key '${key}' stands there more than once$`));
  }
});

Deno.test("connector configuration tells a missing file from a broken one", async () => {
  const source = { environment: {}, hostname: "h", logIsTerminal: false };
  await using directory = await TempDir.create();
  for (const [name, text] of [["missing.json", undefined], ["broken.json", '{"token":"hunter2"']] as const) {
    const file = directory.file(name);
    if (text !== undefined) await Deno.writeTextFile(file, text);
    try {
      await loadConnectorConfig({ ...source, file });
      assert(false, "It must not load");
    } catch (error) {
      assertInstanceOf(error, StartupError);
      assert(error.message.startsWith(`Cannot use ${file}: The file`));
      assert(!error.message.includes("hunter2"));
    }
  }
});
