/** That webhooks and namespaces take no more requests than they say, and that nobody uses up another's share. */

import { assert, assertEquals } from "@std/assert";
import { HmacDigest } from "../../../src/auth/crypto/hmac_digest.ts";
import { NamespaceRates } from "../../../src/rules/rate_limit.ts";
import { eventually } from "../../support/eventually.ts";
import { type Answer, errorCode, TestGateway } from "../../support/gateway.ts";

/** Longer than any test: what is used stays used. */
const LONG = 86_400;

function limited(max_requests: number, more: Readonly<Record<string, unknown>> = {}) {
  return { module: "log", rate_limit: { max_requests, window_seconds: LONG }, ...more };
}

async function statuses(
  gateway: TestGateway,
  path: string,
  count: number,
  headers: HeadersInit = {},
): Promise<number[]> {
  const all: number[] = [];
  for (let sent = 0; sent < count; sent++) all.push((await gateway.post(path, "{}", headers)).status);
  return all;
}

async function outcomes(gateway: TestGateway, outcome: string): Promise<string | undefined> {
  const { text } = await gateway.request("/metrics");
  return new RegExp(`^cwm_requests_total\\{.*outcome="${outcome}"\\} (.*)$`, "m").exec(text)?.[1];
}

Deno.test("what is over the limit gets 429, when to come again and the headers of the draft", async () => {
  const webhooks = { orders: limited(3) };
  await using gateway = await TestGateway.start({ webhooks });
  assertEquals(await statuses(gateway, "/webhook/orders", 3), [200, 200, 200]);
  const refused = await gateway.post("/webhook/orders", "{}");
  assertEquals([refused.status, errorCode(refused)], [429, "rate_limited"]);
  const wait = refused.headers.get("retry-after");
  assert(Number(wait) > LONG / 3 - 60 && Number(wait) <= LONG / 3, `${wait}`);
  assertEquals(refused.headers.get("ratelimit-policy"), `"webhook";q=3;w=${LONG}`);
  assertEquals(refused.headers.get("ratelimit"), `"webhook";r=0;t=${wait}`);
  assertEquals(await outcomes(gateway, "rate_limited"), "1");
});

Deno.test("a sender that waits as long as it is asked to is taken again", async () => {
  const webhooks = { orders: { module: "log", rate_limit: { max_requests: 1, window_seconds: "0.5" } } };
  await using gateway = await TestGateway.start({ webhooks });
  let answer: Answer | undefined;
  while (answer?.status !== 429) answer = await gateway.post("/webhook/orders", "{}");
  assertEquals(answer.headers.get("retry-after"), "1");
  assertEquals(answer.headers.get("ratelimit-policy"), '"webhook";q=1;w=1');
  await eventually(async () => assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200));
});

Deno.test("each webhook has a count of its own, whatever the namespace and the id", async () => {
  const webhooks = { orders: limited(1), "orders.v2": limited(1), free: { module: "log" } };
  await using gateway = await TestGateway.start({ webhooks });
  for (const id of Object.keys(webhooks)) {
    const expected = id === "free" ? 200 : 429;
    assertEquals(await statuses(gateway, `/webhook/${id}`, 2), [200, expected]);
  }
});

Deno.test("keys of the Python service are read as they are, numbers as text too", async () => {
  const webhooks = {
    texts: { module: "log", rate_limit: { enabled: "true", max_requests: "2", window_seconds: `${LONG}` } },
    off: { module: "log", rate_limit: { enabled: false, max_requests: 1, window_seconds: LONG } },
    defaults: { module: "log", rate_limit: { enabled: true } },
  };
  await using gateway = await TestGateway.start({ webhooks });
  assertEquals(await statuses(gateway, "/webhook/texts", 3), [200, 200, 429]);
  assertEquals(await statuses(gateway, "/webhook/off", 3), [200, 200, 200]);
  const answers = await Promise.all(
    Array.from({ length: 130 }, () => gateway.post("/webhook/defaults", "{}")),
  );
  const refused = answers.filter(({ status }) => status === 429);
  assert(refused.length > 0 && refused.length <= 30, `${refused.length}`);
  assertEquals(refused[0]!.headers.get("ratelimit-policy"), '"webhook";q=100;w=60');
});

for (
  const rate_limit of [{}, null, [], "", 5, { max_requests: 0 }, { max_request: 5 }, { window_seconds: 0 }]
) {
  Deno.test(`a limit that says nothing or nonsense blocks the webhook: ${JSON.stringify(rate_limit)}`, async () => {
    await using gateway = await TestGateway.start({ webhooks: { orders: { module: "log", rate_limit } } });
    const answer = await gateway.post("/webhook/orders", "{}");
    assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"]);
  });
}

Deno.test("who does not authenticate uses up nothing, neither by the head nor by the body", async () => {
  const webhooks = {
    head: limited(2, { authorization: "Bearer right" }),
    body: limited(2, { hmac: { secret: "key", encoding: "hex" } }),
  };
  await using gateway = await TestGateway.start({ webhooks });
  const signature = new HmacDigest("sha256", new TextEncoder().encode("key")).hex(
    new TextEncoder().encode("{}"),
  );
  const right = { head: { authorization: "Bearer right" }, body: { "x-hmac-signature": signature } };
  const wrong = { head: { authorization: "Bearer wrong" }, body: { "x-hmac-signature": "0".repeat(64) } };
  for (const id of ["head", "body"] as const) {
    assertEquals(new Set(await statuses(gateway, `/webhook/${id}`, 5, wrong[id])), new Set([401]));
    assertEquals(await statuses(gateway, `/webhook/${id}`, 3, right[id]), [200, 200, 429]);
  }
  assertEquals(await statuses(gateway, "/webhook/head", 1, wrong.head), [401]);
});

