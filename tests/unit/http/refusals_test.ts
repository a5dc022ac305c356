import { assert, assertEquals, assertMatch } from "@std/assert";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { formatRequest, RawHttpConnection } from "../../support/http/raw_http.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const SECRET = "Bearer a-secret-of-the-webhook";
const SENT = "what-the-sender-sent";

interface WebhookPage {
  readonly namespace: string;
  readonly webhook: string;
  readonly state: string;
  readonly problems: readonly { readonly path: string }[];
  readonly modules: readonly string[];
  readonly accept: string | null;
  readonly requests: Readonly<Record<string, number>>;
  readonly refusals: readonly {
    readonly time: string;
    readonly status: number;
    readonly code: string;
    readonly reason: string;
    readonly client: string;
    readonly request_id: string;
  }[];
}

const WEBHOOKS = {
  orders: { module: "probe" },
  guarded: { module: "probe", authorization: SECRET },
  signed: { module: "probe", hmac: { secret: "a secret", header: "X-Signature" } },
  small: { module: "probe", data_type: "blob", max_body_bytes: 10 },
  off: { module: "probe", enabled: false },
  urlSigned: {
    module: "probe",
    signature: { provider: "square", secret: "a secret", public_url: "https://hooks.example/urlSigned" },
  },
  codeSigned: {
    module: "probe",
    data_type: "blob",
    signature: { provider: "twilio", secret: "a secret", public_url: "https://hooks.example/codeSigned" },
  },
  broken: { module: "probe", hmca: { secret: "x" } },
};

async function start(
  environment: Record<string, string> = {},
  webhooks: Record<string, unknown> = WEBHOOKS,
): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks,
    modules: [new ProbeModule().module],
    environment: { ADMIN_TOKEN, ...environment },
  });
}

const bearer = { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };

async function page(gateway: TestGateway, webhook: string): Promise<WebhookPage> {
  const answer = await gateway.request(`/admin/webhooks/default/${webhook}`, bearer);
  assertEquals(answer.status, 200);
  return JSON.parse(answer.text) as WebhookPage;
}

const OTHER_URL = "No signature matches the request: another secret, or another URL than the sender's: " +
  "a proxy may have changed host, path or query";

const refusals: readonly [
  name: string,
  path: string,
  init: RequestInit,
  status: number,
  code: string,
  reason: string,
][] = [
  [
    "malformed JSON",
    "orders",
    { method: "POST", body: `{"a":${SENT}}` },
    400,
    "invalid_json",
    "The body is not valid JSON from character 6 on",
  ],
  [
    "JSON that ends too early",
    "orders",
    { method: "POST", body: `["${SENT}"` },
    400,
    "invalid_json",
    "The body is incomplete JSON: it ends after character 23",
  ],
  ["an empty body", "orders", { method: "POST" }, 400, "empty_body", "The body is empty"],
  [
    "a body over the limit",
    "small",
    { method: "POST", body: SENT },
    413,
    "body_too_large",
    "The body is larger than the limit of 10 bytes",
  ],
  [
    "a method that is not allowed",
    "orders",
    { method: "DELETE" },
    405,
    "method_not_allowed",
    "DELETE is not allowed here, but POST",
  ],
  [
    "a method of the sender's own",
    "orders",
    { method: "SECRETWORD" },
    405,
    "method_not_allowed",
    "Another method is not allowed here, but POST",
  ],
  [
    "missing credentials",
    "guarded",
    { method: "POST", body: SENT },
    401,
    "unauthorized",
    "The Authorization header is missing",
  ],
  [
    "wrong credentials",
    "guarded",
    { method: "POST", body: SENT, headers: { authorization: SENT } },
    401,
    "unauthorized",
    "The Authorization header does not have the configured value",
  ],
  [
    "a signature of another URL, or by another secret",
    "urlSigned",
    { method: "POST", body: SENT, headers: { "x-square-hmacsha256-signature": SENT } },
    401,
    "unauthorized",
    OTHER_URL,
  ],
  [
    "the same of a provider that signs in its own way",
    "codeSigned",
    { method: "POST", body: SENT, headers: { "x-twilio-signature": SENT } },
    401,
    "unauthorized",
    OTHER_URL,
  ],
  [
    "an unknown content encoding",
    "orders",
    { method: "POST", body: SENT, headers: { "content-encoding": SENT } },
    415,
    "unsupported_encoding",
    "This Content-Encoding is not supported",
  ],
  [
    "gzip that is none",
    "orders",
    { method: "POST", body: SENT, headers: { "content-encoding": "gzip" } },
    400,
    "invalid_encoding",
    "The gzip data is damaged or incomplete",
  ],
  [
    "a webhook that is switched off",
    "off",
    { method: "POST", body: SENT },
    404,
    "webhook_disabled",
    "This webhook is switched off",
  ],
  [
    "a webhook that is not valid",
    "broken",
    { method: "POST", body: SENT },
    503,
    "webhook_misconfigured",
    "The configuration of this webhook is not valid",
  ],
];

