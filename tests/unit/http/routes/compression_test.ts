import { assert, assertEquals } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { TestGateway } from "../../../support/gateway.ts";
import { formatRequest, RawHttpConnection, type RawResponse } from "../../../support/http/raw_http.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const LARGE_BODY = JSON.stringify({ list: new Array(250).fill("an answer of the webhook") });

async function start(webhooks: number): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: {
      good: { module: "log", response: { body: LARGE_BODY } },
      ...Object.fromEntries(
        Array.from({ length: webhooks }, (_, index) => [`bad-${index}`, { module: "lgo" }]),
      ),
    },
    environment: { ADMIN_TOKEN },
  });
}

/** The answer as it travels: a client of the runtime would undo its coding. */
async function ask(
  gateway: TestGateway,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<RawResponse> {
  await using connection = await RawHttpConnection.open(gateway.port);
  const method = body === undefined ? "GET" : "POST";
  const authorization = `Bearer ${ADMIN_TOKEN}`;
  const request = { headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) };
  await connection.write(formatRequest(method, path, request));
  return await connection.readResponse();
}

Deno.test("a large admin list is compressed for whoever takes gzip, and says that it varies", async () => {
  await using gateway = await start(500);
  const plain = await ask(gateway, "/admin/config", {});
  assertEquals([plain.status, plain.headers.get("content-encoding")], [200, null]);
  assertEquals(plain.headers.get("vary"), "accept-encoding");
  const zipped = await ask(gateway, "/admin/config", { "accept-encoding": "br;q=1, gzip;q=0.5" });
  assertEquals([zipped.status, zipped.headers.get("content-encoding")], [200, "gzip"]);
  assertEquals(zipped.headers.get("content-type"), "application/json");
  assertEquals(zipped.headers.get("vary"), "accept-encoding");
  assert(zipped.headers.has("x-request-id"));
  assert(zipped.body.length * 5 < plain.body.length, `${zipped.body.length} of ${plain.body.length}`);
  const list = (text: string) => JSON.parse(text).problems.map((problem: { key: string }) => problem.key);
  assertEquals(list(gunzipSync(zipped.body).toString()), list(plain.text));
  const refused = await ask(gateway, "/admin/config", { "accept-encoding": "gzip;q=0, *;q=1" });
  assertEquals(refused.headers.get("content-encoding"), null);
});

Deno.test("small answers and those of webhooks are never compressed, whatever a client takes", async () => {
  await using gateway = await start(0);
  const takesAll = { "accept-encoding": "gzip, deflate, br, zstd" };
  const stats = await ask(gateway, "/admin/stats", takesAll);
  assertEquals([stats.status, stats.headers.get("content-encoding")], [200, null]);
  assertEquals(JSON.parse(stats.text).webhooks, 1);
  assertEquals((await ask(gateway, "/admin/missing", takesAll)).headers.get("content-encoding"), null);
  const accepted = await ask(gateway, "/webhook/good", takesAll, "{}");
  assertEquals([accepted.status, accepted.body.length], [200, LARGE_BODY.length]);
  assertEquals([accepted.headers.get("content-encoding"), accepted.headers.get("vary")], [null, null]);
});
