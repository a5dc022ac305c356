import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { SmallDisk } from "../support/disk.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { HttpTarget } from "../support/http/target.ts";
import { KAFKA_ERROR, KafkaServer } from "../support/kafka/server.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import { RelayStream } from "../support/relay/stream.ts";
import { RELAY_TOKEN } from "../support/relay/world.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const KEY = "the-key-of-the-sender";

interface Trouble {
  readonly part: string;
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly cause: string;
}

interface Health {
  readonly status: string;
  readonly state: string;
  readonly parts: Readonly<Record<string, { readonly state: string; readonly count: number }>>;
  readonly troubles?: readonly Trouble[];
}

async function healthOf(gateway: TestGateway, token = ADMIN_TOKEN): Promise<Health> {
  const answer = await gateway.request("/health", { headers: { authorization: `Bearer ${token}` } });
  return JSON.parse(answer.text) as Health;
}

/** The one trouble of this kind, as soon as it is there. */
function troubleOf(gateway: TestGateway, kind: string, name: string): Promise<Trouble> {
  return eventually(async () => {
    const { troubles = [] } = await healthOf(gateway);
    const found = troubles.find((trouble) => trouble.kind === kind && trouble.name === name);
    assert(found !== undefined, `no ${kind} of ${name} in ${JSON.stringify(troubles)}`);
    return found;
  }, { timeoutMs: 30_000 });
}

/** What is said of each, beside the secret that was rotated. */
const EXPECTED: readonly (readonly [kind: string, name: string, sentence: string])[] = [
  [
    "unreachable",
    "clickhouse logs_db",
    "Look at the system, and at connection 'logs_db': cwm check --probe asks it",
  ],
  ["failing", "default/orders", "make it, since the gateway makes none"],
  [
    "missing",
    "default/ordres",
    "there is no such webhook: the nearest is default/orders. Mend the URL at the sender, or configure the webhook",
  ],
  [
    "no_connector",
    "inbox",
    "Its last connector has left, and its events wait: look at the connector and its log",
  ],
  ["dead_letters", "default/refused", "says why; replay or drop them"],
];

const MISMATCH = [
  "secret_mismatch",
  "default/signed",
  "Requests were let in before, and now 10 and more in a row match no secret. Has it been changed at the sender?",
] as const;

const BEARER = { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };

interface Status {
  readonly status: string;
  readonly troubles: readonly Trouble[];
  readonly subjects?: readonly { readonly part: string; readonly name: string; readonly state: string }[];
}

async function statusOf(gateway: TestGateway, of: string): Promise<Status> {
  return JSON.parse((await gateway.request(`/admin/status?of=${of}`, BEARER)).text) as Status;
}

/** What `cwm status` prints, and its exit status. */
async function cwmStatus(
  gateway: TestGateway,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; text: string }> {
  await using dir = await TempDir.create();
  await using program = spawnProgram({
    args: ["status"],
    cwd: dir.path,
    env: { HOST: "127.0.0.1", PORT: String(gateway.port), ADMIN_TOKEN, ...env },
  });
  const { code } = await program.exited;
  return { code, text: program.lines.map(({ text }) => text).join("\n") };
}

