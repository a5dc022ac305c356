/** What `cwm test` takes for a difference, and what it shows of it. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { LOG, oneCase, PASSED, type Ran, runCases } from "../../support/run_cases.ts";

/** The lines of a failure that say what was seen. */
const seenIn = ({ lines }: Ran) =>
  lines.filter((line) => line.startsWith("    +")).map((line) => line.slice(6));

Deno.test("what only looks like what was expected is a difference", async () => {
  const bytes = (...given: number[]) => ({ base64: new Uint8Array(given).toBase64() });
  const delivered = (expected: object) => ({ status: 200, deliveries: [expected] });
  const requests: [object, object][] = [
    [bytes(0xef, 0xbb, 0xbf, 0x61), { text: "a" }],
    [bytes(0xff), { text: "\ufffd" }],
    [{ text: "1e999" }, { json: null }],
    [{ text: "" }, { headers: { "x-none": "(none)" } }],
    [{ text: "" }, { type: "(none)" }],
  ];
  const cases = requests.map(([request, expected], index) => ({
    name: String(index),
    request: { webhook: "a", ...request },
    expect: delivered(expected),
  }));
  const ran = await runCases({ a: { ...LOG, data_type: "blob" } }, { cases });
  assertEquals(ran.lines.at(-1), "0 passed, 5 failed");
  assertEquals(seenIn(ran), ["\\ufeffa", "\ufffd", "1e999", "(none)", "(none)"]);
});

Deno.test("steps without numbers are in the order of the list, and have the settings of their webhook", async () => {
  const url = "https://shop.example/in";
  const webhooks = {
    a: { chain: ["log", "http_webhook", "log"], auth: "none", "module-config": { url } },
    b: { module: "log", auth: "none", pretty_print: true },
    c: { module: "redis_publish", auth: "none", redis: { host: "localhost", channel: "orders" } },
  };
  const deliveries = [{ module: "log", config: { url: null } }, { step: 1, config: { url } }, {
    module: "log",
  }];
  const beside = { status: 200, deliveries: [{ config: { pretty_print: true } }] };
  const cases = [
    { name: "chain", request: { webhook: "a", json: 1 }, expect: { status: 200, deliveries } },
    { name: "beside", request: { webhook: "b", json: 1 }, expect: beside },
    {
      name: "own connection",
      request: { webhook: "c", json: 1 },
      expect: { status: 200, deliveries: [{ config: { channel: "orders" } }] },
    },
  ];
  const { status, lines } = await runCases(webhooks, { cases });
  assertEquals(status, 0, lines.join("\n"));
});

Deno.test("what stands for a reference is in no difference, and neither is a login", async () => {
  const config = {
    url: "https://hooks.example/services/{$PATH_SECRET}",
    auth: { bearer: "{$LOGIN}" },
    headers: { "X-Shop": "id {$SHOP_SECRET}" },
  };
  const webhook = { module: "http_webhook", "module-config": config, auth: "none", accept: "delivered" };
  const delivery = {
    config: { url: "https://other.example/", auth: { bearer: "x" } },
    headers: { authorization: "x", "x-shop": "x", "cwm-attempt": "2" },
  };
  const file = {
    environment: { PATH_SECRET: "in-the-path", LOGIN: "to-log-in", SHOP_SECRET: "of-the-shop" },
    ...oneCase({ json: 1 }, { status: 200, deliveries: [delivery] }),
  };
  const ran = await runCases({ a: webhook }, file);
  assertEquals(seenIn(ran), [
    '"https://hooks.example/services/{$PATH_SECRET}"',
    '  "bearer": "{$LOGIN}"',
    "[REDACTED]",
    "id {$SHOP_SECRET}",
    "1",
  ]);
  const written = { config: { headers: config.headers, url: "https://hooks.example/services/in-the-path" } };
  const same = { ...file, ...oneCase({ json: 1 }, { status: 200, deliveries: [written] }) };
  assertEquals(await runCases({ a: webhook }, same), PASSED);
});

Deno.test("a case whose events still wait at its end fails, unless their webhook is switched off", async () => {
  const webhook = {
    module: "http_webhook",
    "module-config": { url: "https://shop.example/" },
    accept: "durable",
    auth: "none",
  };
  const request = { webhook: "a", json: 1 };
  const tried = { status: 200, deliveries: [{}] };
  const gone = [{ request, target: { status: 410 }, expect: tried }, { request, expect: { status: 200 } }];
  assertEquals(await runCases({ a: webhook }, { cases: [{ name: "one", exchanges: gone }] }), PASSED);
  const waits = { cases: [{ name: "one", request, target: { status: 503 }, expect: tried }] };
  const { lines } = await runCases({ a: webhook }, waits, { timeoutMs: 100 });
  assertStringIncludes(lines.join("\n"), "+ events that still wait");
});

Deno.test("a webhook is signed for under each of its paths, and as the default one of its namespace", async () => {
  const webhook = { module: "log", authorization: "Bearer k" };
  const requests = [
    "/webhook/%61",
    "/webhook/def%61ult/a",
    "/webhook/a/",
    "/webhook/a?x=1",
    "/webhook/other",
  ];
  const cases = requests.map((path) => ({
    name: path,
    request: { path, json: 1, sign: true },
    expect: {
      status: 200,
      deliveries: [{ headers: { "cwm-webhook": path.endsWith("other") ? "default" : "a" } }],
    },
  }));
  const environment = { DEFAULT_WEBHOOK: "on" };
  const { status, lines } = await runCases({ a: webhook, default: webhook }, { environment, cases });
  assertEquals(status, 0, lines.join("\n"));
});
