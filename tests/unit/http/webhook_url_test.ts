import { assertEquals } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { formatRequest, RawHttpConnection, type RawResponse } from "../../support/http/raw_http.ts";

async function start(probe = new ProbeModule()): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: {
      orders: { module: "probe" },
      "team-a": { module: "probe" },
      guarded: { module: "probe", authorization: "Bearer a-token-of-the-tests" },
    },
    modules: [probe.module],
    environment: { ETCD_NAMESPACE: "shop" },
  });
}

/** Byte by byte: a client would tidy the path up. */
async function postRaw(
  gateway: TestGateway,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawResponse> {
  await using connection = await RawHttpConnection.open(gateway.port);
  await connection.write(formatRequest("POST", path, { headers, body: "{}" }));
  return await connection.readResponse();
}

Deno.test("a slash at the end of the URL names the same webhook, with and without the namespace", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const paths = ["/webhook/orders/", "/webhook/shop/orders/", "/webhook/orders/?a=1", "/webhook/orders"];
  for (const path of [...paths, ...paths]) {
    assertEquals((await gateway.post(path, "{}")).status, 200, path);
  }
  assertEquals(new Set(probe.events.map(({ namespace, webhook }) => `${namespace}/${webhook}`)).size, 1);
});

Deno.test("a webhook is guarded under the URL with a slash as well", async () => {
  await using gateway = await start();
  assertEquals((await gateway.post("/webhook/guarded/", "{}")).status, 401);
});

Deno.test("one slash at the end is left out, and no other", async (t) => {
  await using gateway = await start();
  const cases: readonly [path: string, status: number, code: string][] = [
    ["/webhook/orders//", 400, "invalid_webhook_id"],
    ["/webhook/shop/orders//", 404, "not_found"],
    ["/webhook/shop/orders/more/", 404, "not_found"],
    ["/webhook//orders/", 400, "invalid_namespace"],
    ["/webhook//", 400, "invalid_webhook_id"],
    ["/webhook/", 400, "invalid_webhook_id"],
    ["/webhook/orders%2F", 400, "invalid_webhook_id"],
    ["/webhook/shop%2Forders", 400, "invalid_webhook_id"],
    ["/webhook%2Forders", 404, "not_found"],
    ["/webhook/sh%2fop/orders", 400, "invalid_namespace"],
    ["/webhook/nobody/", 404, "webhook_not_found"],
    ["/webhook/shop/nobody/", 404, "webhook_not_found"],
  ];
  for (const [path, status, code] of cases) {
    await t.step(`${path} gets ${status} ${code}`, async () => {
      const answer = await postRaw(gateway, path);
      assertEquals([answer.status, errorCode(answer)], [status, code]);
    });
  }
});

Deno.test("the name of a namespace with a slash behind it is a webhook's name", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  assertEquals((await gateway.post("/webhook/team-a/", "{}")).status, 200);
  assertEquals(probe.events.map(({ namespace, webhook }) => `${namespace}/${webhook}`), ["shop/team-a"]);
});

Deno.test("a URL with a slash leads nowhere once its webhook is gone", async () => {
  await using gateway = await start();
  assertEquals((await gateway.post("/webhook/orders/", "{}")).status, 200);
  await gateway.writeWebhooks({ other: { module: "log" } });
  await gateway.reload();
  assertEquals((await gateway.post("/webhook/orders/", "{}")).status, 404);
});

Deno.test("a percent-encoded letter in the path of a webhook is the letter", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const paths = [
    "/webhook/%6Frders",
    "/webhook/order%73/",
    "/webhook/shop/%6f%72%64%65%72%73?a=%2F",
    "/webhook/%73hop/orders",
    "/%77ebhook/orders",
    "/webhook/team%2Da",
    "/webhook/team%2da",
  ];
  for (const path of [...paths, ...paths]) {
    const answer = await postRaw(gateway, path);
    assertEquals([answer.status, answer.text], [200, answer.text], path);
  }
  const named = new Set(probe.events.map(({ namespace, webhook }) => `${namespace}/${webhook}`));
  assertEquals([...named].sort(), ["shop/orders", "shop/team-a"]);
  assertEquals((await postRaw(gateway, "/webhook/g%75arded")).status, 401);
});

Deno.test("what is encoded and no letter, encoded twice or malformed leads to no webhook", async () => {
  await using gateway = await start();
  const paths = [
    "ord%ers",
    "orders%",
    "orders%7",
    "orders%zz",
    "orders%00",
    "orders%20",
    "%256Frders",
    "%C3%B6rders",
  ];
  for (const path of [...paths, "%2e%2e%2forders", "orders%25", "orders%3F"]) {
    const answer = await postRaw(gateway, `/webhook/${path}`);
    assertEquals([answer.status, errorCode(answer)], [400, "invalid_webhook_id"], path);
  }
});

Deno.test("routes beside the webhooks have one spelling only", async () => {
  await using gateway = await start();
  for (const path of ["/h%65alth", "/%61dmin/config", "/m%65trics"]) {
    await using connection = await RawHttpConnection.open(gateway.port);
    await connection.write(formatRequest("GET", path));
    assertEquals((await connection.readResponse()).status, 404, path);
  }
});

Deno.test("a signature over the URL covers the path as it was sent", async () => {
  const secret = "a secret of the tests";
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log", signature: { provider: "twilio", secret } } },
    environment: { PUBLIC_URL: "https://hooks.example.com" },
  });
  const statusOf = async (path: string, signed: string) => {
    const query = `?bodySHA256=${createHash("sha256").update("{}").digest("hex")}`;
    const content = `https://hooks.example.com${signed}${query}`;
    const signature = createHmac("sha1", secret).update(content).digest("base64");
    const headers = { "X-Twilio-Signature": signature, "Content-Type": "application/json" };
    return (await postRaw(gateway, path + query, headers)).status;
  };
  assertEquals(await statusOf("/webhook/%6Frders", "/webhook/%6Frders"), 200);
  assertEquals(await statusOf("/webhook/%6Frders", "/webhook/orders"), 401);
});