Deno.test("failures at night are each found in one look, by cwm status and by /health", async () => {
  await using clickhouse = await ClickhouseServer.start();
  await using kafka = await KafkaServer.start();
  // The brokers of the tests make every topic otherwise.
  await kafka.setTopicError("orders", KAFKA_ERROR.unknownTopicOrPartition);
  await using target = await HttpTarget.start();
  target.answer({ status: 400, body: "no" });
  await using gateway = await TestGateway.start({
    webhooks: {
      logs: { module: "clickhouse", connection: "logs_db" },
      orders: { module: "kafka", connection: "stream", "module-config": { topic: "orders" } },
      signed: { module: "log", header_auth: { header_name: "x-key", api_key: KEY } },
      relayed: {
        module: "webhook_connect",
        "module-config": { channel: "inbox", channel_token: RELAY_TOKEN },
      },
      refused: {
        module: "http_webhook",
        accept: "durable",
        "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] },
      },
      quiet: { module: "log" },
    },
    connections: {
      logs_db: {
        type: "clickhouse",
        host: "127.0.0.1",
        http_port: clickhouse.port,
        user: "writer",
        password: "a-wrong-one",
      },
      stream: { type: "kafka", bootstrap_servers: kafka.bootstrap },
    },
    environment: { ADMIN_TOKEN },
  });
  {
    await using _connector = await RelayStream.open(gateway.url(""));
    for (const id of ["quiet", "signed"]) {
      assertEquals((await gateway.post(`/webhook/${id}`, "{}", { "x-key": KEY })).status, 200);
    }
  }
  const post = (id: string, headers: Record<string, string> = {}) =>
    gateway.post(`/webhook/${id}`, "{}", headers);
  await Promise.all(["logs", "orders", "ordres", "refused", "relayed"].map((id) => post(id)));
  await Promise.all([
    ...EXPECTED.map(async ([kind, name, sentence]) => {
      assertStringIncludes((await troubleOf(gateway, kind, name)).cause, sentence);
    }),
    eventually(async () => {
      await post("signed", { "x-key": "another-key" });
      const { troubles = [] } = await healthOf(gateway);
      assert(troubles.some(({ kind }) => kind === "secret_mismatch"));
    }, { timeoutMs: 30_000 }),
  ]);
  const { code, text } = await cwmStatus(gateway);
  assertEquals(code, 1);
  for (const [kind, name, sentence] of [...EXPECTED, MISMATCH]) {
    assertStringIncludes(text, `${name} (${kind}`);
    assertStringIncludes(text, sentence);
  }
  // For everybody: how much is wrong, and no name.
  const { state, parts, troubles } = await healthOf(gateway, "another-token");
  assertEquals([state, parts["output"], parts["channel"], parts["journal"], troubles], [
    "down",
    { state: "down", count: 1 },
    { state: "down", count: 1 },
    { state: "well", count: 0 },
    undefined,
  ]);
  const one = await statusOf(gateway, "default/logs");
  assertEquals(one.troubles.map(({ name }) => name), ["clickhouse logs_db"]);
  assertEquals(one.subjects?.find(({ part }) => part === "output"), {
    part: "output",
    name: "clickhouse logs_db",
    state: "down",
  });
  assertEquals(
    [(await statusOf(gateway, "default/quiet")).status, (await statusOf(gateway, "other")).status],
    [
      "well",
      "well",
    ],
  );
  assertEquals((await gateway.request("/admin/status?of=default/never", BEARER)).status, 404);
  await itEnds(gateway, kafka);
});

/** What mends itself is over by itself. */
async function itEnds(gateway: TestGateway, kafka: KafkaServer): Promise<void> {
  await using _connector = await RelayStream.open(gateway.url(""));
  await kafka.setTopicError("orders", KAFKA_ERROR.none);
  await gateway.post("/webhook/signed", "{}", { "x-key": KEY });
  await eventually(async () => {
    const { troubles = [] } = await healthOf(gateway);
    const kinds = troubles.map(({ kind }) => kind).toSorted();
    assertEquals(kinds, ["dead_letters", "missing", "unreachable"]);
  }, { timeoutMs: 30_000 });
}