Deno.test("requests at once get as many places as the limit has, also where bodies are signed", async () => {
  const webhooks = { orders: limited(3, { hmac: { secret: "key", encoding: "hex" } }) };
  await using gateway = await TestGateway.start({ webhooks });
  const signature = new HmacDigest("sha256", new TextEncoder().encode("key")).hex(
    new TextEncoder().encode("{}"),
  );
  const send = () => gateway.post("/webhook/orders", "{}", { "x-hmac-signature": signature });
  const answers = await Promise.all(Array.from({ length: 12 }, send));
  assertEquals(answers.filter(({ status }) => status === 200).length, 3);
  assertEquals(answers.filter(({ status }) => status === 429).length, 9);
});

Deno.test("over the limit no body is read, of whichever length", async () => {
  const webhooks = { orders: limited(1), signed: limited(1, { hmac: { secret: "key", encoding: "hex" } }) };
  await using gateway = await TestGateway.start({ webhooks });
  const empty = new HmacDigest("sha256", new TextEncoder().encode("key")).hex(new TextEncoder().encode("{}"));
  for (const id of Object.keys(webhooks)) {
    const headers = { "x-hmac-signature": empty };
    assertEquals((await gateway.post(`/webhook/${id}`, "{}", headers)).status, 200);
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: gateway.port });
    const signature = id === "signed" ? `x-hmac-signature: ${"1".repeat(64)}\r\n` : "";
    const head = `POST /webhook/${id} HTTP/1.1\r\nhost: x\r\n${signature}content-length: 1000000\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head));
    const answer = new Uint8Array(64);
    await connection.read(answer);
    assertEquals(new TextDecoder().decode(answer).slice(0, 12), "HTTP/1.1 429");
  }
});

Deno.test("a changed configuration keeps the count, and so does a webhook that was switched off", async () => {
  await using gateway = await TestGateway.start({ webhooks: { orders: limited(2), other: limited(2) } });
  assertEquals(await statuses(gateway, "/webhook/orders", 3), [200, 200, 429]);
  const write = async (webhooks: unknown) => {
    await gateway.writeWebhooks(webhooks);
    await gateway.reload();
  };
  await write({ orders: limited(2, { response: { status: 202 } }), other: limited(2) });
  assertEquals(await statuses(gateway, "/webhook/orders", 1), [429]);
  await write({ orders: limited(2, { enabled: false }), other: limited(2) });
  assertEquals(await statuses(gateway, "/webhook/orders", 1), [404]);
  await write({ orders: limited(2), other: limited(2) });
  assertEquals(await statuses(gateway, "/webhook/orders", 1), [429]);
  await write({ orders: { module: "log" }, other: limited(2) });
  assertEquals(await statuses(gateway, "/webhook/orders", 3), [200, 200, 200]);
  assertEquals(await statuses(gateway, "/webhook/other", 3), [200, 200, 429]);
});

Deno.test("the webhooks of a namespace share its limit, and the one that refuses uses up nothing", async () => {
  const webhooks = {
    orders: limited(1),
    payments: { module: "log" },
    closed: limited(5, { authorization: "a" }),
  };
  const environment = { NAMESPACE_RATE_LIMIT: `3/${LONG}` };
  await using gateway = await TestGateway.start({ webhooks, environment });
  assertEquals(await statuses(gateway, "/webhook/orders", 4), [200, 429, 429, 429]);
  assertEquals(await statuses(gateway, "/webhook/closed", 4), [401, 401, 401, 401]);
  assertEquals(await statuses(gateway, "/webhook/missing", 1), [404]);
  assertEquals(await statuses(gateway, "/webhook/payments", 3), [200, 200, 429]);
  const refused = await gateway.post("/webhook/payments", "{}");
  assertEquals(refused.headers.get("ratelimit-policy"), `"namespace";q=3;w=${LONG}`);
  assertEquals(errorCode(refused), "rate_limited");
});

Deno.test("a clock that is set forward or back changes nothing", async () => {
  await using gateway = await TestGateway.start({ webhooks: { orders: limited(2) } });
  assertEquals(await statuses(gateway, "/webhook/orders", 1), [200]);
  const { now } = Date;
  try {
    for (const shift of [-86_400_000, 10 * LONG * 1000]) {
      Date.now = () => now() + shift;
      const expected = shift < 0 ? [200, 429] : [429];
      assertEquals(await statuses(gateway, "/webhook/orders", expected.length), expected);
    }
  } finally {
    Date.now = now;
  }
});

Deno.test("counters of namespaces are let go once nothing of their limit is used", () => {
  const limit = { requests: 1, windowMs: 1000 };
  const rates = new NamespaceRates((namespace) => namespace === "free" ? undefined : limit);
  assertEquals(rates.of("free", 0), undefined);
  for (let index = 0; index < 100_000; index++) {
    const now = index * 10;
    rates.of(`namespace-${index}`, now)?.counter.count(limit, now);
  }
  assert(rates.size <= 2_000, `${rates.size}`);
  const counter = rates.of("busy", 0)!.counter;
  counter.count(limit, 0);
  assertEquals(rates.of("busy", 0)!.counter, counter);
});