Deno.test("an operator sees why a webhook refused each kind of request, and nothing of the request", async (t) => {
  await using log = RecordedLog.start("debug");
  await using gateway = await start();
  for (const [name, path, init, status, code, reason] of refusals) {
    await t.step(name, async () => {
      const answer = await gateway.request(`/webhook/${path}?q=${SENT}`, init);
      assertEquals([answer.status, errorCode(answer)], [status, code]);
      const [last] = (await page(gateway, path)).refusals;
      assert(last !== undefined);
      const { time, request_id, ...rest } = last;
      assertEquals(rest, { status, code, reason, client: "127.0.0.1" });
      assertEquals(request_id, answer.headers.get("x-request-id"));
      assertMatch(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      const logged = (await log.records()).filter((record) => record["request_id"] === request_id);
      const atDebug = logged.find(({ level }) => level === "debug");
      assertEquals([atDebug?.code, atDebug?.reason, atDebug?.client], [code, reason, "127.0.0.1"]);
    });
  }
  const pages = await Promise.all(Object.keys(WEBHOOKS).map((id) => page(gateway, id)));
  for (const shown of [await log.text(), JSON.stringify(pages)]) {
    for (const hidden of [SENT, "SECRETWORD", SECRET]) assertEquals(shown.includes(hidden), false, hidden);
  }
});

Deno.test("the page of a webhook keeps the last 20 refusals, the newest first, and counts all", async () => {
  await using gateway = await start();
  const ids: (string | null)[] = [];
  for (let count = 0; count < 25; count++) {
    ids.unshift((await gateway.post("/webhook/guarded", "{}")).headers.get("x-request-id"));
  }
  const { refusals, requests } = await page(gateway, "guarded");
  assertEquals(refusals.map(({ request_id }) => request_id), ids.slice(0, 20));
  assertEquals(requests, { accepted: 0, unauthorized: 25 });
});

Deno.test("the page of a webhook shows its state and how its requests ended", async () => {
  await using gateway = await start();
  await gateway.post("/webhook/orders", "{}");
  await gateway.post("/webhook/orders/", "{}");
  await gateway.post("/webhook/orders", "{");
  const { refusals, ...shown } = await page(gateway, "orders");
  assertEquals(shown as unknown, {
    namespace: "default",
    webhook: "orders",
    state: "ok",
    problems: [],
    warnings: [],
    modules: ["probe"],
    accept: "delivered",
    deliveries: { state: "on" },
    requests: { accepted: 2, invalid_json: 1 },
  });
  assertEquals(refusals.map(({ code }) => code), ["invalid_json"]);
  const states = await Promise.all(["off", "broken"].map(async (id) => {
    const { state, problems } = await page(gateway, id);
    return [state, problems.map(({ path }) => path)];
  }));
  assertEquals(states, [["disabled", []], ["invalid", ["hmca"]]]);
  await gateway.writeWebhooks({ ...WEBHOOKS, orders: { module: "probe", hmca: {} } });
  await gateway.reload();
  assertEquals((await page(gateway, "orders")).state, "stale");
});

Deno.test("refusals are forgotten with their webhook, and not shown of another one of its name", async () => {
  await using gateway = await start();
  await gateway.post("/webhook/guarded", "{}");
  const load = async (webhooks: Record<string, unknown>) => {
    await gateway.writeWebhooks(webhooks);
    await gateway.reload();
  };
  await load({ orders: { module: "log" } });
  const gone = await gateway.request("/admin/webhooks/default/guarded", bearer);
  assertEquals([gone.status, errorCode(gone)], [404, "webhook_not_found"]);
  await load({ guarded: { module: "log" } });
  assertEquals((await page(gateway, "guarded")).refusals, []);
});

Deno.test("a changed webhook keeps its refusals: they are what the change is for", async () => {
  await using gateway = await start();
  await gateway.post("/webhook/orders", "{");
  await gateway.writeWebhooks({ orders: { module: "log", data_type: "blob" } });
  await gateway.reload();
  assertEquals((await page(gateway, "orders")).refusals.map(({ code }) => code), ["invalid_json"]);
});

Deno.test("refusals name the client behind a trusted proxy", async () => {
  await using gateway = await start({ TRUSTED_PROXIES: "127.0.0.0/8" });
  await gateway.post("/webhook/guarded", "{}", { "x-forwarded-for": "junk, 192.0.2.7" });
  const [last] = (await page(gateway, "guarded")).refusals;
  assertEquals(last?.client, "192.0.2.7");
});

Deno.test("a body that comes too late is among the refusals", async () => {
  await using gateway = await start({ BODY_TIMEOUT_MS: "100" });
  await using connection = await RawHttpConnection.open(gateway.port);
  await connection.write(
    formatRequest("POST", "/webhook/orders", { headers: { "Content-Length": "9" }, body: "{" }),
  );
  assertEquals((await connection.readResponse()).status, 408);
  const [last] = (await page(gateway, "orders")).refusals;
  assertEquals([last?.code, last?.reason], ["body_timeout", "The body did not arrive in time"]);
});

Deno.test("the page of a webhook answers only with the admin token, and only what exists", async () => {
  await using gateway = await start();
  const path = "/admin/webhooks/default/orders";
  assertEquals((await gateway.request(path)).status, 401);
  assertEquals((await gateway.request(path, { method: "POST", ...bearer })).status, 405);
  for (const other of ["orders", "default/orders/x", "", "team-a/orders"]) {
    assertEquals((await gateway.request(`/admin/webhooks/${other}`, bearer)).status, 404, other);
  }
});

Deno.test("refusals of one kind are a warning once in ten seconds, with the number of those left out", async () => {
  await using log = RecordedLog.start("info");
  await using gateway = await start();
  for (let count = 0; count < 5; count++) await gateway.post("/webhook/guarded", "{}");
  await gateway.post("/webhook/orders", "{");
  const warnings = (await log.records()).filter(({ level, category }) =>
    level === "warning" && category === "cwm.http"
  );
  assertEquals(warnings.map(({ webhook, code, reason }) => [webhook, code, reason]), [
    ["guarded", "unauthorized", "The Authorization header is missing"],
    ["orders", "invalid_json", "The body is incomplete JSON: it ends after character 1"],
  ]);
});

Deno.test("strangers cannot fill the log, to however many webhooks they send", async () => {
  const guarded = { module: "probe", authorization: SECRET };
  const ids = Array.from({ length: 60 }, (_, index) => `webhook-${index}`);
  await using log = RecordedLog.start("info");
  await using gateway = await start({}, Object.fromEntries(ids.map((id) => [id, guarded])));
  await Promise.all(ids.map((id) => gateway.post(`/webhook/${id}`, "{}")));
  for (const path of ["/webhook/nobody", "/webhook/-", "/nothing"]) await gateway.post(path, "{}");
  const logged = (await log.records()).filter(({ category }) => category === "cwm.http");
  assertEquals(logged.length, 50);
  for (const { webhook } of logged) assertMatch(String(webhook), /^webhook-\d+$/);
  assertEquals((await page(gateway, "webhook-59")).refusals.length, 1, "the page has all of them");
});

Deno.test("an id that a sender quotes is in the log, however many requests failed like it", async () => {
  const ids: Record<string, string[]> = { guarded: [], nobody: [] };
  await using log = RecordedLog.start("info");
  {
    await using gateway = await start();
    for (const [webhook, quoted] of Object.entries(ids)) {
      for (let count = 0; count < 30; count++) {
        const answer = await gateway.post(`/webhook/${webhook}`, "{}");
        quoted.push(answer.headers.get("x-request-id")!);
      }
    }
  }
  const lines = (await log.text()).split("\n");
  for (const [webhook, quoted] of Object.entries(ids)) {
    for (const id of quoted) {
      assertEquals(lines.filter((line) => line.includes(`"${id}"`)).length, 1, webhook);
    }
  }
  const summaries = (await log.records()).filter((record) => record["request_ids"] !== undefined);
  assertEquals(
    summaries.map(({ level, message, webhook, code, count }) => [level, message, webhook, code, count]),
    [
      ["warning", "29 more requests to default/guarded failed: unauthorized", "guarded", "unauthorized", 29],
      [
        "info",
        "30 more requests that led to no webhook failed: webhook_not_found",
        undefined,
        "webhook_not_found",
        30,
      ],
    ],
  );
});

Deno.test("a flood of failed requests leaves 100 ids of each kind in the log, and the number of all", async () => {
  await using log = RecordedLog.start("info");
  {
    await using gateway = await start();
    const send = () => gateway.post("/webhook/guarded", "{}");
    for (let round = 0; round < 15; round++) await Promise.all(Array.from({ length: 10 }, send));
  }
  const [summary] = (await log.records()).filter((record) => record["request_ids"] !== undefined);
  assertEquals([(summary?.["request_ids"] as string[]).length, summary?.["count"]], [100, 149]);
});
