/** `cwm test`: cases of a configuration, as an operator runs them. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { test } from "../../../src/cli/cases/command.ts";
import { StartupError } from "../../../src/errors.ts";
import { LOG, oneCase, PASSED, runCases } from "../../support/run_cases.ts";
import { TempDir } from "../../support/temp_dir.ts";

Deno.test("a case passes when status, answer and deliveries are as expected", async () => {
  const expect = {
    status: 200,
    headers: { "Content-Type": "application/json", "X-Nothing": null },
    deliveries: [{
      step: 0,
      module: "log",
      connection: null,
      type: null,
      config: { pretty_print: true },
      headers: { "X-Shop": "7", "cwm-webhook": "a", authorization: null },
      json: { b: [1, { d: 2, c: 12345678901234567890n.toString() }], a: null },
    }],
  };
  const json = { a: null, b: [1, { c: "12345678901234567890", d: 2 }] };
  const headers = { "x-shop": "7", authorization: "Bearer unused" };
  const webhook = { ...LOG, "module-config": { pretty_print: true } };
  assertEquals(await runCases({ a: webhook }, oneCase({ json, headers }, expect)), PASSED);
});

Deno.test("a case that names no deliveries fails if there is one, with status 1 and the difference", async () => {
  const { status, lines } = await runCases({ a: LOG }, oneCase({ json: {} }, { status: 202 }));
  assertEquals(status, 1);
  assertEquals(lines.slice(0, -2), [
    "FAILED  one",
    "  status (- expected, + seen):",
    "    - 202",
    "    + 200",
    "  deliveries (- expected, + seen):",
    "    - (none)",
    "    + step 0: log, 2 bytes",
  ]);
  assertStringIncludes(lines.at(-2)!, "The answer was 200");
  assertEquals(lines.at(-1), "0 passed, 1 failed");
});

Deno.test("documents are compared as JSON, exactly to the last digit, and texts as they are", async () => {
  const json = `{"n": 12345678901234567890, "list": [1, 2]}`;
  const seen = async (expected: object) => {
    const { lines } = await runCases(
      { a: LOG },
      oneCase({ text: json }, { status: 200, deliveries: [expected] }),
    );
    return lines.filter((line) => /^ {4}[-+]/.test(line)).map((line) => line.trim().replace(/^(.) +/, "$1 "));
  };
  assertEquals(await seen({ json: { list: [1, 2], n: 1 } }), ['- "n": 1', '+ "n": 12345678901234567890']);
  assertEquals(await seen({ json: { list: [2, 1], n: 1 } }), [
    "- 2",
    "+ 2",
    '- "n": 1',
    '+ "n": 12345678901234567890',
  ]);
  assertEquals(await seen({ text: json }), []);
  assertEquals(await seen({ text: json.replace(" ", "") }), [`- ${json.replace(" ", "")}`, `+ ${json}`]);
  assertEquals(await seen({ base64: btoa(json) }), []);
});

Deno.test("numbers that no double has are sent and expected as they are written", async () => {
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", { a: LOG });
  const path = await dir.writeText(
    "cases.json",
    `{"webhooks": "webhooks.json", "cases": [{"name": "one",
    "request": {"webhook": "a", "json": {"n": 9007199254740993}},
    "expect": {"status": 200, "deliveries": [{"text": "{\\"n\\":9007199254740993}", "headers": {}}]}}]}`,
  );
  const lines: string[] = [];
  assertEquals(await test([path], {}, (line) => lines.push(line)), 0, lines.join("\n"));
});

Deno.test("steps of a chain, and durable events, are delivered and named by their places", async () => {
  const http = { module: "http_webhook", "module-config": { url: "https://shop.example/in" } };
  const webhook = { chain: ["log", http, "log"], accept: "durable", auth: "none" };
  const deliveries = [
    { step: 2, module: "log" },
    { step: 0, module: "log" },
    { step: 1, destination: "https://shop.example:443", config: { url: "https://shop.example/in" } },
  ];
  assertEquals(await runCases({ a: webhook }, oneCase({ json: 1 }, { status: 200, deliveries })), PASSED);
});

Deno.test("nothing is sent anywhere, and no connection is looked at", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept().then(() => "somebody connected", () => "nobody");
  const { port } = listener.addr;
  const webhook = {
    module: "http_webhook",
    "module-config": { url: `http://127.0.0.1:${port}/`, allowed_hosts: ["127.0.0.0/8"] },
    auth: "none",
  };
  const table = { module: "clickhouse", "module-config": { table: "events" }, auth: "none" };
  const connections = { ch: { type: "clickhouse", host: "127.0.0.1", port } };
  const expect = { status: 200, deliveries: [{}] };
  const cases = ["a", "b"].map((name) => ({ name, request: { webhook: name, json: {} }, expect }));
  const { status, lines } = await runCases({ a: webhook, b: table }, { cases }, { connections });
  assertEquals(status, 0, lines.join("\n"));
  listener.close();
  assertEquals(await accepted, "nobody");
});

const GITHUB = { module: "log", signature: { provider: "github", secret: "{$SECRET}" }, events: ["push"] };

Deno.test("a request is signed as its provider would, and its type decides where it goes", async () => {
  const cases = [
    ["push", { sign: { event: "push" } }, { status: 200, deliveries: [{ type: "push" }] }],
    ["other type", { sign: { event: "issues" } }, { status: 200 }],
    ["another secret", { sign: { secret: "x" } }, { status: 401, error: "unauthorized" }],
    ["unsigned", {}, { status: 401 }],
  ].map(([name, request, expect]) => ({
    name,
    request: { webhook: "a", json: {}, ...request as object },
    expect,
  }));
  const { status, lines } = await runCases({ a: GITHUB }, { environment: { SECRET: "s" }, cases });
  assertEquals([status, lines.at(-1)], [0, "4 passed, 0 failed"]);
});

Deno.test("a sender that knows the credentials is let in by each method that can be signed for", async () => {
  const key = ["k1", "k2"];
  const webhooks = {
    hmac: { hmac: { secret: key, algorithm: "sha512", encoding: "base64", header: "X-Sum" } },
    authorization: { authorization: "Bearer k1" },
    basic: { basic_auth: { username: "ü", password: key } },
    header: { header_auth: { header_name: "X-Key", api_key: key }, ip_whitelist: ["192.0.2.7"] },
    jwt: { jwt: { secret: "0".repeat(64), algorithm: "HS512", issuer: "i", audience: ["o", "p"] } },
    query: { query_auth: { api_key: "a+b &" } },
    twilio: {
      signature: { provider: "twilio", secret: "t", public_url: "https://shop.example/webhook/twilio" },
    },
    own: {
      signature: {
        secret: "s",
        scheme: { algorithm: "hmac-sha256", content: "{body}", signature: { at: "X-Own", encoding: "hex" } },
      },
    },
  };
  const cases = Object.keys(webhooks).flatMap((webhook) => {
    const request = { webhook, form: { From: "+1555" }, client: "192.0.2.7" };
    return [
      { name: webhook, request: { ...request, sign: true }, expect: { status: 200, deliveries: [{}] } },
      { name: `${webhook}, unsigned`, request, expect: { status: 401 } },
    ];
  });
  const all = Object.entries(webhooks).map((
    [id, method],
  ) => [id, { module: "log", data_type: "form", ...method }]);
  const { status, lines } = await runCases(Object.fromEntries(all), { cases });
  assertEquals(status, 0, lines.join("\n"));
});

Deno.test("what cannot be signed is a failure that says so", async () => {
  const whyNot = async (webhook: unknown, request: object = {}) => {
    const { lines } = await runCases(
      { a: webhook },
      oneCase({ sign: true, json: {}, ...request }, { status: 200 }),
    );
    return lines.filter((line) => line.startsWith("    +")).map((line) => line.slice(6));
  };
  assertEquals(await whyNot(LOG), ["The webhook has no method that could be signed for"]);
  assertEquals(await whyNot({ module: "log", digest_auth: { username: "u", password: "p" } }), [
    "It is not known how to sign for 'digest_auth': give the headers",
  ]);
  assertEquals(await whyNot({ module: "log", signature: { provider: "sendgrid", public_key: "{$X:x}" } }), [
    "The webhook's 'signature' has problems of its own",
  ]);
  assertEquals(
    (await whyNot(LOG, { sign: undefined, headers: { "no header": "x" } }))[0]?.startsWith(
      "The request cannot be sent",
    ),
    true,
  );
  assertEquals(await whyNot(LOG, { webhook: "none" }), [
    "There is no webhook whose credentials could be used",
  ]);
});

Deno.test("a signature may be old, and a captured request is judged at its own time", async () => {
  const stripe = { module: "log", signature: { provider: "stripe", secret: "whsec_test" } };
  const body = '{"id":"evt_1"}';
  const hmac = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode("whsec_test"),
    {
      name: "HMAC",
      hash: "SHA-256",
    },
    false,
    ["sign"],
  );
  const signed = await crypto.subtle.sign("HMAC", hmac, new TextEncoder().encode(`1577880000.${body}`));
  const captured = {
    webhook: "a",
    text: body,
    headers: { "Stripe-Signature": `t=1577880000,v1=${new Uint8Array(signed).toHex()}` },
  };
  const delivered = {
    status: 200,
    deliveries: [{ headers: { "cwm-received-at": "2020-01-01T12:00:01.000Z" } }],
  };
  const { status, lines } = await runCases({ a: stripe }, {
    cases: [
      { name: "at its time", now: "2020-01-01T12:00:01Z", request: captured, expect: delivered },
      { name: "in seconds", now: 1577880001, request: captured, expect: delivered },
      { name: "today", request: captured, expect: { status: 401 } },
      { name: "old", request: { webhook: "a", json: {}, sign: { age: 600 } }, expect: { status: 401 } },
    ],
  });
  assertEquals(status, 0, lines.join("\n"));
  assert(Date.now() > Date.parse("2024-01-01"), "the clock goes on");
});

Deno.test("a case of several requests is one life of a gateway, and each case has its own", async () => {
  const webhook = { ...GITHUB, rate_limit: { max_requests: 2, window_seconds: 60 } };
  const request = { webhook: "a", json: { n: 1 }, sign: { event: "push", id: "one" } };
  const exchanges = [
    { request, expect: { status: 200, deliveries: [{}] } },
    { request, expect: { status: 200 } },
    { request, expect: { status: 429, error: "rate_limited" } },
  ];
  const file = { environment: { SECRET: "s" }, cases: ["one", "other"].map((name) => ({ name, exchanges })) };
  const { status, lines } = await runCases({ a: webhook }, file);
  assertEquals(status, 0, lines.join("\n"));
});

Deno.test("secrets and answers of servers are those that the file declares", async () => {
  const webhooks = {
    file: { module: "log", authorization: "Bearer {$file:token}" },
    vault: { module: "log", authorization: "Bearer {$vault:shop/hooks#token}" },
    missing: { module: "log", authorization: "Bearer {$file:other}" },
    token: {
      module: "log",
      oauth2: { introspection_endpoint: "https://id.example/check", client_id: "c", client_secret: "s" },
    },
  };
  const delivered = { status: 200, deliveries: [{}] };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const cases = [
    { name: "file", request: { webhook: "file", json: {}, sign: true }, expect: delivered },
    { name: "vault", request: { webhook: "vault", json: {}, headers: bearer("v") }, expect: delivered },
    { name: "token", request: { webhook: "token", json: {}, headers: bearer("t") }, expect: delivered },
    { name: "missing", request: { webhook: "missing", json: {} }, expect: { status: 200, deliveries: [{}] } },
  ];
  const file = {
    secrets: { "file:token": "f", "vault:shop/hooks#token": "v" },
    servers: { "https://id.example/check": { json: { active: true } } },
    cases,
  };
  const { status, lines } = await runCases(webhooks, file);
  assertEquals([status, lines.slice(0, 3)], [1, ["passed  file", "passed  vault", "passed  token"]]);
  assertStringIncludes(
    lines.join("\n"),
    "Problem of webhook default/missing: authorization: {$file:other}: The file of cases does not declare it",
  );
  const unasked = await runCases(webhooks, {
    cases: [{
      name: "one",
      request: cases[2]!.request,
      expect: { status: 503, error: "authentication_unavailable" },
    }],
  });
  assertEquals(unasked, PASSED);
});

Deno.test("a destination is sent what it would be, and its answer may decide that of the sender", async () => {
  const config = {
    url: "https://shop.example/in",
    headers: { "X-Shop": "7" },
    sign: { secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
  };
  const webhook = { module: "http_webhook", "module-config": config, auth: "none", accept: "delivered" };
  const webhooks = { a: { ...webhook, response: "from_output" }, b: webhook };
  const headers = {
    "x-shop": "7",
    "cwm-attempt": "1",
    "webhook-timestamp": "1577880000",
    "content-type": "application/json",
    authorization: null,
  };
  const delivered = { status: 200, deliveries: [{ headers, json: { n: 1 } }] };
  const request = { webhook: "a", json: { n: 1 }, headers: { authorization: "Bearer x" } };
  const [refused, gone] = [{ status: 422, json: { why: "no" } }, { status: 400 }];
  const deliveries = [{}];
  const { status, lines } = await runCases(webhooks, {
    cases: [
      { name: "sent", now: 1577880000, request, expect: delivered },
      { name: "passed on", request, target: { text: "ok" }, expect: { status: 200, text: "ok", deliveries } },
      { name: "refused", request, target: refused, expect: { status: 422, json: refused.json, deliveries } },
      {
        name: "its own",
        request: { ...request, webhook: "b" },
        target: gone,
        expect: { status: 502, deliveries },
      },
    ],
  });
  assertEquals(status, 0, lines.join("\n"));
});

Deno.test("a file with problems names each with its line, and nothing is run", async () => {
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", { a: LOG });
  const problemsOf = async (text: string) => {
    const path = await dir.writeText("cases.json", text);
    const { problems, exitStatus } = await assertRejects(() => test([path], {}, () => {}), StartupError);
    assertEquals(exitStatus, 2);
    return problems.map((problem) => problem.replaceAll(`${dir.path}/`, ""));
  };
  assertEquals(await problemsOf('{"cases": [\n{]}'), [
    "cases.json: The file is not valid JSON: error at position 13 (line 2 column 2)",
  ]);
  assertEquals(await problemsOf('{"cases": [{"name": "a",\n"name": "b"}]}'), [
    "cases.json:2: cases.0.name: The key stands more than once: keep one of them",
  ]);
  const request = '"request": {"webhook": "a",\n"jsn": 1}';
  assertEquals(await problemsOf(`{"cases": [{"name": "a", ${request}, "expect": {\n"status": "200"}}]}`), [
    "cases.json:2: cases.0.request.jsn: Key 'jsn' is not known: nearest is 'json'",
    "cases.json:3: cases.0.expect.status: Invalid input: expected number, received string",
  ]);
  assertEquals(
    await problemsOf('{"cases": [{"name": "a", "request": {"path": "/", "text": "",\n"json": 1}}]}'),
    [
      "cases.json:1: cases.0.request.text: Cannot stand beside 'json'",
      "cases.json:1: cases.0: Needs 'request' and 'expect', or 'exchanges'",
    ],
  );
  const good = '"cases": [{"name": "a", "request": {"path": "/"}, "expect": {"status": 404}}]';
  assertEquals(await problemsOf(`{"webhooks": "none.json", ${good}}`), [
    "none.json: The file does not exist",
  ]);
  assertEquals(await problemsOf(`{"environment": {"PORT": "x"}, ${good}}`), [
    'PORT must be a whole number from 0 to 65535: current value is "x"',
  ]);
  assertEquals((await assertRejects(() => test([dir.file("no.json")], {}), StartupError)).problems, [
    `${dir.file("no.json")} cannot be read: NotFound`,
  ]);
  assertEquals(await problemsOf(`\ufeff{\n"cases": []}`), ["cases.json:2: cases: Must not be empty"]);
  const usable = await dir.writeText("good.json", `{${good}}`);
  const lines: string[] = [];
  await dir.writeText("cases.json", "{}");
  await assertRejects(
    () => test([usable, dir.file("cases.json")], {}, (line) => lines.push(line)),
    StartupError,
  );
  assertEquals(lines, []);
});

Deno.test("journals of cases need a folder, which may be DATA_DIR", async () => {
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", { a: LOG });
  const expect = { status: 200, deliveries: [{}] };
  const path = await dir.writeJson("cases.json", {
    webhooks: "webhooks.json",
    ...oneCase({ json: 1 }, expect),
  });
  const former = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", dir.file("none"));
  try {
    assertEquals(await test([path], { DATA_DIR: dir.file("data") }, () => {}), 0);
    const { exitStatus } = await assertRejects(
      () => test([path], { DATA_DIR: path }, () => {}),
      StartupError,
    );
    assertEquals(exitStatus, 2);
  } finally {
    if (former === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", former);
  }
});

Deno.test("overlays are merged for cases, too, and results can be printed as JSON", async () => {
  await using dir = await TempDir.create();
  await dir.writeJson("base.json", { a: LOG });
  await dir.writeJson("prod.json", { a: { module: "save_to_disk", "module-config": { path: "x" } } });
  await dir.writeText("body.json", '{"n": 1}');
  const cases = ["save_to_disk", "log"].map((module) => ({
    name: module,
    request: { webhook: "a", file: "body.json" },
    expect: { status: 200, deliveries: [{ module, json: { n: 1 } }] },
  }));
  const path = await dir.writeJson("cases.json", { webhooks: ["base.json", "prod.json"], cases });
  const lines: string[] = [];
  assertEquals(await test([path, "--json"], {}, (line) => lines.push(line)), 1);
  const { passed, failed, cases: results } = JSON.parse(lines.join("")) as {
    passed: number;
    failed: number;
    cases: { file: string; name: string; passed: boolean; differences: unknown[] }[];
  };
  assertEquals([passed, failed, results.map(({ passed }) => passed)], [1, 1, [true, false]]);
  assertEquals(results[1]?.differences, [
    { place: "deliveries.0.module", expected: "log", seen: "save_to_disk" },
  ]);
});

Deno.test("the cases of the page are as it says", async () => {
  const page = await Deno.readTextFile(new URL("../../../src/cli/cases/README.md", import.meta.url));
  const [cases, webhooks] = [...page.matchAll(/^```json\n([^]*?)^```$/gm)].map(([, json]) =>
    JSON.parse(json!)
  );
  const { status, lines } = await runCases(webhooks, cases);
  assertEquals([status, lines.at(-1)], [0, "3 passed, 0 failed"]);
});