Deno.test("an etcd that is down is found in one look", async () => {
  await using etcd = await EtcdServer.start();
  await using gateway = await TestGateway.start({
    environment: {
      ADMIN_TOKEN,
      CONFIG_BACKEND: "etcd",
      ETCD_HOST: "127.0.0.1",
      ETCD_PORT: String(etcd.port),
      CONFIG_DEGRADED_AFTER_SECONDS: "1",
    },
  });
  await eventually(async () => assertEquals((await gateway.request("/readyz")).status, 200));
  const well = await cwmStatus(gateway);
  assertEquals(well, { code: 0, text: "All is well with the gateway" });
  await etcd.kill();
  const { cause } = await troubleOf(gateway, "outdated", "etcd");
  assertStringIncludes(cause, "Changes in etcd do not arrive; what was loaded last is served: look at etcd");
  assertEquals((await statusOf(gateway, "some-namespace")).status, "impaired");
});

Deno.test("a webhook that the policy forbids is found in one look", async () => {
  await using dir = await TempDir.create();
  const POLICY_FILE = await dir.writeJson("policy.json", { namespaces: { "*": { modules: ["kafka"] } } });
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log" } },
    environment: { ADMIN_TOKEN, POLICY_FILE },
  });
  const { cause } = await troubleOf(gateway, "refused", "webhook default/orders");
  const { code, text } = await cwmStatus(gateway);
  assertEquals(code, 1);
  assertStringIncludes(text, cause);
  assertStringIncludes(cause, "Rule '*' of the policy does not permit this module: see its 'modules'");
});

Deno.test("a certificate that has expired is found in one look", async () => {
  await using dir = await TempDir.create();
  const [TLS_CERT, TLS_KEY] = [dir.file("tls.crt"), dir.file("tls.key")];
  await issueExpired(dir, TLS_CERT, TLS_KEY);
  await using gateway = await TestGateway.start({ environment: { ADMIN_TOKEN, TLS_CERT, TLS_KEY } });
  await eventually(async () => {
    const { code, text } = await cwmStatus(gateway, { TLS_CERT, TLS_KEY });
    assertEquals(code, 1);
    assertStringIncludes(
      text,
      "TLS_CERT: The certificate that is served has expired: put a new one in its place",
    );
  }, { timeoutMs: 30_000 });
});

Deno.test("a full disk is found in one look", async () => {
  await using disk = await SmallDisk.mount(24 * 1024 * 1024);
  // Where nothing may be mounted, there is no disk to be filled.
  if (disk === undefined) return;
  await using target = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: {
      durable: {
        module: "http_webhook",
        accept: "durable",
        data_type: "blob",
        "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] },
      },
    },
    environment: { ADMIN_TOKEN, DATA_DIR: disk.path("data") },
  });
  assertEquals((await gateway.post("/webhook/durable", "{}")).status, 200);
  await disk.fillUp("filler");
  await eventually(async () => {
    assertEquals((await gateway.post("/webhook/durable", "x".repeat(200_000))).status, 503);
  });
  const { troubles = [] } = await healthOf(gateway);
  const [journal] = troubles.filter(({ part }) => part === "journal");
  assertStringIncludes(
    journal?.cause ?? "",
    "Senders to durable webhooks get 503 until that is over: look at DATA_DIR",
  );
  await Deno.remove(disk.path("filler"));
});

/** A certificate that has ended in 2020. `openssl req` issues none. */
async function issueExpired(dir: TempDir, certificate: string, key: string): Promise<void> {
  await dir.writeText("index.txt", "");
  await dir.writeText("serial", "01");
  const config = await dir.writeText(
    "ca.cnf",
    "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n" +
      "policy=any\nx509_extensions=v3\n[any]\ncommonName=supplied\n[v3]\nsubjectAltName=DNS:localhost\n",
  );
  const request = dir.file("request.csr");
  const dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"];
  for (
    const args of [
      [
        "req",
        "-new",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-subj",
        "/CN=localhost",
        "-keyout",
        key,
        "-out",
        request,
      ],
      ["ca", "-batch", "-selfsign", "-notext", "-config", config, "-keyfile", key, ...dates]
        .concat(["-in", request, "-out", certificate]),
    ]
  ) {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: dir.path }).output();
    assert(success, new TextDecoder().decode(stderr));
  }
}
