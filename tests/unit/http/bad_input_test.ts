import { assert, assertEquals, assertMatch } from "@std/assert";
import { gzipSync } from "node:zlib";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { formatChunk, formatRequest, RawHttpConnection } from "../../support/http/raw_http.ts";

const SECRET_TOKEN = "Bearer a-token-of-the-tests";

async function start(environment: Record<string, string> = {}) {
  const probe = new ProbeModule();
  const gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "probe" },
      blobs: { module: "probe", data_type: "blob" },
      guarded: { module: "probe", authorization: SECRET_TOKEN },
      signed: { module: "probe", hmac: { secret: "a secret", header: "X-Signature" } },
      small: { module: "probe", max_body_bytes: 10 },
      broken: { module: "probe", hmca: { secret: "x" } },
      off: { module: "probe", enabled: false },
    },
    modules: [probe.module],
    environment,
  });
  return { probe, gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

Deno.test("the gateway answers each kind of wrong request with its own status and code", async (t) => {
  await using context = await start();
  const { gateway, probe } = context;
  const json = { method: "POST", body: "{}" };
  const cases: readonly [name: string, path: string, init: RequestInit, status: number, code: string][] = [
    ["an unknown route", "/nothing", {}, 404, "not_found"],
    ["a route with too many parts", "/webhook/a/b/c", json, 404, "not_found"],
    ["a webhook that does not exist", "/webhook/nobody", json, 404, "webhook_not_found"],
    ["a namespace that does not exist", "/webhook/team-a/orders", json, 404, "webhook_not_found"],
    ["a method other than POST", "/webhook/orders", { method: "DELETE" }, 405, "method_not_allowed"],
    ["a method that every object has", "/livez", { method: "toString" }, 405, "method_not_allowed"],
    ["a method named __proto__", "/admin/config", { method: "__proto__" }, 405, "method_not_allowed"],
    ["GET on a webhook that does not exist", "/webhook/nobody", {}, 405, "method_not_allowed"],
    ["a namespace with a dot", "/webhook/te.am/orders", json, 400, "invalid_namespace"],
    ["a namespace of 65 characters", `/webhook/${"a".repeat(65)}/orders`, json, 400, "invalid_namespace"],
    ["an encoded slash in the namespace", "/webhook/a%2Fb/orders", json, 400, "invalid_namespace"],
    ["an id that begins with a dash", "/webhook/-orders", json, 400, "invalid_webhook_id"],
    ["an empty id", "/webhook/", json, 400, "invalid_webhook_id"],
    ["malformed JSON", "/webhook/orders", { method: "POST", body: "{" }, 400, "invalid_json"],
    ["an empty body where JSON is expected", "/webhook/orders", { method: "POST" }, 400, "empty_body"],
    [
      "a body over the webhook's limit",
      "/webhook/small",
      { method: "POST", body: `"1234567890"` },
      413,
      "body_too_large",
    ],
    ["missing credentials", "/webhook/guarded", json, 401, "unauthorized"],
    [
      "wrong credentials",
      "/webhook/guarded",
      { ...json, headers: { authorization: "Bearer no" } },
      401,
      "unauthorized",
    ],
    ["a missing signature", "/webhook/signed", json, 401, "unauthorized"],
    [
      "an unknown content encoding",
      "/webhook/orders",
      { ...json, headers: { "content-encoding": "compress" } },
      415,
      "unsupported_encoding",
    ],
    [
      "gzip that is none",
      "/webhook/orders",
      { ...json, headers: { "content-encoding": "gzip" } },
      400,
      "invalid_encoding",
    ],
    ["a misconfigured webhook", "/webhook/broken", json, 503, "webhook_misconfigured"],
    ["a webhook that is switched off", "/webhook/off", json, 404, "webhook_disabled"],
    ["an admin route while no token is set", "/admin/config", {}, 403, "forbidden"],
  ];
  for (const [name, path, init, status, code] of cases) {
    await t.step(`${name} gets ${status} ${code}`, async () => {
      const answer = await gateway.request(path, init);
      assertEquals([answer.status, errorCode(answer)], [status, code]);
      assertEquals(answer.headers.get("content-type"), "application/json");
      assertMatch(answer.headers.get("x-request-id") ?? "", /^[a-z0-9]+-[a-z0-9]+$/);
    });
  }
  assertEquals(probe.events, [], "nothing reached the output");
});

Deno.test("a method that is not allowed is answered with the list of those that are", async () => {
  await using context = await start();
  const answer = await context.gateway.request("/webhook/orders", { method: "DELETE" });
  assertEquals(answer.headers.get("allow"), "POST");
});

Deno.test("all unknown webhooks get the very same body, whatever their name", async () => {
  await using context = await start();
  const first = await context.gateway.post("/webhook/nobody", "{}");
  const second = await context.gateway.post("/webhook/team-a/other", "{}");
  assertEquals(first.text, second.text);
});

Deno.test("a request with a wrong bearer token is told which scheme is expected", async () => {
  await using context = await start();
  const answer = await context.gateway.post("/webhook/guarded", "{}");
  assertEquals(answer.headers.get("www-authenticate"), "Bearer");
});

Deno.test("a misconfigured webhook tells senders when to try again", async () => {
  await using context = await start();
  const answer = await context.gateway.post("/webhook/broken", "{}");
  assertMatch(answer.headers.get("retry-after") ?? "", /^\d+$/);
});

Deno.test("a Host header that is no host is answered with 400", async () => {
  await using context = await start();
  await using connection = await RawHttpConnection.open(context.gateway.port);
  await connection.write(formatRequest("POST", "/webhook/orders", { headers: { Host: "a b" }, body: "{}" }));
  const answer = await connection.readResponse();
  assertEquals([answer.status, errorCode(answer)], [400, "invalid_host"]);
});

Deno.test("a Host header cannot decide which path a request is routed by", async () => {
  await using context = await start();
  const { port } = context.gateway;
  const send = async (method: string, path: string, Host: string) => {
    await using connection = await RawHttpConnection.open(port);
    const body = method === "POST" ? { body: "{}" } : {};
    await connection.write(formatRequest(method, path, { headers: { Host }, ...body }));
    return await connection.readResponse();
  };
  // The same text as a URL, which is then known.
  assertEquals((await send("POST", "/webhook/orders?/webhook/blobs", "x")).status, 200);
  for (
    const host of [
      "x/webhook/orders?",
      "x/webhook",
      "x?",
      "x#",
      "user@x",
      "x\\y",
      "x, y",
      "[::1",
      "x:80/",
      "x:a",
    ]
  ) {
    const answer = await send("POST", "/webhook/blobs", host);
    assertEquals([host, answer.status, errorCode(answer)], [host, 400, "invalid_host"]);
  }
  assertEquals(errorCode(await send("GET", "/livez", "x/metrics?")), "invalid_host");
  for (const host of ["x", "x:8000", "a-b_c.example:443", "127.0.0.1", "[::1]", "[::1]:8000", "x:"]) {
    assertEquals([host, (await send("POST", "/webhook/blobs", host)).status], [host, 200]);
  }
});

Deno.test("a connection stays usable after a declared body over the limit was refused", async () => {
  await using context = await start({ MAX_BODY_BYTES: "100" });
  await using connection = await RawHttpConnection.open(context.gateway.port);
  await connection.write(formatRequest("POST", "/webhook/orders", { body: `"${"x".repeat(5000)}"` }));
  assertEquals((await connection.readResponse()).status, 413);
  await connection.write(formatRequest("POST", "/webhook/orders", { body: `{"second":true}` }));
  assertEquals((await connection.readResponse()).status, 200);
  assertEquals(context.probe.events.map(({ text }) => text), [`{"second":true}`]);
});

Deno.test("a streamed body over the limit is cut off with 413 before it ends", async () => {
  await using context = await start({ MAX_BODY_BYTES: "100" });
  await using connection = await RawHttpConnection.open(context.gateway.port);
  const chunked = { headers: { "Transfer-Encoding": "chunked" } };
  await connection.write(formatRequest("POST", "/webhook/orders", chunked));
  await connection.write(formatChunk("x".repeat(200)));
  const answer = await connection.readResponse();
  assertEquals([answer.status, errorCode(answer)], [413, "body_too_large"]);
});

Deno.test("a connection stays usable after a streamed body over the limit was refused", async () => {
  await using context = await start({ MAX_BODY_BYTES: "100" });
  await using connection = await RawHttpConnection.open(context.gateway.port);
  const chunked = { headers: { "Transfer-Encoding": "chunked" } };
  await connection.write(formatRequest("POST", "/webhook/orders", chunked));
  await connection.write(formatChunk("x".repeat(200)) + formatChunk(""));
  assertEquals((await connection.readResponse()).status, 413);
  await connection.write(formatRequest("POST", "/webhook/orders", { body: "{}" }));
  assertEquals((await connection.readResponse()).status, 200);
});

Deno.test("a body in chunks within the limit is accepted", async () => {
  await using context = await start();
  await using connection = await RawHttpConnection.open(context.gateway.port);
  await connection.write(
    formatRequest("POST", "/webhook/orders", { headers: { "Transfer-Encoding": "chunked" } }),
  );
  await connection.write(formatChunk(`{"a":`) + formatChunk(`1}`) + formatChunk(""));
  assertEquals((await connection.readResponse()).status, 200);
  assertEquals(context.probe.events.map(({ text }) => text), [`{"a":1}`]);
});

Deno.test("a body that stalls is answered with 408, and its late rest closes the connection", async () => {
  await using context = await start({ BODY_TIMEOUT_MS: "100" });
  await using connection = await RawHttpConnection.open(context.gateway.port);
  const stalled = { headers: { "Content-Length": "50" }, body: `{"half":` };
  await connection.write(formatRequest("POST", "/webhook/orders", stalled));
  const answer = await connection.readResponse();
  assertEquals([answer.status, errorCode(answer)], [408, "body_timeout"]);
  await connection.write(
    "x".repeat(42) + "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
  );
  assertEquals((await connection.readToEnd()).length, 0);
  assertEquals(context.probe.events, []);
});

Deno.test("a sender that goes away in the middle of its body leaves nothing behind", async () => {
  await using context = await start();
  {
    await using connection = await RawHttpConnection.open(context.gateway.port);
    await connection.write(
      formatRequest("POST", "/webhook/orders", { headers: { "Content-Length": "50" }, body: "{" }),
    );
  }
  assertEquals((await context.gateway.post("/webhook/orders", "{}")).status, 200);
  assertEquals(context.probe.events.length, 1);
});

Deno.test("two values in a signature header are refused", async () => {
  await using context = await start();
  await using connection = await RawHttpConnection.open(context.gateway.port);
  await connection.write(
    "POST /webhook/signed HTTP/1.1\r\nHost: x\r\nX-Signature: aa\r\nX-Signature: bb\r\nContent-Length: 2\r\n\r\n{}",
  );
  assertEquals((await connection.readResponse()).status, 401);
});

Deno.test("a decompression bomb is stopped at the limit with 413", async () => {
  await using context = await start();
  const bomb = gzipSync(new Uint8Array(200 * 1024 * 1024)) as Uint8Array<ArrayBuffer>;
  const answer = await context.gateway.post("/webhook/blobs", bomb, { "content-encoding": "gzip" });
  assertEquals([answer.status, errorCode(answer)], [413, "body_too_large"]);
  assertEquals(context.probe.events, []);
});

Deno.test("a refused request does not have its body read first", async () => {
  await using context = await start();
  await using connection = await RawHttpConnection.open(context.gateway.port);
  // The body is declared but never sent: only an answer that does not wait for it can come.
  await connection.write(
    formatRequest("POST", "/webhook/guarded", { headers: { "Content-Length": "1000000" } }),
  );
  assertEquals((await connection.readResponse()).status, 401);
});

Deno.test("odd but valid JSON is accepted and handed on unchanged", async (t) => {
  await using context = await start();
  const cases: readonly [name: string, body: string][] = [
    ["a key named __proto__", `{"__proto__":{"polluted":true}}`],
    ["1,000 nested arrays", "[".repeat(1_000) + "]".repeat(1_000)],
    ["lone surrogates", `"\\ud800"`],
    ["a string of 9 MiB", `"${"x".repeat(9 * 1024 * 1024)}"`],
    ["null", "null"],
  ];
  for (const [name, body] of cases) {
    await t.step(name, async () => {
      assertEquals((await context.gateway.post("/webhook/orders", body)).status, 200);
      assertEquals(context.probe.events.at(-1)?.text === body, true);
    });
  }
  assertEquals(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("a NUL byte in a header does no harm to the gateway", async () => {
  await using context = await start();
  await using connection = await RawHttpConnection.open(context.gateway.port);
  await connection.write(
    "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nX-Odd: a\0b\r\nContent-Length: 2\r\n\r\n{}",
  );
  const answer = await connection.readResponse();
  assert(answer.status === 400 || answer.status === 200, `answered ${answer.status}`);
  assertEquals((await context.gateway.post("/webhook/orders", "{}")).status, 200);
});
